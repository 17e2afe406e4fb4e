"""New run directories: each search gets its own, also if several begin at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from threading import Barrier

import pytest

from haemsa.cluster.config import SearchConfig
from haemsa.cluster.run_directory.reserved import reserved
from haemsa.cluster.run_directory.run_directory import RunDirectory


def test_searches_that_begin_at_once_get_folders_of_their_own(tmp_path: Path) -> None:
    at_once = Barrier(8)
    with ExitStack() as kept:

        def begin(_: int) -> str:
            at_once.wait()
            return kept.enter_context(reserved(tmp_path / "runs" / "train")).name

        with ThreadPoolExecutor(8) as threads:
            names = list(threads.map(begin, range(8)))
    assert sorted(names) == ["train", *(f"train-{number}" for number in range(2, 9))]


def test_a_folder_with_a_search_stays_and_its_name_is_not_given_again(tmp_path: Path) -> None:
    with (
        reserved(tmp_path / "runs" / "train") as path,
        RunDirectory.create(path, SearchConfig.of({"data": "planted"}), {}),
    ):
        pass
    assert (tmp_path / "runs" / "train" / "journal.sqlite").exists()
    with reserved(tmp_path / "runs" / "train") as path:
        assert path.name == "train-2"


def test_a_folder_to_which_nothing_was_written_goes_again(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), reserved(tmp_path / "runs" / "train"):
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "runs").mkdir()
    with reserved(tmp_path / "runs" / "train"):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["runs"]  # it was there before


def test_a_place_where_no_folder_can_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("")
    with (
        pytest.raises(ValueError, match=r"run directory .*runs cannot be made: File exists"),
        reserved(tmp_path / "runs" / "train"),
    ):
        pass
    (tmp_path / "gone").symlink_to(tmp_path / "nowhere")
    with (
        pytest.raises(ValueError, match=r"run directory .*gone cannot be made: File exists"),
        reserved(tmp_path / "gone" / "train"),
    ):
        pass
