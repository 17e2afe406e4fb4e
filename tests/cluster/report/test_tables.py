"""Tables of metrics: what the columns say, and what is worse than a constant."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

from rich.console import Console, RenderableType

from haemsa.cluster.report.tables import metric_table, reference_table, subset_table


def cells(*values: float, **more: Any) -> dict[str, Any]:
    mean = sum(values) / len(values)
    return {"mean": mean, "std": 0.1 if len(values) > 1 else 0.0, "values": list(values), **more}


def printed(table: RenderableType, width: int = 120) -> list[str]:
    console = Console(width=width, record=True, file=io.StringIO())
    console.print(table)
    return [line.rstrip() for line in console.export_text().splitlines()]


def rows(lines: list[str]) -> list[list[str]]:
    return [[cell.strip() for cell in line.split("│")[1:-1]] for line in lines if line.startswith("│")]


def shown(mae: float, accuracy: float) -> dict[str, Mapping[str, Any]]:
    names = ("mood/mae", "mood/corr", "mood/ccc", "side/accuracy", "side/wf1")
    return {"model": {name: cells(value) for name, value in zip(names, (mae, 0.1, 0.2, accuracy, 0.3), strict=True)}}


def test_what_the_model_predicts_comes_first_with_its_interval_and_what_it_must_beat() -> None:
    models = {
        "model": {"mae": cells(0.5, interval=[0.4, 0.62])},
        "each seed": {"mae": cells(0.5, 0.7)},
        "linear model": {"mae": cells(0.6)},
        "constant": {"mae": cells(0.9)},
    }
    lines = printed(metric_table(models))
    assert rows(lines) == [["mae", "0.5000", "0.4000 to 0.6200", "0.6000 ± 0.1000", "0.6000", "0.9000"]]
    assert "model: what haemsa predict writes, the mean of 2 seeds." in " ".join(lines)
    assert "95% interval: over the samples" in " ".join(lines)


def test_a_single_network_without_more_has_one_column_and_one_line() -> None:
    lines = printed(metric_table({"model": {"mae": cells(0.5)}}))
    assert rows(lines) == [["mae", "0.5000"]]
    assert " ".join(lines[-4:]).split("┘ ")[-1] == "model: what haemsa predict writes."


def test_an_interval_that_is_undefined_is_a_dash() -> None:
    models = {"model": {"mae": cells(0.5, interval=[float("nan")] * 2)}}
    assert rows(printed(metric_table(models))) == [["mae", "0.5000", "-"]]


def test_subsets_that_are_worse_than_a_constant_and_modalities_that_nothing_reads_are_told() -> None:
    tables = {"text+audio": {**shown(0.5, 0.9), "constant": shown(1.0, 0.4)["model"]}}
    tables |= {"text": shown(0.5, 0.9), "audio": shown(1.2, 0.3), "30% missing": shown(0.9, 0.39)}
    lines = printed(subset_table(tables, "test", unread=["audio"]))
    assert rows(lines) == [
        ["text+audio", "0.500", "0.100", "0.900", "0.300", ""],
        ["text", "0.500", "0.100", "0.900", "0.300", ""],
        ["audio", "1.200", "0.100", "0.300", "0.300", "nothing that it reads; mood and side: worse than a constant"],
        ["30% missing", "0.900", "0.100", "0.390", "0.300", "side: worse than a constant"],
        ["a constant", "1.000", "0.100", "0.400", "0.300", ""],
    ]
    assert lines[-1] == "No network reads audio: without it nothing changes."


def test_without_a_constant_nothing_is_compared_with_one() -> None:
    tables = {"text": {"model": {"mae": cells(9.0), "corr": cells(0.1)}}}
    assert rows(printed(subset_table(tables, "test"))) == [["text", "9.000", "0.100"]]


def test_a_single_task_is_not_named_in_a_note() -> None:
    constant = {"mae": cells(1.0), "corr": cells(0.0)}
    tables = {"text": {"model": {"mae": cells(9.0), "corr": cells(0.1)}, "constant": constant}}
    assert rows(printed(subset_table(tables, "test")))[0][-1] == "worse than a constant"


def test_the_subsets_of_two_tasks_fit_a_narrow_terminal() -> None:
    tables = {"text+audio+vision": {**shown(0.5, 0.9), "constant": shown(1.0, 0.4)["model"]}, "text": shown(1.1, 0.9)}
    assert rows(printed(subset_table(tables, "test"), width=100))[1][-1] == "mood: worse than a constant"


def test_only_planted_data_has_a_least_error_that_is_known() -> None:
    models = {"model": {"sentiment/mae": cells(0.4), "emotion/accuracy": cells(0.7)}}
    assert reference_table("mine.h5", models) is None
    found = reference_table("planted", models)
    assert found is not None
    assert rows(printed(found))[0] == ["this model", "0.4000", "0.7000"]
