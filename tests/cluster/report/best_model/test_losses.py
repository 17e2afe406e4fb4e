"""What is lost without each stream, of a network that adds up its streams, so that each loss is known."""

from __future__ import annotations

import math
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from haemsa.cluster.report.best_model import losses as module
from haemsa.cluster.report.best_model.held_out import HeldOut, ObservedModel
from haemsa.cluster.report.best_model.losses import StreamLosses, stream_losses
from haemsa.cluster.report.page.tables import loss_table
from haemsa.cluster.shared.bootstrap import Difference
from haemsa.model.data.dataset import Dataset, Modality
from haemsa.model.data.task import Task
from haemsa.model.spec.training import TrainingGenes

COUNT = 160
WEIGHTS = {"text_large": 2.0, "text_small": 1.0, "audio": 0.0}
"""What the network makes of the streams that it reads. Each is 1 or -1."""
SURE, UNSURE = Difference(0.2, 0.1, 0.3), Difference(0.0, -0.1, 0.1)


def made() -> Dataset:
    """Each pattern of signs equally often: the value is 2 text_large + text_small, and the mood is its sign."""
    signs = np.array([[(n >> bit) % 2 * 2 - 1 for bit in range(4)] for n in range(COUNT)], dtype=np.float32)
    streams = {
        name: Modality(column[:, None, None], np.ones(COUNT, np.int64))
        for name, column in zip((*WEIGHTS, "vision"), signs.T, strict=True)
    }
    value = 2 * signs[:, 0] + signs[:, 1]
    return Dataset(
        name="signs",
        modalities=streams,
        tasks={
            "value": Task("regression", value),
            "mood": Task("classes", (value > 0).astype(np.int64), ("low", "high")),
            "tags": Task("multilabel", (value > 0).astype(np.float32)[:, None], ("high",)),
        },
        splits={"train": np.arange(120), "valid": np.arange(120, COUNT)},
        ids=tuple(map(str, range(COUNT))),
        groups=np.arange(COUNT) // 16,  # ten groups, in each of which is every pattern
    )


def observed(data: Dataset, read: tuple[str, ...] = tuple(WEIGHTS), **genes: float) -> ObservedModel:
    """A network that adds up the streams that it reads, twice, as two seeds that held out all samples."""

    def predict(inputs: Dataset) -> dict[str, Any]:
        total = sum(WEIGHTS[name] * inputs.modalities[name].features[:, 0] for name in read)
        chance = 1 / (1 + np.exp(-total))
        outputs = {"value": total, "mood": np.concatenate([1 - chance, chance], axis=1), "tags": chance}
        return {name: np.stack([outputs[name]] * 2).astype(np.float32) for name in data.tasks}

    genome = SimpleNamespace(network=SimpleNamespace(modalities=read), training=TrainingGenes(**cast(Any, genes)))
    predictor = SimpleNamespace(inputs=lambda each: each, predict_members=predict, tasks=data.tasks)
    held = HeldOut(data, np.full((2, len(data)), 0.5), len(data))
    return ObservedModel(cast(Any, predictor), held, cast(Any, SimpleNamespace(genome=genome, outputs=predict(data))))


def test_the_network_loses_what_it_makes_of_a_hidden_stream() -> None:
    losses = stream_losses(observed(made(), modality_dropout=0.1))
    value, mood, tags = (losses[name] for name in ("value", "mood", "tags"))
    assert (value.metric, value.score, mood.score, tags.score) == ("mae", 0, 1, 1)
    assert {name: found.mean for name, found in value.hidden.items()} == {"text_large": 2, "text_small": 1, "audio": 0}
    # The sign of the sum is that of text_large, and what is left without it is right in every second sample.
    assert {name: found.mean for name, found in mood.hidden.items()} == {"text_large": 0.5, "text_small": 0, "audio": 0}
    assert tags.hidden["text_large"].mean > 0 == tags.hidden["text_small"].mean
    assert value.hidden["text_small"].low > 0.9
    assert value.unread == ["vision"]
    assert not value.retrained
    assert [value.words(stream) for stream in made().modalities] == [
        "is worth it",
        "is worth it",
        "can be dropped: nothing is lost that can be measured",
        "can be dropped: the network does not read it",
    ]


@pytest.mark.parametrize("genes", [{"modality_dropout": 0.2}, {"distillation": 0.5}])
def test_a_network_that_met_missing_streams_needs_no_linear_model(genes: dict[str, float]) -> None:
    assert not stream_losses(observed(made(), **genes))["value"].retrained


def test_a_linear_model_that_is_trained_without_a_stream_stands_next_to_a_network_that_never_met_this() -> None:
    found = stream_losses(observed(made()))["value"]
    assert list(found.retrained) == list(WEIGHTS)
    # What is left of the label is 2 or -2 without text_large, and 1 or -1 without text_small, whatever a model does.
    assert found.retrained["text_large"].mean == pytest.approx(2, abs=0.05)
    assert found.retrained["text_small"].mean == pytest.approx(1, abs=0.05)
    assert abs(found.retrained["audio"].mean) < 0.05
    assert found.words("text_large") == "is worth it: a linear model loses too"


def test_a_stream_that_some_samples_lack_was_met() -> None:
    data = made()
    hidden = data.modalities["audio"].hidden(np.arange(COUNT) == 0)
    found = stream_losses(observed(replace(data, modalities={**data.modalities, "audio": hidden})))["value"]
    assert list(found.retrained) == ["text_large", "text_small"]


def test_nothing_is_hidden_from_a_network_that_reads_one_stream() -> None:
    found = stream_losses(observed(made(), ("text_large",)))["value"]
    assert (found.hidden, found.retrained) == ({}, {})
    assert found.words("text_large") == "the network reads nothing else"
    assert found.words("audio") == "can be dropped: the network does not read it"


def test_of_a_single_group_no_linear_model_is_known() -> None:
    data = replace(made(), groups=np.zeros(COUNT, np.int64))
    found = stream_losses(observed(data))["value"]
    assert math.isnan(found.retrained["text_large"].mean)
    assert loss_table(found).rows[0][3] == "-"


def test_of_many_samples_linear_models_use_some(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 60)
    sizes: list[int] = []
    fitted = module.linear_held_out

    def counted(features: Any, streams: Any, task: Task, held_out: Any) -> Any:
        sizes.append(held_out.shape[1])
        return fitted(features, streams, task, held_out)

    monkeypatch.setattr(module, "linear_held_out", counted)
    found = stream_losses(observed(made().with_tasks(["value"])))["value"]
    assert sizes == [60] * 4
    assert found.retrained["text_large"].mean == pytest.approx(2, abs=0.2)


def test_words_follow_from_both_intervals() -> None:
    hidden, retrained = {"a": SURE, "b": SURE, "c": UNSURE}, {"a": SURE, "b": UNSURE, "c": SURE}
    losses = StreamLosses("mae", 1.0, ("a", "b", "c"), (), hidden, retrained)
    assert [losses.words(name) for name in hidden] == [
        "is worth it: a linear model loses too",
        "can perhaps be dropped: a linear model loses nothing",
        "can be dropped: nothing is lost that can be measured",
    ]


def test_the_table_has_a_column_for_the_linear_model_only_where_it_is_needed() -> None:
    losses = StreamLosses("mae", 0.5, ("a", "b"), ("c",), {"a": SURE, "b": UNSURE}, {})
    table = loss_table(losses)
    assert table.columns == ["stream", "in words", "lost if hidden"]
    assert table.rows[0] == ["a", "is worth it", "+0.200 (0.100 to 0.300)"]
    assert table.rows[2] == ["c", "can be dropped: the network does not read it", "-"]
    assert table.note.startswith("With all streams the mae of the best network is 0.5000.")
    assert "never met a missing stream" not in table.note
    unmet = loss_table(replace(losses, retrained={"a": SURE}))
    assert unmet.columns[3] == "lost by a linear model"
    assert [row[3] for row in unmet.rows] == ["+0.200 (0.100 to 0.300)", "-", "-"]
    assert "never met a missing stream" in unmet.note
