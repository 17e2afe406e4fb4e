"""The kinds of values that settings have."""

from __future__ import annotations

import re
from typing import Annotated, Final

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator

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


def _check_label(value: str) -> str:
    if re.fullmatch(r"(?=.{1,63}$)[0-9A-Za-z]([0-9A-Za-z._-]*[0-9A-Za-z])?", value) is None:
        raise ValueError("expected up to 63 letters, digits, '-', '_' or '.', the first and last of them no sign")
    return value


def _check_most(value: object) -> str:
    if not isinstance(value, str) or re.fullmatch(r"auto:0*[1-9]\d*", value) is None:
        raise ValueError("expected auto:MOST")
    return value


AtLeastZero = Annotated[int, Field(ge=0)]
Count = Annotated[int, Field(ge=1)]
AtLeastTwo = Annotated[int, Field(ge=2)]
AtMost = Annotated[str, PlainValidator(_check_most)]
"""As many as there can be, but at most this: auto:64."""
Name = Annotated[str, Field(min_length=1)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
LabelValue = Annotated[str, AfterValidator(_check_label)]
Seconds = Annotated[float, BeforeValidator(parse_duration), Field(gt=0, allow_inf_nan=False)]
