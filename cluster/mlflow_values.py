"""Our figures and settings as MLflow takes them: metrics, parameters, tags."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from cluster.files import to_json

if TYPE_CHECKING:
    from mlflow.entities import Metric, Param, RunTag

_LONGEST_PARAMETER: Final = 500


def metrics_of(values: Mapping[str, object], at: float, step: int) -> Iterator[Metric]:
    """The numbers among the values, of that step and time in seconds since 1970."""
    from mlflow.entities import Metric

    for key, value in values.items():
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            yield Metric(_safe(key), float(value), int(at * 1000), step)


def params_of(values: Mapping[str, object]) -> list[Param]:
    """All that are not None; what is long is cut."""
    from mlflow.entities import Param

    return [Param(key, _cut(_text(value))) for key, value in values.items() if value is not None]


def tags_of(values: Mapping[str, object]) -> list[RunTag]:
    """Tags haemsa.<key>."""
    from mlflow.entities import RunTag

    return [RunTag(f"haemsa.{key}", _text(value)) for key, value in values.items()]


def plain(value: object) -> Any:
    """The value as JSON would give it back."""
    return json.loads(to_json(value))


def _text(value: object) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    return value if isinstance(value, str) else to_json(value)


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_PARAMETER else text[: _LONGEST_PARAMETER - 3] + "..."


def _safe(key: str) -> str:
    return "".join(c if c.isalnum() or c in "_-. /" else "_" for c in key)
