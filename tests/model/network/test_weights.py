"""One row's weights out of and into a cohort."""

import pytest
import torch

from haemsa.model.network.cohort import Cohort
from haemsa.model.network.cohort_network import CohortNetwork
from haemsa.model.network.weights import insert
from tests.support.model.cohort_tools import row_weights
from tests.support.model.random_genomes import SCHEMA, random_cohort

COHORT = random_cohort(8, 4)


def test_weights_are_named_and_have_their_real_sizes() -> None:
    for row, weights in zip(COHORT.rows, row_weights(CohortNetwork(COHORT), 8), strict=True):
        network = row.genome.network
        first = network.encoders[0].modality
        features = SCHEMA.modalities[first][1]
        assert weights[f"encoders.{first}.weight"].shape == (network.width, features)
        assert weights["heads.emotion.weight"].shape == (network.width, 3)
        for number, level in enumerate(network.levels):
            for index, expert in enumerate(level.experts):
                hidden = (expert.width + 1) ** len(expert.sees) if expert.kind == "tensor" else expert.width
                assert weights[f"levels.{number}.experts.{index}.out"].shape == (hidden, network.width)
            assert weights[f"levels.{number}.gate.global.weight"].shape == (network.width, len(level.experts))


def test_what_goes_out_comes_in_again() -> None:
    source, target = CohortNetwork(COHORT), CohortNetwork(COHORT)
    for parameter in target.parameters():
        parameter.data.fill_(7.0)
    insert(target, row_weights(source, 8))
    for expected, found in zip(source.parameters(), target.parameters(), strict=True):
        assert torch.equal(found, expected)


def test_extracted_weights_are_copies() -> None:
    network = CohortNetwork(COHORT)
    weights = row_weights(network, 8)
    before = {name: values.clone() for name, values in weights[0].items()}
    for parameter in network.parameters():
        parameter.data.add_(1)
    assert all(torch.equal(weights[0][name], before[name]) for name in before)


def test_a_row_fits_into_another_cohort() -> None:
    network, place = CohortNetwork(COHORT), 3
    lone = CohortNetwork(Cohort([COHORT.rows[place]], SCHEMA))
    weights = row_weights(network, 8)[place]
    insert(lone, [weights])
    assert all(torch.equal(values, weights[name]) for name, values in row_weights(lone, 1)[0].items())


def test_a_missing_or_misshapen_weight_is_named() -> None:
    lone = CohortNetwork(Cohort([COHORT.rows[0]], SCHEMA))
    (weights,) = row_weights(lone, 1)
    name = "heads.emotion.bias"
    with pytest.raises(ValueError, match=r"weight heads.emotion.bias is missing, expected shape \(3,\)"):
        insert(lone, [{key: value for key, value in weights.items() if key != name}])
    with pytest.raises(ValueError, match=r"weight heads.emotion.bias is of shape \(2,\), expected shape \(3,\)"):
        insert(lone, [{**weights, name: torch.zeros(2)}])
