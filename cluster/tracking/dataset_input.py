"""The data of a run for MLflow: its name, fingerprint, shapes and sizes. No sample leaves its file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlflow.entities import DatasetInput


def dataset_input(described: Mapping[str, Any], context: str) -> DatasetInput:
    """Data as MLflow logs it to a run.

    Args:
        described: the data as `haemsa.model.data.summary.provenance` describes it.
        context: what the run does with it: "search" or "training".
    """
    from mlflow.entities import Dataset, DatasetInput, InputTag

    local = Path(described["source"]).is_absolute()
    source = {"uri": described["source"]} if local else {"tags": {"mlflow.source.name": described["source"]}}
    shapes = {name: f"float32 [{steps}, {width}]" for name, (steps, width) in described["modalities"].items()}
    # columns with a type in words, because MLflow's page does not show tensors
    columns = [{"name": name, "type": kind} for name, kind in {**shapes, **described["tasks"]}.items()]
    entity = Dataset(
        name=described["name"],
        digest=described["fingerprint"],
        source_type="local" if local else "code",
        source=json.dumps(source),
        schema=json.dumps({"mlflow_colspec": columns}),
        profile=json.dumps({"num_rows": sum(described["splits"].values()), **described["splits"]}),
    )
    return DatasetInput(entity, [InputTag("mlflow.data.context", context)])
