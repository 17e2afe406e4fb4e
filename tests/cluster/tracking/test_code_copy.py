"""A registered model's code has a name of its own: it disturbs no other code, and no other code disturbs it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import haemsa.model
from haemsa.cluster.tracking.code_copy import copy_code
from haemsa.cluster.tracking.pyfunc import requirements
from haemsa.model.predictor.predictor import Predictor
from tests.support.cluster.saved_model import as_pyfunc, saved_model
from tests.support.cluster.tiny import data
from tests.support.versions import needs

pytestmark = pytest.mark.slow

BESIDE_OTHERS = """
import json, sys
{before}
path = list(sys.path)
import mlflow.pyfunc
loaded = mlflow.pyfunc.load_model({model!r})
answers = loaded.predict(loaded.input_example)["sentiment"].tolist()
import model, haemsa
print(json.dumps([answers, model.VALUE, haemsa.__version__, sys.path == path]))
"""
FOREIGN = {
    "model.py": "VALUE = 7\n",
    "haemsa/__init__.py": '__version__ = "0.0.1"\n',
    "haemsa/model.py": "raise OSError\n",
}
ROOTS = """
import ast, json, sys
import mlflow.pyfunc
loaded = mlflow.pyfunc.load_model({model!r})
loaded.predict(loaded.input_example)
ours = [module for name, module in list(sys.modules.items()) if name.startswith(("haemsa_model_", "code_model_"))]
roots = set()
for module in ours:
    tree = ast.parse(open(module.__file__).read())
    tree.body = [node for node in tree.body if not isinstance(node, ast.If)]  # imports for type checkers
    for node in ast.walk(tree):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module] if isinstance(node, ast.ImportFrom) else []
        roots |= {{name.partition(".")[0] for name in names}} & sys.modules.keys()
others = {{root for root in roots - sys.stdlib_module_names if not root.startswith("haemsa_model_")}}
print(json.dumps([len(ours), sorted(others)]))
"""


class World:
    """A model in MLflow's form, and what it predicts for the mean of all features."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.saved = folder, saved_model(folder)
        self.model = as_pyfunc(self.saved, folder / "pyfunc")
        predictor = Predictor.load(self.saved)
        means = predictor.feature_means()
        inputs = {name: (means[name][None, None], np.ones(1, np.int64)) for name in predictor.modalities}
        self.expected = predictor.predict(inputs)["sentiment"]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("code"))


def run(program: str, folder: Path) -> Any:
    """What a program prints last, which knows no code of ours."""
    environment = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true", "PYTHONDONTWRITEBYTECODE": "1"}
    environment.pop("PYTHONPATH", None)
    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout.splitlines()[-1])


@pytest.mark.parametrize("before", ["", "import model, haemsa"])
def test_a_process_with_a_model_py_and_another_haemsa_loads_it_and_keeps_its_own(
    world: World, tmp_path: Path, before: str
) -> None:
    for name, source in FOREIGN.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(source)
    answers, *others = run(BESIDE_OTHERS.format(before=before, model=str(world.model)), tmp_path)
    np.testing.assert_allclose(answers, world.expected, rtol=1e-6)
    assert others == [7, "0.0.1", True]


def test_versions_with_different_code_answer_each_by_its_own_in_one_process(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import mlflow.pyfunc

    room = tmp_path / "room"
    shutil.copytree(Path(str(haemsa.model.__file__)).parent, room, ignore=shutil.ignore_patterns("__pycache__"))
    path = room / "predictor" / "answers.py"
    path.write_text(path.read_text().replace("value = values[:, 0]", "value = values[:, 0] + 1"))
    monkeypatch.setattr(haemsa.model, "__file__", str(room / "__init__.py"))
    other = as_pyfunc(world.saved, tmp_path / "other")
    modules, path_before = {"haemsa": haemsa, "haemsa.model": haemsa.model}, list(sys.path)
    loaded = [mlflow.pyfunc.load_model(str(model)) for model in (world.model, other, world.model)]
    for model, shift in zip(loaded, (0, 1, 0), strict=True):
        answers = model.predict(model.input_example)["sentiment"]
        np.testing.assert_allclose(answers, world.expected + shift, rtol=1e-6)
    assert {name: sys.modules[name] for name in modules} == modules
    assert sys.path == path_before


def test_equal_code_has_one_name_and_no_module_of_it_names_another_version(tmp_path: Path) -> None:
    first, second = copy_code(tmp_path / "a"), copy_code(tmp_path / "b")
    assert first.name == second.name
    sources = [path.read_text() for path in first.rglob("*") if path.is_file()]
    assert len(sources) > 50
    assert not [source for source in sources if "from haemsa." in source or "import haemsa" in source]


def test_the_requirements_are_what_the_code_imports_and_no_more(world: World, tmp_path: Path) -> None:
    count, roots = run(ROOTS.format(model=str(world.model)), tmp_path)
    assert count > 20
    assert sorted(line.partition("==")[0] for line in requirements()) == roots


@needs("mlflow", "3.17", "loses the index before the model sees it")
def test_a_frame_with_any_index_keeps_it(world: World) -> None:
    import mlflow.pyfunc

    loaded = mlflow.pyfunc.load_model(str(world.model))
    text = data().modalities["text"].features[:2].tolist()
    answers = loaded.predict(pd.DataFrame({"text": text}, index=["a", "b"]))
    assert list(answers.index) == ["a", "b"]
