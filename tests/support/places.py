"""Where things are: the repository, and data of others that lies next to it on some machines."""

from __future__ import annotations

from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
SHARED_DATA: Final = ROOT.parent / "shared" / "data"
"""Tests that want it are skipped where it is not."""
