"""How training genes vary: they are drawn, nudged and dealt to children."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import numpy as np

from haemsa.evo.expert_space.bounds import TRAINING
from haemsa.evo.expert_space.domain import BOUND_OF, Domain
from haemsa.evo.expert_space.legal import idle_genes
from haemsa.model.spec.network import NetworkSpec
from haemsa.model.spec.training import TrainingGenes

GENES: Final = ("epochs", *TRAINING, *BOUND_OF, "task_weights")
"""All training genes that are bred."""


def random_training(domain: Domain, rng: np.random.Generator) -> TrainingGenes:
    """Training genes from all of their ranges. Each is at its default half of the time, because most win near it."""
    return TrainingGenes(**{gene: _draw(domain, gene, rng) for gene in GENES})


def nudged(domain: Domain, training: TrainingGenes, network: NetworkSpec, rng: np.random.Generator) -> TrainingGenes:
    """One or two of the genes that have an effect on the network get another value nearby."""
    idle = idle_genes(domain, network)
    live = [gene for gene in GENES if gene not in idle and domain.varies(gene)]
    names = rng.permutation(live)[: 1 + int(rng.random() < 0.5)].tolist()
    return replace(training, **{gene: _nudge(domain, gene, getattr(training, gene), rng) for gene in names})


def crossed(a: TrainingGenes, b: TrainingGenes, rng: np.random.Generator) -> tuple[TrainingGenes, TrainingGenes]:
    """Every gene goes to one child, and the same gene of the other parent to the other child."""
    swapped = [gene for gene in GENES if rng.random() < 0.5]
    first, second = ({gene: getattr(parent, gene) for gene in swapped} for parent in (b, a))
    return replace(a, **first), replace(b, **second)


def _draw(domain: Domain, gene: str, rng: np.random.Generator) -> Any:
    usual = rng.random() < 0.5
    if gene == "task_weights":
        return () if usual else tuple((task, domain.bounds.draw("task_weight", rng)) for task in domain.weighted)
    return domain.default(gene) if usual else domain.bounds.draw(BOUND_OF.get(gene, gene), rng)


def _nudge(domain: Domain, gene: str, value: Any, rng: np.random.Generator) -> Any:
    """Another value of a gene. Of the weights of tasks, only one changes."""
    if gene != "task_weights":
        return domain.bounds.nudge(BOUND_OF.get(gene, gene), value, rng)
    weights, task = dict(value), domain.weighted[int(rng.integers(len(domain.weighted)))]
    weights[task] = domain.bounds.nudge("task_weight", weights.get(task, 1.0), rng)
    return tuple(sorted(weights.items()))
