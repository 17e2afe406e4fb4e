"""Records on disk, and a tracker that sends them from there."""

from __future__ import annotations

import logging
import math
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from haemsa.cluster.tracking.outbox import Outbox
from haemsa.cluster.tracking.records import GenerationEnded, ModelTrained, Record, SearchEnded, SearchStarted
from haemsa.cluster.tracking.tracker import BufferedTracker
from tests.support.cluster.search_fakes import generation, started

ENDED = SearchEnded({"evaluations": 3, "front": []}, "{}", Path("run"), "stopped")


def model(folder: Path) -> ModelTrained:
    """A model, with a file in its folder."""
    (folder / "best").mkdir(exist_ok=True)
    (folder / "best" / "weights").write_text("its own")
    return ModelTrained("toy", folder / "best", "aaaa", "mae", "min", 0.9, "{}", "toydata", {"mae": 0.95})


class FakeSink:
    """Takes records while it is `up`, and waits at each while it is not `quick`."""

    def __init__(self) -> None:
        self.taken: list[Record] = []
        self.tries = 0
        self.up, self.quick = True, threading.Event()
        self.quick.set()

    def send(self, record: Record) -> str | None:
        self.tries += 1
        self.quick.wait()
        if not self.up:
            raise ConnectionError("nobody there")
        self.taken.append(record)
        return "models:/toy" if isinstance(record, ModelTrained) else None

    def numbers(self) -> list[int]:
        return [record.number for record in self.taken if isinstance(record, GenerationEnded)]


def buffered(folder: Path, sink: FakeSink, patience: float = 20.0, retry: float = 0.01) -> BufferedTracker:
    return BufferedTracker(Outbox(folder / "outbox"), lambda _: sink, retry=retry, patience=patience)


@pytest.mark.parametrize("record", [started(), generation(1), ENDED])
def test_a_record_comes_back_from_disk_as_it_was(tmp_path: Path, record: Record) -> None:
    outbox = Outbox(tmp_path / "outbox")
    outbox.put(record)
    found = Outbox(tmp_path / "outbox").read(outbox.waiting()[0])
    assert found == record


def test_a_model_waits_as_it_was_trained_and_goes_with_its_record(tmp_path: Path) -> None:
    record = model(tmp_path)
    outbox = Outbox(tmp_path / "outbox")
    path = outbox.put(replace(record, score=math.nan))
    (record.model_dir / "weights").write_text("those of another")
    (tmp_path / "outbox").rename(tmp_path / "moved")
    outbox = Outbox(tmp_path / "moved")
    found = outbox.read(tmp_path / "moved" / path.name)
    assert isinstance(found, ModelTrained) and math.isnan(found.score)
    assert (found.model_dir / "weights").read_text() == "its own"
    outbox.remove(tmp_path / "moved" / path.name)
    assert list((tmp_path / "moved").iterdir()) == []


def test_pictures_are_drawn_where_the_end_of_a_search_waits_and_go_with_it(tmp_path: Path) -> None:
    def draw(folder: Path) -> None:
        folder.mkdir()
        (folder / "front.png").write_text("a front")

    outbox = Outbox(tmp_path / "outbox")
    path = outbox.put(ENDED, draw)
    found = outbox.read(path)
    assert isinstance(found, SearchEnded) and found.pictures is not None
    assert (found.pictures / "front.png").read_text() == "a front"
    outbox.remove(path)
    assert list((tmp_path / "outbox").iterdir()) == []


def test_a_search_whose_description_is_damaged_is_named(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "outbox")
    outbox.put(started())
    (tmp_path / "outbox" / "search.json").write_text("{")
    with pytest.raises(ValueError, match=r"search\.json is damaged, so that what waits beside it cannot be sent"):
        outbox.search()


def test_records_wait_in_order_behind_those_of_an_earlier_session(tmp_path: Path) -> None:
    for number in range(3):
        Outbox(tmp_path / "outbox").put(generation(number))
    outbox = Outbox(tmp_path / "outbox")
    found = [outbox.read(path) for path in outbox.waiting()]
    assert [record.number for record in found if isinstance(record, GenerationEnded)] == [0, 1, 2]
    assert outbox.search() is None
    outbox.put(started("mine"))
    assert outbox.search() == started("mine")


@pytest.mark.parametrize("text", ["", "{", '{"kind": "Other"}', '{"kind": "GenerationEnded"}', "[]", "[" * 9999])
def test_a_damaged_record_is_set_aside_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, text: str
) -> None:
    outbox = Outbox(tmp_path / "outbox")
    outbox.put(generation(0))
    path = outbox.waiting()[0]
    path.write_text(text)
    assert outbox.read(path) is None
    assert "000001.json is damaged and left out" in caplog.text
    assert outbox.waiting() == [] and path.with_suffix(".damaged").read_text() == text


def test_all_is_sent_in_order_and_leaves_nothing(tmp_path: Path) -> None:
    sink = FakeSink()
    tracker = buffered(tmp_path, sink)
    tracker.started(started())
    for number in range(5):
        tracker.generation(generation(number))
    assert tracker.trained(model(tmp_path)) == "models:/toy"
    tracker.ended(ENDED)
    assert tracker.close()[0] == 0
    assert sink.numbers() == [0, 1, 2, 3, 4]
    assert [type(record) for record in (sink.taken[0], *sink.taken[-2:])] == [SearchStarted, ModelTrained, SearchEnded]


def test_a_sink_that_is_down_is_logged_once_and_gets_all_later(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    sink = FakeSink()
    sink.up = False
    tracker = buffered(tmp_path, sink)
    tracker.started(started())
    for number in range(3):
        tracker.generation(generation(number))
    assert tracker.trained(model(tmp_path)) is None
    sink.up = True
    tracker.ended(ENDED)
    assert tracker.close() == (0, "models:/toy")
    assert sink.numbers() == [0, 1, 2]
    told = [record.message for record in caplog.records if "did not take" in record.message]
    assert len(told) == 1
    assert "the search goes on and it is sent again: ConnectionError: nobody there" in told[0]


def test_what_was_not_sent_waits_for_the_next_session(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    down, up = FakeSink(), FakeSink()
    down.up = False
    with caplog.at_level(logging.WARNING):
        first = buffered(tmp_path, down)
        first.started(started())
        first.generation(generation(0))
        assert first.close() == (2, None)
    second = buffered(tmp_path, up)
    second.started(started())
    second.generation(generation(1))
    assert second.close()[0] == 0
    assert up.numbers() == [0, 1]


def test_a_sink_is_left_alone_at_first_unless_the_search_ends_before(tmp_path: Path) -> None:
    sink = FakeSink()
    tracker = BufferedTracker(Outbox(tmp_path / "outbox"), lambda _: sink, rest=3600.0)
    tracker.started(started())
    tracker.generation(generation(1))
    assert sink.tries == 0
    assert tracker.close() == (0, None)
    assert sink.numbers() == [1]


def test_a_slow_sink_keeps_nobody_waiting(tmp_path: Path) -> None:
    sink = FakeSink()
    sink.quick.clear()
    tracker = buffered(tmp_path, sink, patience=0.05)
    tracker.started(started())
    for number in range(3):
        tracker.generation(generation(number))
    assert sink.taken == []
    assert tracker.trained(model(tmp_path)) is None
    assert tracker.close() == (5, None)
    sink.quick.set()


def test_a_sink_that_fails_is_tried_ever_more_rarely(tmp_path: Path) -> None:
    sink = FakeSink()
    sink.up = False
    tracker = buffered(tmp_path, sink, retry=0.2)
    tracker.started(started())
    threading.Event().wait(0.5)
    assert sink.tries <= 3  # at 0, 0.2 and 0.6 seconds
    tracker.close()
