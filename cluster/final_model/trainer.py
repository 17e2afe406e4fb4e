"""A recipe together with the data that it is trained on, and where that happens."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from haemsa.cluster.config import Compute
from haemsa.cluster.final_model.networks import FinalData, FinalNetwork, FinalTrainer, Networks
from haemsa.cluster.final_model.recipe import Recipe
from haemsa.cluster.shared.kept import Arrays, Kept, digest
from haemsa.cluster.shared.progress import Progress, SilentProgress
from haemsa.cluster.shared.steps import Tally
from haemsa.cluster.shared.text import counted
from haemsa.cluster.workers.tasks.place import device_of
from haemsa.cluster.workers.tasks.tasks import tasks_on
from haemsa.model.data.dataset import Dataset
from haemsa.model.data.normalisation import Normalisation
from haemsa.model.spec.genome import Genome
from haemsa.model.training.batch_size import fit_batch

if TYPE_CHECKING:
    from haemsa.model.network.cohort import CohortRow

TOGETHER: Final = {"cpu": 8, "cuda": 128}
"""So many networks are trained together, by device. The workers do not change it: a cohort of another size rounds in
another way, and gates that choose few experts can make much of that. On a CPU eight take about twice as long as one."""
Trained = list[FinalNetwork | None]
"""None stands for a network that diverged."""


@dataclass(frozen=True)
class Trainer:
    """Trains a recipe.

    dataset: all splits, as they were read. samples: the training and validation samples, normalised. compute: where
    networks are trained. kept: keeps cohorts that are trained, so that a training that was cut off goes on.
    """

    recipe: Recipe
    dataset: Dataset
    normalisation: Normalisation
    samples: Dataset
    compute: Compute
    progress: Progress = field(default_factory=SilentProgress)
    kept: Kept | None = None

    @classmethod
    def of(
        cls,
        recipe: Recipe,
        dataset: Dataset,
        compute: Compute | None = None,
        progress: Progress | None = None,
        kept: Path | None = None,
    ) -> Trainer:
        """Prepare the data.

        Raises:
            ValueError: the data lacks a task of the recipe, or a modality that a genome reads.
        """
        dataset = dataset.with_tasks(recipe.tasks)
        for genome, _ in recipe.members:
            check_modalities(genome, dataset)
        normalisation = Normalisation.fit(dataset)
        samples, place = normalisation.apply(dataset.pool()), (recipe.compute or usual_compute()).changed_by(compute)
        shown, folder = progress or SilentProgress(), Kept(kept) if kept else None
        return cls(recipe, dataset, normalisation, samples, place, shown, folder)

    @property
    def batch_size(self) -> int:
        """Samples in a training step."""
        return fit_batch(self.recipe.batch_size, len(self.samples))

    @property
    def device(self) -> str:
        """Where networks are trained, as torch calls it."""
        return device_of(self.compute)

    @property
    def elsewhere(self) -> bool:
        """Whether workers have other cores than this process, or GPUs."""
        return bool(self.compute.address or os.environ.get("RAY_ADDRESS")) or self.device != "cpu"

    def train(self, networks: Networks) -> Trained:
        """Train the final networks and the unseen ones. They come in this order."""
        _ = [
            item.moments for item in self.samples.modalities.values()
        ]  # sent too, so that no worker reads all features
        rows = [*networks.final, *networks.unseen]
        raw, seed = bool(self.recipe.finetune), self.recipe.seed
        data = FinalData(self.samples, networks.folds, self.batch_size, seed, self.device, raw=raw)
        places = in_cohorts(rows, TOGETHER[self.device])
        cohorts = [[rows[place] for place in cohort] for cohort in places]
        trained = self._train(cohorts, data)
        by_place = {
            place: one
            for cohort, made in zip(places, trained, strict=True)
            for place, one in zip(cohort, made, strict=True)
        }
        return [by_place[place] for place in range(len(rows))]

    def _train(self, cohorts: Sequence[Sequence[CohortRow]], data: FinalData) -> list[Trained]:
        depends = [_depends(data, self.dataset.fingerprint, cohort) for cohort in cohorts]
        trained = [self._kept(one, len(cohort)) for one, cohort in zip(depends, cohorts, strict=True)]
        missing = [number for number, made in enumerate(trained) if made is None]
        epochs = [sum(row.genome.training.epochs for row in cohort) for cohort in cohorts]
        before = sum(epochs) - sum(epochs[number] for number in missing)
        tally = Tally(self.progress, f"epochs of {counted(sum(map(len, cohorts)), 'network')}:", sum(epochs), before)
        place, told = self._place(len(missing)), lambda count: tally.reach(before + count)
        with tasks_on(place, FinalTrainer, data, self.progress, len(missing), told, self.dataset.name) as tasks:
            tally.show()
            for number, made in tasks.run([cohorts[number] for number in missing], waiting=tally.show):
                trained[missing[number]] = made
                if self.kept:
                    self.kept.write("networks", depends[missing[number]], _arrays(made))
        tally.reach(sum(epochs))
        return [made for made in trained if made is not None]

    def _place(self, count: int) -> Compute:
        """A single cohort needs no Ray that is started for it on the same cores."""
        alone = not count or (count == 1 and not self.elsewhere)
        return self.compute.model_copy(update={"backend": "inline"}) if alone else self.compute

    def _kept(self, depends: dict[str, Any], count: int) -> Trained | None:
        arrays = self.kept.read("networks", depends) if self.kept else None
        return None if arrays is None else [_network(arrays, place) for place in range(count)]


def in_cohorts(rows: Sequence[CohortRow], most: int) -> list[list[int]]:
    """The places of rows in cohorts of equal size, at most so many in each. Networks of a genome are together.

    Example:
        >>> from haemsa.model.network.cohort import CohortRow
        >>> rows = [CohortRow(genome, seed) for seed in range(2) for genome in ("first", "second")]
        >>> in_cohorts(rows, 3)
        [[0, 2], [1, 3]]
    """
    number = {genome: place for place, genome in enumerate(dict.fromkeys(row.genome for row in rows))}
    order = sorted(range(len(rows)), key=lambda place: number[rows[place].genome])
    return [part.tolist() for part in np.array_split(np.array(order), -(-len(rows) // most))]


def usual_compute() -> Compute:
    """Where networks are trained of which no search is known: one worker for each GPU here, or else for each core."""
    import torch

    return Compute(gpus_per_worker=1.0 if torch.cuda.is_available() else 0.0)


def check_modalities(genome: Genome, dataset: Dataset) -> None:
    """Raise ValueError if the genome reads a modality that the data lacks."""
    missing = sorted(set(genome.network.modalities) - set(dataset.modalities))
    if missing:
        has = ", ".join(dataset.modalities)
        raise ValueError(f"the genome reads {', '.join(missing)}, but data {dataset.name!r} has {has}")


def _depends(data: FinalData, fingerprint: str, cohort: Sequence[CohortRow]) -> dict[str, Any]:
    """All that the training of a cohort depends on."""
    return {
        "data": fingerprint,
        "folds": digest(np.packbits(data.folds.held_out).tobytes()),
        "tasks": list(data.pool.tasks),
        "device": data.device,
        "batch": data.batch_size,
        "order": data.order_seed,
        **({"raw": True} if data.raw else {}),
        "rows": [[row.genome.to_dict(), row.seed, row.fold] for row in cohort],
    }


def _arrays(made: Trained) -> dict[str, Any]:
    """Networks as arrays; nothing of one that diverged."""
    parts = {place: vars(one) for place, one in enumerate(made) if one}
    return {
        f"{place}/{part}/{name}": values
        for place, by_part in parts.items()
        for part, named in by_part.items()
        for name, values in named.items()
    }


def _network(arrays: Arrays, place: int) -> FinalNetwork | None:
    parts = [
        {name.removeprefix(start): values for name, values in arrays.items() if name.startswith(start)}
        for start in (f"{place}/weights/", f"{place}/outputs/", f"{place}/raw/")
    ]
    return FinalNetwork(*parts) if parts[0] else None
