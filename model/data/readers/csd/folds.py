"""Official folds: lists of videos for training, validation and test, as JSON or as the SDK's own Python files."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any, Final

from haemsa.model.data.dataset import SPLITS

FILE: Final = "folds.json"
_STANDARD: Final = "*_std_folds.py"


def find_folds(folder: Path) -> Path | None:
    """The file beside the data that gives folds: folds.json, else the SDK's. Raises ValueError for several of those."""
    if (folder / FILE).exists():
        return folder / FILE
    found = sorted(folder.glob(_STANDARD))
    if len(found) > 1:
        names = ", ".join(path.name for path in found)
        raise ValueError(f"folder '{folder}' has folds in {names}, expected one of them, or {FILE}")
    return found[0] if found else None


def read_folds(path: Path) -> dict[str, str]:
    """The split of each video, in the order of the lists.

    The file holds a JSON object with the lists "train", "valid" and "test"; or, if its name ends in .py, assignments
    such as `standard_train_fold = [...]`, which are read, not run. Raises ValueError for anything else.
    """
    try:
        text = path.read_text(encoding="utf-8")
        lists = _assigned(text) if path.suffix == ".py" else json.loads(text)
    except OSError as error:
        raise ValueError(f"folds '{path}' cannot be read: {error.strerror}") from None
    except (ValueError, SyntaxError, RecursionError, MemoryError) as error:
        form = "Python" if path.suffix == ".py" else "JSON"
        raise ValueError(f"folds '{path}' are no {form}: {' '.join(str(error).split())[:200]}") from None
    split_of: dict[str, str] = {}
    for split in SPLITS:
        for video in _videos(lists, split, path):
            if split_of.setdefault(video, split) != split:
                raise ValueError(f"{path}: {video!r} is in {split_of[video]!r} and in {split!r}, expected one of them")
    return split_of


def _assigned(text: str) -> dict[str, Any]:
    """The values that a module assigns to `standard_<split>_fold`, by split."""
    found = {}
    for line in ast.parse(text).body:
        if isinstance(line, ast.Assign) and isinstance(line.targets[0], ast.Name):
            words = line.targets[0].id.split("_")
            if len(words) == 3 and words[0] == "standard" and words[2] == "fold":
                found[words[1]] = ast.literal_eval(line.value)
    return found


def _videos(lists: object, split: str, path: Path) -> list[str]:
    videos = lists.get(split) if isinstance(lists, dict) else None
    if not isinstance(videos, list) or not all(isinstance(video, str) for video in videos):
        found = ", ".join(str(key)[:40] for key in list(lists)[:8]) if isinstance(lists, dict) else type(lists).__name__
        raise ValueError(f"{path} has no list of videos for {split!r} but {found}, expected {', '.join(SPLITS)}")
    return videos
