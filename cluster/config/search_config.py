"""Every setting of a search, checked before anything is computed.

Settings come from a YAML file and from options. An unknown key is an error. Whether an objective or a limit exists
depends on the data, so the search checks that.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import yaml
from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from haemsa.cluster.config.compute import Compute
from haemsa.cluster.config.values import AtLeastTwo, AtLeastZero, Count, Name, Positive, Seconds
from haemsa.model.yaml_file import merged, read_yaml

DEFAULT_EVALUATIONS: Final = 200


def _check_validation(value: str) -> str:
    match = re.fullmatch(r"auto|groups|holdout(?::0*[1-9]\d*)?|folds:(\d+)", value)
    if match is None or (match[1] is not None and int(match[1]) < 2):
        raise ValueError("expected auto, holdout, holdout:SEEDS, folds:K with K of 2 or more, or groups")
    return value


def _check_names(value: list[str]) -> list[str]:
    if len(set(value)) != len(value) or not all(value):
        raise ValueError("expected names, each once")
    return value


def _check_bounds(value: dict[str, Any]) -> dict[str, Any]:
    if value:
        from haemsa.evo.expert_space.bounds import Bounds

        Bounds.from_dict(value)
    return value


class SearchConfig(Compute):
    """The settings of one search. Build it with `SearchConfig.of`, which reports errors as one sentence.

    The text below each setting is what `haemsa config` prints.

    Example:
        >>> SearchConfig.of({"data": "planted", "time": "30m"}).time
        1800.0
    """

    data: Name | None = None
    """planted, digits, or a path to data of any layout. null: the data is given from Python."""
    name: Name | None = None
    """The name of the search. null: the name of the data."""
    run: Name | None = None
    """The run directory. null: a new folder under runs/."""
    evaluations: Count | None = None
    """Stop after this many different genomes. null: 200, or no limit if time or patience is set."""
    time: Seconds | None = None
    """Stop after this time: seconds, or 90s, 30m, 2h. null: no limit."""
    patience: Count | None = None
    """Stop after this many generations in which the front dominated no more than before. null: never."""
    objectives: Annotated[list[str], AfterValidator(_check_names)] = Field(default_factory=list)
    """What to optimise, the most important first, for example [mae, params, latency_ms, mymodule:cost]. Empty: the main
    metric and params. docs/objectives.md lists them. mymodule:cost is a function of your own, to minimise;
    max:mymodule:cost maximises it."""
    tasks: list[str] = Field(default_factory=list)
    """Learn only these tasks. Empty: all tasks of the data."""
    limits: dict[str, Positive] = Field(default_factory=dict)
    """Hard limits for every genome, for example {params: 200000}."""
    validation: Annotated[str, AfterValidator(_check_validation)] = "auto"
    """How a genome is scored. holdout: on the validation split, with two seeds (holdout:S for S seeds). folds:K: by
    cross-validation over the training and validation samples; a group stays together. groups: each group is held out
    once, up to 50 groups. auto: folds:5 if the validation split is small, otherwise holdout."""
    rungs: bool = True
    """Train a candidate for a few epochs on one fold first, and continue only while it is promising. false: train all
    epochs and folds at once."""
    design: Name | None = None
    """Search only networks of one usual design: only_MODALITY, early_fusion, late_fusion, low_rank_fusion,
    tensor_fusion, cross_modal_attention or flat_mixture. one_level: any network with one level of experts. no_transfer:
    any network without transfer between modalities. null: any network."""
    first_epochs: Count = 3
    """How many epochs the first rung has."""
    eta: AtLeastTwo = 3
    """One candidate in this many goes on to the next rung, which has this many times the epochs."""
    confirm: AtLeastZero = 8
    """At the end, this many genomes are trained again from scratch: the best and others of the front. The new scores
    choose the best. 0: none."""
    population: AtLeastTwo | Literal["auto"] = "auto"
    """How many genomes survive, and how many candidates a generation has. auto: 32; in steady mode an eighth of what
    the workers train at the same time, if that is more."""
    screening: Count = 4
    """Children that are bred for each one that is trained: a model that learns from all scores chooses among them.
    1: all are trained."""
    mode: Literal["steady", "generational"] = "steady"
    """steady: a free worker gets new genomes at once. generational: the same seed gives the same front, for any backend
    and any number of workers."""
    start: Annotated[list[Name], AfterValidator(_check_names)] = Field(default_factory=list)
    """Try first what earlier searches found, also on other data: run directories, genome.json files, saved models,
    models:/... or runs:/... of MLflow. Genomes that do not fit this search are changed, or left out if they read none
    of its modalities. Empty: nothing."""
    seed: AtLeastZero = 0
    """The seed of everything random in the search."""
    stream: bool | None = None
    """Leave the features of a store in its file until a batch needs them. null: do so if they would fill an eighth of
    the memory. The scores are the same in both cases."""
    candidate_time: Seconds | None = None
    """On Ray, stop a candidate that trains for longer than this: seconds, or 30m, 2h. It counts as failed. null: 50
    times as long as the slowest candidate so far needed for this many epochs, but at least ten minutes; no limit before
    the first candidate has ended."""
    cohort: Count | Literal["auto"] = "auto"
    """How many networks are trained together as one tensor; each replicate of a genome counts. auto: 16; in steady mode
    the number that trains fastest on a worker, measured in the first seconds."""
    batch_size: Count | Literal["auto"] = "auto"
    """Samples in a training step, the same for all genomes. auto: 16; with 2,560 samples or more 32, 64 or 128, so that
    an epoch has at least 80 steps."""
    tracking: Annotated[Name | None, BeforeValidator(lambda value: "off" if value is False else value)] = None
    """MLflow's store. null: MLFLOW_TRACKING_URI or sqlite:///mlflow.db. off: none."""
    experiment: Name | None = None
    """The experiment in MLflow. null: MLFLOW_EXPERIMENT_NAME, or the name of the data; with the beginning of its
    fingerprint if the experiment of that name has other data."""
    space: Annotated[dict[str, Any], AfterValidator(_check_bounds)] = Field(default_factory=dict)
    """Bounds of the search space that differ from the defaults."""

    @model_validator(mode="before")
    @classmethod
    def _read_older(cls, values: Any) -> Any:
        """Older files call `validation` by its former name, `score`. Their `inherit` has no effect any more."""
        if not isinstance(values, dict):
            return values
        renames = {"score": "validation"} if "validation" not in values else {}
        return {renames.get(key, key): value for key, value in values.items() if key != "inherit"}

    @model_validator(mode="before")
    @classmethod
    def _limit_somehow(cls, values: Any) -> Any:
        if isinstance(values, dict) and all(values.get(key) is None for key in ("evaluations", "time", "patience")):
            return {**values, "evaluations": DEFAULT_EVALUATIONS}
        return values

    @classmethod
    def load(cls, path: Path | None, overrides: Mapping[str, Any] | None = None) -> SearchConfig:
        """Read settings from a YAML file.

        Args:
            path: the file (None: no file).
            overrides: settings that replace those of the file, by name; "space.widths" names one within `space`.

        Raises:
            ValueError: the file cannot be read, or as `of`.
        """
        return cls.of(merged(read_yaml(path, "a configuration", "settings") if path else {}, overrides or {}))

    @property
    def title(self) -> str:
        """The name of the search. If it has none, the name of the data's file or folder."""
        return self.name or Path(self.data or "search").stem

    @property
    def compute(self) -> Compute:
        """Where the search trains."""
        return Compute().changed_by(self)

    def to_yaml(self) -> str:
        """All settings as YAML, which `load` reads back."""
        values = self.model_dump(mode="json")
        return str(yaml.safe_dump({name: values[name] for name in self.names()}, sort_keys=False, allow_unicode=True))
