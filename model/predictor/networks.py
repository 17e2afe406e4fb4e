"""Trained networks with all that is saved with them. Statistics of folds are baked into the weights (`baking`).

Axes: `K` members, `N` samples, `C` outputs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import torch
from numpy.typing import NDArray

from haemsa.model.bounds import within
from haemsa.model.data.normalisation import Normalisation
from haemsa.model.network.weights import Weights
from haemsa.model.predictor.calibration import Calibration, Temperature, from_dict
from haemsa.model.predictor.model_files import read_model, with_own_encoders, write_model
from haemsa.model.schema import Schema, TaskInfo
from haemsa.model.spec.genome import Genome

_SHARE_ERROR: Final = 1e-6
"""How far the sum of shares can be from 1."""


@dataclass(frozen=True)
class SavedNetworks:
    """What a model is, and how it is saved. `Predictor` says what it does."""

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

    @property
    def modalities(self) -> Mapping[str, tuple[int, int]]:
        """The modalities that it can read, with their time steps and features."""
        return self.schema.modalities

    @property
    def read(self) -> Schema:
        """What its networks read: of the modalities that it knows, only these count."""
        return self.schema.only({name for genome, _ in self.members for name in genome.network.modalities})

    @property
    def tasks(self) -> Mapping[str, TaskInfo]:
        """The tasks that it predicts."""
        return self.schema.tasks

    def feature_means(self) -> dict[str, NDArray[np.float32]]:
        """The mean of each feature in training, [D] by modality. It is an example that is no person's sample."""
        return dict(self.normalisation.mean)

    def mean(self, outputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """The mean [N, C] of the members' predictions [K, N, C], by their shares."""
        return np.average(outputs.astype(np.float64), 0, self.shares or None).astype(np.float32)

    def prediction(self, task: str, outputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """The mean [N, C] of the members' outputs for a task, within its bounds, calibrated if it has a temperature."""
        mean, calibration = within(self.mean(outputs), self.tasks[task].bounds), self.calibration.get(task)
        return calibration.apply(mean) if isinstance(calibration, Temperature) else mean

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
    def load(cls, folder: Path | str) -> Self:
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
    def _from(cls, description: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Self:
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
