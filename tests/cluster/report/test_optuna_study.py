"""A search as a study of Optuna, read back by Optuna."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from haemsa.cluster.config import SearchConfig
from haemsa.cluster.report import optuna_study
from haemsa.cluster.report.optuna_study import export_study
from haemsa.cluster.run_directory.rows import RungOutcome
from haemsa.cluster.run_directory.run_directory import RunDirectory
from haemsa.evo.candidate import Failure, Score
from haemsa.model.spec.genome import Genome
from tests.support.cluster.haemsa_command import haemsa
from tests.support.cluster.made_run import end_run, made_run
from tests.support.cluster.search_fakes import candidates

optuna = pytest.importorskip("optuna")


def study_of(name: str, storage: str) -> Any:
    return optuna.load_study(study_name=name, storage=storage)


def test_the_study_has_the_values_genes_and_facts_of_each_candidate(tmp_path: Path) -> None:
    path, storage = made_run(tmp_path / "run", 8, 4, failed=1, pending=2), f"sqlite:///{tmp_path}/study.db"
    end_run(path, 3, (3,))
    assert export_study(path, storage) == 8
    study = study_of("run", storage)
    assert [direction.name for direction in study.directions] == ["MINIMIZE", "MINIMIZE"]
    assert study.metric_names == ["mae", "params"]
    with RunDirectory.open(path, read_only=True) as run:
        rows = {row.id: row for row in run.journal.rows()}
    assert [trial.user_attrs["candidate"] for trial in study.trials] == list(range(8))
    for trial in study.trials[:7]:
        row = rows[trial.user_attrs["candidate"]]
        network, training = row.genome.network, row.genome.training
        assert trial.state.name == "COMPLETE"
        assert trial.values == [row.scores["mae"].mean, row.scores["params"].mean]
        assert trial.params["learning rate"] == training.learning_rate
        assert trial.params["epochs"] == training.epochs
        assert trial.params["encoder of text"] == network.encoders[0].kind
        assert trial.params["reads audio"] == ("yes" if "audio" in network.modalities else "no")
        assert ("encoder of audio" in trial.params) == ("audio" in network.modalities)
        assert Genome.from_dict(trial.user_attrs["genome"]) == row.genome
        assert trial.user_attrs["parents"] == list(row.parents)
        assert trial.datetime_start == datetime.fromtimestamp(row.asked_at)
        assert trial.datetime_complete == datetime.fromtimestamp(row.ended_at or 0)
    assert study.trials[3].user_attrs["confirmed"]["mae"] == rows[3].confirmed["mae"].mean  # type: ignore[index]
    assert (study.trials[7].state.name, study.trials[7].values) == ("FAIL", None)
    assert study.trials[7].user_attrs["failure"] == "nan: the loss is not finite"
    rate = study.trials[0].distributions["learning rate"]
    assert (rate.low, rate.high, rate.log) == (3e-4, 1e-2, True)
    assert study.trials[0].distributions["encoder of text"].choices == ("mean", "attention", "convolution")
    assert study.trials[0].distributions["levels"].high == 4
    front = {trial.user_attrs["candidate"] for trial in study.best_trials}
    assert front and front <= set(range(7))


def test_what_ended_on_a_lower_rung_is_pruned_and_a_single_objective_has_values_of_rungs(tmp_path: Path) -> None:
    path, storage = tmp_path / "run", f"sqlite:///{tmp_path}/study.db"
    with RunDirectory.create(path, SearchConfig.of({"data": "planted"}), {"objectives": {"corr": "max"}}) as run:
        run.journal.asked(candidates(3))
        first = [RungOutcome(n, {"corr": Score(0.1 * n)}, 1, rung=0) for n in (0, 1)]
        run.journal.record([*first, RungOutcome(2, Failure("error", "odd"), 1)])
        state = {"evolution": {"ladder": [3, 1, [3, 1], [None, 1]]}}
        run.journal.record([RungOutcome(1, {"corr": Score(0.5)}, 1, rung=1)], state)
    assert export_study(path, storage, name="mine") == 3
    study = study_of("mine", storage)
    assert study.direction.name == "MAXIMIZE"
    assert [trial.state.name for trial in study.trials] == ["PRUNED", "COMPLETE", "FAIL"]
    assert study.trials[0].intermediate_values == {0: 0.0}
    assert study.trials[1].intermediate_values == {0: 0.1, 1: 0.5}
    assert study.best_value == 0.5
    assert study.trials[1].user_attrs["scores of rungs"] == [{"corr": 0.1}, {"corr": 0.5}]


def test_a_study_that_exists_is_replaced_only_by_force(tmp_path: Path) -> None:
    path, storage = made_run(tmp_path / "run", 4, 4), f"sqlite:///{tmp_path}/study.db"
    assert haemsa("export", path, "--optuna", storage).out.strip() == "4 trials in the study run"
    sentence = haemsa("export", path, "--optuna", storage).sentence
    assert sentence == f"{storage} has a study 'run' already, expected --force to replace it"
    assert haemsa("export", path, "--optuna", storage, "--force").status == 0
    assert len(study_of("run", storage).trials) == 4


def test_what_cannot_be_exported_is_told_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, storage = made_run(tmp_path / "run", 4, 4), f"sqlite:///{tmp_path}/study.db"
    assert "cannot be opened as Optuna's database: " in haemsa("export", path, "--optuna", "study.db").sentence
    odd = haemsa("export", path, "--optuna", "odd://me:secret@host/db").sentence
    assert odd.startswith("odd://...@host/db cannot be opened") and "secret" not in odd
    assert "holds no search" in haemsa("export", tmp_path, "--optuna", storage).sentence
    empty = made_run(tmp_path / "empty", 2, 2, failed=2)
    assert "has no candidate with scores yet" in haemsa("export", empty, "--optuna", storage).sentence
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(ValueError, match="to write a study, optuna must be there: pip install"):
        optuna_study.export_study(path, storage)
    assert not (tmp_path / "study.db").exists()


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ([], "neither --to nor --optuna is given, expected FILE --to onnx, or --optuna sqlite:///study.db"),
        (
            ["a.onnx", "--to", "onnx", "--optuna", "sqlite:///s.db"],
            "--to and --optuna are both given, expected FILE --to onnx, or --optuna sqlite:///study.db",
        ),
        (["--to", "onnx"], "no file is given, expected its name: haemsa export runs/a FILE --to onnx"),
        (
            ["a.onnx", "--optuna", "sqlite:///s.db"],
            "file a.onnx is given with --optuna, expected only a run directory beside it",
        ),
    ],
)
def test_the_command_says_what_it_wants(given: list[str], sentence: str) -> None:
    assert haemsa("export", "runs/a", *given).sentence == sentence
