"""Every command as a call: `from haemsa import run_search`. docs/library.md shows them at work.

| command | call |
|---|---|
| `haemsa search` | `run_search(SearchConfig.of({...}))`; with `--resume` it is `resume_search(run)` |
| `haemsa show` | `show_run(run)`; `RunDirectory.open(run, read_only=True)` gives its tables |
| `haemsa report` | `write_report(run, page)`; `search_figures(run)` gives its pictures |
| `haemsa tune` | `tune_genome(source, data)` |
| `haemsa train` | `train_for_good(recipe, data, seeds, out)`, then `record_training(recipe, out)` for MLflow |
| `haemsa evaluate` | `evaluate_model(model, load_for(model, data), missing=True)` |
| `haemsa predict` | `predictions(model, load_for(model, data))` |
| `haemsa compare`, `ablate` | `compare_models(run)`, `ablate_search(run)` |
| `haemsa data info`, `check` | `describe_data(load_data(data))`, `check_data(load_data(data))` |
| `haemsa data import` | `import_data(source, out)` |
| `haemsa sync`, `ui`, `config` | `sync_run(run)`, `serve_page()`, `commented_yaml()` |

`read_recipe(run)` gives a recipe, `load_model(address)` a model. `search_custom` searches a space of your own. Data and
networks themselves are in `haemsa.model`, spaces and the evolution in `haemsa.evo`.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from haemsa.cluster.comparison.ablate import ablate
from haemsa.cluster.comparison.compare import Comparison, compare
from haemsa.cluster.comparison.contenders import ComparisonSetup, begun
from haemsa.cluster.comparison.report import as_values as comparison_values
from haemsa.cluster.comparison.report import compare_table
from haemsa.cluster.config import SearchConfig, commented_yaml
from haemsa.cluster.data_check.check import DataCheck
from haemsa.cluster.data_check.check import check as check_data
from haemsa.cluster.data_check.page import write_page as write_check
from haemsa.cluster.data_check.problems import leaks
from haemsa.cluster.data_check.terminal import as_values as check_values
from haemsa.cluster.data_check.terminal import data_tables, show_check
from haemsa.cluster.final_model.evaluate import Evaluation, evaluate_model
from haemsa.cluster.final_model.load import load_for, load_model
from haemsa.cluster.final_model.predictions import predictions, write_predictions
from haemsa.cluster.final_model.recipe import Recipe, read_recipe
from haemsa.cluster.final_model.record import record_training
from haemsa.cluster.final_model.train import train_for_good
from haemsa.cluster.report.figures.front import front_figure
from haemsa.cluster.report.figures.network import network_figure
from haemsa.cluster.report.figures.search import search_figures
from haemsa.cluster.report.next_steps import next_steps, train_command
from haemsa.cluster.report.page import write_report
from haemsa.cluster.report.show import show as show_run
from haemsa.cluster.report.tables import metric_table, reference_table, subset_table
from haemsa.cluster.run_directory.run_directory import RunDirectory
from haemsa.cluster.search.custom import CustomResult, search_custom
from haemsa.cluster.search.launch import SearchResult, resume_search, run_search
from haemsa.cluster.shared.files import write_json
from haemsa.cluster.shared.genome_tree import genome_tree
from haemsa.cluster.shared.progress import PlainProgress, Progress, SilentProgress, Status
from haemsa.cluster.tracking.sync import sync_run
from haemsa.cluster.tracking.ui import serve_page
from haemsa.cluster.tuning.record import record as record_tuning
from haemsa.cluster.tuning.report import as_values as tuning_values
from haemsa.cluster.tuning.report import tuning_lines, tuning_table
from haemsa.cluster.tuning.report import write as write_tuning
from haemsa.cluster.tuning.result import Tuning
from haemsa.cluster.tuning.tune import tune, tune_config
from haemsa.model.data.readers.options import Reading
from haemsa.model.data.sources import import_data
from haemsa.model.data.sources import load as load_data
from haemsa.model.data.summary import describe as describe_data

__all__ = [
    "Comparison",
    "CustomResult",
    "DataCheck",
    "Evaluation",
    "PlainProgress",
    "Progress",
    "Reading",
    "Recipe",
    "RunDirectory",
    "SearchConfig",
    "SearchResult",
    "SilentProgress",
    "Status",
    "Tuning",
    "ablate_search",
    "as_values",
    "check_data",
    "commented_yaml",
    "compare_models",
    "compare_table",
    "data_tables",
    "describe_data",
    "evaluate_model",
    "front_figure",
    "genome_tree",
    "import_data",
    "leaks",
    "load_data",
    "load_for",
    "load_model",
    "metric_table",
    "network_figure",
    "next_steps",
    "predictions",
    "read_recipe",
    "record_training",
    "reference_table",
    "resume_search",
    "run_search",
    "search_custom",
    "search_figures",
    "serve_page",
    "show_check",
    "show_run",
    "subset_table",
    "sync_run",
    "train_command",
    "train_for_good",
    "tune_genome",
    "tuning_lines",
    "tuning_table",
    "write_check",
    "write_predictions",
    "write_report",
]


def compare_models(
    run: Path | None,
    *,
    data: str | None = None,
    trials: int | None = None,
    seeds: int = 5,
    out: Path | None = None,
    progress: Progress | None = None,
) -> Comparison:
    """Compare the best networks of a search with the models that people usually use. The test split is read once.

    Each other model gets as many trials as the search, on the same folds. A comparison that was cut off continues.

    Args:
        run: the run directory of a search that has ended. None: search `data` first.
        data: the data, if there is no run, or if it has moved since.
        trials: how many trials each model gets (None: as many as the search had).
        seeds: how often each tuned model is trained.
        out: the folder for the other searches, compare.png and compare.json (None: compared/NAME).
        progress: shows how far it is (None: nothing is shown).

    Returns:
        The metrics of all models on the test split, and the differences with their intervals.

    Raises:
        ValueError: before any training, for what cannot be compared.

    Example:
        >>> compare_models(Path("runs/planted"), trials=48).differences["early_fusion"]  # doctest: +SKIP
    """
    shown = progress or SilentProgress()
    setup = begun(run, data, trials, out, shown, "compared")
    return _kept(compare(setup.config, setup.run, setup.out, setup.trials, seeds, shown), setup, "compare")


def ablate_search(
    run: Path, *, trials: int | None = None, seeds: int = 5, out: Path | None = None, progress: Progress | None = None
) -> Comparison:
    """Compare the best network of a search with searches that lack hierarchy, evolution, transfer or several tasks.

    Args:
        run: the run directory of a search that has ended.
        trials: how many genomes each search evaluates (None: as many as the search did).
        seeds: how often each found network is trained.
        out: the folder for the searches, ablate.png and ablate.json (None: ablated/NAME).
        progress: shows how far it is (None: nothing is shown).

    Returns:
        Metrics and differences on the test split, which is read once, by "no_hierarchy", "no_evolution" and so on.

    Raises:
        ValueError: before any training, for what cannot be compared.

    Example:
        >>> ablate_search(Path("runs/planted"), trials=48).models["no_hierarchy"]["mae"]["mean"]  # doctest: +SKIP
    """
    shown = progress or SilentProgress()
    setup = begun(run, None, trials, out, shown, "ablated")
    return _kept(ablate(setup.config, setup.run, setup.out, setup.trials, seeds, shown), setup, "ablate")


def _kept(comparison: Comparison, setup: ComparisonSetup, name: str) -> Comparison:
    """The comparison with its folder, where its picture and its figures are now."""
    from haemsa.cluster.comparison.figure import draw

    draw(comparison, setup.out / f"{name}.png")
    write_json(setup.out / f"{name}.json", comparison_values(comparison))
    return replace(comparison, folder=setup.out)


def tune_genome(
    source: str,
    data: str,
    *,
    trials: int | None = None,
    scheduler: str = "asha",
    out: Path | None = None,
    progress: Progress | None = None,
    **settings: Any,
) -> Tuning:
    """Tune how a genome is trained, with Ray Tune. Its network stays as it is.

    Args:
        source: a run directory, a genome.json, or an address in MLflow.
        data: planted, digits, or a path to data of any layout.
        trials: how many genomes are tried (None: 32, or 8 with "pbt").
        scheduler: "asha", or "pbt" for population based training.
        out: the folder for genome.json, the trials and how they were judged (None: tuned/NAME).
        progress: shows how far it is (None: nothing is shown).
        settings: settings of `haemsa config`. The others are those of the search, if `source` is a run directory.

    Returns:
        What was found. `genome` is the better of the original and the tuned genome on fresh seeds.

    Raises:
        ValueError: before any training, for what does not fit; later if no trial could be trained.

    Example:
        >>> tuned = tune_genome("runs/planted", "planted", trials=32, workers=2)  # doctest: +SKIP
        >>> tuned.genome.training  # doctest: +SKIP
    """
    config = tune_config(source, scheduler, {"data": data, "evaluations": trials, **settings})
    folder = out or Path("tuned") / config.title
    tuning = tune(source, config, scheduler, folder, progress or SilentProgress())
    write_tuning(tuning, folder)
    record_tuning(tuning, source, config, folder)
    return tuning


def as_values(result: Comparison | DataCheck | Tuning) -> dict[str, Any]:
    """A result as plain values, as `--json` of its command writes it.

    Args:
        result: what `compare_models`, `ablate_search`, `tune_genome` or `check_data` returned.

    Example:
        >>> from haemsa.model.data.builtin.digits import digits
        >>> as_values(check_data(digits()))["leaks"]
        []
    """
    if isinstance(result, Comparison):
        return comparison_values(result)
    return tuning_values(result) if isinstance(result, Tuning) else check_values(result)
