"""Follows the trials that Ray Tune runs, and keeps how each of them ended."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ray import tune

from haemsa.cluster.tuning.genes import Genes
from haemsa.cluster.tuning.result import Tried
from haemsa.evo.objectives import Direction


class Follower(tune.Callback):
    """Keeps the `trials` by their number, and calls `ended` whenever one has ended."""

    def __init__(self, genes: Genes, ended: Callable[[], None]) -> None:
        self.trials: dict[int, Tried] = {}
        self._genes, self._ended = genes, ended

    def __getstate__(self) -> dict[str, Any]:
        return {}  # Tune pickles its settings, but a terminal cannot be pickled

    def on_trial_result(self, *, trial: Any, result: dict[str, Any], **_: Any) -> None:  # type: ignore[override]
        """Note a score. The genes of a trial may have changed: pbt does that."""
        tried = self._of(trial)
        tried.genome = self._genes.genome_of(trial.config)
        if "failure" in result:
            tried.state, tried.why = "failed", result["failure"]
            return
        tried.scores[result["epochs"]], tried.error = result["score"], result["error"]
        if result["whole"]:
            tried.state = "ended"

    def on_trial_complete(self, *, trial: Any, **_: Any) -> None:  # type: ignore[override]
        """Note the end."""
        tried = self._of(trial)
        if tried.state == "unfinished":
            tried.state = "stopped"
        self._ended()

    def on_trial_error(self, *, trial: Any, **_: Any) -> None:  # type: ignore[override]
        """Note that a worker raised an error, or died too often."""
        tried = self._of(trial)
        tried.state, tried.why = "failed", str(trial.get_error() or "").strip().rpartition("\n")[2]
        self._ended()

    def _of(self, trial: Any) -> Tried:
        number = int(trial.trial_id.rpartition("_")[2])
        return self.trials.setdefault(number, Tried(number, self._genes.genome_of(trial.config)))

    def best(self, direction: Direction) -> Tried | None:
        """The best of the trials that had all their epochs; the first of equals."""
        sign = 1.0 if direction == "min" else -1.0
        ended = [self.trials[number] for number in sorted(self.trials) if self.trials[number].state == "ended"]
        return min(ended, key=lambda tried: sign * tried.score, default=None)
