"""MOSEI-922 for benchmarks: a folder of .csd files with one row a video, as `haemsa search` reads data.

    python tests/bench/mosei922.py --out mosei922.h5 [--folder PATH]

A .csd file (CMU-MultimodalSDK) is HDF5: NAME / data / VIDEO / features [rows, D] and intervals. This reader knows no
more than these files need: one row a video, and the official folds in folds.json.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np
from setting import REAL_DATA

from model.data.cleaning import RawModality, clean
from model.data.dataset import SPLITS, Dataset, Task
from model.data.store import write

FOLDER: Final = REAL_DATA / "mosei922"
STREAMS: Final = {
    "text_bert": "text_bert",
    "text_minilm": "text_minilm",
    "audio": "audio_covarep",
    "vision": "vision_openface",
}
"""Modalities, and the files that they come from."""
Rows = dict[str, np.ndarray[Any, Any]]
"""One row of features [D] by video."""


def read(folder: Path = FOLDER) -> Dataset:
    """All videos that have a fold and a label, cleaned; a video that a stream lacks has that modality absent.

    Raises FileNotFoundError for a folder that lacks a file, ValueError for a video of several rows.
    """
    missing = [name for name in ("folds.json", *_files()) if not (folder / name).exists()]
    if missing:
        raise FileNotFoundError(f"folder '{folder}' has no {', '.join(missing)}")
    labels = _rows(folder / "labels.csd")
    folds = json.loads((folder / "folds.json").read_text(encoding="utf-8"))
    videos = {split: [video for video in folds[split] if video in labels] for split in SPLITS}
    ids = [video for split in SPLITS for video in videos[split]]
    ends = np.cumsum([0, *(len(videos[split]) for split in SPLITS)])
    splits = {split: np.arange(ends[i], ends[i + 1], dtype=np.int64) for i, split in enumerate(SPLITS)}
    raw = {name: _modality(_rows(folder / f"{file}.csd"), ids) for name, file in STREAMS.items()}
    modalities, notes = clean(raw, splits["train"])
    return Dataset(
        name="mosei922",
        modalities=modalities,
        tasks={"sentiment": Task("regression", np.array([labels[video][0] for video in ids]), bounds=(-3.0, 3.0))},
        splits=splits,
        ids=tuple(ids),
        groups=np.arange(len(ids), dtype=np.int64),
        notes=notes,
    )


def _files() -> list[str]:
    return [f"{name}.csd" for name in ("labels", *STREAMS.values())]


def _rows(path: Path) -> Rows:
    with h5py.File(path, "r") as file:
        (root,) = file
        found = {video: np.asarray(entry["features"], dtype=np.float32) for video, entry in file[root]["data"].items()}
    long = [video for video, rows in found.items() if rows.ndim != 2 or len(rows) != 1]
    if long:
        shape = list(found[long[0]].shape)
        raise ValueError(f"{path} has features {shape} for {long[0]}, expected one row a video, [1, D]")
    return {video: rows[0] for video, rows in found.items()}


def _modality(rows: Rows, ids: list[str]) -> RawModality:
    """Features [N, 1, D], and lengths [N]: 0 where the stream lacks the video."""
    nothing = np.zeros_like(next(iter(rows.values())))
    features = np.stack([rows.get(video, nothing) for video in ids])[:, None]
    return RawModality(features, np.array([video in rows for video in ids], dtype=np.int64))


def main() -> None:
    """Write the store and print what the reader found; only say so where the data is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--out", type=Path, default=Path("mosei922.h5"))
    given = parser.parse_args()
    try:
        dataset = read(given.folder)
    except FileNotFoundError as error:
        print(f"skipped: {error}")
        return
    write(dataset, given.out)
    print("\n".join([f"{given.out}: {len(dataset)} videos, {', '.join(dataset.modalities)}", *dataset.notes]))


if __name__ == "__main__":
    main()
