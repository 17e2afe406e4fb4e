"""What objectives say about the training genes that are tried first."""

import pytest

from haemsa.cluster.search.objectives import default_training_genes
from haemsa.model.data.builtin.planted import planted
from haemsa.model.data.task import Task
from haemsa.model.spec.training import TrainingGenes
from tests.support.cluster.tiny import problem

TASKS = planted(sizes=(30, 10, 10)).tasks
LABELS = {"mood": Task("multilabel", TASKS["sentiment"].targets[:, None] * 0, ("calm",))}


def test_they_are_the_defaults_unless_an_objective_says_otherwise() -> None:
    names = ["sentiment/mae", "emotion/accuracy", "emotion/wf1", "params"]
    assert default_training_genes(names, TASKS) == TrainingGenes()
    assert default_training_genes(["accuracy"], LABELS) == TrainingGenes()


def test_where_modalities_may_be_missing_networks_distil() -> None:
    assert default_training_genes(["sentiment/missing_mae", "params"], TASKS) == TrainingGenes(distillation=0.3)


@pytest.mark.parametrize("metric", ["emotion/uar", "emotion/macro_f1"])
def test_where_rare_classes_count_as_much_as_common_ones_they_weigh_more(metric: str) -> None:
    assert default_training_genes(["params", metric], TASKS) == TrainingGenes(class_balance=1.0)


def test_f1_of_labels_asks_for_rare_ones_weighted_or_not() -> None:
    assert default_training_genes(["wf1"], LABELS) == TrainingGenes(class_balance=1.0)
    assert default_training_genes(["macro_f1"], LABELS) == TrainingGenes(class_balance=1.0)
    assert default_training_genes(["missing_wf1"], LABELS) == TrainingGenes(class_balance=1.0, distillation=0.3)


def test_a_search_begins_with_them() -> None:
    designs = problem(objectives=["emotion/uar", "params"])[0].plain_designs()
    assert {item.training.class_balance for item in designs} == {1.0}
