"""Tuning a genome: its genes, its trials from rung to rung, and the command on a small store."""

from __future__ import annotations

import csv
import json
import logging
import math
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ray.tune import PlacementGroupFactory

from haemsa.cluster.config import Compute, SearchConfig
from haemsa.cluster.final_model.recipe import read_recipe
from haemsa.cluster.search.launch import run_search
from haemsa.cluster.tuning import tune as tune_module
from haemsa.cluster.tuning import tuner as tuner_module
from haemsa.cluster.tuning.call import tuning_folder
from haemsa.cluster.tuning.follower import Follower
from haemsa.cluster.tuning.genes import GENES, Genes
from haemsa.cluster.tuning.record import record
from haemsa.cluster.tuning.report import tuning_table, tuning_values, verdict, write
from haemsa.cluster.tuning.result import Tried, Tuning
from haemsa.cluster.tuning.trial import GenomeTrial, Rungs
from haemsa.cluster.tuning.tune import tune_config
from haemsa.cluster.tuning.tuner import Task, placement, run_trials
from haemsa.cluster.workers.cohort_trainer import CohortTrainer
from haemsa.cluster.workers.job import Job, Result
from haemsa.evo.candidate import Candidate, Failure, Score
from haemsa.evo.expert_space.bounds import Bounds
from haemsa.evo.expert_space.domain import Domain
from haemsa.evo.rungs import Fidelity
from haemsa.model.spec.genome import Genome
from haemsa.model.spec.network import EncoderSpec, ExpertSpec, LevelSpec, NetworkSpec
from haemsa.model.spec.training import TrainingGenes
from tests.support.cluster.haemsa_command import haemsa
from tests.support.cluster.mlflow_store import mlflow_store
from tests.support.cluster.search_fakes import genome as made_genome
from tests.support.cluster.tiny import SPACE, problem, settings, stored

pytestmark = pytest.mark.slow

BOUNDS = Bounds(epochs=(2, 6, 7), learning_rate=(1e-3, 1e-2))
DOMAIN = Domain(("text", "audio"), BOUNDS, tasks={"mood": "regression"})
TWO_EXPERTS = Genome(
    NetworkSpec(
        8,
        (EncoderSpec("text"), EncoderSpec("audio")),
        (LevelSpec((ExpertSpec(("text",), width=8), ExpertSpec(("audio",), width=8))),),
    ),
    TrainingGenes(epochs=7),
)


def tried(number: int, score: float, state: Any = "ended", **training: Any) -> Tried:
    genome = replace(TWO_EXPERTS, training=replace(TWO_EXPERTS.training, **training))
    return Tried(number, genome, {3: score + 1, 7: score}, 0.1, state)


def tuning(original: Score | None, tuned: Score | None, better: Genome | None = TWO_EXPERTS) -> Tuning:
    trials = [tried(0, 0.9), tried(1, 0.8, epochs=6)]
    return Tuning("toy", "mae", "min", "folds:2", trials, TWO_EXPERTS, trials[1].genome, better, (original, tuned))


def test_genes_without_effect_or_with_one_value_are_not_tuned() -> None:
    every = Genes.of(TWO_EXPERTS, DOMAIN).names
    assert set(every) == set(GENES) - {"loss", "class_balance"}
    linear = Genome(NetworkSpec(8, (EncoderSpec("text"),)))
    assert set(every) - set(Genes.of(linear, DOMAIN).names) == {"modality_dropout", "balance", "distillation"}
    assert "epochs" not in Genes.of(TWO_EXPERTS, DOMAIN, epochs=False).names
    assert "clip" not in Genes.of(TWO_EXPERTS, replace(DOMAIN, bounds=replace(BOUNDS, clip=(1.0, 1.0)))).names


def test_the_genome_itself_is_a_trial_also_where_its_genes_are_out_of_bounds() -> None:
    odd = replace(TWO_EXPERTS, training=TrainingGenes(epochs=9, learning_rate=0.0123456))
    genes = Genes.of(odd, DOMAIN)
    assert genes.genome_of(genes.start()) == odd
    drawn = genes.genome_of({**genes.start(), "learning_rate": 0.00123456, "dropout": 0.99, "epochs": 6})
    assert drawn.training == replace(odd.training, learning_rate=0.00123, dropout=0.6, epochs=6)
    assert drawn.network == odd.network


def begun(genes: Genes, make: Any, data: Any, config: dict[str, Any] | None = None) -> GenomeTrial:
    """A trial without Tune around it, which would make folders."""
    trial = GenomeTrial.__new__(GenomeTrial)
    trial.setup(config or genes.start(), make, data, genes, Rungs(3, 2), "sentiment/mae", {}, None)
    return trial


def test_a_trial_reports_rung_by_rung_and_goes_on_elsewhere_as_if_it_had_not_stopped(tmp_path: Path) -> None:
    _, data = problem(validation="folds:2")
    genes = Genes.of(TWO_EXPERTS, DOMAIN)
    first = begun(genes, CohortTrainer, data)
    report = first.step()
    assert (report["epochs"], report["whole"], report["done"]) == (3, False, False)
    first.save_checkpoint(str(tmp_path))
    assert [path.suffix for path in tmp_path.iterdir()] == [".safetensors"]
    second = begun(genes, CohortTrainer, data)
    second.load_checkpoint(str(tmp_path))
    ended = [trial.step() for trial in (first, second)]
    assert ended[0] == ended[1]
    (whole,) = CohortTrainer(data)([Job(Candidate(0, TWO_EXPERTS), Fidelity(None, 2))])
    assert isinstance(whole.outcome, dict)
    score = whole.outcome["sentiment/mae"]
    assert ended[0] == {"score": score.mean, "error": score.error, "epochs": 7, "whole": True, "done": True}


def test_an_actor_is_used_again_and_every_trial_has_the_same_seeds() -> None:
    _, data = problem(validation="folds:2")
    genes = Genes.of(TWO_EXPERTS, DOMAIN)
    trial = begun(genes, CohortTrainer, data)
    scores = [trial.step()["score"]]
    assert trial.reset_config(genes.start())
    scores.append(trial.step()["score"])
    assert scores[0] == scores[1]


@pytest.mark.parametrize(
    ("outcome", "why"),
    [
        (Failure("nan", "the loss was not finite"), "nan: the loss was not finite"),
        ({"sentiment/mae": Score(math.nan)}, "nan: sentiment/mae is nan"),
    ],
)
def test_a_trial_that_fails_ends_and_says_why(outcome: Any, why: str) -> None:
    trial = begun(Genes.of(TWO_EXPERTS, DOMAIN), lambda _: lambda jobs: [Result(0, outcome)], problem()[1])
    found = trial.step()
    assert math.isnan(found["score"])
    assert (found["failure"], found["done"], found["whole"]) == (why, True, False)


def test_the_follower_knows_how_each_trial_ended_and_which_whole_one_is_best() -> None:
    told: list[int] = []
    follower = Follower(Genes.of(TWO_EXPERTS, DOMAIN), lambda: told.append(1))

    def trial(number: int, epochs: int = 7) -> Any:
        config = {**Genes.of(TWO_EXPERTS, DOMAIN).start(), "epochs": epochs}
        return SimpleNamespace(trial_id=f"abc_{number:05d}", config=config, get_error=lambda: "Traceback\nOSError: no")

    def report(number: int, epochs: int, score: float, **more: Any) -> None:
        result = {"epochs": epochs, "score": score, "error": 0.1, "whole": epochs == 7, **more}
        follower.on_trial_result(trial=trial(number), result=result)

    assert follower.best("min") is None
    for number, score in ((0, 0.9), (1, 0.7), (2, 0.8)):
        report(number, 3, score)
    report(0, 7, 0.85)
    report(2, 7, 0.75)
    report(4, 3, math.nan, failure="nan: no")
    for number in (0, 1, 2, 4):
        follower.on_trial_complete(trial=trial(number))
    follower.on_trial_error(trial=trial(3))
    states = {number: item.state for number, item in follower.trials.items()}
    assert states == {0: "ended", 1: "stopped", 2: "ended", 3: "failed", 4: "failed"}
    assert [follower.trials[number].why for number in (3, 4)] == ["OSError: no", "nan: no"]
    best = {way: follower.best(way) for way in ("min", "max")}  # type: ignore[arg-type]
    assert {way: item.number for way, item in best.items() if item} == {"min": 2, "max": 0}
    assert len(told) == 5


@pytest.mark.parametrize(
    ("before", "after", "direction", "better"),
    [
        (Score.of([0.9]), Score.of([0.8]), "min", "tuned"),
        (Score.of([0.9]), Score.of([0.8]), "max", "original"),
        (Score.of([0.8]), Score.of([0.8]), "min", "original"),
        (Score.of([0.5, 0.7]), Score.of([0.4, 0.55]), "min", "tuned"),  # better by .125, give or take .025
        (Score.of([0.5, 0.7]), Score.of([0.3, 0.88]), "min", "original"),  # better by .01, give or take .19
        (Score.of([0.5, 0.7]), Score.of([0.7, 0.51]), "max", "original"),  # better by .005, give or take .195
        (Score(0.8), None, "min", "original"),
        (None, Score(0.9), "min", "tuned"),
    ],
)
def test_the_tuned_genome_is_kept_only_if_it_is_better_again_by_more_than_the_error(
    before: Score | None, after: Score | None, direction: Any, better: str
) -> None:
    genomes = {"original": TWO_EXPERTS, "tuned": made_genome(1)}
    assert tune_module._better(*genomes.values(), (before, after), direction) == genomes[better]
    with pytest.raises(ValueError, match="neither the genome nor what was tuned of it could be trained"):
        tune_module._better(*genomes.values(), (None, None), direction)


@pytest.mark.parametrize(
    ("objectives", "metric", "missing"),
    [
        (["sentiment/missing_mae", "params"], "sentiment/missing_mae", True),
        (["params", "emotion/uar", "sentiment/missing_mae"], "emotion/uar", False),
        ([], "sentiment/mae", False),
    ],
)
def test_genomes_are_judged_by_the_first_objective_of_the_search(
    objectives: list[str], metric: str, missing: bool
) -> None:
    config = settings(objectives=objectives)
    found, _ = problem(objectives=objectives)
    assert tune_module.judged(found)[0] == metric
    assert tune_module._tuning_data(config, found).missing == missing


def test_a_trial_reports_a_metric_with_modalities_missing() -> None:
    found, _ = problem(objectives=["sentiment/missing_mae", "params"])
    data = tune_module._tuning_data(settings(objectives=["sentiment/missing_mae", "params"]), found)
    trial = GenomeTrial.__new__(GenomeTrial)
    genes = Genes.of(TWO_EXPERTS, DOMAIN)
    trial.setup(genes.start(), CohortTrainer, data, genes, Rungs(3, 2), tune_module.judged(found)[0], {}, None)
    report = trial.step()
    assert "failure" not in report
    assert report["score"] > 0


def test_a_trial_needs_what_any_worker_needs_of_its_node() -> None:
    plain, choosy = Compute(), Compute(gpus_per_worker=0.5, resources={"disk": 2.0}, node_labels={"market": "spot"})
    assert placement(plain) == PlacementGroupFactory([{"CPU": 1.0}])
    found = PlacementGroupFactory([{"CPU": 1.0, "GPU": 0.5, "disk": 2.0}], bundle_label_selector=[{"market": "spot"}])
    assert placement(choosy) == found


def test_a_trial_keeps_to_its_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    given = list[float | None]()
    monkeypatch.setattr("haemsa.cluster.tuning.trial.limit_memory", given.append)
    _, data = problem()
    trial, genes = GenomeTrial.__new__(GenomeTrial), Genes.of(TWO_EXPERTS, DOMAIN)
    trial.setup(genes.start(), lambda _: lambda jobs: [], data, genes, Rungs(3, 2), "sentiment/mae", {}, 2.0**30)
    assert given == [2.0**30]


def test_the_tuning_of_another_genome_is_kept(tmp_path: Path) -> None:
    default = tmp_path / "tuned"
    assert tuning_folder(TWO_EXPERTS, None, default) == default
    default.mkdir()
    write(tuning(None, None), default)
    assert tuning_folder(TWO_EXPERTS, None, default) == default
    assert tuning_folder(made_genome(1), None, default) == tmp_path / "tuned-2"
    with pytest.raises(ValueError, match=r"tuned holds another tuning, expected a new folder, or --force"):
        tuning_folder(made_genome(1), default, default)
    assert tuning_folder(made_genome(1), default, default, force=True) == default


def test_what_was_found_is_told_with_the_error_of_the_difference(tmp_path: Path) -> None:
    found = tuning(Score.of([1.0, 2.0]), Score.of([0.8, 2.0]))
    found = replace(found, genome=found.tuned)
    assert verdict(found) == (
        "Tuned minus original, both trained again on fresh seeds: mae -0.1000 ± 0.1000 over 2 replicates: "
        "the tuned genome is better."
    )
    values = tuning_values(found)
    assert (values["better"], values["trials"]["all"], values["trials"]["ended"]) == ("tuned", 2, 2)
    assert values["confirmed"]["original"] == {"mean": 1.5, "error": 0.5, "values": [1.0, 2.0]}
    assert tuning_table(found).row_count == len(GENES) + 1
    write(found, tmp_path)
    assert read_recipe(str(tmp_path / "genome.json")).members[0][0] == found.tuned
    rows = list(csv.DictReader((tmp_path / "trials.csv").open()))
    assert [(row["trial"], row["state"], row["trained"], row["mae"]) for row in rows] == [
        ("0", "ended", "7", "0.9"), ("1", "ended", "7", "0.8")
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (tuning(None, None, None), "It is not known yet which genome is better. The same command goes on."),
        (replace(tuning(None, None), tuned=TWO_EXPERTS), "No trial that had all its epochs was better"),
        (tuning(Score(0.9), None), "The tuned genome could not be trained again, so the genome stays"),
        (tuning(None, Score(0.9), made_genome(1)), "The original genome could not be trained again"),
        (
            tuning(Score.of([1.0, 2.0]), Score.of([2.0, 2.0])),
            "the gain is not more than its error, so the genome stays",
        ),
    ],
)
def test_the_verdict_is_one_sentence_whatever_happened(found: Tuning, said: str) -> None:
    assert said in verdict(found)


def test_mlflow_that_is_down_costs_a_warning_and_no_more(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    config = SearchConfig.of({"data": "toy", "tracking": "nonsense://nowhere"})
    with caplog.at_level(logging.WARNING, "cluster"):
        record(tuning(None, None), "genome.json", config, tmp_path)
    assert f"MLflow did not take the trials, which are in {tmp_path}/trials.csv: " in caplog.text


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--scheduler", "bohb"), "scheduler is 'bohb', expected asha or pbt"),
        (("--trials", "1"), "the number of trials is 1, expected 2 or more: the first is the genome itself"),
        (("--time", "soon"), "setting time is 'soon', expected seconds, or a number with a unit"),
        (("--address", "ray://here:1"), "address is ray://here:1, expected HOST:PORT"),
        (("--scheduler", "pbt", "--address", "here:1", "--workers", "2"), "workers is 2, but pbt trains its whole"),
        (("--validation", "best"), "setting validation is 'best'"),
    ],
)
def test_bad_input_is_one_sentence(tmp_path: Path, options: tuple[str, ...], sentence: str) -> None:
    (tmp_path / "genome.json").write_text(TWO_EXPERTS.to_json())
    ran = haemsa("tune", tmp_path / "genome.json", "--data", "planted", *options)
    assert ran.sentence.startswith(sentence)


def test_a_genome_that_does_not_fit_the_data_is_refused_before_anything_starts(tmp_path: Path) -> None:
    (tmp_path / "genome.json").write_text(made_genome(2).to_json().replace("vision", "smell"))
    ran = haemsa("tune", tmp_path / "genome.json", "--data", stored(tmp_path), "--out", tmp_path / "out")
    assert ran.sentence == "the genome reads smell, but data 'tiny' has text, audio, vision"
    assert not (tmp_path / "out").exists()
    assert haemsa("tune", tmp_path / "no.json", "--data", "planted").sentence.startswith("source")


def test_an_interrupted_tuning_ends_cleanly_with_what_it_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(task: Task, follower: Follower, folder: Path) -> None:
        trial = SimpleNamespace(trial_id="a_00000", config=task.genes.start())
        follower.on_trial_result(trial=trial, result={"epochs": 3, "score": 1.0, "error": 0.1, "whole": False})
        raise KeyboardInterrupt

    monkeypatch.setattr(tune_module, "joined_ray", lambda *_: nullcontext())
    monkeypatch.setattr(tuner_module, "run_trials", interrupted)
    (tmp_path / "genome.json").write_text(TWO_EXPERTS.to_json())
    out = tmp_path / "out"
    source = ("tune", tmp_path / "genome.json", "--data", stored(tmp_path))
    ran = haemsa(*source, "--out", out, "--tracking", "off")
    assert ran.status == 130, ran.err
    assert "It is not known yet which genome is better. The same command goes on." in ran.out
    assert sorted(path.name for path in out.iterdir()) == ["trials.csv", "tuning.json", "unfinished-trials"]
    assert json.loads((out / "tuning.json").read_text())["trials"]["unfinished"] == 1


def test_trials_that_all_fail_end_it_with_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(task: Task, follower: Follower, folder: Path) -> None:
        for number in (1, 0):
            trial = SimpleNamespace(trial_id=f"a_{number:05d}", config=task.genes.start())
            follower.on_trial_result(trial=trial, result={"epochs": 3, "failure": f"memory: {number} took too much"})

    monkeypatch.setattr(tune_module, "joined_ray", lambda *_: nullcontext())
    monkeypatch.setattr(tuner_module, "run_trials", failing)
    (tmp_path / "genome.json").write_text(TWO_EXPERTS.to_json())
    ran = haemsa("tune", tmp_path / "genome.json", "--data", stored(tmp_path), "--out", tmp_path / "out")
    assert ran.status == 2
    assert ran.err.endswith("haemsa: no trial had all its epochs, and 2 failed, the first: memory: 0 took too much\n")


def test_a_search_gives_its_own_settings_and_where_it_ran_but_tune_needs_ray(tmp_path: Path) -> None:
    run = tmp_path / "run"
    given = {"data": str(stored(tmp_path)), "run": str(run), "evaluations": 2, "population": 2, "seed": 7}
    run_search(settings(**given, validation="folds:3", workers=2, address_timeout=7.0))
    config = tune_config(str(run), "asha", {"data": "planted", "time": "5m"})
    assert (config.seed, config.validation, config.space["widths"]) == (7, "folds:3", SPACE["widths"])
    assert (config.evaluations, config.time, config.run, config.backend) == (None, 300, None, "ray")
    assert (config.workers, config.address_timeout) == (2, 7)
    assert tune_config(str(run), "asha", {"data": "planted", "workers": "auto"}).workers == "auto"
    assert tune_config(str(run), "pbt", {"data": "planted"}).workers == "auto"  # it has as many as trials
    assert tune_config(str(run), "pbt", {"data": "planted", "time": "5m", "seed": 1}).evaluations == 8
    assert tune_config("genome.json", "asha", {"data": "planted"}).evaluations == 32


@pytest.mark.parametrize("better", [True, False])
def test_what_comes_next_is_told_only_where_the_genome_changed(
    better: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = replace(tuning(Score.of([1.0, 2.0]), Score.of([0.8, 1.8])), folder=tmp_path / "mine", source="mine.h5")
    found = replace(found, genome=found.tuned if better else found.original)
    monkeypatch.setattr("haemsa.cluster.api.tune_genome", lambda *_, **__: found)
    ran = haemsa("tune", "genome.json", "--data", "mine.h5")
    assert ran.status == 0, ran.err
    command = f"haemsa train {tmp_path / 'mine' / 'genome.json'} --data mine.h5 --seeds 5 --out models/mine-tuned"
    assert (command in ran.out) == better
    assert ("Next:" in ran.out) == better


@pytest.mark.ray
def test_a_search_and_its_tuning_are_one_in_mlflow_and_the_result_can_be_trained(
    ray_cluster: None, tmp_path: Path
) -> None:
    from mlflow import MlflowClient

    uri, run, out, store = mlflow_store(tmp_path), tmp_path / "run", tmp_path / "out", stored(tmp_path)
    space = {**SPACE, "epochs": [2, 3]}
    given = {"data": str(store), "run": str(run), "evaluations": 2, "population": 2, "tracking": uri}
    run_search(settings(**given, space=space, validation="folds:2"))
    home = Path.home() / "ray_results"
    before = home.exists() and sorted(home.iterdir())
    options = ("--trials", 4, "--workers", 1)
    ran = haemsa("tune", run, "--data", store, *options, "--out", out, "--json", tmp_path / "tune.json")
    assert ran.status == 0, ran.err
    assert "Traceback" not in ran.err and "ray" not in ran.err.lower(), ran.err
    assert (home.exists() and sorted(home.iterdir())) == before
    assert sorted(path.name for path in out.iterdir()) == ["genome.json", "trials.csv", "tuning.json"]

    original = read_recipe(str(run)).members[0][0]
    rows = list(csv.DictReader((out / "trials.csv").open()))
    assert len(rows) == 4
    assert float(rows[0]["learning_rate"]) == original.training.learning_rate
    found = json.loads((tmp_path / "tune.json").read_text())
    assert found["better"] in ("original", "tuned")
    kept = read_recipe(str(out / "genome.json")).members[0][0]
    assert kept == Genome.from_dict(found["genomes"][found["better"]])
    assert kept.network == original.network

    client = MlflowClient(tracking_uri=uri, registry_uri=uri)
    runs = client.search_runs([client.get_experiment_by_name("tiny").experiment_id])
    (parent,) = [item for item in runs if item.data.tags.get("haemsa.search")]
    children = {item.info.run_name: item for item in runs if item.data.tags.get("mlflow.source.name") == "haemsa tune"}
    trials = [f"tiny: trial {number:03d}" for number in range(4)]
    assert set(children) == {*trials, "tiny: tuned genome"}
    assert {item.data.tags["mlflow.parentRunId"] for item in children.values()} == {parent.info.run_id}
    assert children[trials[0]].data.params["epochs"] == str(original.training.epochs)
    assert "sentiment/mae" in children[trials[0]].data.metrics


@pytest.mark.ray
def test_a_population_goes_on_from_each_others_weights_without_tuning_its_epochs(
    ray_cluster: None, tmp_path: Path
) -> None:
    _, data = problem(validation="holdout:1")
    genes = Genes.of(TWO_EXPERTS, DOMAIN, epochs=False)
    follower = Follower(genes, lambda: None)
    config = tune_config("genome.json", "pbt", {"data": "planted", "evaluations": 3})
    run_trials(Task(config, "pbt", genes, CohortTrainer, data, "sentiment/mae", "min"), follower, tmp_path)
    trials = [follower.trials[number] for number in range(3)]
    assert [(trial.state, trial.genome.training.epochs, list(trial.scores)[-1]) for trial in trials] == [
        ("ended", 7, 7)
    ] * 3
    assert {epochs for trial in trials for epochs in trial.scores} == {1, 2, 7}
