"""Settings in YAML. A stranger can have written the file."""

from __future__ import annotations

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
