"""The two files of a saved model: `model.json` (what it is) and `weights.safetensors` (arrays). No pickles."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from numpy.typing import NDArray

FORMAT: Final = 1
_DESCRIPTION: Final = "model.json"
_ARRAYS: Final = "weights.safetensors"


def write_model(folder: Path, description: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write both files. The folder is made, and files of these names in it are replaced."""
    from safetensors.numpy import save_file

    folder.mkdir(parents=True, exist_ok=True)
    save_file(dict(arrays), folder / _ARRAYS)
    text = json.dumps({"format": FORMAT, **description}, indent=2)
    (folder / _DESCRIPTION).write_text(text + "\n", encoding="utf-8")


def read_model(folder: Path) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """The description and the arrays that `write_model` wrote. The arrays can have any names and shapes.

    Raises:
        ValueError: The folder holds no model, or one that is damaged or of another format. The message is one sentence.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        description = json.loads((folder / _DESCRIPTION).read_text(encoding="utf-8"))
        arrays = load_file(folder / _ARRAYS)
    except FileNotFoundError:
        raise ValueError(f"{folder} holds no model, expected {_DESCRIPTION} and {_ARRAYS}") from None
    except (json.JSONDecodeError, UnicodeDecodeError, SafetensorError, OSError) as error:
        raise ValueError(f"the model in {folder} is damaged: {error}") from None
    if not isinstance(description, dict) or description.get("format") != FORMAT:
        raise ValueError(f"the model in {folder} is not of format {FORMAT}, which this version reads")
    return description, arrays
