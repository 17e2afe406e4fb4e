"""The best network at work: predictions next to the truth, how sure they are, and a map of what it learned."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from haemsa.cluster.report.best_model.feature_map import FeatureMap
from haemsa.cluster.report.best_model.held_out import ObservedModel
from haemsa.cluster.report.best_model.predictions import binned_medians
from haemsa.cluster.report.figures.style import FAINT, SERIES, STRONG
from haemsa.cluster.report.page.plots.look import Group, Plot, Trace, axis, escaped, line, markers, series
from haemsa.model.data.task import Task
from haemsa.model.predictor.calibration import Reliability

_POINTS: Final = 1500
_SCALE: Final = [[0, "#2f7fe0"], [0.25, "#2fa9b5"], [0.5, FAINT], [0.75, "#d9a02b"], [1, "#e0452f"]]
"""From low to high values. All can be read on light and dark."""
Array = np.ndarray[Any, Any]


def prediction_group(observed: ObservedModel) -> Group:
    """A picture for each task: predicted against true values, or how often predictions come true."""
    caption = (
        "Predictions for held-out samples: values next to the truth, with the median predicted; and how often "
        "predicted classes and labels come true, by their probability. Rest on a sample to see its id."
    )
    ids, tasks = observed.held.data.ids, observed.held.data.tasks
    return Group(caption, [_predictions(tasks[task], observed.outputs[task], ids, task) for task in observed.outputs])


def _predictions(task: Task, outputs: Array, ids: Sequence[str], name: str) -> Plot:
    if task.kind == "regression":
        return _values(task.targets, outputs[:, 0], ids, name)
    if task.kind == "classes":
        known = task.targets >= 0
        chances = outputs[known]
        return _reliability(Reliability.of(chances.max(1), chances.argmax(1) == task.targets[known]), name, "is right")
    known = ~np.isnan(task.targets)
    return _reliability(Reliability.of(outputs[known], task.targets[known] == 1), name, "has the label")


def _values(targets: Array, values: Array, ids: Sequence[str], name: str) -> Plot:
    """Predicted against true values [N]."""
    known = np.flatnonzero(~np.isnan(targets))
    true, predicted = targets[known], values[known]
    low, high = float(min(true.min(), predicted.min())), float(max(true.max(), predicted.max()))
    shown = known[np.linspace(0, len(known) - 1, min(_POINTS, len(known))).astype(int)]
    middles, medians = binned_medians(true, predicted)
    hover = "%{text}: true %{x:.3g}, predicted %{y:.3g}<extra></extra>"
    data: list[Trace] = [
        {"x": targets[shown].tolist(), "y": values[shown].tolist(), "text": [escaped(ids[number]) for number in shown],
         "name": "sample", "hovertemplate": hover, **markers(SERIES[0], 5, opacity=0.45)},
        {"x": [low, high], "y": [low, high], "name": "perfect", "hoverinfo": "skip", **line(FAINT, 1.2, dash="dot")},
        {"x": middles.tolist(), "y": medians.tolist(), "name": "median predicted", **line(STRONG, 2),
         "mode": "lines+markers", "hovertemplate": "median %{y:.3g}<extra></extra>"},
    ]  # fmt: skip
    layout = {"xaxis": axis(f"true {name}"), "yaxis": axis(f"predicted {name}"), "height": 380}
    return Plot(name, data, layout)


def _reliability(found: Reliability, name: str, what: str) -> Plot:
    sizes = (8 + 26 * np.sqrt(found.shares)).tolist()
    hover = "predicted %{x:.0%}, true for %{y:.0%}<extra></extra>"
    data: list[Trace] = [
        {"x": [0, 1], "y": [0, 1], "name": "perfect", "hoverinfo": "skip", **line(FAINT, 1.2, dash="dot")},
        {"x": found.chances.tolist(), "y": found.rates.tolist(), "name": "predictions", **line(SERIES[0], 1.6),
         "mode": "lines+markers", "marker": {"size": sizes}, "hovertemplate": hover},
    ]  # fmt: skip
    layout = {
        "xaxis": axis("predicted probability", range=[-0.03, 1.03]),
        "yaxis": axis(f"share that {what}", range=[-0.03, 1.03]),
        "height": 380,
    }
    return Plot(f"{name}: expected calibration error {found.error:.3f}", data, layout)


def map_group(maps: Sequence[FeatureMap], task: str) -> Group:
    """What the last layer reads, as a map: a picture for each network, and the colour of a sample is its label."""
    more = " Next to it are those of searches without one idea." if len(maps) > 1 else ""
    caption = (
        "What the last layer of the best network reads, as a map (t-SNE). Each point is a held-out sample, and its "
        f"colour is its {task}. Samples that the network reads alike are near each other.{more}"
    )
    numbers = [item.labels for item in maps if not item.names]
    limits = (float(min(map(np.min, numbers))), float(max(map(np.max, numbers)))) if numbers else (0.0, 1.0)
    return Group(caption, [_map(item, task, limits) for item in maps])


def _map(item: FeatureMap, task: str, limits: tuple[float, float]) -> Plot:
    hidden = {"visible": False}
    layout: dict[str, Any] = {"xaxis": hidden, "yaxis": hidden, "height": 360}
    if not item.names:
        colours = {"color": item.labels.tolist(), "colorscale": _SCALE, "cmin": limits[0], "cmax": limits[1]}
        bar = {"title": {"text": escaped(task)}, "thickness": 12, "outlinewidth": 0}
        text = [f"{escaped(name)}: {label:.3g}" for name, label in zip(item.ids, item.labels.tolist(), strict=True)]
        look = {"mode": "markers", "marker": {"size": 6, "opacity": 0.85, **colours, "colorbar": bar}}
        return Plot(item.title, [_samples(item, np.arange(len(item.labels)), text) | look], layout)
    data = []
    for number, name in enumerate(item.names):
        members = np.flatnonzero(item.labels == number)
        text = [f"{escaped(item.ids[place])}: {escaped(name)}" for place in members]
        data.append(_samples(item, members, text) | {"name": escaped(name), **markers(series(number), 6)})
    return Plot(item.title, data, {**layout, "showlegend": True})


def _samples(item: FeatureMap, members: Array, text: Sequence[str]) -> Trace:
    x, y = item.places[members].T.tolist() if len(members) else ([], [])
    return {"x": x, "y": y, "text": list(text), "hovertemplate": "%{text}<extra></extra>"}
