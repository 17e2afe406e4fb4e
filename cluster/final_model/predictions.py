"""The predictions of a model as a table, and as a CSV or Parquet file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from haemsa.cluster.config import Compute
from haemsa.cluster.shared.files import replacing
from haemsa.cluster.shared.progress import Progress, lasting
from haemsa.cluster.shared.steps import Tally
from haemsa.cluster.workers.cohort_trainer import check_device
from haemsa.cluster.workers.tasks.place import device_of
from haemsa.cluster.workers.tasks.tasks import tasks_on
from haemsa.model.data.dataset import Dataset
from haemsa.model.data.samples import Samples
from haemsa.model.predictor.answers import prediction_table
from haemsa.model.predictor.new_samples.new_samples import NewSamples
from haemsa.model.predictor.own_features import OwnFeatures

if TYPE_CHECKING:
    import pandas as pd

    from haemsa.model.predictor.predictor import Predictor

TableFormat = Literal["csv", "parquet"]
BATCH: Final = 256
"""Samples that a model predicts together."""


def predictions(predictor: Predictor, samples: Dataset | Samples | NewSamples) -> pd.DataFrame:
    """Predict samples.

    Args:
        predictor: the model, as `load_model` gives it.
        samples: the samples, as `load_samples` or `load_for` give them, or a part of them. Cells may be NaN.

    Returns:
        A table with a row for each sample (`prediction_table` tells its columns).

    Raises:
        ValueError: the samples do not fit the model. The message is one sentence.

    Example:
        >>> model = load_model("models/planted")  # doctest: +SKIP
        >>> frame = predictions(model, load_samples(model, "new.csv"))  # doctest: +SKIP
    """
    if isinstance(samples, NewSamples):
        import pandas as pd

        return pd.concat(prediction_blocks(predictor, samples), ignore_index=True)
    own = OwnFeatures.of_model(predictor.info)
    return _table(predictor, own.of(Samples.of(samples) if isinstance(samples, Dataset) else samples))


def _table(predictor: Predictor, samples: Samples, device: str = "cpu") -> pd.DataFrame:
    return prediction_table(
        predictor, samples, predictor.predict_members(predictor.inputs(samples), BATCH, device=device)
    )


def prediction_blocks(
    predictor: Predictor,
    samples: NewSamples,
    split: str | None = None,
    progress: Progress | None = None,
    compute: Compute | None = None,
) -> Iterator[pd.DataFrame]:
    """Predict samples, some at a time, so that any number of them needs little memory.

    Args:
        predictor: the model.
        samples: the samples, as `load_samples` gives them.
        split: predict only the samples of this split (None: all).
        progress: shows how far it is (None: nothing is shown).
        compute: where the model predicts (None: in this process). Workers on Ray get blocks of at most 64 MiB.

    Returns:
        Tables as `predictions` gives them, which together have a row for each sample.

    Raises:
        ValueError: the samples do not fit the model, or none is in the split. The message is one sentence.

    Example:
        >>> blocks = prediction_blocks(model, load_samples(model, "new.csv"))  # doctest: +SKIP
        >>> write_predictions(blocks, Path("predictions.parquet"))  # doctest: +SKIP
    """
    shown, place = lasting(progress), Compute(backend="inline").changed_by(compute)
    tally, blocks = Tally(shown, "samples", None if split else samples.count), samples.blocks(split)
    own = OwnFeatures.of_model(predictor.info)
    whole = place.backend == "inline" and not own.streams  # features of its own need much memory
    sent = blocks if whole else (own.of(part) for block in blocks for part in in_parts(block))
    with tasks_on(place, _Predicting, (predictor, device_of(place)), shown) as tasks:
        for number, frame in tasks.run(sent, in_order=True, waiting=tally.show):
            alone = number == 0 and (split is not None or len(frame) == samples.count)
            tally.add(len(frame), show=not alone)  # a single block needs no bar
            yield frame


class _Predicting:
    """Predicts samples in a worker, by a model on a device."""

    def __init__(self, given: tuple[Predictor, str]) -> None:
        self._predictor, self._device = given
        check_device(self._device)

    def __call__(self, samples: Samples) -> pd.DataFrame:
        return _table(self._predictor, samples, self._device)


def in_parts(samples: Samples, most: int = 2**26) -> Iterator[Samples]:
    """Samples in parts of about `most` bytes that can be sent anywhere: features of a store are read."""
    cells = sum(int(np.prod(modality.features.shape[1:])) for modality in samples.modalities.values())
    size = max(1, most // max(1, 4 * cells) // BATCH) * BATCH
    for start in range(0, len(samples), size):
        part = samples.take(np.arange(start, min(start + size, len(samples))))
        read = {name: replace(item, features=item.features[:]) for name, item in part.modalities.items()}
        yield replace(part, modalities=read)


def write_predictions(
    frames: pd.DataFrame | Iterable[pd.DataFrame], out: Path, table_format: TableFormat | None = None
) -> int:
    """Write a table of predictions as CSV or Parquet. The file is never half written.

    Args:
        frames: the table, as `predictions` gives it, or its parts, as `prediction_blocks` gives them.
        out: the file. Its folder is made.
        table_format: "csv" or "parquet" (None: as the name of the file ends, or else CSV).

    Returns:
        The number of rows.

    Example:
        >>> write_predictions(predictions(model, data), Path("predictions.csv"))  # doctest: +SKIP
    """
    import pandas as pd

    kind = table_format or ("parquet" if out.suffix.lower() == ".parquet" else "csv")
    parts = [frames] if isinstance(frames, pd.DataFrame) else frames
    out.parent.mkdir(parents=True, exist_ok=True)
    with replacing(out) as temporary:
        return (_write_parquet if kind == "parquet" else _write_csv)(parts, temporary)


def _write_csv(frames: Iterable[pd.DataFrame], path: Path) -> int:
    rows = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        for frame in frames:
            frame.to_csv(file, index=False, header=not rows)
            rows += len(frame)
    return rows


def _write_parquet(frames: Iterable[pd.DataFrame], path: Path) -> int:
    import pyarrow as pa
    from pyarrow.parquet import ParquetWriter

    rows = 0
    with ExitStack() as stack:
        writer = None
        for frame in frames:
            table = pa.Table.from_pandas(frame, preserve_index=False)
            writer = writer or stack.enter_context(ParquetWriter(path, table.schema))
            writer.write_table(table)
            rows += len(frame)
    return rows
