"""Where the data and the MLflow store of a search are, so that every command finds them from any folder.

The settings in a run directory have both as absolute paths. The manifest has the path of the run directory itself. If a
path is no longer there, it is looked for where it lay as seen from the run directory. So a folder that holds a run, its
data and its store can be moved as a whole.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

from haemsa.cluster.config import SearchConfig
from haemsa.model.data.sources import is_on_disk

_SQLITE: Final = re.compile(r"(sqlite(?:\+\w+)?:///)([^?:]+)")
"""The address of a database in a file. The path begins with a fourth slash if it is absolute."""
_NO_PATH: Final = re.compile(r"\w[\w+.-]*:|databricks")


def kept(config: SearchConfig, store: str | None, experiment: str | None) -> SearchConfig:
    """Settings as a run directory keeps them.

    Args:
        config: the settings of a search.
        store: MLflow's store, as it is kept.
        experiment: the experiment there, if one was asked for.
    """
    data = str(Path(config.data).absolute()) if config.data and is_on_disk(config.data) else config.data
    start = [str(Path(source).absolute()) if Path(source).exists() else source for source in config.start]
    return config.model_copy(update={"data": data, "start": start, "tracking": store, "experiment": experiment})


def found_again(config: SearchConfig, began: str | None, run: Path) -> SearchConfig:
    """The settings of a run directory that may have been moved with what it needs.

    Args:
        config: the settings that it keeps.
        began: its path when the search began. None: an older version did not keep it.
        run: its path now.
    """
    here = str(run.resolve())
    if began is None or began == here:
        return config
    moved: dict[str, str] = {}
    if config.data is not None and Path(config.data).is_absolute():
        moved["data"] = _found(config.data, began, here)
    store = _SQLITE.fullmatch(config.tracking or "")
    if store is not None:
        moved["tracking"] = store[1] + _found(store[2], began, here)
    return config.model_copy(update=moved)


def absolute_store(uri: str) -> str:
    """MLflow's store with an absolute path, if it is a path.

    Example:
        >>> absolute_store("http://127.0.0.1:5000"), absolute_store("sqlite:////srv/mlflow.db")
        ('http://127.0.0.1:5000', 'sqlite:////srv/mlflow.db')
    """
    if store := _SQLITE.fullmatch(uri):
        return store[1] + str(Path(store[2]).resolve())
    return uri if _NO_PATH.match(uri) else str(Path(uri).resolve())


def _found(path: str, began: str, run: str) -> str:
    """The path, or the path that lies as it did from the run directory, if only that is there."""
    now = os.path.normpath(Path(run, os.path.relpath(path, began)))
    return now if not Path(path).exists() and Path(now).exists() else path
