"""The trials of a tuning, in the order of their numbers, also of one that was cut off and goes on."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, Final, cast

from ray.tune.schedulers import TrialScheduler
from ray.tune.search import BasicVariantGenerator

from haemsa.cluster.tuning.follower import number_of
from haemsa.cluster.tuning.genes import Genes
from haemsa.cluster.tuning.result import Tried

PREFIX: Final = "trial"
"""The name of a trial in Ray Tune is this and its number."""


class Samples(BasicVariantGenerator):
    """The genome's own genes, then random ones.

    The seed gives the same trials every time. Those that were done `before` are left out, and those that were cut off
    have the genes that they had then: pbt may have changed them.
    """

    def __init__(self, genes: Genes, seed: int, at_once: int, before: Mapping[int, Tried]) -> None:
        super().__init__([genes.start()], max_concurrent=at_once, random_state=seed)
        self._genes, self._before = genes, before

    def next_trial(self) -> Any:
        """The next trial that is to be run. None: there is none now."""
        while (trial := super().next_trial()) is not None:  # type: ignore[no-untyped-call]
            tried = self._before.get(number_of(trial.trial_id))
            if tried is None:
                return trial
            if tried.state == "unfinished":
                trial.set_config({**trial.config, **self._genes.values_of(tried.genome)})
                return trial
            self.on_trial_complete(trial.trial_id)
        return None


def tell(asha: TrialScheduler, before: Mapping[int, Tried]) -> None:
    """Tell ASHA the scores of earlier trials. It decides by all scores on a rung, and their order does not matter."""
    for number, tried in before.items():
        trial = cast(Any, SimpleNamespace(trial_id=f"{PREFIX}_{number:05d}"))
        asha.on_trial_add(cast(Any, None), trial)
        for epochs, score in tried.scores.items():
            asha.on_trial_result(cast(Any, None), trial, {"epochs": epochs, "score": score})
