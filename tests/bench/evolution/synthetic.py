"""A made-up problem over the real space of genomes. It is cheap and deterministic, and its best front is known.

The error falls along one curve as the number of parameters grows. It rises with every wrong gene: training genes that
are far off, and experts and gates of other kinds. All genes can be right at almost any size, so the curve is the front.
Fewer epochs than the genome's own give a worse score. Every replicate adds a little noise.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from typing import Any, Final

import moocore
import numpy as np

from haemsa.cluster.workers.job import Job, target_epochs
from haemsa.evo.candidate import Score
from haemsa.evo.expert_space.bounds import LOGARITHMIC, OPTIONAL, TRAINING, Bounds
from haemsa.evo.expert_space.legal import idle_genes
from haemsa.evo.expert_space.space import ExpertSpace
from haemsa.model.cost import cost, parameters
from haemsa.model.schema import Schema, TaskInfo
from haemsa.model.spec.genome import Genome

STEPS: Final = 20
SCHEMA: Final = Schema(
    {"text": (STEPS, 64), "audio": (STEPS, 32), "vision": (STEPS, 32)}, {"sentiment": TaskInfo("regression")}
)
OBJECTIVES: Final = {"mae": "min", "params": "min"}
BOUNDS: Final = Bounds()
SMALLEST: Final = math.log10(ExpertSpace(("audio",), cost=lambda net: cost(net, SCHEMA)).smallest("params"))
LARGEST: Final = 4.5
"""log10 of the number of parameters from which on more of them bring nothing."""
REFERENCE: Final = (1.4, 5.0)
"""Hypervolumes are measured in (mae, log10 params), below this point."""
_PLACES: Final = (0.7, 0.25, 0.5, 0.3, 0.4, 0.2, 0.6)
WANTED: Final = dict(zip([name for name in TRAINING if name not in OPTIONAL], _PLACES, strict=True))
"""Where in its range each training gene is right, within `BAND`; other genes make no difference."""
BAND: Final = 0.08
NOISE: Final = 0.01


def space() -> ExpertSpace:
    """The space of genomes over the three modalities, with its default bounds."""
    steps = dict.fromkeys(SCHEMA.modalities, STEPS)
    return ExpertSpace(tuple(SCHEMA.modalities), steps=steps, cost=lambda network: cost(network, SCHEMA))


def size(genome: Genome) -> float:
    """Cohorts are sorted by this, as in a real search."""
    return cost(genome.network, SCHEMA)["flops"] * genome.training.epochs


def curve(log_params: float) -> float:
    """The least error with this many parameters."""
    left = 1 - min(1.0, (log_params - SMALLEST) / (LARGEST - SMALLEST))
    return 0.4 + 0.6 * left**2


def losses(genome: Genome) -> tuple[float, float]:
    """True (mae, log10 params) of a genome after all of its epochs."""
    log_params = math.log10(parameters(genome.network, SCHEMA))
    return curve(log_params) + _penalty(genome), log_params


def scores(job: Job) -> dict[str, Score]:
    """What training a job would measure: `mae` and `corr` by replicate, and `params`."""
    genome = job.genome
    mae, log_params = losses(genome)
    mae += 0.3 * (1 - target_epochs(job.fidelity, genome) / genome.training.epochs)
    rng = np.random.default_rng([zlib.crc32(genome.key.encode()), job.fidelity.epochs or 0])
    every = (mae + NOISE * rng.normal(size=job.fidelity.replicates)).tolist()
    values = [every[replicate] for replicate in job.replicates]
    corr = [1 - value / 2 for value in values]
    return {"mae": Score.of(values), "params": Score(round(10**log_params)), "corr": Score.of(corr)}


def hypervolume(genomes: Sequence[Genome]) -> float:
    """The true hypervolume of genomes, as a share of the whole curve's."""
    return _volume([losses(genome) for genome in genomes]) / _BEST if genomes else 0.0


def _penalty(genome: Genome) -> float:
    off = [_off(name, getattr(genome.training, name)) for name in _free(genome)]
    experts = [expert for level in genome.network.levels for expert in level.experts]
    wrong = sum(expert.kind != "gated" for expert in experts) / max(1, len(experts))
    gates = sum(len(level.experts) > 1 and level.gate.kind != "top_k" for level in genome.network.levels)
    return 0.25 * sum(off) + 0.08 * wrong + 0.04 * gates / max(1, len(genome.network.levels))


def _free(genome: Genome) -> list[str]:
    """Training genes with an effect; only these may be wrong."""
    idle = idle_genes(_DOMAIN, genome.network)
    return [name for name in WANTED if name not in idle]


def _off(name: str, value: float) -> float:
    """How far a gene is from where it is right, as a share of its range."""
    low, high = getattr(BOUNDS, name)
    if name in LOGARITHMIC:
        low, high, value = math.log(low), math.log(high), math.log(value)
    return max(0.0, abs((value - low) / (high - low) - WANTED[name]) - BAND)


def _volume(points: Any) -> float:
    inside = [point for point in points if point[0] < REFERENCE[0] and point[1] < REFERENCE[1]]
    return float(moocore.hypervolume(np.array(inside), ref=REFERENCE)) if inside else 0.0


_DOMAIN: Final = space().domain
_BEST: Final = _volume([(curve(x), x) for x in np.linspace(SMALLEST, LARGEST, 2000)])
