"""Every setting of a search, checked before anything is computed.

Settings come from a YAML file and from options. An unknown key is an error. Whether an objective or a limit exists
depends on the data, so the search checks that.
"""

from __future__ import annotations

import dataclasses
import re
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import yaml
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from haemsa.model.errors import Place, validation_sentence
from haemsa.model.yaml_file import merged, read_yaml

DEFAULT_EVALUATIONS: Final = 200
_UNITS: Final = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def parse_duration(value: object) -> object:
    """The seconds in "90s", "30m", "2h", "1d" or a plain number. A value that is not text stays as it is.

    Raises:
        ValueError: the text is none of these.
    """
    if not isinstance(value, str):
        return value
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([smhd]?)\s*", value)
    if match is None:
        raise ValueError("expected seconds, or a number with a unit, such as 90s, 30m or 2h")
    return float(match[1]) * _UNITS[match[2]]


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


def default_bounds() -> dict[str, Any]:
    """The bounds of the search space and their defaults, as YAML holds them."""
    from haemsa.evo.expert_space.bounds import Bounds

    return {name: list(v) if isinstance(v, tuple) else v for name, v in dataclasses.asdict(Bounds()).items()}


AtLeastZero = Annotated[int, Field(ge=0)]
Count = Annotated[int, Field(ge=1)]
AtLeastTwo = Annotated[int, Field(ge=2)]
Name = Annotated[str, Field(min_length=1)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Seconds = Annotated[float, BeforeValidator(parse_duration), Field(gt=0, allow_inf_nan=False)]


class SearchConfig(BaseModel):
    """The settings of one search. Build it with `SearchConfig.of`, which reports errors as one sentence.

    The text below each setting is what `haemsa config` prints.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, use_attribute_docstrings=True)

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
    inherit: bool = True
    """A child starts from the trained weights of its parent. false: from scratch."""
    confirm: AtLeastZero = 8
    """At the end, this many genomes are trained again from scratch: the best and others of the front. The new scores
    choose the best. 0: none."""
    population: AtLeastTwo | Literal["auto"] = "auto"
    """How many genomes survive, and how many candidates a generation has. auto: 32; in steady mode an eighth of what
    the workers train at the same time, if that is more."""
    screening: Count = 1
    """Children that are bred for each one that is trained: a model that learns from all scores chooses among them."""
    mode: Literal["steady", "generational"] = "steady"
    """steady: a free worker gets new genomes at once. generational: the same seed gives the same front, for any backend
    and any number of workers."""
    start: Annotated[list[Name], AfterValidator(_check_names)] = Field(default_factory=list)
    """Try first what earlier searches found, also on other data: run directories, genome.json files, saved models,
    models:/... or runs:/... of MLflow. Genomes that do not fit this search are changed, or left out if they read none
    of its modalities. Empty: nothing."""
    seed: AtLeastZero = 0
    """The seed of everything random in the search."""
    workers: Count | Literal["auto"] = "auto"
    """How many workers train at the same time. auto: one for each core or GPU share of the cluster, while its nodes
    come and go."""
    backend: Literal["ray", "inline"] = "ray"
    """ray: in parallel. inline: in this process, one after another."""
    address: str | None = None
    """A running Ray cluster: HOST:6379, or auto for the cluster that this machine is a node of. null: RAY_ADDRESS; if
    that is not set, start a cluster here."""
    address_timeout: Seconds = 20.0
    """How long to wait for an answer at that address: seconds, or 30s, 2m."""
    gpus_per_worker: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    """GPUs for each worker. 0.25: four workers share a GPU. 0: train on the CPU."""
    stream: bool | None = None
    """Leave the features of a store in its file until a batch needs them. null: do so if they would fill an eighth of
    the memory. The scores are the same in both cases."""
    candidate_time: Seconds | None = None
    """On Ray, stop a candidate that trains for longer than this: seconds, or 30m, 2h. It counts as failed. null: 50
    times as long as the slowest candidate so far needed for this many epochs, but at least ten minutes; no limit before
    the first candidate has ended."""
    memory_per_worker: Positive | None = None
    """How many GiB a worker on Ray may use in addition to what it starts with (only on Linux). null: no
    limit, but the system may end a worker when memory runs out."""
    cohort: Count | Literal["auto"] = "auto"
    """How many networks are trained together as one tensor; each replicate of a genome counts. auto: 16; in steady mode
    the number that trains fastest on a worker, measured in the first seconds."""
    batch_size: Count | Literal["auto"] = "auto"
    """Samples in a training step, the same for all genomes. auto: 16; with 2,560 samples or more 32, 64 or 128, so that
    an epoch has at least 80 steps."""
    tracking: Annotated[Name | None, BeforeValidator(lambda value: "off" if value is False else value)] = None
    """MLflow's store. null: MLFLOW_TRACKING_URI or sqlite:///mlflow.db. off: none."""
    space: Annotated[dict[str, Any], AfterValidator(_check_bounds)] = Field(default_factory=dict)
    """Bounds of the search space that differ from the defaults."""

    @model_validator(mode="before")
    @classmethod
    def _rename(cls, values: Any) -> Any:
        """Older files call `validation` by its former name, `score`."""
        if isinstance(values, dict) and "score" in values and "validation" not in values:
            return {"validation" if key == "score" else key: value for key, value in values.items()}
        return values

    @model_validator(mode="before")
    @classmethod
    def _limit_somehow(cls, values: Any) -> Any:
        if isinstance(values, dict) and all(values.get(key) is None for key in ("evaluations", "time", "patience")):
            return {**values, "evaluations": DEFAULT_EVALUATIONS}
        return values

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> SearchConfig:
        """Check settings given by name.

        Args:
            values: the settings. A setting that is not there has its default.

        Raises:
            ValueError: one sentence that names the setting, its value and what was expected.

        Example:
            >>> SearchConfig.of({"data": "planted", "time": "30m"}).time
            1800.0
        """
        try:
            return cls(**values)
        except ValidationError as error:
            raise ValueError(validation_sentence(error, _settings, _name)) from None

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

    def to_yaml(self) -> str:
        """All settings as YAML, which `load` reads back."""
        return str(yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False, allow_unicode=True))


def commented_yaml() -> str:
    """The default settings as YAML, each under its description: what `haemsa config` prints.

    Example:
        >>> print(commented_yaml()[:60])
        # Settings of a search: haemsa search --config FILE. Options
    """
    lines = ["# Settings of a search: haemsa search --config FILE. Options on the command line replace them."]
    for name, value in SearchConfig(data="planted").model_dump(mode="json").items():
        description = SearchConfig.model_fields[name].description or ""
        lines += ["", *(f"# {line}" for line in textwrap.wrap(description, 116)), f"{name}: {_flow(value)}"]
    lines += [f"#   {name}: {_flow(value)}" for name, value in default_bounds().items()]
    return "\n".join(lines) + "\n"


def _settings(_: Place) -> dict[str, str | None]:
    """The description of every setting."""
    return {name: field.description for name, field in SearchConfig.model_fields.items()}


def _flow(value: object) -> str:
    return str(yaml.safe_dump(value, default_flow_style=True, width=10_000)).removesuffix("...\n").strip()


def _name(place: Place) -> str:
    """The name of the setting, with the key inside it. Members of a union are left out: they mean nothing to a user."""
    inner = (str(part) for part in place[1:2] if place[0] in ("limits", "objectives"))
    return " ".join(["setting", ".".join([*map(str, place[:1]), *inner])])
