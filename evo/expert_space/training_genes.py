"""How training genes vary: they are drawn, nudged and dealt to children. DEAP's operators work on lists of them.

Real numbers are places in [0, 1] of their ranges, so one operator suits them all. `nudged` and `crossed` take the
operators from a toolbox (operators.py) and draw where DEAP does (`source`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import numpy as np
from deap import base

from haemsa.evo.expert_space.bounds import TRAINING
from haemsa.evo.expert_space.domain import BOUND_OF, Domain
from haemsa.evo.expert_space.legal import idle_genes
from haemsa.evo.operators.confined import source
from haemsa.model.spec.network import NetworkSpec
from haemsa.model.spec.training import TrainingGenes

CHOSEN: Final = ("epochs", *BOUND_OF)
"""Training genes that are chosen from a few values."""
GENES: Final = (*TRAINING, *CHOSEN, "task_weights")
"""All training genes that are bred."""
SPREAD: Final = 0.2
"""The standard deviation of a nudge, as a share of a gene's range."""


def random_training(domain: Domain, rng: np.random.Generator) -> TrainingGenes:
    """Training genes from all of their ranges. Each is at its default half of the time, because most win near it."""
    return TrainingGenes(**{gene: _draw(domain, gene, rng) for gene in GENES})


def nudged(box: base.Toolbox, domain: Domain, training: TrainingGenes, network: NetworkSpec) -> TrainingGenes:
    """One or two of the genes that have an effect on the network get another value nearby.

    `box` has `mutate_numbers(places)`, and `mutate_choices(indices, low, up)` for indices of neighbouring choices.
    """
    idle, drawing = idle_genes(domain, network), source()
    live = [gene for gene in GENES if gene not in idle and domain.varies(gene)]
    genes = drawing.sample(live, min(len(live), 1 + (drawing.random() < 0.5)))
    numbers, choices = [g for g in genes if g in TRAINING], [g for g in genes if g in CHOSEN]
    values = _other_numbers(box, domain, {gene: (gene, getattr(training, gene)) for gene in numbers})
    if choices:
        near = [domain.bounds.neighbours(BOUND_OF.get(gene, gene), getattr(training, gene)) for gene in choices]
        (indices,) = box.mutate_choices([0] * len(near), [0] * len(near), [len(options) - 1 for options in near])
        values |= {gene: options[index] for gene, options, index in zip(choices, near, indices, strict=True)}
    if "task_weights" in genes:
        task = drawing.choice(domain.weighted)
        weight = _other_numbers(box, domain, {task: ("task_weight", training.task_weight(task))})
        values["task_weights"] = tuple(sorted((dict(training.task_weights) | weight).items()))
    return replace(training, **values)


def crossed(
    box: base.Toolbox, domain: Domain, a: TrainingGenes, b: TrainingGenes
) -> tuple[TrainingGenes, TrainingGenes]:
    """Every gene goes to one child, and the same gene of the other parent to the other child.

    `box` has `mate_numbers(places, places)`, and `mate_choices(values, values)` for all other genes.
    """
    numbers, others = _places(domain, a), [getattr(a, gene) for gene in GENES if gene not in TRAINING]
    numbers_b, others_b = _places(domain, b), [getattr(b, gene) for gene in GENES if gene not in TRAINING]
    mated = zip(box.mate_numbers(numbers, numbers_b), box.mate_choices(others, others_b), strict=True)
    first, second = (_values(domain, *pair) for pair in mated)
    return replace(a, **first), replace(b, **second)


def _places(domain: Domain, training: TrainingGenes) -> list[float]:
    return [domain.bounds.place(gene, getattr(training, gene)) for gene in TRAINING]


def _values(domain: Domain, places: list[float], others: list[Any]) -> dict[str, Any]:
    numbers = {gene: domain.bounds.at(gene, place) for gene, place in zip(TRAINING, places, strict=True)}
    return numbers | dict(zip((gene for gene in GENES if gene not in TRAINING), others, strict=True))


def _other_numbers(box: base.Toolbox, domain: Domain, numbers: dict[str, tuple[str, float]]) -> dict[str, Any]:
    """Other values for real numbers, which come by name as (their bound, their value)."""
    (places,) = box.mutate_numbers([domain.bounds.place(*item) for item in numbers.values()])
    return {
        name: domain.bounds.at(bound, place) for (name, (bound, _)), place in zip(numbers.items(), places, strict=True)
    }


def _draw(domain: Domain, gene: str, rng: np.random.Generator) -> Any:
    usual = rng.random() < 0.5
    if gene == "task_weights":
        return () if usual else tuple((task, domain.bounds.draw("task_weight", rng)) for task in domain.weighted)
    return domain.default(gene) if usual else domain.bounds.draw(BOUND_OF.get(gene, gene), rng)
