"""Things that are counted, and steps that are shown as one work."""

from __future__ import annotations

from haemsa.cluster.shared.progress import Status, line
from haemsa.cluster.shared.steps import Steps, Tally


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
