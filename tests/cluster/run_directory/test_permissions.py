"""Who may read and write what a search leaves: whoever the umask lets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from haemsa.cluster.config import SearchConfig
from haemsa.cluster.run_directory.run_directory import RunDirectory
from haemsa.cluster.run_directory.snapshot import snapshot
from haemsa.cluster.workers.row_state import RowState
from tests.support.cluster.search_fakes import candidates
from tests.support.permissions import another_user, mode, public_folder, umask

CONFIG = SearchConfig.of({"data": "planted"})
STATE = RowState.of(3, {"bias": np.zeros(2, np.float32)})


def made(path: Path) -> Path:
    """A run directory with a candidate and its weights."""
    with RunDirectory.create(path, CONFIG, {}) as run:
        run.journal.asked(candidates(1))
        run.states.save(0, 0, {0: STATE})
        run.journal.back_up()
        run.write_population()
        run.write_summary({})
    return path


@pytest.mark.parametrize(("mask", "expected"), [(0o022, "-rw-r--r--"), (0o002, "-rw-rw-r--"), (0o077, "-rw-------")])
def test_all_files_of_a_run_and_its_copy_have_the_permissions_of_the_umask(
    tmp_path: Path, mask: int, expected: str
) -> None:
    with umask(mask):
        snapshot(made(tmp_path / "run"), tmp_path / "copy")
    files = [path for path in tmp_path.rglob("*") if path.is_file() and ".backup" not in path.name]
    assert {"0-0.safetensors", "journal.sqlite", ".lock", "config.yaml"} <= {path.name for path in files}
    assert {path: mode(path) for path in files} == dict.fromkeys(files, expected)


def test_another_user_can_read_a_run_and_gets_a_sentence_for_writing_to_it() -> None:
    with public_folder() as folder, umask(0o022):
        path = made(folder / "run")
        if mode(path / "journal.sqlite") != "-rw-r--r--":
            pytest.skip("this disk keeps no permissions")
        path.chmod(0o555)  # the tests' own user may not write now, where it is not root
        with another_user(), RunDirectory.open(path, read_only=True) as run:
            assert run.journal.counts() == {"asked": 1, "done": 0, "failed": 0}
            assert run.states.load(0, 0)[0].epochs == 3
        (path / ".lock").chmod(0o444)
        with (
            another_user(),
            pytest.raises(ValueError, match=r"run directory .*run cannot be written: Permission denied"),
        ):
            RunDirectory.open(path)
        path.chmod(0o755)


def test_weights_that_may_not_be_read_stay_and_are_named() -> None:
    with public_folder() as folder:
        path = made(folder / "run") / "states" / "0-0.safetensors"
        path.chmod(0)
        denied = pytest.raises(OSError, match=r"0-0\.safetensors cannot be read: Permission denied")
        with RunDirectory.open(folder / "run", read_only=True) as run, another_user(), denied:
            run.states.load(0, 0)
        assert path.exists()
