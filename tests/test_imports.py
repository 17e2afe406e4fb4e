"""What loads what: help loads nothing heavy, genomes no torch, networks no search, records neither Ray nor MLflow."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

HEAVY = ("torch", "ray", "mlflow", "pandas", "sklearn", "matplotlib", "h5py", "deap", "moocore", "rich.table")


def loaded(code: str, modules: tuple[str, ...] = HEAVY) -> set[str]:
    """Which of the modules a fresh interpreter has loaded after running the code."""
    report = f"\nimport sys; print('\\n' + ' '.join(name for name in {modules!r} if name in sys.modules))"
    found = subprocess.run([sys.executable, "-c", code + report], capture_output=True, text=True, check=True)
    return set(found.stdout.splitlines()[-1].split())


def test_help_loads_nothing_heavy() -> None:
    code = """
import sys
from haemsa.cluster.commands.main import main

for words in ([], ["search"], ["tune"], ["data"], ["report"]):
    sys.argv = ["haemsa", *words, "--help"]
    try:
        main()
    except SystemExit as ended:
        assert not ended.code
"""
    assert not loaded(code) & {"torch", "ray", "mlflow", "pandas", "sklearn", "matplotlib", "h5py", "deap", "moocore"}


def test_genomes_and_their_evolution_load_no_torch() -> None:
    assert not loaded("import haemsa.evo, haemsa.model.spec; from haemsa.evo.expert_space.space import ExpertSpace") & {
        "torch",
        "ray",
        "mlflow",
    }
    assert not loaded("import haemsa.model.spec")


def test_networks_load_neither_search_nor_records() -> None:
    names = "predictor.predictor", "training.train", "cost", "data.sources", "metrics"
    code = "import " + ", ".join(f"haemsa.model.{name}" for name in names)
    found = loaded(code, ("haemsa.evo", "haemsa.cluster", "ray", "mlflow", "deap", "moocore", "torch"))
    assert found == {"torch"}


def test_running_a_search_loads_torch_ray_and_mlflow_only_when_they_are_used() -> None:
    names = (
        "search.driver", "search.launch", "search.problem", "workers.cohort_trainer", "workers.evaluator", "config",
        "run_directory.run_directory", "final_model.train", "final_model.evaluate", "final_model.load", "report.show",
    )  # fmt: skip
    code = "import " + ", ".join(f"haemsa.cluster.{name}" for name in names)
    assert not loaded(code) & {"torch", "ray", "mlflow"}


def test_a_worker_that_trains_loads_neither_the_driver_nor_mlflow() -> None:
    found = loaded(
        "import haemsa.cluster.workers.cohort_trainer, haemsa.cluster.workers.ray_evaluator",
        ("mlflow", "haemsa.cluster.search.driver", "haemsa.cluster.run_directory.run_directory", "ray"),
    )
    assert found == {"ray"}


def test_the_package_loads_nothing_and_its_calls_nothing_heavy() -> None:
    assert not loaded("import haemsa", (*HEAVY, "haemsa.cluster.api"))
    found = loaded("from haemsa import run_search, train_for_good, compare_models, search_custom")
    assert not found & {"torch", "ray", "mlflow", "pandas", "sklearn", "matplotlib"}
