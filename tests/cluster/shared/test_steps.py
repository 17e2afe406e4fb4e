"""Things that are counted, and steps that are shown as one work."""

from __future__ import annotations

from haemsa.cluster.shared.progress import Status, line
from haemsa.cluster.shared.steps import Parts, Steps, Tally


class Shown:
    """Keeps what is shown."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.notes: list[str] = []

    def update(self, status: Status) -> None:
        self.lines.append(line(status))

    def note(self, message: str) -> None:
        self.notes.append(message)


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def test_what_was_done_before_says_nothing_of_the_time_left() -> None:
    shown, clock = Shown(), Clock()
    tally = Tally(shown, "networks", 15, done=5, now=clock)
    clock.seconds = 4
    tally.show()
    tally.add(2)
    assert shown.lines == ["networks 5/15 · 4s", "networks 7/15 · 4s, 16s left"]


def test_things_without_a_known_number_are_counted() -> None:
    shown = Shown()
    Tally(shown, "samples", None, now=Clock()).add(512)
    assert shown.lines == ["samples 512 · 0s"]


def test_things_that_are_more_work_count_for_more_of_the_time_left() -> None:
    shown, clock = Shown(), Clock()
    tally = Tally(shown, "models", 5, done=1, now=clock, size=10.0)
    clock.seconds = 4
    tally.add(2, size=8.0)
    assert shown.lines == ["models 3/5 · 4s, 1s left"]


def test_steps_say_which_of_them_runs_and_how_long_all_take() -> None:
    shown, clock = Shown(), Clock()
    steps = Steps(shown, 3, clock)
    steps.begin("early_fusion", "tuning early_fusion: 8 trials")
    clock.seconds = 4
    steps.update(Status(2, 8, front_size=None, elapsed=4))  # the first is where it began
    steps.update(Status(4, 8, front_size=None, elapsed=4, remaining=6))
    clock.seconds = 10
    steps.begin("late_fusion")
    clock.seconds = 14
    steps.update(Status(0, 8, front_size=None, elapsed=4))
    clock.seconds = 21
    steps.update(Status(0, 8, front_size=None, elapsed=11))
    assert shown.notes == ["tuning early_fusion: 8 trials (1 of 3)"]
    assert shown.lines == [
        "early_fusion, 1 of 3: 2/8 · 4s",
        "early_fusion, 1 of 3: 4/8 · 4s, 26s left",  # 6 of this step, and 10 for each of the others
        "late_fusion, 2 of 3: 0/8 · 4s, 16s left",
        "late_fusion, 2 of 3: 0/8 · 11s",  # longer than the step before
    ]


def test_a_step_that_was_done_before_does_not_shorten_the_others() -> None:
    shown, clock = Shown(), Clock()
    steps = Steps(shown, 3, clock)
    steps.begin("ended before")
    steps.update(Status(8, 8, front_size=None))
    clock.seconds = 1
    steps.begin("another")
    steps.update(Status(0, 8, front_size=None))
    assert shown.lines[-1] == "another, 2 of 3: 0/8 · 0s"


def test_facts_that_several_steps_note_before_they_run_are_noted_once() -> None:
    shown = Shown()
    steps = Steps(shown, 2, Clock())
    for name in ("one", "two"):
        steps.begin(name)
        steps.note("2 columns of audio never vary")
        steps.update(Status(0, 8))
        steps.note("a worker died")
    assert shown.notes == ["2 columns of audio never vary", "a worker died", "a worker died"]


def test_a_step_that_is_larger_than_the_others_counts_as_several_of_them() -> None:
    shown, clock = Shown(), Clock()
    steps = Steps(shown, 2, clock, sizes=(3, 1))
    steps.begin("tuning")
    steps.update(Status(0, 9, front_size=None))
    clock.seconds = 6
    steps.update(Status(3, 9, front_size=None, elapsed=6, remaining=12))
    assert shown.lines[-1] == "tuning, 1 of 2: 3/9 · 6s, 18s left"  # 12 of this step, and a third of 18 for the other
    clock.seconds = 18
    steps.begin("final training")
    steps.update(Status(0, 4, front_size=None))
    assert shown.lines[-1] == "final training, 2 of 2: 0/4 · 0s, 6s left"


def test_parts_that_run_at_the_same_time_are_shown_as_one() -> None:
    shown, clock = Shown(), Clock()
    parts = Parts(shown, [1, 1, 1], 8, clock)
    first, second, _ = parts.parts
    clock.seconds = 4
    first.update(Status(4, 8, failures=1, elapsed=4, remaining=4))
    second.note("a fact about the data")
    first.note("a fact about the data")
    second.update(Status(2, 8, elapsed=4, remaining=12))
    first.end()
    assert shown.notes == ["a fact about the data"]
    assert shown.lines == [
        "4/24 · ended 0 of 3 · failed 1 · 4s, 20s left",  # half of one part of three is done: a sixth
        "6/24 · ended 0 of 3 · failed 1 · 4s, 12s left",  # one half and one quarter of three parts
        "10/24 · ended 1 of 3 · failed 1 · 4s, 6s left",  # one and a quarter: 1.75 of 1.25 times 4 s
    ]


def test_parts_that_were_done_before_say_nothing_of_the_time_left() -> None:
    shown, clock = Shown(), Clock()
    parts = Parts(shown, [1, 1, 1], 8, clock)
    for part in parts.parts[:2]:
        part.end()
    clock.seconds = 5
    parts.parts[2].update(Status(4, 8, elapsed=5, remaining=5))
    assert shown.lines[-1] == "20/24 · ended 2 of 3 · 5s, 5s left"


def test_nobody_knows_how_long_parts_take_that_have_hardly_begun() -> None:
    shown, clock = Shown(), Clock()
    parts = Parts(shown, [1, 1], 8, clock)
    clock.seconds = 4
    parts.parts[0].update(Status(1, 8, elapsed=4, remaining=20))  # a sixth of one part of two
    assert shown.lines == ["1/16 · ended 0 of 2 · 4s"]


def test_a_small_part_that_has_ended_says_little_of_the_time_left() -> None:
    shown, clock = Shown(), Clock()
    parts = Parts(shown, [3, 1], 8, clock)
    clock.seconds = 2
    parts.parts[1].update(Status(7, 8, elapsed=2, remaining=1))
    parts.parts[1].end()
    assert shown.lines[-1] == "8/16 · ended 1 of 2 · 2s, 6s left"
