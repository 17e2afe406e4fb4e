"""`haemsa export RUN --optuna`: a search as a study of Optuna, so that optuna-dashboard shows it.

A trial is a candidate. It is complete if it has final scores, pruned if it ended on a lower rung, and failed if its
training failed. Its parameters are the columns of `gene_table` that have a meaning for its genome.
"""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from haemsa.cluster.report.record import SearchRecord
from haemsa.cluster.run_directory.rows import JournalRow
from haemsa.cluster.run_directory.run_directory import RunDirectory
from haemsa.evo.candidate import Score
from haemsa.evo.expert_space.bounds import Bounds
from haemsa.evo.expert_space.features import Gene, GeneTable, gene_table, names_in

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial

_SHORT: Final = 200
"""Letters of an error of the database that are shown."""
Values = NDArray[np.float64]


def export_study(run: Path, storage: str, *, name: str | None = None, force: bool = False) -> int:
    """Write a search as a study of Optuna, also while the search runs.

    Candidates that have not ended are left out. The scores are those of the search. Confirmed scores, the genome as
    JSON, the parents and the rung are attributes of a trial.

    Args:
        run: the run directory of the search.
        storage: the address of Optuna's database, such as sqlite:///study.db.
        name: the name of the study. None: the name of the run directory.
        force: replace a study of this name.

    Returns:
        How many trials the study has.

    Raises:
        ValueError: optuna is not installed, `run` holds no search that has scores, the storage cannot be opened, or it
            has a study of this name already.

    Example:
        >>> export_study(Path("runs/planted"), "sqlite:///study.db")  # doctest: +SKIP
        200
    """
    _check_installed()
    with RunDirectory.open(run, read_only=True) as directory:
        record = SearchRecord.read(directory)
    if record.best is None:
        raise ValueError(f"run directory {run} has no candidate with scores yet, expected at least one")
    study_name = name or run.resolve().name
    trials = list(_trials(record))
    with _quiet():
        study = _new_study(storage, study_name, record.objectives, force)
        study.set_metric_names(list(record.objectives))
        study.set_user_attr("data", record.config.data)
        study.set_user_attr("run", str(run.resolve()))
        study.add_trials(trials)
    return len(trials)


def _check_installed() -> None:
    from importlib.util import find_spec

    if find_spec("optuna") is None:
        raise ValueError("to write a study, optuna must be there: pip install 'haemsa[optuna]'")


@contextmanager
def _quiet() -> Iterator[None]:
    """While the block runs, Optuna says nothing of new studies and of names that are experimental."""
    import optuna

    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            yield
    finally:
        optuna.logging.set_verbosity(before)


def _new_study(storage: str, name: str, objectives: Mapping[str, str], force: bool) -> Any:
    """An empty study."""
    import optuna
    from sqlalchemy.exc import SQLAlchemyError

    minimise, maximise = optuna.study.StudyDirection.MINIMIZE, optuna.study.StudyDirection.MAXIMIZE
    directions = [minimise if direction == "min" else maximise for direction in objectives.values()]
    place = re.sub(r"://[^/@]*@", "://...@", storage)  # without the password
    try:
        database = optuna.storages.get_storage(storage)
        if force and name in optuna.get_all_study_names(database):
            optuna.delete_study(study_name=name, storage=database)
        return optuna.create_study(storage=database, study_name=name, directions=directions)
    except optuna.exceptions.DuplicatedStudyError:
        raise ValueError(f"{place} has a study {name!r} already, expected --force to replace it") from None
    except (SQLAlchemyError, ImportError, ValueError) as error:
        reason = " ".join(str(error).split())[:_SHORT]
        raise ValueError(f"{place} cannot be opened as Optuna's database: {reason}") from None


def _trials(record: SearchRecord) -> Iterator[FrozenTrial]:
    """A trial for each candidate that ended, in the order of their ids."""
    rows = [row for row in record.rows if row.status != "asked"]
    genomes = [row.genome for row in rows]
    table = gene_table(genomes, *names_in(genomes))
    bounds = Bounds.from_dict(record.config.space)
    distributions = {
        gene.name: _distribution(gene, column, bounds)
        for gene, column in zip(table.genes, table.values.T, strict=True)
        if not np.isnan(column).all()
    }
    final = {row.id for row in record.final}
    for row, values in zip(rows, table.values, strict=True):
        yield _trial(row, row.id in final, list(record.objectives), _parameters(table, values), distributions)


def _distribution(gene: Gene, column: Values, bounds: Bounds) -> BaseDistribution:
    """The values that a gene may have: by the bounds where it has some, and at least those of the search."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if gene.kind == "choice":
        return CategoricalDistribution(gene.choices)
    seen = [_natural(gene, value) for value in column[~np.isnan(column)]]
    ends: Any = getattr(bounds, gene.bound) if gene.bound else seen
    least, most = (0, ends) if isinstance(ends, int) else (min(ends), max(ends))
    low, high = min(least, *seen), max(most, *seen)
    if gene.kind == "count":
        return IntDistribution(int(low), int(high))
    return FloatDistribution(float(low), float(high), log=gene.kind == "log")


def _natural(gene: Gene, value: float) -> float:
    """A value of the table as the genome has it. Nine digits remain of a power of ten."""
    return float(f"{10**value:.9g}") if gene.kind == "log" else float(value)


def _parameters(table: GeneTable, values: Values) -> dict[str, Any]:
    """The genes of one genome that have a meaning, as Optuna has parameters."""
    found = dict[str, Any]()
    for gene, value in zip(table.genes, values.tolist(), strict=True):
        if not np.isnan(value):
            place = int(value) if gene.kind in ("choice", "count") else 0
            number = place if gene.kind == "count" else _natural(gene, value)
            found[gene.name] = gene.choices[place] if gene.kind == "choice" else number
    return found


def _trial(
    row: JournalRow,
    final: bool,
    objectives: Sequence[str],
    parameters: Mapping[str, Any],
    distributions: Mapping[str, BaseDistribution],
) -> FrozenTrial:
    from optuna.trial import TrialState, create_trial

    failed = row.status == "failed"
    state = TrialState.FAIL if failed else TrialState.COMPLETE if final else TrialState.PRUNED
    rungs = [_means(scores, objectives) for scores in row.outcomes]
    single = objectives[0] if len(objectives) == 1 else None  # only then does Optuna take scores of rungs
    trial = create_trial(
        state=state,
        values=[rungs[-1][name] for name in objectives] if state == TrialState.COMPLETE else None,
        params=dict(parameters),
        distributions={name: distributions[name] for name in parameters},
        user_attrs=_attributes(row, rungs),
        intermediate_values={rung: means[single] for rung, means in enumerate(rungs)} if single else {},
    )
    trial.datetime_start = datetime.fromtimestamp(row.asked_at)
    trial.datetime_complete = datetime.fromtimestamp(row.ended_at or row.asked_at)
    return trial


def _attributes(row: JournalRow, rungs: Sequence[Mapping[str, float]]) -> dict[str, Any]:
    """What Optuna has no place for."""
    confirmed = row.confirmed
    facts = {
        "candidate": row.id,
        "genome": json.loads(row.genome_json),
        "parents": list(row.parents),
        "generation": row.generation,
        "rung": row.rung,
        "scores of rungs": rungs,
        "errors": {name: score.error for name, score in row.scores.items() if score.error},
        "confirmed": None if confirmed is None else _means(confirmed, list(confirmed)),
        "failure": f"{row.failure.kind}: {row.failure.message}" if row.failure else None,
        "seconds of training": row.seconds,
    }
    return {name: value for name, value in facts.items() if value is not None}


def _means(scores: Mapping[str, Score], names: Sequence[str]) -> dict[str, float]:
    return {name: scores[name].mean for name in names}
