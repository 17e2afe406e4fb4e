"""Every setting of a search, checked before anything is computed.

Settings come from a YAML file and from options; an unknown key is an error. Whether an objective, a limit or a modality
exists depends on the data, and is checked by the search.
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
from haemsa.model.yaml_file import read_yaml

DEFAULT_EVALUATIONS: Final = 200
_UNITS: Final = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def parse_duration(value: object) -> object:
    """Seconds of "90s", "30m", "2h", "1d" or a plain number; anything else is a ValueError."""
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


Count = Annotated[int, Field(ge=1)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Seconds = Annotated[float, BeforeValidator(parse_duration), Field(gt=0, allow_inf_nan=False)]


class SearchConfig(BaseModel):
    """The settings of one search. Build it with `SearchConfig.of`, which reports errors as one sentence."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    data: str = Field(min_length=1, description="planted, digits, or a path to data of any layout.")
    name: str | None = Field(default=None, min_length=1, description="The search's name; null: the data's name.")
    run: str | None = Field(default=None, min_length=1, description="Run directory; null: a new folder under runs/.")
    evaluations: Count | None = Field(
        default=None,
        description="Stop after so many distinct genomes; null: no such limit "
        f"(but {DEFAULT_EVALUATIONS} where time and patience are null too).",
    )
    time: Seconds | None = Field(
        default=None, description="Stop after this long: seconds, or 90s, 30m, 2h; null: no limit."
    )
    patience: Count | None = Field(
        default=None, description="Stop after so many generations without a larger hypervolume; null: never."
    )
    objectives: Annotated[list[str], AfterValidator(_check_names)] = Field(
        default_factory=list,
        description="What to optimise, the first first, for example [mae, params]; empty: the main metric and params.",
    )
    tasks: list[str] = Field(default_factory=list, description="Learn these tasks alone; empty: all of the data.")
    limits: dict[str, Positive] = Field(
        default_factory=dict, description="Hard limits that every genome keeps, for example {params: 200000}."
    )
    validation: Annotated[str, AfterValidator(_check_validation)] = Field(
        default="auto",
        description="What scores a genome: holdout (the validation split, two seeds; holdout:S for S seeds), folds:K "
        "(cross-validation over training and validation samples, groups kept together), groups (each left out once, up "
        "to 50 of them), or auto: folds:5 where the validation split is small.",
    )
    rungs: bool = Field(
        default=True,
        description="Train a candidate for a few epochs on one fold first, and on while it is promising; false: all "
        "epochs and folds at once.",
    )
    design: str | None = Field(
        default=None,
        min_length=1,
        description="Only networks of one usual design: only_MODALITY, early_fusion, late_fusion, low_rank_fusion, "
        "tensor_fusion, cross_modal_attention or flat_mixture; one_level and no_transfer are any without that part; "
        "null: any.",
    )
    first_epochs: Count = Field(default=3, description="Epochs of the first rung.")
    eta: Annotated[int, Field(ge=2)] = Field(
        default=3, description="One in so many climbs to the next rung, of so many times the epochs."
    )
    inherit: bool = Field(
        default=True, description="A child starts from its parent's trained weights; false: from scratch."
    )
    confirm: Annotated[int, Field(ge=0)] = Field(
        default=8,
        description="At the end, so many genomes, the best and others of the front, are trained again from scratch, "
        "and the best is chosen by that; 0: none.",
    )
    population: Annotated[int, Field(ge=2)] | Literal["auto"] = Field(
        default="auto",
        description="Genomes that survive, and candidates per generation; auto: 32, or in steady state an eighth of "
        "what the workers train at a time, where that is more.",
    )
    mode: Literal["steady", "generational"] = Field(
        default="steady",
        description="steady: a free worker gets new genomes at once; generational: the same seed gives the same front "
        "for any backend and number of workers.",
    )
    seed: Annotated[int, Field(ge=0)] = Field(default=0, description="The seed of everything random in the search.")
    workers: Count | Literal["auto"] = Field(
        default="auto",
        description="Workers that train; auto: one per core or GPU share of the cluster, as its nodes come and go.",
    )
    backend: Literal["ray", "inline"] = Field(
        default="ray", description="ray: parallel; inline: in this process, one by one."
    )
    address: str | None = Field(
        default=None,
        description="A running Ray cluster, as host:6379, or auto for the one that this machine is a node of; null: "
        "RAY_ADDRESS, else start one here.",
    )
    address_timeout: Seconds = Field(default=20.0, description="How long to wait for an answer at that address.")
    gpus_per_worker: Annotated[float, Field(ge=0, allow_inf_nan=False)] = Field(
        default=0.0, description="GPUs per worker, fractions too: 0.25 puts four workers on one; 0: train on the CPU."
    )
    stream: bool | None = Field(
        default=None,
        description="Leave the features of a store in its file until a batch needs them; null: if they would fill an "
        "eighth of the memory. Scores are the same either way.",
    )
    candidate_time: Seconds | None = Field(
        default=None,
        description="On Ray, a candidate that trains for longer is given up: seconds, or 30m, 2h; null: once any has "
        "ended, for 50 times as long as the slowest so far took for as many epochs, ten minutes at least.",
    )
    memory_per_worker: Positive | None = Field(
        default=None,
        description="GiB that a worker on Ray may take beyond what it starts with (Linux alone); null: until the "
        "system ends it.",
    )
    cohort: Count | Literal["auto"] = Field(
        default="auto",
        description="Networks trained together as one tensor (each replicate of a genome counts); auto: 16, or in "
        "steady state as many as train fastest on a worker, measured in the first seconds.",
    )
    batch_size: Count | Literal["auto"] = Field(
        default="auto",
        description="Samples per training step, the same for all genomes; auto: 16, or with 2,560 samples and more 32, "
        "64 or 128, so that an epoch has 80 steps at least.",
    )
    tracking: str | None = Field(
        default=None,
        min_length=1,
        description="MLflow's store; null: MLFLOW_TRACKING_URI or sqlite:///mlflow.db; off: none.",
    )
    space: Annotated[dict[str, Any], AfterValidator(_check_bounds)] = Field(
        default_factory=dict, description="Bounds of the search space that differ from the defaults."
    )

    @model_validator(mode="before")
    @classmethod
    def _rename(cls, values: Any) -> Any:
        """`validation` was called `score` before."""
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
        """Check `values`. Raises ValueError: one sentence naming the setting, its value and what was expected."""
        try:
            return cls(**values)
        except ValidationError as error:
            raise ValueError(validation_sentence(error, _settings, _name)) from None

    @classmethod
    def load(cls, path: Path | None, overrides: Mapping[str, Any] | None = None) -> SearchConfig:
        """Read the YAML file `path` (None: no file), then let every override that is not None replace its setting."""
        given = {key: value for key, value in (overrides or {}).items() if value is not None}
        return cls.of({**(read_yaml(path, "a configuration", "settings") if path else {}), **given})

    @property
    def title(self) -> str:
        """The search's name, else that of its data's file or folder."""
        return self.name or Path(self.data).stem

    def to_yaml(self) -> str:
        """All settings as YAML, which `load` reads back."""
        return str(yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False, allow_unicode=True))


def commented_yaml() -> str:
    """The default configuration, every setting under its description."""
    lines = ["# A haemsa search: haemsa search --config FILE. Options on the command line go before this file."]
    for name, value in SearchConfig(data="planted").model_dump(mode="json").items():
        description = SearchConfig.model_fields[name].description or ""
        lines += ["", *(f"# {line}" for line in textwrap.wrap(description, 116)), f"{name}: {_flow(value)}"]
    lines += [f"#   {name}: {_flow(value)}" for name, value in default_bounds().items()]
    return "\n".join(lines) + "\n"


def _settings(_: Place) -> dict[str, str | None]:
    """Every setting, with its meaning."""
    return {name: field.description for name, field in SearchConfig.model_fields.items()}


def _flow(value: object) -> str:
    return str(yaml.safe_dump(value, default_flow_style=True, width=10_000)).removesuffix("...\n").strip()


def _name(place: Place) -> str:
    """The setting's name, with the key inside it; the members of a union mean nothing to a user."""
    inner = (str(part) for part in place[1:2] if place[0] in ("limits", "objectives"))
    return " ".join(["setting", ".".join([*map(str, place[:1]), *inner])])
