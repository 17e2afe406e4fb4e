"""The predictions of a model as a table, and as a CSV or Parquet file."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from haemsa.cluster.shared.files import replacing
from haemsa.cluster.shared.progress import Progress, SilentProgress, Status
from haemsa.model.bounds import within
from haemsa.model.data.dataset import Dataset
from haemsa.model.data.samples import Samples
from haemsa.model.predictor.new_samples.new_samples import NewSamples

if TYPE_CHECKING:
    import pandas as pd

    from haemsa.model.predictor.predictor import Predictor

TableFormat = Literal["csv", "parquet"]


def predictions(predictor: Predictor, samples: Dataset | Samples | NewSamples) -> pd.DataFrame:
    """Predict samples.

    Args:
        predictor: the model, as `load_model` gives it.
        samples: the samples, as `load_samples` or `load_for` give them, or a part of them. Cells may be NaN.

    Returns:
        A table with a row for each sample. Its first columns are `id`, and `split` if the data has splits. Each task
        adds these columns:
        regression: `task` (mean over the networks), `task_std` (their spread), `task_0`, `task_1` ... (each network); a
        calibrated model also gives `task_low` and `task_high`, and 90 % of the labels lie between them. All values lie
        within the bounds of the labels; only the spread is that of the networks' outputs before.
        classes: `task` (the most likely class), `task/LABEL` (probability, calibrated if the model is), `task_0` ...
        multilabel: `task/LABEL` (probability) and `task/LABEL_0` ...

    Raises:
        ValueError: the samples do not fit the model. The message is one sentence.

    Example:
        >>> model = load_model("models/planted")  # doctest: +SKIP
        >>> frame = predictions(model, load_samples(model, "new.csv"))  # doctest: +SKIP
    """
    import pandas as pd

    if isinstance(samples, NewSamples):
        return pd.concat(prediction_blocks(predictor, samples), ignore_index=True)
    known = Samples.of(samples) if isinstance(samples, Dataset) else samples
    columns: dict[str, Any] = {"id": list(known.ids)}
    if known.split_of is not None:
        columns["split"] = list(known.split_of)
    for name, values in predictor.predict_members(predictor.inputs(known)).items():
        columns |= _columns(predictor, name, values)
    return pd.DataFrame(columns)


def prediction_blocks(
    predictor: Predictor, samples: NewSamples, split: str | None = None, progress: Progress | None = None
) -> Iterator[pd.DataFrame]:
    """Predict samples, some at a time, so that any number of them needs little memory.

    Args:
        predictor: the model.
        samples: the samples, as `load_samples` gives them.
        split: predict only the samples of this split (None: all).
        progress: shows how far it is (None: nothing is shown).

    Returns:
        Tables as `predictions` gives them, which together have a row for each sample.

    Raises:
        ValueError: the samples do not fit the model, or none is in the split. The message is one sentence.

    Example:
        >>> blocks = prediction_blocks(model, load_samples(model, "new.csv"))  # doctest: +SKIP
        >>> write_predictions(blocks, Path("predictions.parquet"))  # doctest: +SKIP
    """
    shown, began, done = progress or SilentProgress(), time.monotonic(), 0
    for block in samples.blocks(split):
        frame = predictions(predictor, block)
        done += len(frame)
        if (split is None and done < samples.count) or done > len(frame):  # a single block needs no bar
            elapsed = time.monotonic() - began
            remaining = None if split else elapsed * (samples.count - done) / done
            total = None if split else samples.count
            shown.update(Status(done, total, front_size=None, elapsed=elapsed, remaining=remaining))
        yield frame


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


def _columns(predictor: Predictor, name: str, values: Any) -> dict[str, Any]:
    """The columns of one task, from the predictions of all networks [K, N, C]."""
    from haemsa.model.predictor.answers import answer
    from haemsa.model.predictor.calibration import spread_of

    task, columns = predictor.tasks[name], answer(predictor, name, values)
    if task.kind == "regression":
        each = {f"{name}_{k}": within(member[:, 0], task.bounds) for k, member in enumerate(values)}
        return {name: columns.pop(name), f"{name}_std": spread_of(values)[:, 0], **columns, **each}
    labels = np.array(task.labels)
    if task.kind == "classes":
        return columns | {f"{name}_{k}": labels[member.argmax(1)] for k, member in enumerate(values)}
    return columns | {
        f"{name}/{label}_{k}": member[:, c] for k, member in enumerate(values) for c, label in enumerate(labels)
    }
