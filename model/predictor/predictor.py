"""A trained model: networks, with all they need to predict from raw features.

Statistics of folds are baked into the weights (`baking`): the networks read normalised features and answer in the units
of the labels. Axes: `K` members, `N` samples, `T` time steps, `D` features, `C` outputs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from haemsa.model.bounds import within
from haemsa.model.data.normalisation import Normalisation
from haemsa.model.network.cohort_network import CohortNetwork
from haemsa.model.network.weights import Weights
from haemsa.model.predictor.baking import bake
from haemsa.model.predictor.calibration import Calibration, Temperature, from_dict
from haemsa.model.predictor.inputs import Data, Inputs, count_samples, fitting, inputs_of, normalised
from haemsa.model.predictor.joined import joined, probabilities
from haemsa.model.predictor.model_files import read_model, with_own_encoders, write_model
from haemsa.model.schema import Schema, TaskInfo
from haemsa.model.spec.genome import Genome
from haemsa.model.training.fold_statistics import FoldStatistics
from haemsa.model.training.pool import Pool
from haemsa.model.training.train import TrainedRow

_SHARE_ERROR: Final = 1e-6
"""How far the sum of shares can be from 1."""


@dataclass(frozen=True)
class Predictor:
    """One or several trained networks (seeds, folds, or an ensemble) that predict together.

    `Predictor.load(folder)` reads a model that `haemsa train` saved. `Predictor.of` makes one of trained networks.

    Args:
        schema: The modalities that it reads, and the tasks that it predicts.
        normalisation: The statistics of training that normalise raw features.
        members: The genome of each network, and its baked weights.
        info: Anything worth keeping: the data's fingerprint, versions, scores.
        shares: The part of each member in the mean. They sum to 1. Without shares, all members count the same.
        calibration: Intervals or a temperature by task, for the tasks that have them.

    Raises:
        ValueError: The number of shares is not that of the members, or they do not sum to 1.

    Example:
        >>> from haemsa.model.data.builtin.planted import planted
        >>> from haemsa.model.data.folds import holdout
        >>> from haemsa.model.network.cohort import CohortRow
        >>> from haemsa.model.spec.network import EncoderSpec, ExpertSpec, LevelSpec, NetworkSpec
        >>> from haemsa.model.spec.training import TrainingGenes
        >>> from haemsa.model.training.train import train
        >>> data = planted(sizes=(60, 20, 20))
        >>> level = LevelSpec((ExpertSpec(("text",), width=4),))
        >>> genome = Genome(NetworkSpec(8, (EncoderSpec("text", "mean"),), (level,)), TrainingGenes(epochs=1))
        >>> normalisation, folds = Normalisation.fit(data), holdout(data.pool())
        >>> pool = Pool.of(normalisation.apply(data.pool()))
        >>> trained = train([CohortRow(genome, seed=0)], pool, folds)
        >>> predictor = Predictor.of(trained, FoldStatistics.fit(pool, folds), Schema.of(data), normalisation, info={})
        >>> {task: values.shape for task, values in predictor.predict(predictor.inputs(data.part("test"))).items()}
        {'sentiment': (20,), 'emotion': (20, 6)}
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
        """A model of trained networks.

        Args:
            trained: The networks.
            statistics: The statistics of folds that they were trained with, which are baked into their weights.
            schema: The modalities and tasks of the data.
            normalisation: What normalised the data before training.
            info: Anything worth keeping.
            shares: The part of each network in the mean, if they do not count the same.
        """
        members = tuple((item.row.genome, bake(item.row, item.weights, statistics)) for item in trained)
        return cls(schema, normalisation, members, info, tuple(shares))

    @property
    def modalities(self) -> Mapping[str, tuple[int, int]]:
        """The modalities that it can read, with their time steps and features."""
        return self.schema.modalities

    @property
    def tasks(self) -> Mapping[str, TaskInfo]:
        """The tasks that it predicts."""
        return self.schema.tasks

    def feature_means(self) -> dict[str, NDArray[np.float32]]:
        """The mean of each feature in training, [D] by modality. It is an example that is no person's sample."""
        return dict(self.normalisation.mean)

    def inputs(self, dataset: Data) -> Inputs:
        """The raw features of a data set, for the modalities that the model reads. Raises ValueError as `fitting`."""
        return inputs_of(fitting(dataset, self.schema), self.modalities)

    def predict(self, inputs: Inputs) -> dict[str, NDArray[np.float32]]:
        """Predict samples. Modalities can be missing.

        Args:
            inputs: Raw features and lengths by modality.

        Returns:
            By task, the mean of the members by their shares: values [N] within the bounds for regression, otherwise
            probabilities [N, C], calibrated if the model has a temperature.

        Raises:
            ValueError: A modality is unknown, has another number of features or samples, or there is none.
        """
        every = {name: self.prediction(name, outputs) for name, outputs in self.predict_members(inputs).items()}
        return {name: p[:, 0] if self.tasks[name].kind == "regression" else p for name, p in every.items()}

    def mean(self, outputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """The mean [N, C] of the members' predictions [K, N, C], by their shares."""
        return np.average(outputs.astype(np.float64), 0, self.shares or None).astype(np.float32)

    def prediction(self, task: str, outputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """The mean [N, C] of the members' outputs for a task, within its bounds, calibrated if it has a temperature."""
        mean, calibration = within(self.mean(outputs), self.tasks[task].bounds), self.calibration.get(task)
        return calibration.apply(mean) if isinstance(calibration, Temperature) else mean

    def predict_members(
        self,
        inputs: Inputs,
        batch_size: int = 256,
        watch: Callable[[CohortNetwork], object] | None = None,
        device: str = "cpu",
    ) -> dict[str, NDArray[np.float32]]:
        """Predict samples with each member.

        Args:
            inputs: Raw features and lengths by modality.
            batch_size: Samples that are predicted at a time.
            watch: Gets the network before it predicts, and can add hooks to it (`insight`).
            device: Where it predicts.

        Returns:
            By task, values or probabilities [K, N, C]. These are neither clipped nor calibrated.

        Raises ValueError as `predict`.
        """
        count = count_samples(inputs, self.modalities)
        read = {name for genome, _ in self.members for name in genome.network.modalities}
        network, order = joined(self.members, self.schema)
        network = network.to(device)
        if watch is not None:
            watch(network)
        parts = []
        with torch.inference_mode():
            for samples in np.array_split(np.arange(count), max(1, math.ceil(count / batch_size))):
                modalities = normalised(inputs, samples, self.modalities, read, self.normalisation)
                pool = Pool.of_modalities(modalities, self.schema, device)
                parts.append(network(pool.batch(np.arange(len(samples)), reads=network.reads)).outputs)
        back = np.argsort(order)
        return {
            name: probabilities(task, torch.cat([part[name] for part in parts], 1)).cpu().numpy()[back]
            for name, task in self.tasks.items()
        }

    def save(self, folder: Path | str) -> None:
        """Save the model as two files in a folder, which are replaced if they exist (`model_files`)."""
        arrays = {f"normalisation/{name}": values for name, values in self.normalisation.to_arrays().items()}
        for number, (_, weights) in enumerate(self.members):
            arrays |= {f"{number}/{name}": np.ascontiguousarray(values.numpy()) for name, values in weights.items()}
        write_model(Path(folder), self.description(), arrays)

    def description(self) -> dict[str, Any]:
        """All that the model is except its arrays, as plain JSON values."""
        description: dict[str, Any] = {
            "genomes": [genome.to_dict() for genome, _ in self.members],
            "schema": self.schema.to_dict(),
            "info": dict(self.info),
        }
        if self.shares:
            description["shares"] = list(self.shares)
        if self.calibration:
            description["calibration"] = {name: vars(calibration) for name, calibration in self.calibration.items()}
        return description

    @classmethod
    def load(cls, folder: Path | str) -> Predictor:
        """Read a model that `save` or `haemsa train` saved.

        Args:
            folder: The folder of the model.

        Raises:
            ValueError: The folder holds no model, or one that is damaged or of another format. The message is one
                sentence.
        """
        place = Path(folder)
        description, arrays = read_model(place)
        try:
            return cls._from(with_own_encoders(description, place), arrays)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"the model in {place} is damaged: {error!r} in model.json") from None
        except ValueError as error:
            raise ValueError(f"the model in {place} is damaged: {error}") from None

    @classmethod
    def _from(cls, description: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Predictor:
        by_owner: dict[str, dict[str, NDArray[Any]]] = {}
        for path, values in arrays.items():
            owner, _, name = path.partition("/")
            by_owner.setdefault(owner, {})[name] = values
        genomes = [Genome.from_dict(genome) for genome in description["genomes"]]
        weights = [
            {name: torch.from_numpy(values.copy()) for name, values in by_owner[str(number)].items()}
            for number in range(len(genomes))
        ]
        normalisation = Normalisation.from_arrays(by_owner["normalisation"])
        members = tuple(zip(genomes, weights, strict=True))
        shares = tuple(float(share) for share in description.get("shares", ()))
        calibration = from_dict(description.get("calibration", {}))
        schema = Schema.from_dict(description["schema"])
        return cls(schema, normalisation, members, description["info"], shares, calibration)
