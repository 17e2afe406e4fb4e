"""Models that were never trained: random weights, which tell networks apart better than trained ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from haemsa.model.data.normalisation import Normalisation
from haemsa.model.network.cohort import Cohort, CohortRow, sort_order
from haemsa.model.network.cohort_network import CohortNetwork
from haemsa.model.network.weights import extract_from
from haemsa.model.predictor.calibration import Calibration
from haemsa.model.predictor.predictor import Predictor
from haemsa.model.schema import Schema
from haemsa.model.spec.genome import Genome
from tests.support.model.random_genomes import SCHEMA


def made_predictor(
    genomes: Sequence[Genome],
    schema: Schema = SCHEMA,
    shares: tuple[float, ...] = (),
    calibration: Mapping[str, Calibration] | None = None,
) -> Predictor:
    """Networks of these genomes with random weights. Features lie around 5, and the first of each modality is constant.

    Members are sorted by depth, the shallow ones first, so their order is not that of the rows of a cohort.
    """
    rows = [CohortRow(genome, seed) for seed, genome in enumerate(genomes)]
    rows = [rows[index] for index in sort_order(rows)]
    network = CohortNetwork(Cohort(rows, schema))
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for stack in network.stacks():
            for slot in stack.slots:
                stack.parameter[slot.place] = torch.randn(slot.shape, generator=generator) / 2
    weights = extract_from([(stack, stack.parameter) for stack in network.stacks()], range(len(rows)))
    members = tuple((row.genome, of_row) for row, of_row in zip(rows, weights, strict=True))[::-1]
    return Predictor(schema, _normalisation(schema), members, {"data": "made"}, shares, calibration or {})


def _normalisation(schema: Schema) -> Normalisation:
    rng = np.random.default_rng(7)
    mean = {name: rng.normal(5, 1, width).astype(np.float32) for name, (_, width) in schema.modalities.items()}
    scale = {name: rng.uniform(2, 4, width).astype(np.float32) for name, (_, width) in schema.modalities.items()}
    for of_modality in scale.values():
        of_modality[0] = np.inf
    return Normalisation(mean, scale)
