"""A generated set of the size of MOSEI unaligned: 23,000 samples, float16. It is written member by member."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

SHAPES: Final = {"text": (50, 768), "audio": (500, 74), "vision": (500, 35)}
MEANS: Final = {"text": 22, "audio": 220, "vision": 130}
"""Steps that a sample has on average."""
SHARES: Final = {"train": 0.71, "valid": 0.08, "test": 0.21}
_BLOCK: Final = 250
DESCRIPTION: Final = """\
source: made.npz
ids: ids_{split}
groups: videos_{split}
modalities:
  text: {from: "text_{split}", lengths: "text_lengths_{split}"}
  audio: {from: "audio_{split}", lengths: "audio_lengths_{split}"}
  vision: {from: "vision_{split}", lengths: "vision_lengths_{split}"}
tasks:
  sentiment: {from: "sentiment_{split}", kind: regression, bounds: [-3, 3]}
"""


@dataclass(frozen=True)
class Labels:
    """What is known of a split's samples before their features: sentiment [N], and lengths [N] by modality."""

    sentiment: np.ndarray[Any, Any]
    lengths: dict[str, np.ndarray[Any, Any]]

    @classmethod
    def draw(cls, count: int, rng: np.random.Generator) -> Labels:
        """Sentiment like MOSEI's, and skewed lengths."""
        lengths = {
            name: np.clip(rng.gamma(3, MEANS[name] / 3, count), 1, steps).astype(np.int64)
            for name, (steps, _) in SHAPES.items()
        }
        return cls(np.clip(rng.normal(0.2, 1.1, count), -3, 3).astype(np.float32), lengths)


def make_large(folder: Path, samples: int = 23_000) -> Path:
    """Write made.npz and its description; returns the description's path."""
    rng, description = np.random.default_rng(0), folder / "made.yaml"
    with zipfile.ZipFile(folder / "made.npz", "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        for split, share in SHARES.items():
            count = round(samples * share)
            labels = Labels.draw(count, rng)
            names = np.array([f"{split}{number // 10}[{number % 10}]" for number in range(count)])
            _member(archive, f"ids_{split}", names)
            _member(archive, f"videos_{split}", np.array([name.partition("[")[0] for name in names]))
            _member(archive, f"sentiment_{split}", labels.sentiment)
            for name, lengths in labels.lengths.items():
                _member(archive, f"{name}_lengths_{split}", lengths)
                _features(archive, split, name, labels, rng)
    description.write_text(DESCRIPTION, encoding="utf-8")
    return description


def feature_blocks(name: str, labels: Labels, rng: np.random.Generator) -> Iterator[np.ndarray[Any, Any]]:
    """Noise float16 [n, T, D] with a little of the label in each step, block by block."""
    (steps, width), count = SHAPES[name], len(labels.sentiment)
    direction = np.random.default_rng(len(name)).normal(size=width).astype(np.float32) * 0.1
    for start in range(0, count, _BLOCK):
        part = slice(start, min(start + _BLOCK, count))
        found = rng.standard_normal((part.stop - start, steps, width), dtype=np.float32)
        found += labels.sentiment[part, None, None] * direction
        found *= (np.arange(steps) < labels.lengths[name][part, None])[:, :, None]
        yield found.astype(np.float16)


def _features(archive: zipfile.ZipFile, split: str, name: str, labels: Labels, rng: np.random.Generator) -> None:
    header = {"descr": "<f2", "fortran_order": False, "shape": (len(labels.sentiment), *SHAPES[name])}
    with archive.open(f"{name}_{split}.npy", "w", force_zip64=True) as file:
        np.lib.format.write_array_header_2_0(file, header)
        for block in feature_blocks(name, labels, rng):
            file.write(block.tobytes())


def _member(archive: zipfile.ZipFile, name: str, array: np.ndarray[Any, Any]) -> None:
    with archive.open(f"{name}.npy", "w") as file:
        np.lib.format.write_array(file, array, allow_pickle=False)
