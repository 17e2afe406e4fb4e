"""The house stands as docs/architecture.md draws it: small rooms, each explained. Arrows are import-linter's part."""

from __future__ import annotations

import subprocess
from collections import Counter
from pathlib import PurePosixPath

from tests.support.places import ROOT

MOST_ENTRIES = 16
HOUSES = ("evo", "model", "cluster")


def tracked(*folders: str) -> list[PurePosixPath]:
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", *folders]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    return [PurePosixPath(line) for line in listed if (ROOT / line).exists()]


def test_no_room_has_more_entries_than_a_person_takes_in() -> None:
    entries = {(path, child) for file in tracked(*HOUSES, "tests") for child, path in _steps(file)}
    counts = Counter(str(room) for room, child in entries if child.name != "__init__.py")
    large = {room: count for room, count in counts.items() if count > MOST_ENTRIES}
    assert {room for room in large if "bench" not in room} == set()


def _steps(file: PurePosixPath) -> list[tuple[PurePosixPath, PurePosixPath]]:
    """Each entry on the way to a file, with the room that it is in."""
    return [(child, child.parent) for child in (file, *file.parents) if len(child.parts) > 1]


def test_every_room_says_what_it_is_for() -> None:
    rooms = {file.parent for file in tracked(*HOUSES) if file.suffix == ".py"}
    for room in rooms:
        assert (ROOT / room / "__init__.py").read_text(encoding="utf-8").startswith('"""'), room
