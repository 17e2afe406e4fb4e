"""Predictions beside the truth, as numbers: which classes are taken for which, and how values are on the whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from haemsa.cluster.report.best_model.heat import draw_table
from haemsa.cluster.report.figures.style import INK, SERIES, STRONG, WIDTH, colour_bar, plain, shades
from haemsa.model.predictor.calibration import Reliability

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def confusion(true: NDArray[np.int64], predicted: NDArray[np.int64], classes: int) -> NDArray[np.int64]:
    """How many samples of each class (rows) are given each class (columns) [C, C]."""
    return np.bincount(true * classes + predicted, minlength=classes**2).reshape(classes, classes)


def binned_medians(
    true: NDArray[Any], predicted: NDArray[Any], bins: int = 10
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean true and median predicted value in bins of as many samples each."""
    parts = [part for part in np.array_split(np.argsort(true, kind="stable"), bins) if len(part)]
    return np.array([true[part].mean() for part in parts]), np.array([np.median(predicted[part]) for part in parts])


Array = np.ndarray[Any, Any]
_MOST_CLASSES: Final = 12


def class_figure(targets: Array, chances: Array, labels: tuple[str, ...]) -> Figure:
    """Confusion and calibration of classes [N] and their predicted probabilities [N, C]."""
    from matplotlib.figure import Figure

    known = targets >= 0
    counts = confusion(targets[known], chances[known].argmax(1), len(labels))
    figure = Figure(figsize=(WIDTH, max(3.4, 1.2 + 0.34 * min(len(labels), _MOST_CLASSES))), layout="constrained")
    left, right = figure.subplots(1, 2)
    shares, cut = counts / np.maximum(counts.sum(1, keepdims=True), 1), slice(_MOST_CLASSES)
    cells = [[f"{share:.0%}" for share in row[cut]] for row in shares[cut]]
    draw_table(left, shares[cut, cut], labels[cut], labels[cut], cells)
    left.set_ylabel("true")
    left.set_title("predicted", fontsize=9, color=INK)
    sure = chances[known].max(1)
    _draw_reliability(right, Reliability.of(sure, chances[known].argmax(1) == targets[known]), "share that is right")
    return figure


def label_figure(targets: Array, chances: Array) -> Figure:
    """Calibration of labels [N, C] of which a sample may have several, all together."""
    from matplotlib.figure import Figure

    known = ~np.isnan(targets)
    figure = Figure(figsize=(WIDTH / 2, 3.4), layout="constrained")
    _draw_reliability(figure.add_subplot(), Reliability.of(chances[known], targets[known] == 1), "share that has it")
    return figure


def value_figure(targets: Array, values: Array, name: str) -> Figure:
    """Predicted against true values [N]: how many there are, and the median of what is predicted."""
    from matplotlib.figure import Figure

    known = ~np.isnan(targets)
    true, predicted = targets[known], values[known]
    figure = Figure(figsize=(WIDTH * 0.62, 4.2), layout="constrained")
    axes = figure.add_subplot()
    plain(axes)
    low, high = min(true.min(), predicted.min()), max(true.max(), predicted.max())
    cells = axes.hexbin(true, predicted, gridsize=24, mincnt=1, cmap=shades(0.15, 1.0), linewidths=0)
    axes.plot([low, high], [low, high], color=INK, linewidth=0.9, linestyle=":", label="as it should be")
    axes.plot(*binned_medians(true, predicted), "o-", color=STRONG, linewidth=2, markersize=4, label="median predicted")
    axes.set(xlabel=f"true {name}", ylabel=f"predicted {name}")
    axes.legend(loc="upper left", frameon=False, fontsize=8, labelcolor=INK)
    colour_bar(figure, cells, axes, "samples")
    return figure


def _draw_reliability(axes: Axes, found: Reliability, what: str) -> None:
    plain(axes)
    axes.plot([0, 1], [0, 1], color=INK, linewidth=0.9, linestyle=":")
    sizes = 20 + 160 * found.shares
    axes.plot(found.chances, found.rates, color=SERIES[0], linewidth=1.5)
    axes.scatter(found.chances, found.rates, s=sizes, color=SERIES[0], linewidths=0)
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), xlabel="predicted probability", ylabel=what)
    axes.set_title(f"expected calibration error {found.error:.3f}", fontsize=9, color=INK)
