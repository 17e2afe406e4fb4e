"""A sentiment as classes or labels of very different sizes: data to try weights of rare classes on.

    python -m tests.bench.scores.sentiment_classes --data PATH --kind classes --out FILE.h5

classes: whole numbers from -3 to 3; the outermost are joined while they have fewer than 20 samples. labels: positive,
negative, strongly positive or negative, neutral. Then `python -m tests.bench.scores.genes --only class_balance` shows
what weights bring.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from haemsa.model.data.sources import load
from haemsa.model.data.store.file import write
from haemsa.model.data.task import Task

LEAST: Final = 20
STRONG: Final = 1.5
NEUTRAL: Final = 0.3


def classes(sentiment: NDArray[np.float32]) -> Task:
    """Whole numbers; the outermost are joined while they have fewer than `LEAST` samples."""
    numbers = np.round(sentiment).astype(np.int64)
    for end in (1, -1):
        while (numbers == end * (numbers * end).max()).sum() < LEAST:
            numbers = end * np.minimum(numbers * end, (numbers * end).max() - 1)
    low, high = int(numbers.min()), int(numbers.max())
    return Task("classes", numbers - low, tuple(f"at{n:+d}" for n in range(low, high + 1)))


def labels(sentiment: NDArray[np.float32]) -> Task:
    """Signs, strong ones, and none."""
    found = {
        "positive": sentiment > 0,
        "negative": sentiment < 0,
        "very_positive": sentiment >= STRONG,
        "very_negative": sentiment <= -STRONG,
        "neutral": np.abs(sentiment) < NEUTRAL,
    }
    return Task("multilabel", np.stack(list(found.values()), 1).astype(np.float32), tuple(found))


def main() -> None:
    """Write the data with only that task."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--kind", choices=("classes", "labels"), required=True)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    data = load(given.data)
    task = (classes if given.kind == "classes" else labels)(data.tasks["sentiment"].targets)
    name = f"{data.name}-{given.kind}"
    write(replace(data, name=name, tasks={"sentiment": task}), given.out)
    counts = np.bincount(task.targets) if task.kind == "classes" else task.targets.sum(0).astype(int)
    print(f"{name}: {', '.join(f'{label} {count}' for label, count in zip(task.labels, counts, strict=True))}")


if __name__ == "__main__":
    main()
