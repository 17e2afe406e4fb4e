"""Our values as MLflow takes them."""

from __future__ import annotations

import pytest

from haemsa.cluster.tracking.client import metrics_of


@pytest.mark.parametrize(
    ("name", "key"),
    [("best/mymodule:cost", "best/mymodule_cost"), ("valid/mae", "valid/mae"), ("a,b", "a_b")],
)
def test_a_metrics_name_has_only_letters_that_mlflow_takes(name: str, key: str) -> None:
    assert [(metric.key, metric.value) for metric in metrics_of({name: 2}, 0.0, 0)] == [(key, 2.0)]
