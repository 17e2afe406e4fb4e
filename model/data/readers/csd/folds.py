"""Official folds: the videos of training, validation and test, as JSON or as the SDK's own Python files."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any, Final

from haemsa.model.data.dataset import SPLITS

FILE: Final = "folds.json"
_STANDARD: Final = "*_std_folds.py"


def find_folds(folder: Path) -> Path | None:
    """The file with folds in a folder: folds.json, or the SDK's. Raises ValueError for several of the SDK's."""
    if (folder / FILE).exists():
        return folder / FILE
    files = sorted(folder.glob(_STANDARD))
    if len(files) > 1:
        names = ", ".join(path.name for path in files)
        raise ValueError(f"folder '{folder}' has folds in {names}, expected one of them, or {FILE}")
    return files[0] if files else None


def read_folds(path: Path) -> dict[str, str]:
    """The split of each video, in the order of the lists.

    The file holds a JSON object with the lists "train", "valid" and "test". A file whose name ends in .py holds
    assignments such as `standard_train_fold = [...]`, which are read and never run.

    Raises:
        ValueError: The file holds anything else, or a video is in two splits.
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
    lists = {}
    for line in ast.parse(text).body:
        if isinstance(line, ast.Assign) and isinstance(line.targets[0], ast.Name):
            words = line.targets[0].id.split("_")
            if len(words) == 3 and words[0] == "standard" and words[2] == "fold":
                lists[words[1]] = ast.literal_eval(line.value)
    return lists


def _videos(lists: object, split: str, path: Path) -> list[str]:
    videos = lists.get(split) if isinstance(lists, dict) else None
    if not isinstance(videos, list) or not all(isinstance(video, str) for video in videos):
        keys = ", ".join(str(key)[:40] for key in list(lists)[:8]) if isinstance(lists, dict) else type(lists).__name__
        raise ValueError(f"{path} has no list of videos for {split!r} but {keys}, expected {', '.join(SPLITS)}")
    return videos
