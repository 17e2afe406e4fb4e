"""Benchmark peers: what Optuna suggests is ours, traces survive, and rescoring is done once."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parent / "bench"))

from machine import write_result
from stats import mean_interval, paired_interval
from traces import Evaluation, Trace, read

from model.spec import EncoderSpec, Genome, NetworkSpec, TrainingGenes

SPACE = {"epochs": [1], "widths": [8], "expert_widths": [8], "max_levels": 1, "max_experts": 2}
TEXT = Genome(NetworkSpec(8, (EncoderSpec("text"),)), TrainingGenes(epochs=1))
AUDIO = Genome(NetworkSpec(8, (EncoderSpec("audio"),)), TrainingGenes(epochs=1))


def test_a_trace_reads_back_in_order_of_time_and_without_a_torn_last_line(tmp_path: Path) -> None:
    trace = Trace.begin(tmp_path / "new" / "trace.jsonl")
    trace.append(TEXT, {"mae": 1.5}, seconds=2.0, number=1)
    trace.append(AUDIO, {}, seconds=1.0, number=0)
    trace.append(TEXT, {"mae": 1.0})
    last, first, second = read(trace.path)
    assert (first, second) == (
        Evaluation(1.0, AUDIO, {}, {"number": 0}),
        Evaluation(2.0, TEXT, {"mae": 1.5}, {"number": 1}),
    )
    assert 0 <= last.seconds < 1
    text = trace.path.read_text()
    trace.path.write_text(text[:-9])
    assert read(trace.path) == [first, second]
    trace.path.write_text(text.replace('"mae"', "mae"))
    with pytest.raises(ValueError, match=r"line 1 of .* is no evaluation"):
        read(trace.path)
    with pytest.raises(FileExistsError):
        Trace.begin(trace.path)


def test_intervals_and_results(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=50).tolist()
    mean, low, high = mean_interval(values)
    assert low < mean < high
    assert mean == pytest.approx(np.mean(values))
    assert high - low == pytest.approx(2 * 1.96 * np.std(values) / 50**0.5, rel=0.1)
    assert paired_interval([3.0, 4.0], [1.0, 2.0]) == (2.0, 2.0, 2.0)
    written = write_result("x", {"a": 1}, tmp_path).read_text()
    assert '"cpu"' in written and '"torch"' in written and '"a": 1' in written
