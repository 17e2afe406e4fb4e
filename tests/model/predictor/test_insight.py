"""What is seen inside networks is what they predict with."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from haemsa.model.data.dataset import Dataset
from haemsa.model.data.folds import holdout
from haemsa.model.data.normalisation import Normalisation
from haemsa.model.network.cohort import CohortRow
from haemsa.model.predictor.inputs import inputs_of
from haemsa.model.predictor.insight import Insight, look_inside
from haemsa.model.predictor.predictor import Predictor
from haemsa.model.schema import Schema
from haemsa.model.spec.genome import Genome
from haemsa.model.spec.network import GLOBAL, EncoderSpec, ExpertSpec, GateSpec, LevelSpec, NetworkSpec
from haemsa.model.spec.training import TrainingGenes
from haemsa.model.training.fold_statistics import FoldStatistics
from haemsa.model.training.pool import Pool
from haemsa.model.training.train import TrainedRow, train
from tests.support.model.random_genomes import SHAPES, small_dataset

LEVELS = (
    LevelSpec((ExpertSpec(("text",)), ExpertSpec((GLOBAL,)), ExpertSpec(tuple(SHAPES)))),
    LevelSpec((ExpertSpec(("text",)), ExpertSpec(("text", GLOBAL))), GateSpec("top_k", 1)),
)
GENOME = Genome(NetworkSpec(8, tuple(map(EncoderSpec, SHAPES)), LEVELS), TrainingGenes(epochs=1))
N = 60


def predictor_of(data: Dataset, *genomes: Genome) -> Predictor:
    normalisation = Normalisation.fit(data)
    pool, folds = Pool.of(normalisation.apply(data)), holdout(data)
    rows = [CohortRow(item, number) for number, item in enumerate(genomes)]
    trained = [row for row in train(rows, pool, folds) if isinstance(row, TrainedRow)]
    return Predictor.of(trained, FoldStatistics.fit(pool, folds), Schema.of(data), normalisation, {})


@pytest.fixture(scope="module")
def seen() -> tuple[Predictor, Dataset, Insight]:
    data = small_dataset(absent=0.3)
    predictor = predictor_of(data, GENOME, GENOME)
    return predictor, data, look_inside(predictor, inputs_of(data))


def test_outputs_are_those_that_are_predicted(seen: Any) -> None:
    predictor, data, insight = seen
    for task, values in predictor.predict_members(inputs_of(data)).items():
        np.testing.assert_array_equal(insight.outputs[task], values)


def test_features_are_what_the_last_layer_makes_its_outputs_of(seen: Any) -> None:
    predictor, _, insight = seen
    for member, (_, weights) in enumerate(predictor.members):
        weight, bias = (weights[f"heads.sentiment.{name}"].numpy() for name in ("weight", "bias"))
        made = insight.features["sentiment"][member] @ weight + bias
        np.testing.assert_allclose(made, insight.outputs["sentiment"][member], rtol=1e-4, atol=1e-5)


def test_weights_are_shares_and_go_to_nothing_that_is_absent(seen: Any) -> None:
    _, data, insight = seen
    assert insight.tokens == (*SHAPES, GLOBAL)
    assert [gates.shape for gates in insight.gates] == [(2, N, len(SHAPES) + 1, 3), (2, N, len(SHAPES) + 1, 2)]
    np.testing.assert_allclose(insight.gates[0].sum(-1), 1, rtol=1e-5)
    assert set(np.unique(insight.gates[1])) <= {0.0, 1.0}  # top-1, of none where text is absent and the global is not
    np.testing.assert_allclose(insight.shares["emotion"].sum(-1), 1, rtol=1e-5)
    without = ~data.modalities["text"].presence
    assert without.any()
    assert not insight.shares["emotion"][:, without, insight.tokens.index("text")].any()
    assert not insight.gates[0][:, without, :, 0].any()


def test_networks_of_several_genomes_have_no_common_inside() -> None:
    data = small_dataset()
    linear = replace(GENOME, network=NetworkSpec(8, (EncoderSpec("text"),)))
    with pytest.raises(ValueError, match="the model has networks of 2 genomes, expected one genome to look inside"):
        look_inside(predictor_of(data, GENOME, linear), inputs_of(data))
