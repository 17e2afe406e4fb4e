"""Evolutionary search for multimodal mixture-of-experts networks.

Every command is also a call: `from haemsa import SearchConfig, run_search`. docs/library.md shows them at work.
`import haemsa` itself loads nothing else: each name loads when it is first used.

Example:
    >>> import haemsa
    >>> haemsa.SearchConfig.of({"data": "planted", "evaluations": 120}).title
    'planted'
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from haemsa.cluster.api import *  # noqa: F403
    from haemsa.cluster.estimator.features import as_rows as as_rows
    from haemsa.cluster.estimator.multimodal_search import MultimodalSearch as MultimodalSearch
    from haemsa.evo import Evolution as Evolution
    from haemsa.evo import Space as Space
    from haemsa.model.data.dataset import Dataset as Dataset
    from haemsa.model.data.modality import Modality as Modality
    from haemsa.model.data.task import Task as Task

__version__ = "0.1.0"

_API: Final = "haemsa.cluster.api"
_OTHERS: Final = {
    "Dataset": "haemsa.model.data.dataset",
    "Evolution": "haemsa.evo",
    "MultimodalSearch": "haemsa.cluster.estimator.multimodal_search",
    "as_rows": "haemsa.cluster.estimator.features",
    "Modality": "haemsa.model.data.modality",
    "Space": "haemsa.evo",
    "Task": "haemsa.model.data.task",
}
_ROOMS: Final = ("cluster", "evo", "model")


def __getattr__(name: str) -> Any:
    if name.startswith("_") or name in _ROOMS:  # a room is a module: it is imported, not asked for
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module(_OTHERS.get(name, _API))
    if name not in _OTHERS and name not in module.__all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(module, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_OTHERS, *import_module(_API).__all__})
