"""The best network at work on held-out samples, as parts of a page. They need the data of the search."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from haemsa.cluster.report.best_model.held_out import ObservedModel
from haemsa.cluster.report.html import macros
from haemsa.cluster.report.page.heat import Heat, confusion_heat, missing_heat, usage_heat
from haemsa.cluster.report.page.parts import Parts
from haemsa.cluster.report.page.tables import Table, loss_table
from haemsa.cluster.report.record import SearchRecord
from haemsa.cluster.report.sentences import plain_lines
from haemsa.cluster.run_directory.plain_models import PlainModels
from haemsa.cluster.run_directory.ranking import scores_of
from haemsa.cluster.shared.given_data import data_again
from haemsa.evo.objectives import Direction
from haemsa.model.baselines.threads import on_one_thread
from haemsa.model.cost import is_cost
from haemsa.model.data.dataset import Dataset

NOT_YET = "Pictures of the best network at work follow when the search has ended."


def at_work_parts(
    record: SearchRecord, data: str | None = None, ablated: Path | None = None, dataset: Dataset | None = None
) -> Parts:
    """What the best network does with held-out samples. If the data is missing, a note says so.

    Args:
        record: the search.
        data: where its data is now, if it has moved.
        ablated: a folder of `haemsa ablate`.
        dataset: the data, if it was given from Python.

    Raises:
        ValueError: the data that was asked for is missing, or is not that of the search.
    """
    if record.summary is None or not (record.path / "best" / "model.json").is_file():
        return noted(NOT_YET)
    with on_one_thread("sklearn.manifold", "torch"):
        return _parts(record, data, ablated, dataset)


def _parts(record: SearchRecord, data: str | None, ablated: Path | None, dataset: Dataset | None) -> Parts:
    from haemsa.cluster.report.best_model.observed import ablations, observe_best

    config = record.config
    try:
        known = data_again(data or config.data, dataset, config.stream, "this search")
        observed = observe_best(record.path, known)
        others = ablations(ablated, known)
    except (ValueError, OSError) as error:
        if data or dataset is not None:
            raise
        where = "If the data has moved, give its path with --data."
        return noted(f"No pictures of the best network at work: {error}. {where}")
    return _seen(record, known, observed, others)


def noted(words: str) -> Parts:
    """A note in the place of pictures."""
    return Parts({"at_work": macros("haemsa.cluster.report", "fragments.html").at_work(words, True)})


def _seen(record: SearchRecord, data: Dataset, observed: ObservedModel, others: Mapping[str, ObservedModel]) -> Parts:
    from haemsa.cluster.report.best_model.feature_map import feature_map
    from haemsa.cluster.report.page.plots.at_work import map_group, prediction_group

    write, task = macros("haemsa.cluster.report", "fragments.html"), next(iter(observed.predictor.tasks))
    without = {f"the best of the search with {name.replace('_', ' ')}": other for name, other in others.items()}
    models = {"the best network": observed, **without}
    known = {title: model for title, model in models.items() if task in model.predictor.tasks}
    maps = [drawn for title, model in known.items() if (drawn := feature_map(model, task, title)) is not None]
    html = {
        "at_work": write.at_work(observed.held.words(), False),
        "detail": write.detail(list(_heats(observed)), list(_lost(observed)), list(_worst(observed))),
    }
    if PlainModels.of(record.summary) is None:  # a search of an older version, or one that was cut off
        html["plain"] = write.paragraphs(plain_lines(_plain_models(record, data)))
    return Parts(html, {"predictions": prediction_group(observed), "map": map_group(maps, task)})


def _plain_models(record: SearchRecord, data: Dataset) -> PlainModels | None:
    """What the best must beat, in the first objective that is no cost."""
    from haemsa.model.data.folds import choose_folds
    from haemsa.model.data.normalisation import Normalisation

    name = next((name for name in record.objectives if not is_cost(name)), None)
    if record.best is None or name is None:
        return None
    config, dataset = record.config, data.with_tasks(record.config.tasks)
    pool, own = Normalisation.fit(dataset).apply(dataset.pool()), scores_of(record.best)[name].mean
    folds = choose_folds(config.validation, pool, config.seed)
    way: Direction = "min" if record.objectives[name] == "min" else "max"
    return PlainModels.beside(own, name, way, pool, folds.held_out, config.seed)


def _heats(observed: ObservedModel) -> Iterator[Heat]:
    from haemsa.cluster.report.best_model.missing import missing_table
    from haemsa.cluster.report.best_model.usage import usage_of

    for name, task in observed.held.data.tasks.items():
        if task.kind == "classes":
            yield confusion_heat(task.targets, observed.outputs[name], task.labels, name)
    for name in observed.predictor.tasks:
        yield from (usage_heat(usage, name) for usage in usage_of(observed, name))
    table = missing_table(observed)
    if len(table) > 1:
        yield missing_heat(table)


def _lost(observed: ObservedModel) -> Iterator[tuple[str, Table]]:
    from haemsa.cluster.report.best_model.losses import stream_losses

    for name, found in stream_losses(observed).items():
        yield name, loss_table(found)


def _worst(observed: ObservedModel) -> Iterator[tuple[str, Table]]:
    from haemsa.cluster.report.best_model.predictions import OFF_BY, worst_samples

    for name, outputs in observed.outputs.items():
        task = observed.held.data.tasks[name]
        worst = worst_samples(task, outputs, observed.held.data.ids)
        rows = [[found.id, found.label, found.predicted, found.error] for found in worst]
        yield name, Table(["sample", "true", "predicted", OFF_BY[task.kind]], rows)
