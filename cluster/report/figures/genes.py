"""Which genes win: how many survivors of each generation have them, as numbers and as pictures."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import attrgetter, methodcaller
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from haemsa.cluster.report.figures.style import INK, SERIES, colours_of, drawable, panels_of
from haemsa.model.spec.genome import Genome
from haemsa.model.spec.training import TrainingGenes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Shares = Mapping[str, NDArray[np.float64]]
"""By value, the share of the genomes that have it [G], over generations."""
MODALITY: Final = "modality"
_DASHES: Final = ("-", "--", ":")
_MOVED: Final = 0.02
"""A gene whose quartiles differ by a smaller share never moved."""
_WIDE_RANGE: Final = 30.0  # from this ratio of values on, the axis is logarithmic
_PARTS: Final[Mapping[str, Callable[[Genome], Iterable[object]]]] = {
    MODALITY: lambda genome: genome.network.modalities,
    "encoder": lambda genome: (encoder.kind for encoder in genome.network.encoders),
    "expert": lambda genome: (expert.kind for level in genome.network.levels for expert in level.experts),
    "gate": lambda genome: (level.gate.kind for level in genome.network.levels),
    "number of levels": lambda genome: [len(genome.network.levels)],
}
_FIELDS: Final = dataclasses.fields(TrainingGenes)
_NUMBERS: Final = [field.name for field in _FIELDS if isinstance(field.default, (int, float))]
_CHOICES: Final = [field.name for field in _FIELDS if isinstance(field.default, str)]


def part_shares(populations: Sequence[Sequence[Genome]]) -> dict[str, Shares]:
    """By kind of part and by part, the share of the genomes that have at least one, over generations.

    The kinds are modalities, encoders, experts, gates, and the number of levels.
    """
    return {name: _shares(populations, part) for name, part in _PARTS.items()}


def choice_shares(populations: Sequence[Sequence[Genome]]) -> dict[str, Shares]:
    """The same for the values of training genes that are no numbers. Genes that never differ are left out."""
    genes = {
        name: _shares(populations, lambda genome, name=name: [getattr(genome.training, name)])  # type: ignore[misc]
        for name in _CHOICES
    }
    return {name: shares for name, shares in genes.items() if len(shares) > 1}


def quartiles(populations: Sequence[Sequence[Genome]]) -> dict[str, NDArray[np.float64]]:
    """Lower quartile, median and upper quartile [3, G] of the training genes that are numbers.

    Weights of tasks are among them. Genes whose quartiles never differ are left out.
    """
    every = [genome.training for genomes in populations for genome in genomes]
    tasks = sorted({task for training in every for task, _ in training.task_weights})
    genes: dict[str, Callable[[TrainingGenes], float]] = {name: attrgetter(name) for name in _NUMBERS}
    genes |= {f"weight of {task}": methodcaller("task_weight", task) for task in tasks}
    found = {
        name: np.array([np.quantile([of(g.training) for g in genomes], (0.25, 0.5, 0.75)) for genomes in populations]).T
        for name, of in genes.items()
        if len({of(training) for training in every}) > 1
    }
    return {name: quarters for name, quarters in found.items() if np.ptp(quarters) > _MOVED * np.abs(quarters).max()}


def _shares(populations: Sequence[Sequence[Genome]], values: Callable[[Genome], Iterable[object]]) -> Shares:
    having = [[{str(value) for value in values(genome)} for genome in genomes] for genomes in populations]
    names = sorted({name for genomes in having for of_one in genomes for name in of_one})
    return {name: np.array([np.mean([name in of_one for of_one in genomes]) for genomes in having]) for name in names}


def share_figure(generations: Sequence[int], genes: Mapping[str, Shares], modalities: Sequence[str] = ()) -> Figure:
    """A panel per gene: the share of the survivors that have each of its values, over generations [G].

    `modalities`: those of the data, whose colours are then those of `network_figure`.
    """
    figure, panels = panels_of(list(genes), 2, 2.5)
    for axes, (name, shares) in zip(panels, genes.items(), strict=False):
        colours = colours_of(shares, modalities if name == MODALITY else ())
        for number, (value, share) in enumerate(shares.items()):
            look = {"color": colours[value], "label": drawable(value, 20), **_dots(share)}
            axes.plot(generations, share, _DASHES[number // len(SERIES) % len(_DASHES)], linewidth=2, **look)
        axes.set_ylim(-0.03, 1.03)
        axes.yaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
        _number_generations(axes, generations)
        place: Any = "center left"
        axes.legend(loc=place, bbox_to_anchor=(1, 0.5), frameon=False, fontsize=8, labelcolor=INK)
    return figure


def spread_figure(generations: Sequence[int], genes: Mapping[str, np.ndarray[Any, Any]]) -> Figure:
    """A panel per gene: quartiles [3, G] of the survivors' values, over generations."""
    figure, panels = panels_of([name.replace("_", " ") for name in genes], 3)
    for axes, (low, middle, high) in zip(panels, genes.values(), strict=False):
        axes.fill_between(generations, low, high, color=SERIES[0], alpha=0.3, linewidth=0)
        axes.plot(generations, middle, color=SERIES[0], linewidth=2, **_dots(middle))
        if low.min() > 0 and high.max() > _WIDE_RANGE * low.min():
            axes.set_yscale("log")
        else:
            axes.set_ylim(bottom=min(0.0, float(low.min())))
        _number_generations(axes, generations)
    return figure


def _dots(values: np.ndarray[Any, Any]) -> dict[str, Any]:
    """Few generations have a dot each on the line."""
    return {"marker": "o", "markersize": 4} if len(values) <= 12 else {}


def _number_generations(axes: Axes, generations: Sequence[int]) -> None:
    axes.locator_params("x", integer=True)
    axes.set_xlabel("generation")
    if len(generations) == 1:
        axes.set_xlim(generations[0] - 1, generations[0] + 1)
