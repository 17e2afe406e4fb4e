"""The files of a pretrained model: where they are, and a digest that stands for them."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from haemsa.model.errors import error_line, listed

PACKAGES: Final = ("transformers", "av")
"""What encoders need besides torch."""
_SAFE: Final = "*.safetensors"
_PICKLE: Final = "*.bin"
_SETTINGS: Final = ("*.json", "*.txt", "*.model")
_CONFIG: Final = "config.json"
_ROLES: Final = ("_vision_model", "_text_model", "_audio_model")


@dataclass(frozen=True)
class ModelFolder:
    """The folder of a model whose weights can be read.

    Args:
        name: The folder or the name on the hub, as a person gave it.
        path: The folder.
        pickled: Whether the weights are a pickle.
    """

    name: str
    path: Path
    pickled: bool

    @cached_property
    def kind(self) -> str:
        """The kind of model in one word, such as "mpnet" or "clip"."""
        try:
            kind = json.loads((self.path / _CONFIG).read_text(encoding="utf-8"))["model_type"]
        except (OSError, ValueError, KeyError, TypeError):
            raise ValueError(f"model '{self.name}' has no {_CONFIG} with a model_type, expected one") from None
        for role in _ROLES:
            kind = str(kind).removesuffix(role)
        return "".join(sign for sign in kind if sign.isalnum()).lower() or "model"

    @cached_property
    def facts(self) -> dict[str, Any]:
        """What tells this model from any other: its name, its kind, and digests of its weights and settings."""
        revision = {"revision": self.path.name} if self.path.parent.name == "snapshots" else {}
        weights = _digest(_files(self.path, [_PICKLE if self.pickled else _SAFE]))
        settings = _digest(_files(self.path, _SETTINGS))
        return {"model": self.name, "kind": self.kind, **revision, "weights": weights, "settings": settings}

    def copy_to(self, folder: Path) -> None:
        """Copy the files of the model into a folder, which is made. What is in it goes first."""
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for file in _files(self.path, [*_SETTINGS, _PICKLE if self.pickled else _SAFE]):
            shutil.copyfile(file, folder / file.name)


def model_folder(name: str, *, pickled: bool = False) -> ModelFolder:
    """Find a model. One on the hub of Hugging Face is downloaded, if it was not before.

    Args:
        name: A folder, or a name on the hub.
        pickled: Whether weights can be a pickle, if there are no safetensors.

    Raises:
        ValueError: A package is missing, there is no such model, or it has no weights that are allowed. The message is
            one sentence.
    """
    missing = [package for package in PACKAGES if find_spec(package) is None]
    if missing:
        raise ValueError(f"to encode clips, {listed(missing)} must be there: pip install 'haemsa[encoders]'")
    path = Path(name)
    if path.is_dir():
        path, shown = path.resolve(), str(path.resolve())
    elif path.exists() or len(path.parts) > 2 or path.is_absolute() or name.startswith("."):
        raise ValueError(f"model '{name}' is no folder, expected one with {_CONFIG} and weights, or a name on the hub")
    else:
        path, shown = _from_hub(name, pickled=pickled), name
    if not (path / _CONFIG).is_file():
        raise ValueError(f"model '{name}' has no {_CONFIG}, expected a folder that transformers wrote")
    if _files(path, [_SAFE]):
        return ModelFolder(shown, path, pickled=False)
    if not _files(path, [_PICKLE]):
        raise ValueError(f"model '{name}' has no weights, expected {_SAFE} in its folder")
    if not pickled:
        only = f"model '{name}' has its weights only in a pickle, which could run any code, expected {_SAFE}"
        raise ValueError(f"{only}; haemsa data embed --allow-pickle loads it all the same")
    return ModelFolder(shown, path, pickled=True)


def _from_hub(name: str, *, pickled: bool) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError, RepositoryNotFoundError

    patterns = [*_SETTINGS, _SAFE, *([_PICKLE] if pickled else [])]
    try:
        return Path(snapshot_download(name, allow_patterns=patterns))
    except LocalEntryNotFoundError:
        reason = "cannot be reached, and it was not downloaded before"
    except RepositoryNotFoundError:
        reason = "has no such model"
    except Exception as error:  # the hub's client raises errors of many kinds
        reason = f"does not give it ({error_line(error)[:150]})"
    raise ValueError(f"model '{name}' is no folder here, and the hub {reason}")


def _files(folder: Path, patterns: Sequence[str]) -> list[Path]:
    return sorted({file for pattern in patterns for file in folder.glob(pattern) if file.is_file()})


def _digest(files: Sequence[Path]) -> str:
    """SHA-256 over the names and contents of files, in hexadecimal digits."""
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as content:
            digest.update(f"{file.name} {hashlib.file_digest(content, 'sha256').hexdigest()}\n".encode())
    return digest.hexdigest()
