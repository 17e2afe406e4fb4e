"""The two files of a saved model: `model.json` (what it is) and `weights.safetensors` (arrays). No pickles."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from numpy.typing import NDArray

FORMAT: Final = 2
"""2: a temperature has a noise beside it. Format 1 is read too."""
ENCODERS: Final = "encoders"
"""In the folder of a model, the pretrained encoders of its streams, if they are kept with it."""
_DESCRIPTION: Final = "model.json"
_ARRAYS: Final = "weights.safetensors"


def write_model(folder: Path, description: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write both files. The folder is made, and files of these names in it are replaced, each at once."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in (
        (_ARRAYS, as_safetensors(arrays)),
        (_DESCRIPTION, (json.dumps({"format": FORMAT, **description}, indent=2) + "\n").encode()),
    ):
        unfinished = folder / f".{name}.{os.getpid()}.tmp"
        try:
            unfinished.write_bytes(content)
            unfinished.replace(folder / name)
        finally:
            unfinished.unlink(missing_ok=True)


def with_own_encoders(description: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The description of a model in a folder. Encoders that are kept beside it are taken from there."""
    for stream, facts in description["info"].get("dataset", {}).get("encoders", {}).items():
        own = folder / ENCODERS / stream
        if own.is_dir():
            facts["model"] = str(own.resolve())
    return description


def as_safetensors(arrays: Mapping[str, NDArray[Any]], metadata: Mapping[str, str] | None = None) -> bytes:
    """Arrays as the content of a safetensors file.

    The caller writes the file, so it has the permissions of the umask. safetensors' own `save_file` writes files that
    only their owner can read.
    """
    from safetensors.numpy import save

    return save(dict(arrays), dict(metadata) if metadata else None)


def read_model(folder: Path) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """The description and the arrays that `write_model` wrote. The arrays can have any names and shapes.

    Raises:
        ValueError: The folder holds no model, or one that is damaged, of another format, or that this user may not
            read. The message is one sentence.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        description = json.loads((folder / _DESCRIPTION).read_text(encoding="utf-8"))
        (folder / _ARRAYS).open("rb").close()  # safetensors says of a file that may not be read that there is none
        arrays = load_file(folder / _ARRAYS)
    except FileNotFoundError:
        lacks = "holds no model" if folder.is_dir() else "is not a folder"
        raise ValueError(f"{folder} {lacks}, expected {_DESCRIPTION} and {_ARRAYS} in it") from None
    except PermissionError as error:
        raise ValueError(f"the model in {folder} cannot be read: {error.strerror}: {error.filename}") from None
    except (json.JSONDecodeError, UnicodeDecodeError, SafetensorError, OSError) as error:
        raise ValueError(f"the model in {folder} is damaged: {error}") from None
    if not isinstance(description, dict) or description.get("format") not in (1, FORMAT):
        raise ValueError(f"the model in {folder} is not of format 1 or {FORMAT}, which this version reads")
    return description, arrays
