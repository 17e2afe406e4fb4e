"""Where things are: the repository, and data of others that lies next to it on some machines."""

from __future__ import annotations

from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
SHARED_DATA: Final = ROOT.parent / "shared" / "data"
"""Tests that want it are skipped where it is not."""


def pinned(package: str) -> str:
    """The version of a package that the tests usually run with. Raises StopIteration if it is not pinned."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return next(version for name, _, version in (line.partition("==") for line in lines) if name == package)
