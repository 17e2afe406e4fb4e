"""A small search that never trains: candidates with made-up but steadily improving scores."""

from __future__ import annotations

import numpy as np

from haemsa.cluster.run_directory.tables import evaluated_rows
from haemsa.cluster.tracking.records import GenerationEnded, SearchStarted
from haemsa.cluster.workers.job import Job
from haemsa.evo.candidate import Candidate, Evaluated, Score
from haemsa.evo.rungs import Fidelity
from haemsa.model.spec.genome import Genome
from haemsa.model.spec.network import EncoderSpec, ExpertSpec, GateSpec, LevelSpec, NetworkSpec
from haemsa.model.spec.training import TrainingGenes

OBJECTIVES = {"mae": "min", "params": "min"}


def genome(number: int, epochs: int | None = None) -> Genome:
    """A different genome for every number. Where it is trained, two epochs are enough."""
    names = ("text", "audio", "vision")[: 1 + number % 3]
    experts = tuple(ExpertSpec((name,), "mlp", 1, 8 + number % 40) for name in names)
    level = LevelSpec((*experts, ExpertSpec(names, "low_rank", 1, 16)), GateSpec("top_k", 2))
    encoders = tuple(EncoderSpec(name, "attention" if name == "text" else "mean", 2) for name in names)
    return Genome(NetworkSpec(16, encoders, (level,) * (1 + number % 2)), TrainingGenes(epochs=epochs or 6 + number))


def candidates(count: int, start: int = 0) -> list[Candidate[Genome]]:
    """Candidates with ids from `start` on; each but the first has its predecessor as parent."""
    return [Candidate(i, genome(i), (i - 1,) if i else ()) for i in range(start, start + count)]


def jobs(count: int, start: int = 0) -> list[Job]:
    """The first jobs of `candidates`."""
    return [Job(candidate, Fidelity()) for candidate in candidates(count, start)]


def scores(number: int, seed: int = 0) -> dict[str, Score]:
    """An error that falls with the candidate's number and with its size."""
    rng = np.random.default_rng([seed, number])
    params = float(np.exp(rng.uniform(np.log(800), np.log(200_000))).round())
    mae = 0.8 + 2.0 / (10 + number) + 60 / params + float(rng.exponential(0.06))
    return {"mae": Score(mae, 0.01, 5), "params": Score(params)}


def front_ids(evaluated: list[Evaluated[Genome]]) -> list[int]:
    """Ids of the non-dominated, by comparing all pairs."""
    points = {item.id: (item.scores["mae"].mean, item.scores["params"].mean) for item in evaluated}
    return [
        i for i, (a, b) in points.items() if not any(c <= a and d <= b and (c, d) != (a, b) for c, d in points.values())
    ]


def started(name: str = "toy", data_name: str = "toydata", identity: str = "1234") -> SearchStarted:
    """A search of `mae` and `params`."""
    config = {"data": data_name, "evaluations": 48, "objectives": list(OBJECTIVES), "space": {"widths": [8] * 900}}
    dataset = {
        "name": data_name,
        "fingerprint": "0123456789abcdef",
        "source": "/data/toy.h5",
        "modalities": {"text": [50, 300], "audio": [1, 74]},
        "tasks": {"sentiment": "regression in [-3, 3]"},
        "splits": {"train": 120, "valid": 40, "test": 40},
    }
    facts, cluster = {"python": "3.11", "seed": 0}, {"backend": "ray", "workers": 4, "nodes": 2, "cpus": 4.0}
    return SearchStarted(name, data_name, "0123456789abcdef", config, OBJECTIVES, facts, identity, dataset, cluster)


def generation(number: int, size: int = 16) -> GenerationEnded:
    """Generation `number` (from 0): everything evaluated so far, the last `size` as the population."""
    every = [Evaluated(c.id, c.genome, c.parents, scores(c.id)) for c in candidates(size * (number + 1))]
    front = front_ids(every)
    rows = evaluated_rows(every, front=front, generations={item.id: item.id // size for item in every})
    best = {f"best/{name}": min(item.scores[name].mean for item in every) for name in OBJECTIVES}
    metrics = {"hypervolume": 0.4 + 0.1 * number, **best, "front_size": len(front), "evaluations": len(every)}
    population = sorted(rows[-size:], key=lambda row: float(row["mae"]))
    chosen = [row for row in rows if row["on_front"]]
    return GenerationEnded(number, population, chosen, {**metrics, "failures": 1, "busy_fraction": 0.97}, rows, at=1e9)
