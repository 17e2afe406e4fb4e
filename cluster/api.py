"""Every command as a call: `from haemsa import run_search`. docs/library.md shows them at work.

| command | call |
|---|---|
| `haemsa search` | `run_search(SearchConfig.of({...}))`; with `--resume` it is `resume_search(run)` |
| `haemsa list` | `list_runs(folder)` |
| `haemsa show` | `show_run(run)`, `show_values(run)`; `RunDirectory.open(run, read_only=True)` gives its tables |
| `haemsa show --importance` | `gene_importance(run)` |
| `haemsa report` | `write_report(run, page)`; `search_figures(run)` gives pictures for files |
| `haemsa watch` | `watch_run(run)` |
| `haemsa tune` | `tune_genome(source, data)` |
| `haemsa train` | `train_for_good(recipe, data, seeds, out)`, then `record_training(recipe, out)` for MLflow |
| `haemsa train --with-encoders` | `keep_encoders(out)` between both |
| `haemsa train --finetune` | `read_recipe(run, finetune="text_mpnet")`; `fine_tuning_note(out)` tells what it gave |
| `haemsa evaluate` | `evaluate_model(model, load_for(model, data), missing=True)` |
| `haemsa predict` | `predictions(model, load_samples(model, data))`, or `model.predict_clips(clips)` |
| `haemsa export` | `export_model(model, file, "onnx")`; of a run `export_study(run, "sqlite:///study.db")` |
| `haemsa compare`, `ablate` | `compare_models(run)`, `ablate_search(run)` |
| `haemsa data info`, `check` | `describe_data(load_data(data))`, `check_data(load_data(data))` |
| `haemsa data import` | `import_data(source, out)` |
| `haemsa data embed` | `embed_data(source, out, [EncoderChoice("text", model)])` |
| `haemsa snapshot` | `snapshot(run, copy)` |
| `haemsa sync`, `ui`, `config` | `sync_run(run)`, `serve_page()`, `commented_yaml()` |

`read_recipe(run)` gives a recipe, `load_model(address)` a model. `search_custom` searches a space of your own.
`haemsa.MultimodalSearch` is a search and its final model as an estimator of scikit-learn. Data and
networks themselves are in `haemsa.model`, spaces and the evolution in `haemsa.evo`.
"""

from __future__ import annotations

from haemsa.cluster.comparison.calls import ablate_search, compare_models
from haemsa.cluster.comparison.compare import Comparison
from haemsa.cluster.comparison.report import compare_table
from haemsa.cluster.config import Compute, SearchConfig, commented_yaml
from haemsa.cluster.data_check.check import DataCheck
from haemsa.cluster.data_check.check import check as check_data
from haemsa.cluster.data_check.page import write_page as write_check
from haemsa.cluster.data_check.problems import leaks
from haemsa.cluster.data_check.terminal import data_tables, show_check
from haemsa.cluster.embedding.embed import embed_data
from haemsa.cluster.final_model.encoders import keep_encoders
from haemsa.cluster.final_model.evaluate import Evaluation, evaluate_model
from haemsa.cluster.final_model.export import export_model
from haemsa.cluster.final_model.fine_tuning.verdict import fine_tuning_note
from haemsa.cluster.final_model.folder import model_folder
from haemsa.cluster.final_model.load import data_of, load_for, load_model, load_samples, misfits
from haemsa.cluster.final_model.predictions import prediction_blocks, predictions, write_predictions
from haemsa.cluster.final_model.recipe import Recipe, read_recipe
from haemsa.cluster.final_model.record import record_training
from haemsa.cluster.final_model.references import better_plain_model
from haemsa.cluster.final_model.train import train_for_good
from haemsa.cluster.report.figures.front import front_figure
from haemsa.cluster.report.figures.network import network_figure
from haemsa.cluster.report.figures.search import search_figures
from haemsa.cluster.report.next_steps import next_steps, train_command
from haemsa.cluster.report.optuna_study import export_study
from haemsa.cluster.report.page.live.serve import watch_run
from haemsa.cluster.report.page.report import write_report
from haemsa.cluster.report.record import gene_importance
from haemsa.cluster.report.runs import ListedRun, list_runs, runs_table
from haemsa.cluster.report.show import show as show_run
from haemsa.cluster.report.show import show_values
from haemsa.cluster.report.tables import importance_table, metric_table, reference_table, subset_table
from haemsa.cluster.run_directory.run_directory import RunDirectory
from haemsa.cluster.run_directory.snapshot import keep_snapshot, snapshot
from haemsa.cluster.search.custom import CustomResult, search_custom
from haemsa.cluster.search.launch import SearchResult, resume_search, run_search
from haemsa.cluster.shared.genome_tree import genome_tree
from haemsa.cluster.shared.plain_values import as_values
from haemsa.cluster.shared.progress import PlainProgress, Progress, SilentProgress, Status
from haemsa.cluster.tracking.sync import sync_run
from haemsa.cluster.tracking.ui import serve_page
from haemsa.cluster.tuning.call import tune_genome
from haemsa.cluster.tuning.report import tuning_lines, tuning_table
from haemsa.cluster.tuning.result import Tuning
from haemsa.model.data.readers.options import Reading
from haemsa.model.data.sources import import_data
from haemsa.model.data.sources import load as load_data
from haemsa.model.data.summary import describe as describe_data
from haemsa.model.encoders.choice import Choice as EncoderChoice

__all__ = [
    "Comparison",
    "Compute",
    "CustomResult",
    "DataCheck",
    "EncoderChoice",
    "Evaluation",
    "ListedRun",
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
    "better_plain_model",
    "check_data",
    "commented_yaml",
    "compare_models",
    "compare_table",
    "data_of",
    "data_tables",
    "describe_data",
    "embed_data",
    "evaluate_model",
    "export_model",
    "export_study",
    "fine_tuning_note",
    "front_figure",
    "gene_importance",
    "genome_tree",
    "import_data",
    "importance_table",
    "keep_encoders",
    "keep_snapshot",
    "leaks",
    "list_runs",
    "load_data",
    "load_for",
    "load_model",
    "load_samples",
    "metric_table",
    "misfits",
    "model_folder",
    "network_figure",
    "next_steps",
    "prediction_blocks",
    "predictions",
    "read_recipe",
    "record_training",
    "reference_table",
    "resume_search",
    "run_search",
    "runs_table",
    "search_custom",
    "search_figures",
    "serve_page",
    "show_check",
    "show_run",
    "show_values",
    "snapshot",
    "subset_table",
    "sync_run",
    "train_command",
    "train_for_good",
    "tune_genome",
    "tuning_lines",
    "tuning_table",
    "watch_run",
    "write_check",
    "write_predictions",
    "write_report",
]
