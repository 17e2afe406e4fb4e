"""Which genes matter: the permutation importance of each gene to a random forest that predicts the score from them.

A forest is only as good as its predictions of genomes that it has not seen, so their quality is told beside the
importances. Each tree predicts only the genomes that it was not grown on (out of bag: Breiman, "Random forests", 2001).
Only final scores count, because scores of different rungs cannot be compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from haemsa.cluster.run_directory.tables import thinned
from haemsa.cluster.shared.text import counted
from haemsa.evo.expert_space.features import GeneTable, gene_table, names_in
from haemsa.model.spec.genome import Genome

if TYPE_CHECKING:
    from sklearn.ensemble import RandomForestRegressor

LEAST: Final = 20
"""With fewer genomes a forest says nothing."""
MOST: Final = 300
"""Of more genomes only so many are used, evenly spread over the search."""
_TREES: Final = 100
_SHUFFLES: Final = 5
_WEAK: Final = 0.1
"""A forest that explains a smaller share does not say which genes matter."""
Values = NDArray[np.float64]


@dataclass(frozen=True)
class GeneImportance:
    """By how much R2 falls when a gene is shuffled among the genomes: the mean over shuffles and their deviation."""

    name: str
    mean: float
    spread: float


@dataclass(frozen=True)
class Importance:
    """The importance of every gene that differs, the most important first.

    objective: the score that is explained. genomes: how many have final scores and were used. r2, rank_correlation: how
    well the forest predicts the scores of genomes that it has not seen (Spearman's for ranks).
    """

    objective: str
    genomes: int
    r2: float
    rank_correlation: float
    genes: tuple[GeneImportance, ...]

    def words(self) -> str:
        """How well the genes explain the score."""
        weak = " So do not rely on the order of the genes." if self.r2 < _WEAK else ""
        return (
            f"The genes explain {max(self.r2, 0):.0%} of the variance of {self.objective} among "
            f"{counted(self.genomes, 'genome')} with final scores (by a random forest on genomes that it has not seen; "
            f"rank correlation {self.rank_correlation:.2f}).{weak}"
        )


def importance(genomes: Sequence[Genome], scores: Sequence[float], objective: str) -> Importance:
    """Find which genes matter for a score.

    Args:
        genomes: genomes with final scores, in the order of the search.
        scores: the score of each.
        objective: the name of the score.

    Raises:
        ValueError: there are too few genomes, or nothing differs among them.
    """
    if len(genomes) < LEAST:
        found = counted(len(genomes), "genome has", "genomes have")
        raise ValueError(f"{found} final scores, expected at least {LEAST} to tell which genes matter")
    used = thinned(genomes, MOST)
    table, target = _differing(gene_table(used, *names_in(used))), np.array(thinned(scores, MOST), dtype=np.float64)
    if not table.genes or np.ptp(target) == 0:
        same = "genes" if not table.genes else "scores"
        raise ValueError(f"all {len(used)} genomes with final scores have the same {same}, so no gene matters more")
    return _of_forest(table, target, objective)


def _of_forest(table: GeneTable, target: Values, objective: str) -> Importance:
    from scipy.stats import spearmanr
    from sklearn.ensemble import RandomForestRegressor
    from sklearn.inspection import permutation_importance
    from sklearn.metrics import r2_score

    forest = RandomForestRegressor(_TREES, max_features=1 / 3, random_state=0).fit(table.values, target)
    unseen = np.ones((_TREES, len(target)), dtype=bool)
    for row, seen in zip(unseen, forest.estimators_samples_, strict=True):
        row[seen] = False

    def unseen_r2(fitted: RandomForestRegressor, values: Values, scores: Values) -> float:
        return float(r2_score(scores, _out_of_bag(fitted, values, unseen)))

    found = permutation_importance(forest, table.values, target, scoring=unseen_r2, n_repeats=_SHUFFLES, random_state=0)
    predicted = _out_of_bag(forest, table.values, unseen)
    by_gene = zip(table.names, found.importances_mean.tolist(), found.importances_std.tolist(), strict=True)
    return Importance(
        objective,
        len(target),
        float(r2_score(target, predicted)),
        float(np.nan_to_num(spearmanr(target, predicted).statistic)),
        tuple(sorted((GeneImportance(*gene) for gene in by_gene), key=lambda gene: -gene.mean)),
    )


def _out_of_bag(forest: Any, values: Values, unseen: NDArray[np.bool_]) -> Values:
    """For each row [N] the mean prediction of the trees that were not grown on it. `unseen`: [trees, N]."""
    rows = np.ascontiguousarray(values, dtype=np.float32)
    predicted = np.zeros(unseen.shape)
    for of_tree, new, fitted in zip(predicted, unseen, forest.estimators_, strict=True):
        of_tree[new] = fitted.tree_.predict(rows[new])[:, 0]  # fitted.predict also checks the rows, which takes as long
    mean: Values = np.average(predicted, axis=0, weights=unseen)
    return mean


def _differing(table: GeneTable) -> GeneTable:
    """The table without columns that are the same for all genomes, or the same as an earlier column.

    A gene without meaning gets its median. Otherwise the encoder of a modality would tell whether it is read at all.
    """
    known = ~np.isnan(table.values).all(axis=0)
    filled = table.values[:, known]
    filled = np.where(np.isnan(filled), np.nanmedian(filled, axis=0), filled)
    genes = [table.genes[place] for place in np.flatnonzero(known)]
    first = {column.tobytes(): place for place, column in reversed(list(enumerate(filled.T)))}
    kept = sorted(place for place in first.values() if np.ptp(filled[:, place]) > 0)
    return GeneTable(tuple(genes[place] for place in kept), filled[:, kept])
