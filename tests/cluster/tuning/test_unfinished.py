"""A tuning that is cut off: what is kept of it, and how it goes on."""

from __future__ import annotations

import csv
import os
import re
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ray.tune.experiment import Experiment
from ray.tune.schedulers import ASHAScheduler

from haemsa.cluster.tuning import tune as tune_module
from haemsa.cluster.tuning.call import tuning_folder
from haemsa.cluster.tuning.follower import Follower
from haemsa.cluster.tuning.genes import Genes
from haemsa.cluster.tuning.result import Tried
from haemsa.cluster.tuning.samples import Samples, tell
from haemsa.cluster.tuning.trial import GenomeTrial
from haemsa.cluster.tuning.tune import tune_config
from haemsa.cluster.tuning.tuner import Task
from haemsa.cluster.tuning.unfinished import FOLDER, Unfinished, settings_of
from haemsa.cluster.workers.evaluator import JobBatch, TrainCohort
from haemsa.cluster.workers.job import Result
from haemsa.evo.candidate import Score
from haemsa.evo.expert_space.bounds import Bounds
from haemsa.evo.expert_space.domain import Domain
from haemsa.model.spec.genome import Genome
from haemsa.model.spec.network import EncoderSpec, NetworkSpec
from haemsa.model.spec.training import TrainingGenes
from tests.support.cluster.haemsa_command import haemsa
from tests.support.cluster.tiny import problem, stored
from tests.support.cluster.trainers import Make, states_at

TEXT = Genome(NetworkSpec(8, (EncoderSpec("text"),)), TrainingGenes(epochs=9))
AUDIO = Genome(NetworkSpec(8, (EncoderSpec("audio"),)), TrainingGenes(epochs=9))
GENES = Genes.of(TEXT, Domain(("text", "audio"), Bounds(epochs=(6, 9, 30)), tasks={"sentiment": "regression"}))


def settings(original: Genome = TEXT, scheduler: str = "asha", **given: Any) -> dict[str, Any]:
    config = tune_config("genome.json", scheduler, {"data": "planted", **given})
    return settings_of(original, config, scheduler, "abc")


def cut_off(folder: Path, *events: dict[str, Any], **given: Any) -> None:
    with Unfinished.read(folder, settings(**given)).kept() as keep:
        for event in events:
            keep(event)


def test_what_happened_is_there_again_without_a_last_line_that_is_not_whole(tmp_path: Path) -> None:
    assert not Unfinished.read(tmp_path / "none", settings()).events
    cut_off(tmp_path / "a", {"trial": 0, "score": 0.1 + 0.2}, {"trial": 1, "done": True})
    with (tmp_path / "a" / "events.jsonl").open("a") as file:
        file.write('{"trial": 2, "sco')
    for _ in range(2):  # it may be cut off again
        found = Unfinished.read(tmp_path / "a", settings())
        assert [(event["trial"], event.get("score")) for event in found.events] == [(0, 0.1 + 0.2), (1, None)]
        assert found.events[0]["seconds"] <= found.events[1]["seconds"] == found.seconds
        with found.kept():
            pass


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"seed": 1}, "seed is 0 in {out}, where a tuning was cut off, and cannot become 1 when it goes on, expected"),
        ({"validation": "groups"}, "validation is 'auto' in {out}, where a tuning was cut off, and cannot become 'gr"),
        ({"scheduler": "pbt"}, "scheduler is 'asha' in {out}, where a tuning was cut off, and cannot become 'pbt'"),
    ],
)
def test_other_settings_are_refused_in_a_sentence_or_forgotten_by_force(
    given: dict[str, Any], sentence: str, tmp_path: Path
) -> None:
    cut_off(tmp_path / FOLDER, {"trial": 0})
    with pytest.raises(ValueError, match=re.escape(sentence.format(out=tmp_path))):
        Unfinished.read(tmp_path / FOLDER, settings(**given))
    assert not Unfinished.read(tmp_path / FOLDER, settings(**given), force=True).events


def test_a_tuning_in_which_nothing_happened_binds_nobody(tmp_path: Path) -> None:
    cut_off(tmp_path)
    assert not Unfinished.read(tmp_path, settings(seed=1)).events


def test_more_trials_more_time_and_another_place_are_no_other_settings(tmp_path: Path) -> None:
    cut_off(tmp_path, {"trial": 0}, evaluations=4)
    more = settings(evaluations=9, time="1h", workers=3, address="local", tracking="off")
    assert Unfinished.read(tmp_path, more).events[0]["trial"] == 0
    with pytest.raises(ValueError, match="scheduler is 'asha'"):
        Unfinished.read(tmp_path, settings(scheduler="pbt"))
    cut_off(tmp_path / "pbt", {"trial": 0}, scheduler="pbt", evaluations=4)
    with pytest.raises(ValueError, match=r"trials is 4 in .* and cannot become 5"):
        Unfinished.read(tmp_path / "pbt", settings(scheduler="pbt", evaluations=5))


def test_a_tuning_that_was_cut_off_belongs_to_its_genome(tmp_path: Path) -> None:
    default = tmp_path / "tuned"
    cut_off(default / FOLDER, {"trial": 0})
    assert tuning_folder(TEXT, None, default) == default
    assert tuning_folder(AUDIO, None, default) == tmp_path / "tuned-2"
    with pytest.raises(ValueError, match=f"folder {default} holds another tuning"):
        tuning_folder(AUDIO, default, default)


def test_a_follower_that_takes_what_happened_knows_what_the_first_one_knew() -> None:
    class Named:
        def __init__(self, number: int, **genes: Any) -> None:
            self.trial_id, self.config, self.path = f"trial_{number:05d}", {**GENES.start(), **genes}, f"at {number}"

        def get_error(self) -> str:
            return "OSError: no"

    events = list[Any]()
    first, second = (Follower(GENES, lambda: None, keep) for keep in (events.append, events.append))
    first.on_trial_result(trial=Named(0), result={"epochs": 3, "score": 0.5, "error": 0.1, "whole": False})
    first.on_checkpoint(trial=Named(0), checkpoint=Named(0))
    first.on_trial_result(
        trial=Named(1, clip=0.3), result={"epochs": 3, "score": 0.9, "error": 0.1, "whole": False, "done": True}
    )
    first.on_trial_result(
        trial=Named(2, epochs=6), result={"epochs": 6, "score": 0.4, "error": 0.1, "whole": True, "done": True}
    )
    first.on_trial_error(trial=Named(3))
    for event in list(events):
        second.take(event)
    assert second.trials == first.trials
    states = [second.trials[number].state for number in range(4)]
    assert states == ["unfinished", "stopped", "ended", "failed"]
    assert (second.trials[0].checkpoint, second.trials[1].genome.training.clip, second.done) == ("at 0", 0.3, 3)


def test_asha_that_is_told_earlier_scores_decides_as_if_it_had_seen_them() -> None:
    before = {number: Tried(number, TEXT, {3: score}, state="stopped") for number, score in enumerate((0.1, 0.2, 0.3))}
    asha = ASHAScheduler("epochs", "score", "min", 30, 3, 3)
    tell(asha, before | {3: Tried(3, TEXT, {3: 0.05, 9: 0.04})})

    class New:
        trial_id = "trial_00004"

    asha.on_trial_add(None, New())  # type: ignore[arg-type]
    decided = [
        asha.on_trial_result(None, New(), {"epochs": epochs, "score": score})  # type: ignore[arg-type]
        for epochs, score in ((3, 0.06), (9, 0.05))
    ]
    assert decided == ["CONTINUE", "STOP"]  # among the best third of .05, .1, .2, .3; then worse than .04


def test_trials_that_are_done_are_left_out_and_others_go_on_with_the_genes_that_they_had(tmp_path: Path) -> None:
    def drawn(before: dict[int, Tried]) -> list[Any]:
        samples = Samples(GENES, seed=0, at_once=2, before=before)
        place = Experiment("tuning", GenomeTrial, config=GENES.space(), num_samples=5, storage_path=str(tmp_path))
        samples.add_configurations([place])  # type: ignore[no-untyped-call]
        trials = list[Any]()
        while pair := [trial for trial in (samples.next_trial(), samples.next_trial()) if trial is not None]:
            assert len(pair) < 2 or samples.next_trial() is None  # two at once
            trials += pair
            for trial in pair:
                samples.on_trial_complete(trial.trial_id)
        return trials

    changed = replace(TEXT, training=replace(TEXT.training, clip=0.7))
    first = {trial.trial_id[-1]: trial.config for trial in drawn({})}
    assert list(first) == list("01234")
    before = {0: Tried(0, TEXT, state="ended"), 2: Tried(2, changed), 3: Tried(3, TEXT, state="failed")}
    second = {trial.trial_id[-1]: trial.config for trial in drawn(before)}
    assert second == {"1": first["1"], "2": GENES.values_of(changed), "4": first["4"]}


def test_no_trial_is_left_when_all_are_done_or_the_time_is_up() -> None:
    def task(spent: float, **given: Any) -> Task:
        data = problem()[1]
        config = tune_config("genome.json", "asha", {"data": "planted", **given})
        return Task(config, "asha", GENES, recording(Path()), data, "sentiment/mae", "min", spent)

    assert [task(9, evaluations=4).over(done) for done in (3, 4)] == [False, True]
    assert [task(spent, time="10s").over(99) for spent in (9, 10)] == [False, True]


def recording(file: Path) -> Make:
    """Writes learning rate and epochs to a file, a line for each training. Of four rates, only the third is bad."""

    def make(_: Any) -> TrainCohort:
        def train(cohort: JobBatch) -> list[Result]:
            results = list[Result]()
            for job in cohort:
                with file.open("a") as lines:
                    lines.write(f"{job.genome.training.learning_rate} {job.fidelity.epochs}\n")
                rates = list(dict.fromkeys(line.split()[0] for line in file.read_text().splitlines()))
                error = (0.5, 0.3, 0.9, 0.2)[rates.index(str(job.genome.training.learning_rate))]
                score = Score.of([error] * job.fidelity.replicates)
                results.append(Result(job.id, {"sentiment/mae": score}, states_at(job)))
            return results

        return train

    return make


@pytest.mark.ray
@pytest.mark.slow
def test_a_tuning_that_is_cut_off_goes_on_trains_nothing_twice_and_finds_the_same(
    ray_cluster: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "genome.json").write_text(TEXT.to_json())
    command = [
        "tune", tmp_path / "genome.json", "--data", stored(tmp_path), "--trials", 4, "--workers", 1,
        "--validation", "holdout:1", "--tracking", "off", "--set", "space.epochs=[9]",
    ]  # fmt: skip
    fresh = (Score.of([0.5, 0.6]), Score.of([0.2, 0.3]))
    monkeypatch.setattr(tune_module, "_confirmed", lambda *_: fresh)  # other tests train for it
    trained, found = dict[str, list[str]](), dict[str, Any]()

    def run(name: str, *more: object) -> Any:
        file = tmp_path / f"{name}.txt"
        monkeypatch.setattr("haemsa.cluster.workers.node_copies.trainer_maker", lambda _: recording(file))
        ran = haemsa(*command, "--out", tmp_path / name, *more)
        trained[name] = file.read_text().splitlines()
        found[name] = list(csv.DictReader((tmp_path / name / "trials.csv").open()))
        return ran

    assert run("whole").status == 0
    assert [row["state"] for row in found["whole"]] == ["ended", "ended", "stopped", "ended"]

    def saved(self: Follower, *, trial: Any, checkpoint: Any, **_: Any) -> None:
        real(self, trial=trial, checkpoint=checkpoint)
        if trial.trial_id.endswith("1"):
            os.kill(os.getpid(), signal.SIGINT)

    real = Follower.on_checkpoint
    with monkeypatch.context() as patch:
        patch.setattr(Follower, "on_checkpoint", saved)
        assert run("cut").status == 130
    assert [(row["state"], row["trained"]) for row in found["cut"]] == [("ended", "9"), ("unfinished", "3")]
    assert run("cut", "--seed", 1).sentence.startswith(f"seed is 0 in {tmp_path / 'cut'}, where a tuning was cut off")
    ran = run("cut", "--json", tmp_path / "tune.json")
    assert ran.status == 0, ran.err
    assert "the tuning goes on where it was cut off: 1 trial done" in ran.err
    assert found["cut"] == found["whole"]
    assert sorted(trained["cut"]) == sorted(trained["whole"])
    assert (tmp_path / "cut" / "genome.json").read_text() == (tmp_path / "whole" / "genome.json").read_text()
    assert not (tmp_path / "cut" / FOLDER).exists()
