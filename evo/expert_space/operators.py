"""The operators of the space of experts as a DEAP toolbox has them: each under its name, and repaired.

`mate` and `mutate` call the others through the toolbox. So one that is registered anew or in addition takes part.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, Final

from deap import base, tools

from haemsa.evo.expert_space import variation
from haemsa.evo.expert_space.domain import Domain
from haemsa.evo.expert_space.sampling import Rng
from haemsa.evo.expert_space.training_genes import SPREAD, crossed, nudged
from haemsa.evo.operators.confined import generator, source
from haemsa.evo.operators.individual import Individual
from haemsa.evo.operators.toolbox import Repairs, repaired
from haemsa.model.spec.genome import Genome

Person = Individual[Genome]
Change = Callable[[Domain, Genome, Rng], Genome]
TRIES: Final = 16
"""How often mutations are tried until one changes something."""
COUNTS: Final = {1: 0.6, 2: 0.3, 3: 0.1}
"""How often a mutant gets so many mutations."""
WEIGHTS: Final[Mapping[str, float]] = {
    "alter_training": 4.0,
    "alter_expert": 2.0,
    "alter_sees": 1.5,
    "add_expert": 1.5,
    "remove_expert": 1.5,
    "alter_encoder": 1.5,
    "alter_gate": 1.5,
    "add_modality": 2.0,
    "remove_modality": 2.5,
    "alter_width": 1.0,
    "add_level": 0.7,
    "remove_level": 0.7,
    "flip_transfer": 0.7,
}
"""Every mutation by its name, and how often it is chosen, relative to the others."""


def register(box: base.Toolbox, domain: Domain, fitting: Repairs) -> None:
    """Register all mutations, `mutate`, `mate`, and the operators of training genes that they use.

    Of training genes, real numbers are places in [0, 1]. `tools.cxSimulatedBinaryBounded` may take the place of
    `mate_numbers`, and `tools.mutPolynomialBounded` that of `mutate_numbers`.

    `fitting`: brings the legal genomes that these operators give within limits and design.
    """
    box.register("mate_numbers", tools.cxUniform, indpb=0.5)
    box.register("mate_choices", tools.cxUniform, indpb=0.5)
    box.register("mutate_numbers", tools.mutGaussian, mu=0.0, sigma=SPREAD, indpb=1.0)
    box.register("mutate_choices", tools.mutUniformInt, indpb=1.0)
    for name in WEIGHTS:
        if name == "alter_training":
            box.register(name, alter_training, box, domain)
        else:
            box.register(name, _of_individuals(getattr(variation, name)), domain)
        box.decorate(name, repaired(fitting))
    box.register("mutate", some_mutations, box, WEIGHTS)
    box.register("mate", mate, box, domain)
    box.decorate("mate", repaired(fitting))


def some_mutations(
    box: base.Toolbox, weights: Mapping[str, float], individual: Person, counts: Mapping[int, float] = COUNTS
) -> tuple[Person]:
    """Some mutations of the toolbox, chosen by weight. The genome stays the same only if none of many acts."""
    before, names, drawing = individual.genome, list(weights), source()
    for _ in range(TRIES):
        (count,) = drawing.choices(list(counts), list(counts.values()))
        for name in drawing.choices(names, list(weights.values()), k=count):
            (individual,) = getattr(box, name)(individual)
        if individual.genome != before:
            break
    return (individual,)


def alter_training(box: base.Toolbox, domain: Domain, individual: Person) -> tuple[Person]:
    """Nudge one or two training genes."""
    genome = individual.genome
    individual.genome = Genome(genome.network, nudged(box, domain, genome.training, genome.network))
    return (individual,)


def mate(box: base.Toolbox, domain: Domain, a: Person, b: Person) -> tuple[Person, Person]:
    """Uniform crossover: see `variation.crossover` and `training_genes.crossed`."""
    training = crossed(box, domain, a.genome.training, b.genome.training)
    a.genome, b.genome = variation.crossover(domain, a.genome, b.genome, training, generator())
    return a, b


def _of_individuals(change: Change) -> Callable[[Domain, Person], tuple[Person]]:
    """A change of genomes as an operator of DEAP's."""

    @wraps(change)
    def mutate(domain: Domain, individual: Person) -> tuple[Any]:
        individual.genome = change(domain, individual.genome, generator())
        return (individual,)

    return mutate
