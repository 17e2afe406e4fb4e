"""What plain models reach on the samples that scored a network, and what is said if one of them is better."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from haemsa.cluster.shared.text import number
from haemsa.evo.candidate import Score

log = logging.getLogger(__name__)

if TYPE_CHECKING:
    from haemsa.model.baselines.over_folds import Held
    from haemsa.model.data.dataset import Dataset


@dataclass(frozen=True)
class PlainModels:
    """A network beside plain models: all were scored on the same samples, none of which they were trained on.

    metric, direction: what was measured, and whether "min" or "max" is better. own: what the network reaches. scores:
    what "a linear model" and "a constant" reach.

    Example:
        >>> PlainModels("mae", "min", 0.5, {"a linear model": 0.4, "a constant": 0.9}).better
        'a linear model'
    """

    metric: str
    direction: Literal["min", "max"]
    own: float
    scores: Mapping[str, float]

    @classmethod
    def beside(
        cls,
        own: float,
        metric: str,
        direction: Literal["min", "max"],
        pool: Dataset,
        held_out: Held,
        seed: int,
        *,
        together: bool = False,
    ) -> PlainModels:
        """Score plain models on what each fold holds out of a normalised pool.

        Args:
            own: what the network reaches.
            metric: what is measured.
            direction: whether "min" or "max" is better.
            pool: training and validation samples.
            held_out: what each fold holds out, [F, N].
            seed: of the search.
            together: whether all folds are scored together. Otherwise the score is the mean over folds.
        """
        from haemsa.model.baselines.over_folds import constant_score, linear_score

        found = {"a constant": constant_score(pool, held_out, metric, together=together)}
        try:
            found = {"a linear model": linear_score(pool, held_out, metric, seed, together=together), **found}
        except ValueError as error:  # of scikit-learn; what was searched or trained is kept all the same
            log.warning("a linear model could not be fitted: %s", error)
        known = {name: score for name, score in found.items() if score is not None and math.isfinite(score)}
        return cls(metric, direction, own, known)

    @classmethod
    def of(cls, facts: Mapping[str, Any] | None) -> PlainModels | None:
        """What was kept as JSON under the key "plain". None if nothing was."""
        kept = (facts or {}).get("plain")
        return cls(**kept) if kept else None

    @property
    def better(self) -> str | None:
        """The best plain model, if it is better than the network."""
        sign = 1 if self.direction == "min" else -1
        best = min(self.scores, key=lambda name: sign * self.scores[name], default=None)
        return best if best is not None and sign * self.scores[best] < sign * self.own else None

    def warning(self, network: str = "the best network") -> list[str]:
        """A sentence that says so if a plain model is better than the network, which it calls `network`."""
        if (best := self.better) is None:
            return []
        scores = f"its {self.metric} is {number(self.scores[best])}, that of {network} {number(self.own)}"
        return [
            f"{best[0].upper()}{best[1:]} is better than {network}: {scores}, on the same held-out samples. "
            "Search longer, or use that model."
        ]


@dataclass(frozen=True)
class Constant:
    """What the best constant reaches in each objective that is a metric. Empty: unknown, as in older run directories.

    Example:
        >>> constant = Constant({"mae": 1.25}, {"mae": "min", "params": "min"})
        >>> constant.beats({"mae": Score(1.3), "params": Score(10.0)}), constant.beats({"mae": Score(0.5)})
        (True, False)
    """

    scores: Mapping[str, float]
    objectives: Mapping[str, str]

    @classmethod
    def of(cls, manifest: Mapping[str, Any], objectives: Mapping[str, str]) -> Constant:
        """That of a search, as its manifest has it."""
        known = manifest.get("constant") or {}
        return cls({name: known[name] for name in objectives if name in known}, objectives)

    def beats(self, scores: Mapping[str, Score]) -> bool:
        """Whether a network with these scores is no better than the constant in any objective."""
        return bool(self.scores) and not any(self._below(name, scores[name].mean) for name in self.scores)

    def _below(self, name: str, value: float) -> bool:
        return value < self.scores[name] if self.objectives[name] == "min" else value > self.scores[name]

    @property
    def words(self) -> str:
        """What it reaches."""
        return "a constant ({})".format(", ".join(f"{name} {number(value)}" for name, value in self.scores.items()))
