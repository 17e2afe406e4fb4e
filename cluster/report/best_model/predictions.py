"""Pictures of predictions next to the truth: confusion of classes, calibration, and predicted against true values."""

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

_MOST_CLASSES: Final = 12
Array = np.ndarray[Any, Any]


def class_figure(targets: Array, chances: Array, labels: tuple[str, ...]) -> Figure:
    """Confusion and calibration of classes [N], with their predicted probabilities [N, C]."""
    from matplotlib.figure import Figure

    known = targets >= 0
    counts = confusion(targets[known], chances[known].argmax(1), len(labels))
    figure = Figure(figsize=(WIDTH, max(3.4, 1.2 + 0.34 * min(len(labels), _MOST_CLASSES))), layout="constrained")
    left, right = figure.subplots(1, 2)
    shares, first = counts / np.maximum(counts.sum(1, keepdims=True), 1), slice(_MOST_CLASSES)
    cells = [[f"{share:.0%}" for share in row[first]] for row in shares[first]]
    draw_table(left, shares[first, first], labels[first], labels[first], cells)
    left.set_ylabel("true")
    left.set_title("predicted", fontsize=9, color=INK)
    highest = chances[known].max(1)
    correct = chances[known].argmax(1) == targets[known]
    _draw_reliability(right, Reliability.of(highest, correct), "share that is right")
    return figure


def label_figure(targets: Array, chances: Array) -> Figure:
    """Calibration of labels [N, C], all labels together. A sample may have several."""
    from matplotlib.figure import Figure

    known = ~np.isnan(targets)
    figure = Figure(figsize=(WIDTH / 2, 3.4), layout="constrained")
    _draw_reliability(figure.add_subplot(), Reliability.of(chances[known], targets[known] == 1), "share that has it")
    return figure


def value_figure(targets: Array, values: Array, name: str) -> Figure:
    """Predicted against true values [N]: how many samples there are, and the median prediction."""
    from matplotlib.figure import Figure

    known = ~np.isnan(targets)
    true, predicted = targets[known], values[known]
    figure = Figure(figsize=(WIDTH * 0.62, 4.2), layout="constrained")
    axes = figure.add_subplot()
    plain(axes)
    low, high = min(true.min(), predicted.min()), max(true.max(), predicted.max())
    cells = axes.hexbin(true, predicted, gridsize=24, mincnt=1, cmap=shades(0.15, 1.0), linewidths=0)
    axes.plot([low, high], [low, high], color=INK, linewidth=0.9, linestyle=":", label="perfect prediction")
    axes.plot(*binned_medians(true, predicted), "o-", color=STRONG, linewidth=2, markersize=4, label="median predicted")
    axes.set(xlabel=f"true {name}", ylabel=f"predicted {name}")
    axes.legend(loc="upper left", frameon=False, fontsize=8, labelcolor=INK)
    colour_bar(figure, cells, axes, "samples")
    return figure


def confusion(true: NDArray[np.int64], predicted: NDArray[np.int64], classes: int) -> NDArray[np.int64]:
    """How many samples of each true class (rows) are predicted as each class (columns) [C, C]."""
    return np.bincount(true * classes + predicted, minlength=classes**2).reshape(classes, classes)


def binned_medians(
    true: NDArray[Any], predicted: NDArray[Any], bins: int = 10
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The mean true value and the median predicted value in bins of equal size, from low to high true values."""
    parts = [part for part in np.array_split(np.argsort(true, kind="stable"), bins) if len(part)]
    return np.array([true[part].mean() for part in parts]), np.array([np.median(predicted[part]) for part in parts])


def _draw_reliability(axes: Axes, reliability: Reliability, what: str) -> None:
    plain(axes)
    axes.plot([0, 1], [0, 1], color=INK, linewidth=0.9, linestyle=":")
    sizes = 20 + 160 * reliability.shares
    axes.plot(reliability.chances, reliability.rates, color=SERIES[0], linewidth=1.5)
    axes.scatter(reliability.chances, reliability.rates, s=sizes, color=SERIES[0], linewidths=0)
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), xlabel="predicted probability", ylabel=what)
    axes.set_title(f"expected calibration error {reliability.error:.3f}", fontsize=9, color=INK)
