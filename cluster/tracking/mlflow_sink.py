"""The view on a search in MLflow: an experiment for each data set, and runs as the room `runs` makes them.

All calls name their run, so MLflow's global active run is never touched. Runs have the id of the search and the number
of the generation as tags. A record that is sent again finds by these tags what is already there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from haemsa.cluster.tracking.client import connect, experiment_id, metrics_of, run_of_search, store_uri, tags_of
from haemsa.cluster.tracking.records import GenerationEnded, Record, SearchEnded, SearchStarted, shows

if TYPE_CHECKING:
    from mlflow import MlflowClient


class MlflowSink:
    """Sends the records of one search to MLflow at `uri` (None: the default of `store_uri`)."""

    def __init__(self, uri: str | None, search: SearchStarted) -> None:
        self._uri, self._search = uri, search
        self._client: MlflowClient | None = None
        self._experiment = ""
        self.run_id = ""

    def send(self, record: Record) -> str | None:
        """See `Sink`."""
        client = self._client or self._connect()
        if isinstance(record, SearchStarted):
            client.update_run(self.run_id, status="RUNNING")
            client.log_batch(self.run_id, tags=tags_of(record.cluster))
        elif isinstance(record, GenerationEnded):
            self._generation(client, record)
        elif isinstance(record, SearchEnded):
            from haemsa.cluster.tracking.runs.search import end

            end(client, self._experiment, self.run_id, self._search, record)
        else:
            from haemsa.cluster.tracking.registry import register

            return register(client, self._experiment, record, self.run_id)
        return None

    def _connect(self) -> MlflowClient:
        """A client. The experiment and the run of the search are made if they are new."""
        from haemsa.cluster.tracking.runs.search import search_run

        client = connect(self._uri)
        search, known = self._search, run_of_search(client, self._search.id)
        if known is not None:
            self._experiment = str(known.info.experiment_id)
        else:
            named = search.config.get("experiment")
            place = store_uri(self._uri)
            self._experiment = experiment_id(client, place, search.data_name, search.fingerprint, named=named)
        self.run_id = search_run(client, self._experiment, self._search)
        self._client = client
        return client

    def _generation(self, client: MlflowClient, record: GenerationEnded) -> None:
        """The metrics. A generation that is shown also gets a run of its own."""
        metrics = list(metrics_of(record.metrics, record.at, record.number))
        client.log_batch(self.run_id, metrics=metrics)  # MLflow keeps a metric of the same step and time once
        if shows(record.number):
            from haemsa.cluster.tracking.runs.generation import send_generation

            send_generation(client, self._experiment, self.run_id, self._search, record)
