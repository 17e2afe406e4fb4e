"""Settings in YAML. A stranger can have written the file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

LARGEST: Final = 2**18
"""The most bytes that are read, because reading YAML is slow."""


class _PlainLoader(yaml.SafeLoader):
    """Reads no aliases, because a few lines of aliases can stand for more values than memory can hold."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases (*name) are not read")
        return super().compose_node(parent, index)


class _SettingLoader(_PlainLoader):
    """Also reads 1e-4 as a number, as YAML 1.2 does. In files it stays text: a name may look like that."""


_SettingLoader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+$"), list("-+.0123456789")
)


def read_yaml(path: Path, what: str, keys: str) -> dict[str, Any]:
    """The mapping in a YAML file; an empty one if the file is empty.

    Args:
        path: The file.
        what: What messages say that the file should be, such as "a configuration".
        keys: What messages say that it should hold, such as "settings".

    Raises:
        ValueError: The file holds no mapping, or is too large, or is no file. The message is one sentence.
        OSError: The file cannot be read.
    """
    if not path.is_file():  # reading a pipe could wait forever
        raise ValueError(f"{path} is no file, expected {what} in YAML")
    if (size := path.stat().st_size) > LARGEST:
        raise ValueError(f"{path} has {size} bytes, expected {what} in YAML of at most {LARGEST}")
    try:
        values = yaml.load(path.read_text(encoding="utf-8"), _PlainLoader)
    except OSError:
        raise
    except Exception as error:  # a value that does not fit its tag raises whatever its conversion raises
        raise ValueError(f"{path} is not readable YAML: {' '.join(str(error).split())[:200]}") from None
    if values is None:
        return {}
    if not isinstance(values, dict) or not all(isinstance(key, str) for key in values):
        raise ValueError(f"{path} holds {type(values).__name__}, expected {keys} as key: value")
    return values


def assigned(text: str) -> tuple[str, Any]:
    """The key and the value in "KEY=VALUE", as on a command line. The value is YAML.

    Raises:
        ValueError: The text is not of that form.

    Example:
        >>> assigned("space.widths=[8, 16]"), assigned("time=null")
        (('space.widths', [8, 16]), ('time', None))
    """
    key, equals, value = text.partition("=")
    if not equals or not all(part.strip() for part in key.split(".")):
        raise ValueError(f"setting is {text!r}, expected KEY=VALUE, for example eta=2")
    try:
        return key.strip(), yaml.load(value, _SettingLoader)
    except Exception as error:
        raise ValueError(f"setting {key} is not readable YAML: {' '.join(str(error).split())[:200]}") from None


def merged(settings: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Settings with changes. A change of "space.widths" leaves the other keys within `space` as they are.

    Example:
        >>> merged({"seed": 1, "space": {"widths": [8], "max_levels": 2}}, {"seed": 2, "space.widths": [16]})
        {'seed': 2, 'space': {'widths': [16], 'max_levels': 2}}
    """
    result = dict(settings)
    for key, value in changes.items():
        first, dot, rest = key.partition(".")
        inner = result.get(first)
        result[first] = merged(inner if isinstance(inner, Mapping) else {}, {rest: value}) if dot else value
    return result
