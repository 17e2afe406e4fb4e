"""What a search has learnt of its space: fitted anew as outcomes come, beside the search.

In steady mode a forest is fitted in a thread, while workers train. It is begun when children are bred, and is used
from the next time on. So which forest is used depends only on what was told before, and a search that was killed goes
on with the same forests.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, Generic

import numpy as np

from haemsa.evo.candidate import Evaluated, G, Record
from haemsa.evo.learning.described import Described
from haemsa.evo.learning.score_forest import ScoreForest
from haemsa.evo.nsga2 import Indices, Losses
from haemsa.evo.records.archive import Archive

LEAST: Final = 48
"""Outcomes from which the first forest is made."""
REFIT: Final = 32
"""At least so many outcomes later, the next one is made."""
GROWTH: Final = 8
"""The next one knows at least an eighth more. So all fits together cost little, however many outcomes there are."""
Told = tuple[int, int]
"""An outcome: the id of the candidate, and the rung."""


@dataclass
class ScoreModel(Generic[G]):
    """Learns the losses of an archive's candidates. Objectives that a space knows without training are not learnt.

    `wait`: a forest is used at once, and the search waits for it.
    """

    space: Described[G]
    archive: Archive[G]
    seed: int
    wait: bool = False
    _forest: ScoreForest | None = None
    _known: int = 0  # how many outcomes `_forest` knows
    _next: Future[ScoreForest] | None = None
    _after: list[Told] = field(default_factory=list)  # told after what `_forest` knows
    _begun: int | None = None  # how many of these the next forest knows
    _genes: dict[int, Losses] = field(default_factory=dict)

    @property
    def ready(self) -> bool:
        """Whether something was learnt."""
        return self._forest is not None

    def told(self, record: Record[G]) -> None:
        """Note an outcome. A failure teaches nothing."""
        if isinstance(record, Evaluated):
            self._after.append((record.id, record.rung))

    def refresh(self) -> None:
        """Use the forest that was begun last time, and begin another one if enough outcomes came."""
        if self._next is not None:
            self._use(self._next.result())
        if len(self._after) >= (max(REFIT, self._known // GROWTH) if self.ready else LEAST):
            self._begin(len(self._after))
        if self.wait and self._next is not None:
            self._use(self._next.result())

    @cached_property
    def learnt(self) -> list[int]:
        """The places of the objectives that are learnt, because the space does not know them."""
        archive = self.archive
        known = self.space.known(archive.record(next(iter(archive.outcomes))).genome)
        return [place for place, name in enumerate(archive.objectives.names) if name not in known]

    def draws(self, genomes: Sequence[G]) -> Losses:
        """Losses of genomes after all training `[TREES, N, k]`, one set for each tree."""
        objectives, learnt = self.archive.objectives, self.learnt
        assert self._forest is not None
        predicted = self._forest.draws(self.space.describe(genomes), self.archive.ladder.full)
        found = np.empty((*predicted.shape[:2], len(objectives.names)))
        found[:, :, learnt] = predicted
        costs = [self.space.known(genome) for genome in genomes]
        for place, (name, weight) in enumerate(zip(objectives.names, objectives.weights, strict=True)):
            if place not in learnt:
                found[:, :, place] = [-weight * cost[name] for cost in costs]
        return found

    def state_dict(self) -> dict[str, Any]:
        """State as JSON: what the forests do not know. The outcomes themselves are in the rows of candidates."""
        return {"learnt": self.ready, "after": list(self._after), "begun": self._begun}

    def load_state_dict(self, saved: Mapping[str, Any] | None) -> None:
        """Go on from `state_dict`'s value, after the archive was filled: fit the same forests again.

        None: nothing was learnt before, and all outcomes are new.
        """
        if saved is None:
            self._after = self._without(())
            return
        self._after, begun = [(number, rung) for number, rung in saved["after"]], saved["begun"]
        if saved["learnt"]:
            known = self._without(self._after)
            self._forest, self._known = self._fit(*self._arrays(known)), len(known)
        if begun is not None:
            self._begin(begun)

    def _use(self, forest: ScoreForest) -> None:
        begun = self._begun or 0
        self._forest, self._known, self._after = forest, self._known + begun, self._after[begun:]
        self._next = self._begun = None

    def _begin(self, begun: int) -> None:
        """Begin a forest of all outcomes but those that came after the first `begun` of `_after`."""
        self._begun = begun
        arrays = self._arrays(self._without(self._after[begun:]))
        pool = ThreadPoolExecutor(1, thread_name_prefix="learning")
        self._next = pool.submit(self._fit, *arrays)
        pool.shutdown(wait=False)

    def _fit(self, genes: Losses, rungs: Indices, losses: Losses) -> ScoreForest:
        return ScoreForest(genes, rungs, losses, (self.seed + len(losses)) % 2**32)

    def _without(self, left_out: Collection[Told]) -> list[Told]:
        """All outcomes but these, in an order that does not depend on when they came."""
        every = {(number, rung) for number, own in self.archive.outcomes.items() for rung in range(len(own))}
        return sorted(every - set(left_out))

    def _arrays(self, known: Sequence[Told]) -> tuple[Losses, Indices, Losses]:
        """Genes `[N, D]`, rungs `[N]` and losses `[N, M]` of outcomes."""
        archive = self.archive
        new = sorted({number for number, _ in known} - self._genes.keys())
        rows = self.space.describe([archive.record(number).genome for number in new]) if new else ()
        self._genes.update(zip(new, rows, strict=True))
        scores = [archive.outcomes[number][rung] for number, rung in known]
        return (
            np.array([self._genes[number] for number, _ in known]),
            np.array([rung for _, rung in known], dtype=np.intp),
            np.array([archive.objectives.means(each) for each in scores])[:, self.learnt],
        )
