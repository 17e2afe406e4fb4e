"""MOSEI-922 for benchmarks: a folder of .csd files with one row per video, as one store.

python -m tests.bench.scores.mosei922 --out mosei922.h5 [--folder PATH]
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

from haemsa.model.data.dataset import Dataset
from haemsa.model.data.readers.csd.folder import read as read_folder
from haemsa.model.data.readers.options import Reading
from haemsa.model.data.store.file import write
from tests.bench.shared.setting import REAL_DATA

FOLDER: Final = REAL_DATA / "mosei922"


def read(folder: Path = FOLDER) -> Dataset:
    """All videos that have a fold and a label. Raises FileNotFoundError for a folder without the official folds."""
    if not (folder / "folds.json").exists():
        raise FileNotFoundError(f"folder '{folder}' has no folds.json")
    return read_folder(folder, Reading())


def main() -> None:
    """Write the store and print what the reader found. If the data is missing, only say so."""
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
