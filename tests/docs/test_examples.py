"""Every script of examples/ runs in a folder of its own, and prints what it promises."""

from __future__ import annotations

import io
import re
import runpy
import sys
from contextlib import chdir, redirect_stdout
from pathlib import Path
from unittest.mock import patch

import pytest

from tests.support.places import ROOT

pytestmark = pytest.mark.slow
EXAMPLES = ROOT / "examples"


def output_of(script: str, folder: Path) -> str:
    """What the script prints, with `folder` as its first argument and as its current folder."""
    out = io.StringIO()
    with patch.object(sys, "argv", [script, str(folder)]), chdir(folder), redirect_stdout(out):
        runpy.run_path(str(EXAMPLES / script), run_name="__main__")
    return out.getvalue()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("examples")


@pytest.fixture(scope="module")
def trained(folder: Path) -> str:
    """What search_and_train.py prints; its model is in the folder for predict.py."""
    return output_of("search_and_train.py", folder)


def test_all_examples_are_tested() -> None:
    here = Path(__file__).read_text(encoding="utf-8")
    assert all(f'"{path.name}"' in here for path in EXAMPLES.glob("*.py"))


def test_search_and_train_gives_an_error_on_the_test_split(trained: str, folder: Path) -> None:
    (error,) = re.findall(r"^mean absolute error on the test split: (0\.\d+)$", trained, re.MULTILINE)
    assert float(error) < 0.8
    assert (folder / "model" / "model.json").is_file()


def test_predict_is_worse_without_audio(trained: str, folder: Path) -> None:
    printed = output_of("predict.py", folder)
    errors = re.findall(r"^(all modalities|without audio): mean absolute error (\d\.\d+), \d+% of the", printed, re.M)
    assert [title for title, _ in errors] == ["all modalities", "without audio"]
    assert float(errors[0][1]) < float(errors[1][1])


def test_own_data_becomes_a_store_and_is_searched(folder: Path) -> None:
    printed = output_of("own_data.py", folder)
    assert re.search(r"^mean absolute error 0\.\d+, with a modality missing 0\.\d+$", printed, re.MULTILINE)
    assert (folder / "mine.h5").is_file()


def test_the_estimator_is_scored_on_new_speakers(folder: Path) -> None:
    printed = output_of("estimator.py", folder)
    assert re.search(r"^accuracy for new speakers: (0\.[7-9]\d|1\.00)$", printed, re.MULTILINE)
    assert not list(folder.glob("runs/estimator*"))


def test_own_space_finds_the_columns_that_matter(folder: Path) -> None:
    assert re.search(r"^error 0\.\d+ with columns \[0, 1, 2, 3, 4\]$", output_of("own_space.py", folder), re.MULTILINE)
