"""A row of a cohort predicts what the same genome does, written as a plain `nn.Module` by someone else's habits."""

import numpy as np
import torch

from tests.bench.networks.idiomatic import IdiomaticNetwork
from tests.bench.networks.idiomatic_training import load_row
from tests.support.model.cohort_tools import POOL, STATISTICS, network_of, row_weights, shake
from tests.support.model.random_genomes import SCHEMA, random_rows


def test_a_plain_module_with_a_rows_weights_predicts_the_same() -> None:
    batch = POOL.batch(np.arange(len(POOL)), torch.float64)
    for seed in range(3):
        rows = random_rows(12, 20 + seed, folds=3)
        cohort = network_of(rows)
        shake(cohort)
        outputs = cohort(batch).outputs
        for place, (row, weights) in enumerate(zip(rows, row_weights(cohort, len(rows)), strict=True)):
            plain = IdiomaticNetwork(row.genome, SCHEMA).double().eval()
            load_row(plain, weights, STATISTICS.features, row.fold)
            for task, values in plain(batch)[0].items():
                torch.testing.assert_close(outputs[task][place], values, rtol=1e-6, atol=1e-6)
            assert sum(values.numel() for values in plain.parameters()) == sum(map(torch.numel, weights.values()))


def test_gates_do_the_same() -> None:
    batch = POOL.batch(np.arange(30), torch.float64)
    rows = random_rows(8, 30, folds=3)
    cohort = network_of(rows)
    shake(cohort)
    gates = cohort(batch).gates
    for place, (row, weights) in enumerate(zip(rows, row_weights(cohort, len(rows)), strict=True)):
        plain = IdiomaticNetwork(row.genome, SCHEMA).double().eval()
        load_row(plain, weights, STATISTICS.features, row.fold)
        used = [token in (*row.genome.network.modalities, "global") for token in cohort.cohort.tokens]
        for gate, (expected, *_) in zip(gates, plain(batch)[1], strict=False):
            found = gate.weights[place, used][:, : expected.shape[-1]].permute(2, 0, 1)
            torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-6)
