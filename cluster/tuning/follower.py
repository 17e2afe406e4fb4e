"""Follows the trials that Ray Tune runs, and keeps how each of them ended."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from ray import tune

from haemsa.cluster.tuning.genes import Genes
from haemsa.cluster.tuning.result import Tried
from haemsa.cluster.tuning.unfinished import Event
from haemsa.evo.objectives import Direction

_REPORTED: Final = ("epochs", "score", "error", "whole", "failure", "done")


class Follower(tune.Callback):
    """Keeps the `trials` by their number, and calls `ended` whenever one has ended.

    It knows what happened by events: mappings with the number of a `trial`, its `genes`, and what it reported, the
    folder of its last `checkpoint`, or only that it is `done`. Each goes to `keep`.
    """

    def __init__(self, genes: Genes, ended: Callable[[], None], keep: Callable[[Event], None] = lambda _: None) -> None:
        self.trials: dict[int, Tried] = {}
        self._genes, self._ended, self._keep = genes, ended, keep

    def __getstate__(self) -> dict[str, Any]:
        return {}  # Tune pickles its settings, but a terminal cannot be pickled

    def on_trial_result(self, *, trial: Any, result: dict[str, Any], **_: Any) -> None:  # type: ignore[override]
        """Note a score. `done`: the scheduler ends the trial, or the trial itself does."""
        self._happened(trial, **{name: result[name] for name in _REPORTED if name in result})

    def on_checkpoint(self, *, trial: Any, checkpoint: Any, **_: Any) -> None:  # type: ignore[override]
        """Note where the state of a trial is."""
        self._happened(trial, checkpoint=checkpoint.path)

    def on_trial_complete(self, *, trial: Any, **_: Any) -> None:  # type: ignore[override]
        """Note the end."""
        self._happened(trial, done=True)
        self._ended()

    def on_trial_error(self, *, trial: Any, **_: Any) -> None:  # type: ignore[override]
        """Note that a worker raised an error, or died too often."""
        self._happened(trial, failure=str(trial.get_error() or "").strip().rpartition("\n")[2])
        self._ended()

    def _happened(self, trial: Any, **what: Any) -> None:
        genes = {name: trial.config[name] for name in self._genes.names}
        event = {"trial": number_of(trial.trial_id), "genes": genes, **what}
        self._keep(event)
        self.take(event)

    def take(self, event: Event) -> None:
        """Note what happened, now or before the tuning was cut off. pbt may have changed the genes of the trial."""
        number, genome = event["trial"], self._genes.genome_of(event["genes"])
        tried = self.trials.setdefault(number, Tried(number, genome))
        tried.genome = genome
        tried.checkpoint = event.get("checkpoint", tried.checkpoint)
        if "failure" in event:
            tried.state, tried.why = "failed", event["failure"]
            return
        if "score" in event:
            tried.scores[event["epochs"]], tried.error = event["score"], event["error"]
        if event.get("whole"):
            tried.state = "ended"
        elif event.get("done") and tried.state == "unfinished":
            tried.state = "stopped"

    @property
    def done(self) -> int:
        """How many trials are done, in whatever way."""
        return sum(tried.state != "unfinished" for tried in self.trials.values())

    def best(self, direction: Direction) -> Tried | None:
        """The best of the trials that had all their epochs; the first of equals."""
        sign = 1.0 if direction == "min" else -1.0
        ended = [self.trials[number] for number in sorted(self.trials) if self.trials[number].state == "ended"]
        return min(ended, key=lambda tried: sign * tried.score, default=None)


def number_of(trial_id: str) -> int:
    """The number of a trial, by its name in Ray Tune.

    Example:
        >>> number_of("trial_00012")
        12
    """
    return int(trial_id.rpartition("_")[2])
