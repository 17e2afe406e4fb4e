"""Pictures of a check: labels, lengths, ranges, absence, shifts, and how well each modality alone predicts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from haemsa.cluster.data_check.check import DataCheck
from haemsa.cluster.data_check.columns import FAR, Bands
from haemsa.cluster.data_check.labels import TaskCheck
from haemsa.cluster.data_check.leaks import Score, Skill
from haemsa.cluster.report.figures.style import INK, MOST_ROWS, drawable, legend, panels_of, rows_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS: Final = {"train": "#4a90d9", "valid": "#d9822b", "test": "#35a67c"}
_TICKS: Final = 12


def label_figure(check: DataCheck) -> Figure:
    """A panel per task: the share of each label in each split."""
    figure, panels = panels_of(list(check.tasks), 3)
    for axes, task in zip(panels, check.tasks.values(), strict=False):
        _draw_labels(axes, task)
    panels[0].set_ylabel("share of labels")
    _legend(panels[0], check.splits)
    return figure


def length_figure(check: DataCheck) -> Figure | None:
    """A panel per modality with several steps: how long samples are. None without such a modality."""
    sequences = {name: modality for name, modality in check.modalities.items() if modality.steps > 1}
    if not sequences:
        return None
    figure, panels = panels_of(list(sequences), 3)
    for axes, modality in zip(panels, sequences.values(), strict=False):
        edges, counts = modality.histogram
        axes.stairs(counts, edges, fill=True, color=COLOURS["train"], alpha=0.8)
        axes.set_xlabel("steps")
    panels[0].set_ylabel("samples")
    return figure


def range_figure(check: DataCheck) -> Figure:
    """A panel per modality: percentiles of the values in each column."""
    figure, panels = panels_of(list(check.modalities), 2)
    for axes, modality in zip(panels, check.modalities.values(), strict=False):
        _draw_bands(axes, modality.bands)
    legend(panels[0])
    return figure


def absence_figure(check: DataCheck) -> Figure | None:
    """The share of samples in each split that lack a modality. None if no sample does."""
    absent = {name: modality.absent for name, modality in check.modalities.items() if any(modality.absent.values())}
    if not absent:
        return None
    figure, axes = rows_of(list(absent))
    names, height = list(absent)[:MOST_ROWS], 0.8 / len(check.splits)
    for number, (split, size) in enumerate(check.splits.items()):
        places = np.arange(len(names)) + (number - (len(check.splits) - 1) / 2) * height
        axes.barh(places, [absent[name][split] / size for name in names], height, color=COLOURS[split])
    axes.set_xlim(0, 1)
    axes.set_xlabel("share of samples without the modality")
    _legend(axes, check.splits)
    return figure


def shift_figure(check: DataCheck) -> Figure | None:
    """The columns whose means are farthest from those in training, over all modalities and splits. None without any."""
    shifts = [
        (f"{name} {modality.title(shift.column)}", split, shift.distance)
        for name, modality in check.modalities.items()
        for split, worst in modality.shifts.items()
        for shift in worst
    ]
    shifts = sorted(shifts, key=lambda shift: -abs(shift[2]))[:_TICKS]
    if not shifts:
        return None
    figure, axes = rows_of([name for name, *_ in shifts])
    splits = [split for _, split, _ in shifts]
    axes.barh(range(len(shifts)), [distance for *_, distance in shifts], color=[COLOURS[split] for split in splits])
    for limit in (-FAR, FAR):
        axes.axvline(limit, color=INK, linewidth=0.8, linestyle=":")
    axes.axvline(0, color=INK, linewidth=0.8)
    axes.set_xlabel("mean minus the mean in train, in standard deviations of train (dotted: far)")
    _legend(axes, [split for split in check.splits if split in splits])
    return figure


def skill_figure(check: DataCheck) -> Figure:
    """A row per task and modality: the correlations of that modality alone, with two standard errors to each side."""
    rows = [(task, name, skill) for task, skills in check.skills.items() for name, skill in skills.items()]
    one = len(check.tasks) == 1
    figure, axes = rows_of([name if one else f"{task}: {name}" for task, name, _ in rows], 0.5)
    for row, (_, _, skill) in enumerate(rows[:MOST_ROWS]):
        scores = list(_scores(skill))
        for number, (score, split, filled) in enumerate(scores):
            _draw_score(axes, score, row + (number - (len(scores) - 1) / 2) * 0.14, split, filled)
    axes.axvline(0, color=INK, linewidth=0.8)
    axes.set_xlabel("correlation with the labels (filled: fitted on train or within train; hollow: within the split)")
    _legend(axes, check.splits)
    return figure


def _scores(skill: Skill) -> Iterable[tuple[Score, str, bool]]:
    if skill.promised is not None:
        yield skill.promised, "train", True
    for split, within, score in skill.reached():
        yield score, split, not within


def _draw_score(axes: Axes, score: Score, place: float, split: str, filled: bool) -> None:
    colour, reach = COLOURS[split], 2 * score.error
    low, high = max(score.correlation - reach, -1.0), min(score.correlation + reach, 1.0)
    axes.plot((low, high), (place, place), color=colour, linewidth=1.5)
    face = colour if filled else "none"
    axes.plot(score.correlation, place, "o", markersize=5, color=colour, markerfacecolor=face)


def _draw_labels(axes: Axes, task: TaskCheck) -> None:
    edges = np.array(task.edges or np.arange(len(task.bins) + 1) - 0.5)
    centres, widths = (edges[1:] + edges[:-1]) / 2, np.diff(edges) * 0.84 / len(task.counts)
    for number, (split, counts) in enumerate(task.counts.items()):
        shares = np.array(counts) / max(1, sum(counts))
        axes.bar(centres + (number - (len(task.counts) - 1) / 2) * widths, shares, widths, color=COLOURS[split])
    if task.edges:
        return
    shown = np.unique(np.linspace(0, len(task.bins) - 1, min(_TICKS, len(task.bins))).astype(int))
    names = [drawable(task.bins[index], 12) for index in shown]
    slanted = max(map(len, names)) * len(names) > 24
    axes.set_xticks(shown.tolist(), names, rotation=40 if slanted else 0, ha="right" if slanted else "center")


def _draw_bands(axes: Axes, bands: Bands) -> None:
    from matplotlib.ticker import AsinhLocator

    columns, percentile = np.array(bands.columns), {key: np.array(row) for key, row in bands.percentiles.items()}
    for low, high, alpha in ((5, 95, 0.25), (25, 75, 0.5)):
        look: dict[str, Any] = {"step": "mid", "color": COLOURS["train"], "alpha": alpha}
        axes.fill_between(columns, percentile[low], percentile[high], label=f"percentiles {low} to {high}", **look)
    axes.step(columns, percentile[50], where="mid", color=INK, linewidth=0.9, label="median")
    typical = float(np.median(percentile[95] - percentile[5])) or 1.0
    if max(abs(percentile[5]).max(), abs(percentile[95]).max()) > 20 * typical:
        axes.set_yscale("asinh", linear_width=typical)
        axes.yaxis.set_major_locator(AsinhLocator(typical, numticks=6))
    axes.set_xlabel("column")


def _legend(axes: Axes, splits: Iterable[str]) -> None:
    """A legend of the splits' colours above the whole figure, where it covers nothing."""
    for split in splits:
        axes.plot([], [], "s", color=COLOURS[split], label=split)
    legend(axes)
