"""What a YAML file says about arrays or a table: which of them are modalities, tasks, ids, groups and splits."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator, ValidationError, model_validator

from haemsa.model.data.dataset import SPLITS
from haemsa.model.data.readers.described.cells import word
from haemsa.model.data.splitting import SHARES
from haemsa.model.data.task import TaskKind
from haemsa.model.errors import Place, validation_sentence
from haemsa.model.yaml_file import read_yaml

SPLIT: Final = "{split}"
"""In the name of an array, this stands for train, valid and test."""
MODALITIES: Final = "names with their arrays or columns"
TASKS: Final = "names with their arrays or columns"
"""What training needs in tasks. To predict new samples, a description needs none."""
VALID: Final = ("valid", "val", "dev", "validation")
"""What data can call its validation split."""


def _name(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("expected a name, as text")
    return value


def _list(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not value:
        raise ValueError("expected a list of names")
    if len(set(map(str, value))) != len(value):
        raise ValueError("expected names, each once")
    return tuple(_name(item) for item in value)


def _names(value: object) -> str | tuple[str, ...]:
    return _list(value) if isinstance(value, list) else _name(value)


def _labels(value: object) -> tuple[str | int | float, ...]:
    if not isinstance(value, list) or not value:
        raise ValueError("expected a list of class names")
    if any(isinstance(item, bool) or not isinstance(item, str | int | float) for item in value):
        raise ValueError("expected text or numbers, with quotes around yes, no, true and false")
    if not all(map(word, value)):
        raise ValueError("expected class names, not empty text, NA or NaN, which stand for missing labels")
    return tuple(value)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300


def _bounds(value: object) -> tuple[float, float]:
    if not isinstance(value, list) or len(value) != 2 or not all(map(_is_number, value)) or value[0] >= value[1]:
        raise ValueError("expected two numbers, the lower first")
    return float(value[0]), float(value[1])


def _sizes(value: object) -> dict[str, float]:
    if not isinstance(value, dict) or set(value) != set(SPLITS) or not all(map(_is_number, value.values())):
        raise ValueError(f"expected {', '.join(SPLITS)}, each with a number or a share of the samples")
    return {split: value[split] for split in SPLITS}


def _seed(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError("expected a whole number from 0")
    return value


def _entry(value: object) -> object:
    """`audio: NAME` is short for `audio: {from: NAME}`."""
    if isinstance(value, str | list):
        return {"from": value}
    if not isinstance(value, dict):
        raise ValueError("expected the name of an array, or of columns")
    return value


def _entries(value: object) -> object:
    if not isinstance(value, dict) or not value:
        raise ValueError("expected at least one name with its array or columns")
    if not all(isinstance(name, str) for name in value):
        raise ValueError("expected names as text, with quotes around yes, no, on, off and numbers")
    return value


Name = Annotated[str, PlainValidator(_name)]
Names = Annotated[str | tuple[str, ...], PlainValidator(_names)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class ModalityEntry(_Part):
    """One modality: an array [N, T, D] or [N, D], or columns; and the name of its lengths, if they are given."""

    from_: Names = Field(alias="from", description="the name of an array, or of columns")
    lengths: Name | None = None


class TaskEntry(_Part):
    """One task, or several of one kind: one for each column of an array [N, C], or of several columns of a table."""

    from_: Names = Field(alias="from", description="the name of an array, or of columns")
    kind: TaskKind | None = None
    columns: Annotated[tuple[str, ...] | None, PlainValidator(_list)] = None
    labels: Annotated[tuple[str | int | float, ...] | None, PlainValidator(_labels)] = None
    bounds: Annotated[tuple[float, float] | None, PlainValidator(_bounds)] = None

    @model_validator(mode="after")
    def _labels_and_bounds_fit_the_kind(self) -> TaskEntry:
        for key, given, kind in (("labels", self.labels, "classes"), ("bounds", self.bounds, "regression")):
            if given is not None and self.known_kind != kind:
                raise ValueError(f"{key} are of {kind}, but the kind is {self.known_kind}")
        return self

    @property
    def known_kind(self) -> TaskKind | None:
        """The kind that is given, or that labels or bounds imply."""
        if self.kind is not None or (self.labels is None and self.bounds is None):
            return self.kind
        return "classes" if self.labels is not None else "regression"


Modalities = dict[str, Annotated[ModalityEntry, BeforeValidator(_entry)]]
Tasks = dict[str, Annotated[TaskEntry, BeforeValidator(_entry)]]


class Description(_Part):
    """All that a description file says. Data without labels has no tasks."""

    source: Name = Field(description="a .npz, .csv or .parquet file next to this one")
    modalities: Annotated[Modalities, BeforeValidator(_entries)] = Field(default_factory=dict, description=MODALITIES)
    tasks: Annotated[Tasks, BeforeValidator(_entries)] = Field(default_factory=dict, description=TASKS)
    groups: Name | None = None
    ids: Name | None = None
    split: Name | None = None
    transcript: Name | None = Field(None, description="the column of transcripts, for haemsa data embed")
    media: Name | None = Field(None, description="the column of media files, for haemsa data embed")
    start: Name | None = Field(None, description="the column with the second at which a sample begins in its file")
    end: Name | None = Field(None, description="the column with the second at which a sample ends in its file")
    splits: Annotated[dict[str, float] | None, PlainValidator(_sizes)] = None
    seed: Annotated[int, PlainValidator(_seed)] = 0

    @model_validator(mode="after")
    def _something_to_learn_from(self) -> Description:
        if not self.modalities and not self.has_clips:
            raise ValueError(f"modalities is missing, expected {MODALITIES}")
        return self

    @model_validator(mode="after")
    def _one_use_of_each_and_one_way_to_split(self) -> Description:
        per_split = [name for name in self.names if SPLIT in name]
        whole = [name for name in self.names if SPLIT not in name]
        if per_split and whole:
            raise ValueError(f"{per_split[0]!r} is an array per split, but {whole[0]!r} is not; expected all or none")
        if both := [name for name in self.features if name in self.labels]:
            raise ValueError(f"{both[0]!r} is a modality and has another use, expected one of them")
        ways = [key for key in ("split", "splits") if getattr(self, key) is not None] + [SPLIT] * bool(per_split)
        if len(ways) > 1:
            raise ValueError(f"both {ways[0]} and {ways[1]} say how samples are split, expected one of them")
        return self

    @property
    def has_clips(self) -> bool:
        """Whether it names transcripts or media files."""
        return self.transcript is not None or self.media is not None

    @property
    def features(self) -> list[Names]:
        """The arrays or columns of modalities."""
        return [entry.from_ for entry in self.modalities.values()]

    @property
    def labels(self) -> list[Names]:
        """All other arrays or columns."""
        lengths = [entry.lengths for entry in self.modalities.values()]
        clips = (self.transcript, self.media, self.start, self.end)
        single = [name for name in (self.groups, self.ids, self.split, *clips, *lengths) if name is not None]
        return [*(entry.from_ for entry in self.tasks.values()), *single]

    @property
    def names(self) -> list[str]:
        """All names of features and labels."""
        return [
            name for names in self.features + self.labels for name in ([names] if isinstance(names, str) else names)
        ]

    @property
    def by_split(self) -> bool:
        """Whether every split has arrays of its own."""
        return any(SPLIT in name for name in self.names)

    @property
    def shares(self) -> dict[str, float]:
        """The sizes of splits, if they are to be made."""
        return dict(SHARES) if self.splits is None else self.splits


def read_description(path: Path) -> Description:
    """The description at `path`.

    Raises:
        ValueError: The file is no description. One sentence names the file, the key, its value and what was expected.
    """
    try:
        return Description(**read_yaml(path, "a description", "source, modalities and tasks"))
    except ValidationError as error:
        raise ValueError(f"{path}: {validation_sentence(error, _fields, _dotted)}") from None


def _dotted(place: Place) -> str:
    return ".".join(map(str, place))


def _fields(place: Place) -> dict[str, str | None]:
    """The keys that exist next to `place`, with what each is for."""
    nested: dict[str, type[_Part]] = {"modalities": ModalityEntry, "tasks": TaskEntry}
    part = nested[str(place[0])] if len(place) > 1 else Description
    return {field.alias or name: field.description for name, field in part.model_fields.items()}
