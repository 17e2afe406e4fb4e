"""Views of an experiment that MLflow's page can open: its searches, and the networks of all of them.

The page keeps a view that somebody shares as a tag of the experiment. Its runs' list has no scores unless a view names
them. A page that does not know a field of a view leaves it out.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from haemsa.cluster.run_directory.tables import GENOME_COLUMNS
from haemsa.cluster.tracking.records import SearchStarted
from haemsa.cluster.tracking.runs.names import PLACE, VALID, scored, standard_error
from haemsa.cluster.tracking.runs.origin import NETWORKS_ONLY

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Experiment

SEARCHES: Final = "haemsa-searches"
NETWORKS: Final = "haemsa-networks"
_SHARED: Final = "mlflow.sharedViewState."
_SEARCHES: Final = "tags.`haemsa.complete` = 'yes'"
"""Finds the runs of searches, also those of older versions."""
_FRAME: Final = 45
"""So many pixels of a column are beside its name: its margin, and the mark of the column that the page sorts by."""
_LETTER: Final = 7


def address(experiment: str, view: str) -> str:
    """Where a view is, after the address of the page."""
    return f"#/experiments/{experiment}/runs?workflowType=machine_learning&viewStateShareKey={view}"


def has_view(experiment: Experiment, view: str) -> bool:
    """Whether a search has given the experiment this view. Older versions did not."""
    return _SHARED + view in experiment.tags


def write_views(client: MlflowClient, experiment: str, search: SearchStarted) -> None:
    """Give an experiment its views. They show the objectives of this search, which is the newest."""
    for name, view in ((SEARCHES, _searches(search)), (NETWORKS, _networks(search))):
        client.set_experiment_tag(experiment, _SHARED + name, json.dumps(view))


def _searches(search: SearchStarted) -> dict[str, Any]:
    tasks = search.dataset.get("tasks", {})
    first = next(iter(search.objectives))
    metrics = [scored(VALID, first, tasks), f"best/{first}", "evaluations", "hypervolume", "front_size", "wall_seconds"]
    columns = [*_columns("metrics", metrics), *_columns("params", ["seed", "workers"])]
    return _view(_SEARCHES, "attributes.start_time", False, columns)


def _networks(search: SearchStarted) -> dict[str, Any]:
    """The best of each search first. How surely a network was scored stands before its scores."""
    scores = [key for name in search.objectives for key in (name, standard_error(name))]
    columns = [
        *_columns("metrics", [PLACE]),
        *_columns("tags", ["confirmed", "rung"]),
        *_columns("metrics", scores),
        *_columns("tags", ["on_front"]),
        *_columns("params", list(GENOME_COLUMNS)),
        *_columns("tags", ["generation", "parents"]),
    ]
    return _view(NETWORKS_ONLY, f"metrics.`{PLACE}`", True, columns)


def _view(found_by: str, order: str, up: bool, columns: list[str]) -> dict[str, Any]:
    """A view whose columns stand in this order, each as wide as its name. Without this the page sorts them by name."""
    return {
        "searchFilter": found_by,
        "orderByKey": order,
        "orderByAsc": up,
        "selectedColumns": columns,
        "columnOrder": columns,
        "columnWidths": {column: _FRAME + _LETTER * len(column.split("`")[1]) for column in columns},
    }


def _columns(kind: str, names: list[str]) -> list[str]:
    return [f"{kind}.`{name}`" for name in names]
