"""Data sets of the long benchmarks: where they are, and the reference points of their hypervolumes."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from tests.bench.shared.machine import RESULTS
from tests.bench.shared.setting import REAL_DATA

WORK: Final = RESULTS / "full"
SCORE: Final = "folds:5"
REFERENCES: Final = {"planted": (1.3, 6.0), "mosi": (1.46, 6.0), "mosi3": (1.33, 6.0), "mosei922": (0.56, 6.0)}
"""The error of a constant, and a million parameters."""
FILES: Final = {"mosi": Path("mosi/mosi.pkl"), "mosi3": Path("mosi3/mosi3.yaml")}
"""Those that `haemsa search --data` reads as they are, below the folder of real data."""


def data_path(name: str, work: Path = WORK) -> str | None:
    """What `--data` takes for a data set. None if it is missing."""
    if name == "planted":
        return name
    if name in FILES:
        path = REAL_DATA / FILES[name]
        return str(path) if path.exists() else None
    from haemsa.model.data.store.file import write
    from tests.bench.scores.mosei922 import FOLDER
    from tests.bench.scores.mosei922 import read as read_mosei922

    if not FOLDER.exists():
        return None
    path = work / "mosei922.h5"
    if not path.exists():
        write(read_mosei922(), path)
    return str(path)
