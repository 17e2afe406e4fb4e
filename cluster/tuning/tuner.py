"""How Ray Tune is set up to tune the training genes of a genome."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from ray import tune
from ray.tune.schedulers import ASHAScheduler, PopulationBasedTraining, TrialScheduler

from haemsa.cluster.config import Compute, SearchConfig
from haemsa.cluster.tuning.follower import Follower
from haemsa.cluster.tuning.genes import Genes
from haemsa.cluster.tuning.result import Tried
from haemsa.cluster.tuning.samples import PREFIX, Samples, tell
from haemsa.cluster.tuning.trial import GenomeTrial, Rungs
from haemsa.cluster.tuning.waits import Waits
from haemsa.cluster.workers.cohort_trainer import WorkerData
from haemsa.cluster.workers.elastic.crew import Crew
from haemsa.cluster.workers.evaluator import TrainCohort
from haemsa.evo.objectives import Direction

RUNGS: Final = {"asha": Rungs(3, 3), "pbt": Rungs(1, 2)}
"""By scheduler. ASHA has those of a search. PBT changes genes between rungs, so it needs more of them."""
RESTARTS: Final = 2
"""A trial may lose so many workers."""
CHECKPOINTS: Final = 4
"""So many are kept of each trial, because other trials of PBT may still copy them."""
_QUIET: Final = {
    "RAY_AIR_NEW_OUTPUT": "0",  # the old output can be silenced
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",  # no CSV, JSON and TensorBoard files for every trial
    "TUNE_DISABLE_SIGINT_HANDLER": "1",  # our own handler ends the command
    "_TEST_TUNE_TRIAL_UUID": PREFIX,  # a trial that goes on has the name that it had
}


@dataclass(frozen=True)
class Task:
    """What is tuned, by which scheduler, on which data, and by which metric. `make` gives what trains in a worker.

    `spent`: seconds of the tuning before it was cut off.
    """

    config: SearchConfig
    scheduler: str
    genes: Genes
    make: Callable[[WorkerData], TrainCohort]
    data: WorkerData
    metric: str
    direction: Direction
    spent: float = 0.0

    def over(self, done: int) -> bool:
        """Whether no trial is left, or no time, when so many trials are done."""
        trials, seconds = self.config.evaluations, self.config.time
        return (trials is not None and done >= trials) or (seconds is not None and self.spent >= seconds)


def run_trials(task: Task, follower: Follower, folder: Path) -> None:
    """Run Ray Tune on the cluster that was joined. The first trial is the genome itself; `follower` gets all trials.

    Trials that it knows to be done are not run again, and those that were cut off go on. Tune writes its own files to a
    new folder in `folder`. Of these only checkpoints are ever read.
    """
    if task.over(follower.done):
        return
    before = {number: replace(tried) for number, tried in follower.trials.items()}
    with _quiet():
        _tuner(task, follower, before, Path(tempfile.mkdtemp(prefix="tune-", dir=folder))).fit()


def _tuner(task: Task, follower: Follower, before: Mapping[int, Tried], folder: Path) -> tune.Tuner:
    return tune.Tuner(
        tune.with_resources(_trainable(task, before), placement(task.config)),
        param_space=task.genes.space(),
        tune_config=tune.TuneConfig(
            search_alg=_samples(task, before),
            scheduler=_scheduler(task, before),
            num_samples=task.config.evaluations or -1,
            time_budget_s=task.config.time and task.config.time - task.spent,
            reuse_actors=True,
            trial_dirname_creator=_folder_of,
        ),
        run_config=tune.RunConfig(
            name="trials",
            storage_path=str(folder.resolve()),
            callbacks=[follower, Waits(task.config)],
            failure_config=tune.FailureConfig(max_failures=RESTARTS),
            checkpoint_config=tune.CheckpointConfig(CHECKPOINTS, checkpoint_frequency=1, checkpoint_at_end=False),
            verbose=0,
        ),
    )


def placement(compute: Compute) -> tune.PlacementGroupFactory:
    """What a trial needs of its node: the same as any other worker."""
    bundle = {"CPU": 1.0, "GPU": compute.gpus_per_worker, **compute.resources}
    labels: dict[str, Any] = {"bundle_label_selector": [compute.node_labels]} if compute.node_labels else {}
    return tune.PlacementGroupFactory([bundle], **labels)


def _trainable(task: Task, before: Mapping[int, Tried]) -> Any:
    begun = {number: tried.checkpoint for number, tried in before.items() if _has_state(tried.checkpoint)}
    inputs = {"make": task.make, "data": task.data, "genes": task.genes, "rungs": _rungs(task), "metric": task.metric}
    memory = Crew.of(task.config, task.config.title).memory
    return tune.with_parameters(GenomeTrial, **inputs, begun=begun, memory=memory)


def _has_state(checkpoint: str) -> bool:
    return bool(checkpoint) and any(Path(checkpoint).glob("*.safetensors"))


def _samples(task: Task, before: Mapping[int, Tried]) -> Samples:
    workers = task.config.most  # trials of pbt wait for each other, so all must be there
    return Samples(task.genes, task.config.seed, 0 if task.scheduler == "pbt" or workers is None else workers, before)


def _scheduler(task: Task, before: Mapping[int, Tried]) -> TrialScheduler:
    rungs = _rungs(task)
    if task.scheduler == "pbt":
        # Tune changes a value of a list to a neighbour, but multiplies any other: that does not work for names.
        space = {name: getattr(domain, "categories", domain) for name, domain in task.genes.space().items()}
        return PopulationBasedTraining(
            "epochs", "score", task.direction, perturbation_interval=1, hyperparam_mutations=space, log_config=False
        )
    most = _most_epochs(task.genes) + 1  # a trial ends by itself
    asha = ASHAScheduler("epochs", "score", task.direction, most, rungs.first, rungs.factor)
    tell(asha, before)
    return asha


def _rungs(task: Task) -> Rungs:
    """The usual rungs, unless all genomes end before the first one."""
    rungs = RUNGS[task.scheduler]
    return Rungs(min(rungs.first, _most_epochs(task.genes)), rungs.factor)


def _most_epochs(genes: Genes) -> int:
    own = genes.genome.training.epochs
    return max(own, *genes.bounds.epochs) if "epochs" in genes.names else own


def _folder_of(trial: Any) -> str:
    return str(trial.trial_id)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Tune from writing lines and logs of its own: the follower shows the progress."""
    before, logger = {name: os.environ.get(name) for name in _QUIET}, logging.getLogger("ray.tune")
    level = logger.level
    os.environ |= _QUIET
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
