"""A run directory of a search that never trained: made-up scores, parents, generations and failures."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from haemsa.cluster.config import SearchConfig
from haemsa.cluster.run_directory.rows import RungOutcome
from haemsa.cluster.run_directory.run_directory import RunDirectory
from haemsa.cluster.shared.files import write_json
from haemsa.evo.candidate import Candidate, Failure
from haemsa.model.spec.genome import Genome
from tests.support.cluster.search_fakes import OBJECTIVES, candidates, genome, scores


def family(count: int, size: int, seed: int = 0) -> list[Candidate[Genome]]:
    """Genomes of which the first `size` are founders; later ones have parents among the 2 x `size` before them."""
    rng = np.random.default_rng(seed)
    found = candidates(size)
    for number in range(size, count):
        parents = rng.choice(np.arange(max(0, number - 2 * size), number), 2, replace=False)
        found.append(Candidate(number, genome(number % 5000), tuple(parents.tolist())))
    return [Candidate(item.id, item.genome, item.parents if item.id >= size else ()) for item in found]


def made_run(
    path: Path, count: int = 48, size: int = 16, *, failed: int = 2, pending: int = 0, **config: object
) -> Path:
    """A search of `count` genomes, the last `failed` of them failures, and `pending` more that wait."""
    settings = SearchConfig.of({"data": "planted", "population": size, **config})
    born = family(count + pending, size)
    ended = [RungOutcome(item.id, dict(scores(item.id)), 1 + item.id // size, 2.0) for item in born[: count - failed]]
    ended += [
        RungOutcome(n, Failure("nan", "the loss is not finite"), 1 + n // size) for n in range(count - failed, count)
    ]
    with RunDirectory.create(path, settings, {"objectives": OBJECTIVES, "validation": "folds:5", "seed": 3}) as run:
        run.journal.asked(born)
        run.journal.record(ended)
    return path


def end_run(path: Path, best: int, confirmed: tuple[int, ...] = ()) -> None:
    """Let the search in `path` have ended, with this best, and these confirmed."""
    with RunDirectory.open(path) as run:
        run.journal.confirm({number: scores(number) for number in confirmed})
    found = {"id": best, "genome": genome(best).to_dict()}
    summary = {"wall_seconds": 65.0, "best": found, "evaluations": 48, "hypervolume": 1.0}
    write_json(path / "summary.json", summary)
