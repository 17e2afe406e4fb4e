"""A model as bytes: the two files that `Predictor.save` writes. So a pickled estimator holds no object of torch."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

from haemsa.model.predictor.predictor import Predictor


def as_files(model: Predictor) -> dict[str, bytes]:
    """The content of the model's files by their names."""
    with tempfile.TemporaryDirectory(prefix="haemsa-") as folder:
        model.save(Path(folder))
        return {path.name: path.read_bytes() for path in sorted(Path(folder).iterdir())}


def of_files(files: Mapping[str, bytes]) -> Predictor:
    """The model that `as_files` gave."""
    with tempfile.TemporaryDirectory(prefix="haemsa-") as folder:
        for name, content in files.items():
            (Path(folder) / Path(name).name).write_bytes(content)
        return Predictor.load(Path(folder))
