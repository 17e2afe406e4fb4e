"""What is meant for use from Python can be imported from `haemsa`, whatever was imported before."""

from __future__ import annotations

import importlib.metadata
import inspect
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import haemsa
from haemsa.cluster import api as library


@pytest.mark.parametrize("name", library.__all__)
def test_a_public_name_is_had_from_the_package_and_says_what_it_is(name: str) -> None:
    found = getattr(haemsa, name)
    assert found is getattr(library, name)
    assert inspect.getdoc(found)
    assert name in dir(haemsa)


@pytest.mark.parametrize("name", [name for name in library.__all__ if inspect.isfunction(getattr(library, name))])
def test_a_call_says_what_it_takes_and_shows_how_it_is_used(name: str) -> None:
    call = getattr(library, name)
    described = inspect.getdoc(call) or ""
    assert "Example" in described
    assert "Args:" in described or not inspect.signature(call).parameters


@pytest.mark.parametrize("name", ["Dataset", "Evolution", "Modality", "Space", "Task"])
def test_spaces_and_data_are_had_from_the_package_too(name: str) -> None:
    found = getattr(haemsa, name)
    assert found.__name__ == name and found.__module__.startswith(("haemsa.evo.", "haemsa.model.data."))
    assert name in dir(haemsa)


def test_no_public_name_is_a_module_which_would_hide_it_once_imported() -> None:
    modules = {module.name for module in pkgutil.iter_modules(haemsa.__path__)}
    assert not modules & set(library.__all__)


def test_the_package_tells_its_version_and_that_it_has_types() -> None:
    assert haemsa.__version__ == importlib.metadata.version("haemsa")
    assert Path(haemsa.__file__).with_name("py.typed").is_file()


def test_a_module_is_had_from_the_package_too_and_loads_no_more_than_itself() -> None:
    code = "import sys; from haemsa import cluster; print('haemsa.cluster.api' in sys.modules, cluster.__name__)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "False haemsa.cluster\n"


def test_other_names_are_none() -> None:
    with pytest.raises(AttributeError, match="module 'haemsa' has no attribute 'sarch'"):
        haemsa.sarch  # noqa: B018
    with pytest.raises(ImportError, match="cannot import name 'sarch' from 'haemsa'"):
        from haemsa import sarch  # noqa: F401


def test_a_run_that_is_none_is_told_before_anything_is_compared(tmp_path: Path) -> None:
    for call in (library.compare_models, library.ablate_search):
        with pytest.raises(ValueError, match="holds no search, expected a folder made by haemsa search"):
            call(tmp_path)


def test_only_results_have_plain_values() -> None:
    with pytest.raises(TypeError, match="int is no result of a comparison, a tuning or a check of data"):
        library.as_values(3)
