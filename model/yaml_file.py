"""A page of settings in YAML, read from a file that anyone may have written."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import yaml

LARGEST: Final = 2**18
"""Bytes: YAML is read slowly."""


class _PlainLoader(yaml.SafeLoader):
    """Reads no aliases: a few lines of them may stand for more values than there is memory."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases (*name) are not read")
        return super().compose_node(parent, index)


def read_yaml(path: Path, what: str, keys: str) -> dict[str, Any]:
    """The mapping in a YAML file; an empty one of an empty file. Raises ValueError, one sentence, if it holds none.

    `what` the file should be ("a configuration"), and the `keys` that it should hold, are for that sentence.
    """
    if not path.is_file():  # a pipe would be waited for
        raise ValueError(f"{path} is no file, expected {what} in YAML")
    if (size := path.stat().st_size) > LARGEST:
        raise ValueError(f"{path} has {size} bytes, expected {what} in YAML of at most {LARGEST}")
    try:
        values = yaml.load(path.read_text(encoding="utf-8"), _PlainLoader)
    except OSError:
        raise
    except Exception as error:  # a value that its tag does not suit raises whatever its conversion raises
        raise ValueError(f"{path} is not readable YAML: {' '.join(str(error).split())[:200]}") from None
    if values is None:
        return {}
    if not isinstance(values, dict) or not all(isinstance(key, str) for key in values):
        raise ValueError(f"{path} holds {type(values).__name__}, expected {keys} as key: value")
    return values
