"""Where a command runs: all commands that take long say it in the same way."""

from __future__ import annotations

import inspect
import re
from typing import Any

import pytest

from haemsa.cluster.commands.compare import ablate, compare
from haemsa.cluster.commands.model import evaluate, train
from haemsa.cluster.commands.options import compute_of
from haemsa.cluster.commands.predict import predict
from haemsa.cluster.commands.search import search
from haemsa.cluster.commands.tune import tune
from haemsa.cluster.config import Compute
from tests.support.cluster.haemsa_command import haemsa


@pytest.mark.parametrize("command", [train, tune, evaluate, predict, compare, ablate])
def test_each_command_has_the_options_that_say_where(command: object) -> None:
    options = set(inspect.signature(command).parameters)  # type: ignore[arg-type]
    assert set(inspect.signature(compute_of).parameters) <= options & set(Compute.model_fields)


def test_a_search_has_the_same_options() -> None:
    of_train, own = (inspect.signature(one, eval_str=True).parameters for one in (train, search))  # type: ignore[arg-type]
    for name in ("workers", "gpus_per_worker", "address", "resources", "node_labels"):
        assert own[name].annotation == of_train[name].annotation


def test_what_no_option_says_is_not_given() -> None:
    none: dict[str, Any] = dict.fromkeys(inspect.signature(compute_of).parameters)
    assert compute_of(**none) is None
    given = {"workers": "4", "address": "auto", "address_timeout": "2m", "memory_per_worker": 1.5}
    found = compute_of(**none | given)
    assert found is not None
    assert found.model_fields_set == {"workers", "address", "address_timeout", "memory_per_worker"}
    assert (found.workers, found.address_timeout, found.backend) == (4, 120, "ray")


def test_what_workers_need_of_nodes_is_given_by_options() -> None:
    none: dict[str, Any] = dict.fromkeys(inspect.signature(compute_of).parameters)
    needs = {"resources": ["accelerator_type:H100=0.001"], "node_labels": ["market=spot"], "node_timeout": "30m"}
    found = compute_of(**none | needs | {"workers": "auto:64"})
    assert found is not None
    assert (found.count, found.most, found.node_timeout) == (None, 64, 1800)
    assert (found.resources, found.node_labels) == ({"accelerator_type:H100": 0.001}, {"market": "spot"})


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"resources": ["H100"]}, "resources is 'H100', expected NAME=NUMBER, for example accelerator_type:H100=0.001"),
        ({"resources": ["disk=-1"]}, "setting resources.disk is -1.0, expected greater than 0"),
        ({"node_labels": ["spot"]}, "node-labels is 'spot', expected KEY=VALUE, for example market=spot"),
        (
            {"node_labels": ["market=!spot"]},
            "setting node_labels.market is '!spot', expected up to 63 letters, digits,",
        ),
        ({"workers": "auto:0"}, "setting workers is 'auto:0', expected integer or 'auto' or auto:MOST"),
    ],
)
def test_needs_that_cannot_be_are_told_in_a_sentence(given: dict[str, Any], sentence: str) -> None:
    none: dict[str, Any] = dict.fromkeys(inspect.signature(compute_of).parameters)
    with pytest.raises(ValueError, match=re.escape(sentence)):
        compute_of(**none | given)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["train", "run", "--workers", "0"], "setting workers is 0, expected 1 or more"),
        (["evaluate", "model", "--backend", "spark"], "setting backend is 'spark', expected 'ray' or 'inline'"),
        (
            ["tune", "genome.json", "--backend", "inline"],
            "backend is inline, expected ray: the trials are those of",
        ),
        (["compare", "--gpus-per-worker", "-1"], "setting gpus_per_worker is -1.0, expected 0 or more"),
    ],
)
def test_what_is_wrong_is_told_before_anything_is_read(arguments: list[str], sentence: str) -> None:
    assert haemsa(*arguments).sentence.startswith(sentence)
