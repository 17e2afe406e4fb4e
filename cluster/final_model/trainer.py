"""A recipe together with the data that it is trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from haemsa.cluster.final_model.recipe import Recipe
from haemsa.model.data.dataset import Dataset
from haemsa.model.data.folds import Folds
from haemsa.model.data.normalisation import Normalisation
from haemsa.model.spec.genome import Genome
from haemsa.model.training.batch_size import fit_batch

if TYPE_CHECKING:
    from haemsa.model.training.pool import Pool
    from haemsa.model.training.train import TrainedRow


@dataclass(frozen=True)
class Trainer:
    """Trains a recipe.

    dataset: all splits, as they were read. samples: the training and validation samples, normalised. pool: the same
    samples on a device.
    """

    recipe: Recipe
    dataset: Dataset
    normalisation: Normalisation
    samples: Dataset
    pool: Pool

    @classmethod
    def of(cls, recipe: Recipe, dataset: Dataset) -> Trainer:
        """Prepare the data.

        Raises:
            ValueError: the data lacks a task of the recipe, or a modality that a genome reads.
        """
        import torch

        from haemsa.model.training.pool import Pool
        from haemsa.model.training.process import prepare_process

        prepare_process()  # two threads that wait for each other take ten times as long once another program is busy
        dataset = dataset.with_tasks(recipe.tasks)
        for genome, _ in recipe.members:
            check_modalities(genome, dataset)
        normalisation = Normalisation.fit(dataset)
        samples = normalisation.apply(dataset.pool())
        pool = Pool.of(samples, "cuda" if torch.cuda.is_available() else "cpu")
        return cls(recipe, dataset, normalisation, samples, pool)

    @property
    def batch_size(self) -> int:
        """Samples in a training step."""
        return fit_batch(self.recipe.batch_size, len(self.samples))

    def train(self, folds: Folds, seeds: Sequence[int]) -> list[TrainedRow]:
        """Train each genome with each seed on each fold, as one cohort.

        Returns:
            The networks, ordered by fold, then by seed, then by genome.

        Raises:
            ValueError: a network diverges.
        """
        from haemsa.model.network.cohort import CohortRow
        from haemsa.model.training.train import TrainedRow, TrainingSettings, train

        genomes = [genome for genome, _ in self.recipe.members]
        rows = [CohortRow(genome, seed, fold) for fold in range(len(folds)) for seed in seeds for genome in genomes]
        ended = train(rows, self.pool, folds, TrainingSettings(self.batch_size, order_seed=self.recipe.seed))
        trained = [row for row in ended if isinstance(row, TrainedRow)]
        if len(trained) < len(rows):
            failed = len(rows) - len(trained)
            raise ValueError(f"{failed} of {len(rows)} networks diverged in training, expected genomes that train")
        return trained


def check_modalities(genome: Genome, dataset: Dataset) -> None:
    """Raise ValueError if the genome reads a modality that the data lacks."""
    missing = sorted(set(genome.network.modalities) - set(dataset.modalities))
    if missing:
        has = ", ".join(dataset.modalities)
        raise ValueError(f"the genome reads {', '.join(missing)}, but data {dataset.name!r} has {has}")
