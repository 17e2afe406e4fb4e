"""A virtual environment of a few packages and what they need, linked from the environment of the tests."""

from __future__ import annotations

import venv
from collections.abc import Iterator, Sequence
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


def bare_environment(folder: Path, requirements: Sequence[str]) -> Path:
    """Make the environment. Returns its Python.

    Args:
        folder: a new folder for it.
        requirements: as pip takes them, in the versions that the tests have.
    """
    venv.create(folder, symlinks=True)
    python = folder / "bin" / "python"
    (packages,) = folder.glob("lib/python*/site-packages")
    for found in _closure(requirements):
        _link(found, packages)
        for script in found.entry_points.select(group="console_scripts"):
            module, _, function = script.value.partition(":")
            lines = f"#!{python}", "import sys", f"from {module} import {function}", f"sys.exit({function}())"
            (python.parent / script.name).write_text("\n".join(lines) + "\n")
            (python.parent / script.name).chmod(0o755)
    return python


def _closure(requirements: Sequence[str]) -> Iterator[Distribution]:
    """The distributions that pip would install. Raises PackageNotFoundError if the tests lack one."""
    waiting, seen = [Requirement(line) for line in requirements], set[tuple[str, str]]()
    while waiting:
        wanted = waiting.pop()
        found = distribution(wanted.name)
        assert wanted.specifier.contains(found.version.partition("+")[0], prereleases=True), wanted
        for extra in ("", *wanted.extras):
            if (canonicalize_name(wanted.name), extra) in seen:
                continue
            seen.add((canonicalize_name(wanted.name), extra))
            yield found
            needed = map(Requirement, found.requires or ())
            waiting += [one for one in needed if one.marker is None or one.marker.evaluate({"extra": extra})]


def _link(found: Distribution, packages: Path) -> None:
    """Link the files of a distribution; of a package, the folder of the package."""
    for file in found.files or ():
        parts = file.parts
        if ".." in parts or "__pycache__" in parts:
            continue
        for depth in range(1, len(parts) + 1):
            source = Path(str(found.locate_file(Path(*parts[:depth]))))
            if depth == len(parts) or (source / "__init__.py").exists():
                target = packages.joinpath(*parts[:depth])
                target.parent.mkdir(parents=True, exist_ok=True)
                if not target.is_symlink():
                    target.symlink_to(source)
                break
