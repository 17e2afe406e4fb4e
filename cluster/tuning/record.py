"""The trials of a tuning in MLflow: child runs of the search that found the genome, where that is known."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from haemsa.cluster.config import SearchConfig
from haemsa.cluster.run_directory.run_directory import RunDirectory
from haemsa.cluster.shared.files import to_json
from haemsa.cluster.tracking.client import connect, experiment_asked_for, experiment_id, run_of_search, store_uri
from haemsa.cluster.tracking.runs.origin import Kind, origin
from haemsa.cluster.tuning.genes import GENES
from haemsa.cluster.tuning.report import tuning_values
from haemsa.cluster.tuning.result import Tuning
from haemsa.model.errors import error_line

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from haemsa.cluster.tuning.result import Tried
    from haemsa.model.spec.genome import Genome

log = logging.getLogger(__name__)
_COMMAND: Final = "haemsa tune"


def record(tuning: Tuning, source: str, config: SearchConfig, out: Path) -> None:
    """Log the trials and the better genome, unless tracking is off. What MLflow does not take is only in `out`."""
    if config.tracking == "off":
        return
    try:
        client = connect(config.tracking)
        parent, own = _parent(client, tuning, source, config)
        for tried in tuning.trials:
            _trial(client, _child(client, parent, "trial", f"{config.title}: trial {tried.number:03d}"), tuning, tried)
        if tuning.genome is not None:
            _result(client, _child(client, parent, "tuned", f"{config.title}: tuned genome"), tuning, tuning.genome)
        if own:
            client.set_terminated(parent.info.run_id)
    except Exception as error:
        log.warning("MLflow did not take the trials, which are in %s: %s", out / "trials.csv", error_line(error))


def _parent(client: MlflowClient, tuning: Tuning, source: str, config: SearchConfig) -> tuple[Any, bool]:
    """The run of the search, and False; or a new run of this tuning, and True, if the search is not known."""
    if source.startswith("runs:/"):
        return client.get_run(source.split("/")[1]), False
    if Path(source).is_dir():
        with RunDirectory.open(Path(source), read_only=True) as run:
            identity = run.manifest().get("id")
        known = run_of_search(client, identity or "")
        if known:
            return known, False
    named = experiment_asked_for(config.experiment)
    experiment = experiment_id(client, store_uri(config.tracking), tuning.data, named=named)
    tags = {**origin("tuning", _COMMAND), "haemsa.source": source}
    return client.create_run(experiment, run_name=f"{config.title}: tuning", tags=tags), True


def _child(client: MlflowClient, parent: Any, kind: Kind, name: str) -> str:
    tags = origin(kind, _COMMAND, parent=parent.info.run_id)
    return str(client.create_run(parent.info.experiment_id, run_name=name, tags=tags).info.run_id)


def _trial(client: MlflowClient, run_id: str, tuning: Tuning, tried: Tried) -> None:
    """Log a trial: genes as parameters, and the score after each rung as a metric. Its step is the epochs."""
    from mlflow.entities import Metric, Param, RunTag

    params = [Param(gene, str(getattr(tried.genome.training, gene))) for gene in GENES]
    metrics = [Metric(tuning.metric, score, 0, epochs) for epochs, score in tried.scores.items()]
    tags = [RunTag("haemsa.state", tried.state), *([RunTag("haemsa.failure", tried.why)] if tried.why else [])]
    client.log_batch(run_id, metrics=metrics, params=params, tags=tags)
    client.set_terminated(run_id, status="FAILED" if tried.state == "failed" else "FINISHED")


def _result(client: MlflowClient, run_id: str, tuning: Tuning, better: Genome) -> None:
    """Log the better genome, which `haemsa train runs:/ID` takes, and how both genomes were confirmed."""
    for name, score in zip(("original", "tuned"), tuning.scores, strict=True):
        if score is not None:
            client.log_metric(run_id, f"{name}/{tuning.metric}", score.mean)
    client.log_text(run_id, better.to_json(), "genome.json")
    client.log_text(run_id, to_json(tuning_values(tuning), indent=2), "tuning.json")
    client.set_terminated(run_id)
