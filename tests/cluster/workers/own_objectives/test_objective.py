"""What a function of one's own is given, what it may give back, and how it is sent."""

from __future__ import annotations

import pickle
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from haemsa.cluster.workers.own_objectives.objective import (
    OwnObjective,
    OwnObjectiveError,
    labels_of,
    predictions_of,
)
from haemsa.cluster.workers.own_objectives.reference import find
from haemsa.cluster.workers.own_objectives.shipping import is_users
from haemsa.model.data.task import Task
from haemsa.model.spec.genome import Genome
from haemsa.model.spec.network import EncoderSpec, NetworkSpec
from haemsa.model.spec.training import TrainingGenes
from tests.support.own_modules import forget, write_module

GENOME = Genome(NetworkSpec(8, (EncoderSpec("text", "mean"),), ()), TrainingGenes(epochs=1))
VALUES = {"sentiment": np.array([0.0, 2.0, 1.0], np.float32)}
LABELS = {"sentiment": np.array([0.5, 0.0, np.nan], np.float32)}


def own(function: Callable[..., Any]) -> OwnObjective:
    return OwnObjective("cost", "min", function, "min:cost", "")


def test_values_are_clipped_to_the_bounds_of_their_task() -> None:
    task = Task("regression", np.array([1.0, np.nan], np.float32), bounds=(-3.0, 3.0))
    assert predictions_of(task, np.array([[5.0], [-0.5]], np.float32)).tolist() == [3.0, -0.5]
    np.testing.assert_array_equal(labels_of(task), np.array([1.0, np.nan], np.float32))


def test_classes_and_labels_are_probabilities_and_a_missing_label_is_nan() -> None:
    classes = Task("classes", np.array([1, -1]), labels=("sad", "happy"))
    np.testing.assert_allclose(predictions_of(classes, np.array([[0.0, 0.0], [0.0, np.log(3)]], np.float32)),
                               [[0.5, 0.5], [0.25, 0.75]], atol=1e-6)  # fmt: skip
    np.testing.assert_array_equal(labels_of(classes), [1.0, np.nan])
    several = Task("multilabel", np.array([[0.0, np.nan]], np.float32), ("calm", "loud"))
    np.testing.assert_allclose(predictions_of(several, np.array([[0.0, np.log(3)]], np.float32)), [[0.5, 0.75]])
    np.testing.assert_array_equal(labels_of(several), [[0.0, np.nan]])


@pytest.mark.parametrize("given", [2, 2.0, np.float32(2), np.array(2.0), True + True])
def test_any_number_is_a_value(given: Any) -> None:
    assert own(lambda *_: given).value(VALUES, LABELS, GENOME) == 2.0


@pytest.mark.parametrize(
    ("given", "said"), [(float("nan"), "nan"), ("2", "'2'"), (None, "None"), ([1, 2], r"\[1, 2\]")]
)
def test_anything_else_is_a_failure_that_says_what_came(given: Any, said: str) -> None:
    with pytest.raises(OwnObjectiveError, match=rf"^objective cost gave {said} \(a \w+\), expected a finite number$"):
        own(lambda *_: given).value(VALUES, LABELS, GENOME)


@pytest.mark.parametrize(
    ("error", "kind", "said"),
    [
        (KeyError("sentimant"), "error", "objective cost: KeyError: 'sentimant'"),
        (SystemExit(3), "error", "objective cost: SystemExit: 3"),
        (MemoryError("no more"), "memory", "objective cost: MemoryError: no more"),
    ],
)
def test_what_a_function_raises_is_a_failure_with_its_message(error: BaseException, kind: str, said: str) -> None:
    def cost(*_: Any) -> float:
        raise error

    with pytest.raises(OwnObjectiveError) as caught:
        own(cost).value(VALUES, LABELS, GENOME)
    assert (caught.value.failure.kind, caught.value.failure.message, caught.value.objective) == (kind, said, "cost")


def test_a_function_may_change_the_arrays_that_it_gets() -> None:
    def cost(predictions: Any, labels: Any, genome: Any) -> float:
        predictions["sentiment"] *= 0
        labels.clear()
        return float(genome.network.width)

    assert own(cost).value(VALUES, LABELS, GENOME) == 8.0
    assert VALUES["sentiment"].tolist() == [0.0, 2.0, 1.0]
    assert list(LABELS) == ["sentiment"]


@pytest.mark.slow
def test_it_is_sent_with_the_modules_next_to_it_to_a_process_that_has_none_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = write_module(tmp_path, monkeypatch)
    sent = tmp_path / "sent.pickle"
    sent.write_bytes(pickle.dumps((find(f"{name}:cost", {}), VALUES, LABELS, GENOME)))
    forget(tmp_path, name)
    code = "import pickle, sys; own, *given = pickle.load(open(sys.argv[1], 'rb')); print(own.name, own.value(*given))"
    ended = subprocess.run([sys.executable, "-c", code, sent], capture_output=True, text=True, cwd="/", check=False)
    assert (ended.stdout, ended.returncode) == (f"{name}:cost 1.25\n", 0), ended.stderr


def test_one_that_cannot_be_sent_is_refused() -> None:
    lock = threading.Lock()
    with pytest.raises(ValueError, match=r"^objective cost cannot be sent to workers: .*lock.*, or --backend inline$"):
        own(lambda *_: lock.locked()).check_sendable()


def test_modules_of_python_of_packages_and_of_ours_are_not_sent() -> None:
    assert is_users(__name__, sys.modules[__name__])
    assert not any(is_users(name, sys.modules[name]) for name in ("pickle", "numpy", "haemsa.model.data.task", "sys"))
