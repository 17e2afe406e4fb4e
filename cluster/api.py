"""Every command as a call, and what it takes and gives: `from cluster import run_search`. See docs/library.md.

| command | call |
|---|---|
| `haemsa search` | `run_search(SearchConfig.of({...}))`, and with `--resume` `resume_search(run)` |
| `haemsa show` | `show_run(run)`, or `RunDirectory.open(run, read_only=True)` for its tables |
| `haemsa report` | `write_report(run, page)`, and `search_figures(run)` for its pictures |
| `haemsa tune` | `tune_genome(source, data)` |
| `haemsa train` | `train_for_good(read_recipe(run), data, seeds, out)` |
| `haemsa evaluate` | `evaluate_model(model, load_for(model, data), missing=True)`, of `model = load_model(address)` |
| `haemsa predict` | `predictions(model, load_for(model, data))` |
| `haemsa compare`, `ablate` | `compare_models(run)`, `ablate_search(run)` |
| `haemsa data info`, `check`, `import` | `describe_data(dataset)`, `check_data(dataset)`, `import_data(source, out)` |
| `haemsa sync`, `ui`, `config` | `sync_run(run)`, `serve_page()`, `commented_yaml()` |

and `search_custom` for a space and an evaluation of one's own. Data and networks themselves are in `model`, spaces and
the evolution in `evo`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from haemsa.cluster.comparison.ablate import ablate
from haemsa.cluster.comparison.compare import Comparison, compare
from haemsa.cluster.comparison.contenders import begun
from haemsa.cluster.comparison.report import compare_table
from haemsa.cluster.config import SearchConfig, commented_yaml
from haemsa.cluster.data_check.check import DataCheck
from haemsa.cluster.data_check.check import check as check_data
from haemsa.cluster.data_check.problems import leaks
from haemsa.cluster.final_model.evaluate import evaluate as evaluate_model
from haemsa.cluster.final_model.evaluate import load_for, load_model
from haemsa.cluster.final_model.predictions import predictions, write_predictions
from haemsa.cluster.final_model.recipe import Recipe, read_recipe
from haemsa.cluster.final_model.train import train_for_good
from haemsa.cluster.report.figures.front import front_figure
from haemsa.cluster.report.figures.network import network_figure
from haemsa.cluster.report.figures.search import search_figures
from haemsa.cluster.report.page import write_report
from haemsa.cluster.report.show import show as show_run
from haemsa.cluster.report.tables import metric_table, subset_table
from haemsa.cluster.run_directory.run_directory import RunDirectory
from haemsa.cluster.search.custom import CustomResult, search_custom
from haemsa.cluster.search.launch import SearchResult, resume_search, run_search
from haemsa.cluster.shared.genome_tree import genome_tree
from haemsa.cluster.shared.progress import PlainProgress, Progress, SilentProgress, Status
from haemsa.cluster.tracking.sync import sync as sync_run
from haemsa.cluster.tracking.ui import serve as serve_page
from haemsa.cluster.tuning.result import Tuning
from haemsa.cluster.tuning.tune import run_tuning
from haemsa.model.data.sources import import_data
from haemsa.model.data.summary import describe as describe_data

__all__ = [
    "Comparison",
    "CustomResult",
    "DataCheck",
    "PlainProgress",
    "Progress",
    "Recipe",
    "RunDirectory",
    "SearchConfig",
    "SearchResult",
    "SilentProgress",
    "Status",
    "Tuning",
    "ablate_search",
    "check_data",
    "commented_yaml",
    "compare_models",
    "compare_table",
    "describe_data",
    "evaluate_model",
    "front_figure",
    "genome_tree",
    "import_data",
    "leaks",
    "load_for",
    "load_model",
    "metric_table",
    "network_figure",
    "predictions",
    "read_recipe",
    "resume_search",
    "run_search",
    "search_custom",
    "search_figures",
    "serve_page",
    "show_run",
    "subset_table",
    "sync_run",
    "train_for_good",
    "tune_genome",
    "write_predictions",
    "write_report",
]


def compare_models(
    run: Path, *, trials: int | None = None, seeds: int = 5, out: Path | None = None, progress: Progress | None = None
) -> Comparison:
    """The best of the search in `run` beside the field's usual models, tuned by `trials` each; reads the test split.

    `trials`: None: as many as the search had. `seeds`: times that each tuned model is trained. `out`: where the
    searches of the other designs go, and go on if they are there (None: compared/NAME). Raises ValueError, before any
    training, for what cannot be compared.
    """
    shown = progress or SilentProgress()
    start = begun(run, None, trials, out, shown, "compared")
    return compare(start.config, start.run, start.out, start.trials, seeds, shown)


def ablate_search(
    run: Path, *, trials: int | None = None, seeds: int = 5, out: Path | None = None, progress: Progress | None = None
) -> Comparison:
    """The best of the search in `run` beside searches without each idea; else as `compare_models` (ablated/NAME)."""
    shown = progress or SilentProgress()
    start = begun(run, None, trials, out, shown, "ablated")
    return ablate(start.config, start.run, start.out, start.trials, seeds, shown)


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
    """Tune how the genome at `source` (a run directory, a genome.json, an address in MLflow) is trained, on `data`.

    `scheduler`: "asha" or "pbt". `settings`: those of `haemsa config`; else a run directory's own hold. `out` gets
    genome.json, the trials and how they were judged (None: tuned/NAME). Raises ValueError, before any training, for
    what does not fit.
    """
    options = {"data": data, "evaluations": trials, **settings}
    return run_tuning(source, scheduler, options, out, progress or SilentProgress())[0]
