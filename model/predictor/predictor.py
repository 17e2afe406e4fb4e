"""A model for good: trained networks with all they need to predict from raw features, saved without pickles.

On disk it is a folder: `model.json` (genomes, schema, where it came from) and `weights.safetensors`. Fold statistics
are baked into the weights, so its networks read normalised features and answer in the target's own units.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from haemsa.model.data.dataset import Dataset, Modality
from haemsa.model.data.normalisation import Normalisation
from haemsa.model.data.streamed import StoredFeatures
from haemsa.model.network.cohort import Cohort, CohortRow, sort_order
from haemsa.model.network.cohort_network import CohortNetwork
from haemsa.model.network.weights import Weights, insert
from haemsa.model.predictor.baking import bake
from haemsa.model.predictor.calibration import Calibration, Temperature, from_dict
from haemsa.model.schema import Schema, TaskInfo
from haemsa.model.spec.genome import Genome
from haemsa.model.training.fold_statistics import FoldStatistics
from haemsa.model.training.pool import Pool
from haemsa.model.training.train import TrainedRow

FORMAT: Final = 1
_SHARE_ERROR: Final = 1e-6  # by how much shares may miss a sum of 1
Inputs = Mapping[str, tuple[NDArray[Any] | StoredFeatures, NDArray[np.int64]]]
"""Raw features [N, T, D] and lengths [N] by modality; an absent modality is missing, or has length 0."""


@dataclass(frozen=True)
class Predictor:
    """One or several trained networks (seeds, folds, or an ensemble) that predict as one cohort.

    `members`: a genome and its baked weights each. `info`: anything worth keeping: data fingerprint, versions, scores.
    `shares`: the part of each member in the mean, summing to 1; empty where all count alike. `calibration`: by task.
    """

    schema: Schema
    normalisation: Normalisation
    members: tuple[tuple[Genome, Weights], ...]
    info: Mapping[str, Any] = field(default_factory=dict)
    shares: tuple[float, ...] = ()
    calibration: Mapping[str, Calibration] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.shares:
            return
        if len(self.shares) != len(self.members):
            raise ValueError(f"there are {len(self.shares)} shares, expected {len(self.members)}, one for each member")
        if not min(self.shares) >= 0 or not abs(sum(self.shares) - 1) < _SHARE_ERROR:
            raise ValueError(f"the shares are {list(self.shares)}, expected numbers from 0 that sum to 1")

    @classmethod
    def of(
        cls,
        trained: Sequence[TrainedRow],
        statistics: FoldStatistics,
        schema: Schema,
        normalisation: Normalisation,
        info: Mapping[str, Any],
        shares: Sequence[float] = (),
    ) -> Predictor:
        """Bake the statistics that each row was trained with into its weights."""
        members = tuple((item.row.genome, bake(item.row, item.weights, statistics)) for item in trained)
        return cls(schema, normalisation, members, info, tuple(shares))

    @property
    def modalities(self) -> Mapping[str, tuple[int, int]]:
        """Name to (time steps, features) of what it may be given."""
        return self.schema.modalities

    @property
    def tasks(self) -> Mapping[str, TaskInfo]:
        """What it predicts."""
        return self.schema.tasks

    def feature_means(self) -> dict[str, NDArray[np.float32]]:
        """Mean of every feature over the training data, [D] by modality: an example that is nobody's sample."""
        return dict(self.normalisation.mean)

    def inputs(self, dataset: Dataset) -> Inputs:
        """A dataset's raw features, of the modalities that it knows."""
        return {name: item for name, item in inputs_of(dataset).items() if name in self.modalities}

    def predict(self, inputs: Inputs) -> dict[str, NDArray[np.float32]]:
        """The members' mean, by their shares: regression values [N], class or label probabilities [N, C], by task.

        Class probabilities are calibrated, where the model knows how.
        """
        means = {name: self.mean(values) for name, values in self.predict_members(inputs).items()}
        return {
            name: values[:, 0] if self.tasks[name].kind == "regression" else self.calibrated(name, values)
            for name, values in means.items()
        }

    def mean(self, outputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """The mean of the members' predictions [K, N, C], by their shares."""
        return np.average(outputs.astype(np.float64), 0, self.shares or None).astype(np.float32)

    def calibrated(self, task: str, probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
        """Mean probabilities [N, C], at the task's temperature where it has one."""
        found = self.calibration.get(task)
        return found.apply(probabilities) if isinstance(found, Temperature) else probabilities

    def predict_members(
        self, inputs: Inputs, batch_size: int = 256, watch: Callable[[CohortNetwork], object] | None = None
    ) -> dict[str, NDArray[np.float32]]:
        """Every member's predictions by task [K, N, C]: values, or probabilities.

        `watch` is given the network before it predicts, to hook into (model/predictor/insight.py).
        Raises ValueError for an unknown modality, a wrong number of features, or no modality at all.
        """
        count = self._check(inputs)
        order = sort_order([CohortRow(genome, 0) for genome, _ in self.members])
        network = CohortNetwork(Cohort([CohortRow(self.members[index][0], 0) for index in order], self.schema)).eval()
        insert(network, [self.members[index][1] for index in order])
        if watch is not None:
            watch(network)
        parts = []
        with torch.inference_mode():
            for samples in np.array_split(np.arange(count), max(1, math.ceil(count / batch_size))):
                pool = Pool.of_modalities(self._normalised(inputs, samples), self.schema)
                parts.append(network(pool.batch(np.arange(len(samples)), reads=network.reads)).outputs)
        back = np.argsort(order)
        return {
            name: probabilities(task, torch.cat([part[name] for part in parts], 1)).numpy()[back]
            for name, task in self.tasks.items()
        }

    def _check(self, inputs: Inputs) -> int:
        """The number of samples. Raises ValueError for inputs that do not fit the model, or one another."""
        unknown = sorted(set(inputs) - set(self.modalities))
        if unknown or not inputs:
            found = f"modalities {unknown}" if unknown else "no modality"
            raise ValueError(f"the input has {found}, the model reads {', '.join(self.modalities)}")
        count = len(next(iter(inputs.values()))[1])
        for name, (raw, lengths) in inputs.items():
            if len(raw) != count or len(lengths) != count:
                raise ValueError(f"modality {name!r} has {len(raw)} samples, expected {count} as the others")
        return count

    def _normalised(self, inputs: Inputs, samples: NDArray[np.int64]) -> dict[str, Modality]:
        """Some samples, cut to their longest, which is at most as long as the model knows.

        Absent modalities have length 0, and so have those that no member reads.
        """
        read = {name for genome, _ in self.members for name in genome.network.modalities}
        found = {}
        for name, (steps, width) in self.modalities.items():
            raw, lengths = np.zeros((len(samples), 1, width), np.float32), np.zeros(len(samples), np.int64)
            if name in inputs and name in read:
                features, known = inputs[name]
                lengths = np.minimum(known[samples], steps).astype(np.int64)
                longest = max(1, int(lengths.max(initial=0)))
                if isinstance(features, StoredFeatures):
                    raw = features.read(samples, longest)
                else:
                    raw = np.asarray(features)[samples, :longest]
            found[name] = Modality(self.normalisation.arrays(name, raw, lengths), lengths)
        return found

    def save(self, folder: Path) -> None:
        """Write the folder; what was there by these names is replaced."""
        from safetensors.numpy import save_file

        arrays = {f"normalisation/{name}": values for name, values in self.normalisation.to_arrays().items()}
        for number, (_, weights) in enumerate(self.members):
            arrays |= {f"{number}/{name}": np.ascontiguousarray(values.numpy()) for name, values in weights.items()}
        description: dict[str, Any] = {
            "format": FORMAT,
            "genomes": [genome.to_dict() for genome, _ in self.members],
            "schema": self.schema.to_dict(),
            "info": dict(self.info),
        }
        if self.shares:
            description["shares"] = list(self.shares)
        if self.calibration:
            description["calibration"] = {name: vars(found) for name, found in self.calibration.items()}
        folder.mkdir(parents=True, exist_ok=True)
        save_file(arrays, folder / "weights.safetensors")
        (folder / "model.json").write_text(json.dumps(description, indent=2) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path | str) -> Predictor:
        """Read `save`'s folder. Raises ValueError with one sentence if it is none, or damaged."""
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        place = Path(folder)
        try:
            data = json.loads((place / "model.json").read_text(encoding="utf-8"))
            arrays = load_file(place / "weights.safetensors")
        except FileNotFoundError:
            raise ValueError(f"{place} holds no model, expected model.json and weights.safetensors") from None
        except (json.JSONDecodeError, UnicodeDecodeError, SafetensorError, OSError) as error:
            raise ValueError(f"the model in {place} is damaged: {error}") from None
        if not isinstance(data, dict) or data.get("format") != FORMAT:
            raise ValueError(f"the model in {place} is not of format {FORMAT}, which this version reads")
        try:
            return cls._from(data, arrays)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"the model in {place} is damaged: {error!r} in model.json") from None
        except ValueError as error:
            raise ValueError(f"the model in {place} is damaged: {error}") from None

    @classmethod
    def _from(cls, data: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Predictor:
        by_owner: dict[str, dict[str, NDArray[Any]]] = {}
        for path, values in arrays.items():
            owner, _, name = path.partition("/")
            by_owner.setdefault(owner, {})[name] = values
        genomes = [Genome.from_dict(item) for item in data["genomes"]]
        weights = [
            {name: torch.from_numpy(values.copy()) for name, values in by_owner[str(number)].items()}
            for number in range(len(genomes))
        ]
        normalisation = Normalisation.from_arrays(by_owner["normalisation"])
        members = tuple(zip(genomes, weights, strict=True))
        shares = tuple(float(share) for share in data.get("shares", ()))
        calibration = from_dict(data.get("calibration", {}))
        return cls(Schema.from_dict(data["schema"]), normalisation, members, data["info"], shares, calibration)


def inputs_of(dataset: Dataset) -> Inputs:
    """A dataset's raw features as a predictor takes them."""
    return {name: (item.features, item.lengths) for name, item in dataset.modalities.items()}


def probabilities(task: TaskInfo, outputs: Tensor) -> Tensor:
    """Raw outputs [..., C] as values, class probabilities or label probabilities."""
    if task.kind == "regression":
        return outputs
    return outputs.softmax(-1) if task.kind == "classes" else outputs.sigmoid()
