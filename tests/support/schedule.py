"""Which tests run in one process. A file says by its marks whether it is slow, and whether it is on Ray."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

from xdist.scheduler import LoadScopeScheduling

from tests.support.places import ROOT


@cache
def has(path: str, mark: str) -> bool:
    """Whether any test of the file has the mark. The process that gives files to others knows only their names."""
    return re.search(rf"\bmark\.{mark}\b", (ROOT / path).read_text(encoding="utf-8")) is not None


def only_slow(path: Path) -> bool:
    """Whether every test of the file is slow."""
    return re.search(r"^pytestmark = .*\bmark\.slow\b", path.read_text(encoding="utf-8"), re.MULTILINE) is not None


class ByFile(LoadScopeScheduling):  # type: ignore[misc]
    """All tests of a file run in one process, because they share fixtures.

    Those on Ray share two clusters: in one process they would end last. The groups of pytest-xdist, which are for
    this, have no effect in pytest 9.2.
    """

    def _split_scope(self, nodeid: str) -> Any:
        path = nodeid.partition("::")[0]
        if not has(path, "ray"):
            return path
        return "pages on Ray" if path.startswith("tests/docs/") else "on Ray"
