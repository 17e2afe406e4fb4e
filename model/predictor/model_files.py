"""The two files of a saved model: `model.json` (what it is) and `weights.safetensors` (arrays). No pickles."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from numpy.typing import NDArray

from haemsa.model.encoders.opening import ADAPTERS

FORMAT: Final = 3
"""2: a temperature has a noise beside it. 3: the encoder of a stream has adapters. A model without is of format 2."""
ENCODERS: Final = "encoders"
"""In the folder of a model, the pretrained encoders of its streams, if they are kept with it."""
ADAPTED: Final = "adapters"
"""In the folder of a model, the adapters of encoders that were trained with it."""
_DESCRIPTION: Final = "model.json"
_ARRAYS: Final = "weights.safetensors"


def write_model(folder: Path, description: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write both files. The folder is made, and files of these names in it are replaced, each at once."""
    folder.mkdir(parents=True, exist_ok=True)
    form = FORMAT if any(ADAPTERS in facts for facts in _encoders(description).values()) else 2
    for name, content in (
        (_ARRAYS, as_safetensors(arrays)),
        (_DESCRIPTION, (json.dumps({"format": form, **description}, indent=2) + "\n").encode()),
    ):
        unfinished = folder / f".{name}.{os.getpid()}.tmp"
        try:
            unfinished.write_bytes(content)
            unfinished.replace(folder / name)
        finally:
            unfinished.unlink(missing_ok=True)


def with_own_encoders(description: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The description of a model in a folder. Encoders and adapters that are kept beside it are taken from there."""
    for stream, facts in _encoders(description).items():
        own, adapters = folder / ENCODERS / stream, folder / ADAPTED / stream
        if own.is_dir():
            facts["model"] = str(own.resolve())
        if ADAPTERS in facts and adapters.is_dir():
            facts[ADAPTERS]["folder"] = str(adapters.resolve())
    return description


def _encoders(description: Mapping[str, Any]) -> dict[str, Any]:
    """What made the streams of a model's training."""
    return dict(description.get("info", {}).get("dataset", {}).get("encoders", {}))


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
    if not isinstance(description, dict) or description.get("format") not in range(1, FORMAT + 1):
        raise ValueError(f"the model in {folder} is not of format 1 to {FORMAT}, which this version reads")
    return description, arrays
