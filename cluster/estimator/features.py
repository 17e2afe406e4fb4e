"""X as people have it becomes raw modalities: arrays, tables, lists of sequences. Axes: `N` samples, `T` time steps,
`D` features."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from haemsa.model.data.cleaning import RawModality
from haemsa.model.predictor.inputs import Inputs
from haemsa.model.schema import Schema

TABLE: Final = "features"
"""The name of the only modality, if X is a plain table."""


def is_table(X: Any) -> bool:
    """Whether X is one plain table or array, not a dictionary of modalities or a list of such dictionaries."""
    return hasattr(X, "toarray") or not (isinstance(X, Mapping) or _has_rows(X))  # a sparse matrix can be a dictionary


def as_rows(X: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A dictionary of modalities as a list that has a dictionary for each sample.

    `MultimodalSearch` reads both. Only the list can be divided by scikit-learn, as `cross_val_score` does.

    Args:
        X: by modality, an array, a table, or a list of sequences.

    Returns:
        For each sample its modalities. None where one is absent.

    Raises:
        ValueError: the modalities have different numbers of samples.

    Example:
        >>> import numpy as np
        >>> as_rows({"text": [np.ones((2, 3)), None], "age": [31, 45]})[1]
        {'text': None, 'age': 45}
    """
    lists = {name: _samples(value) for name, value in X.items()}
    _check_counts({name: len(samples) for name, samples in lists.items()})
    return [dict(zip(lists, row, strict=True)) for row in zip(*lists.values(), strict=True)]


def raw_modalities(X: Any) -> dict[str, RawModality]:
    """The modalities in X: a dictionary of them, or a list that has a dictionary for each sample.

    A sample whose cells are all non-finite, None or without a step counts as absent. Steps at the end of a sample
    without a finite number are padding.

    Raises:
        ValueError: A modality holds anything but numbers, or samples of several widths, or the modalities have
            different numbers of samples. The message is one sentence.
    """
    by_name = X if isinstance(X, Mapping) else _columns_of(X)
    if not by_name:
        raise ValueError("X has no modality, expected at least one")
    raw = {str(name): _raw(str(name), value) for name, value in by_name.items()}
    _check_counts({name: len(item.lengths) for name, item in raw.items()})
    return raw


def model_inputs(raw: Mapping[str, RawModality], schema: Schema) -> Inputs:
    """What a model reads: its columns in its order, and modalities that are absent everywhere with its width.

    Raises:
        ValueError: There is no sample, or a modality has other columns than the model was trained on.
    """
    if not len(next(iter(raw.values())).lengths):
        raise ValueError("X has no sample, expected at least one")
    fitted = {name: _fitting(name, item, schema) if name in schema.modalities else item for name, item in raw.items()}
    return {name: (item.features, item.lengths) for name, item in fitted.items()}


def _fitting(name: str, raw: RawModality, schema: Schema) -> RawModality:
    if not raw.lengths.any():
        width = schema.modalities[name][1]
        return RawModality(np.zeros((len(raw.lengths), 1, width), np.float32), raw.lengths)
    places = schema.places_of(name, raw.columns, raw.width)
    return raw if places is None else raw.in_columns(places)


def _has_rows(X: Any) -> bool:
    listed = isinstance(X, Sequence) or (isinstance(X, np.ndarray) and X.dtype == object and X.ndim == 1)
    return bool(listed and len(X) and isinstance(X[0], Mapping))


def _columns_of(X: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """The samples of each modality that a row has. A row may lack some."""
    if not all(isinstance(row, Mapping) for row in X):
        raise ValueError("X has dictionaries and other things, expected a dictionary for each sample")
    names = dict.fromkeys(name for row in X for name in row)
    return {name: [row.get(name) for row in X] for name in names}


def _samples(value: Any) -> list[Any]:
    """The samples of one modality. Those of a table keep the names of their columns."""
    if hasattr(value, "iloc") and value.ndim == 2:
        return [value.iloc[place] for place in range(len(value))]
    return list(value)


def _check_counts(counts: Mapping[str, int]) -> None:
    first = next(iter(counts.values()), 0)
    for name, count in counts.items():
        if count != first:
            raise ValueError(f"modality {name!r} has {count} samples, expected {first} as the others")


def _raw(name: str, value: Any) -> RawModality:
    columns: tuple[str, ...] = ()
    if hasattr(value, "iloc"):  # pandas
        columns = tuple(map(str, value.columns)) if value.ndim == 2 else ()
        value = value.to_numpy()
    if hasattr(value, "toarray"):
        raise ValueError(f"modality {name!r} is a sparse matrix, expected an array: .toarray() makes one")
    if isinstance(value, np.ndarray) and value.dtype != object:
        return _of_array(name, value, columns)
    return _of_samples(name, list(value)) if not columns else _of_array(name, np.asarray(value), columns)


def _of_array(name: str, array: NDArray[Any], columns: tuple[str, ...] = ()) -> RawModality:
    """[N], [N, D] or [N, T, D]."""
    numbers = _numbers(name, array)
    if not 1 <= numbers.ndim <= 3:
        raise ValueError(f"modality {name!r} has {numbers.ndim} axes, expected [N], [N, D] or [N, T, D]")
    shaped = numbers[:, None, None] if numbers.ndim == 1 else numbers[:, None] if numbers.ndim == 2 else numbers
    if 0 in shaped.shape[1:]:
        raise ValueError(f"modality {name!r} has shape {list(array.shape)}, expected at least one feature")
    return RawModality(shaped, _lengths(shaped), columns)


def _of_samples(name: str, samples: list[Any]) -> RawModality:
    """One sequence [T, D], one row [D] or one number for each sample; None, or a missing number, where it is absent."""
    import pandas as pd

    columns = next((tuple(map(str, sample.index)) for sample in samples if isinstance(sample, pd.Series)), ())
    steps = [np.empty((0, 0), np.float32) if _is_missing(sample) else _steps(name, sample) for sample in samples]
    widths = sorted({sample.shape[1] for sample in steps if len(sample)})
    if len(widths) > 1:
        listed = " and ".join(map(str, widths[:2]))
        raise ValueError(f"modality {name!r} has samples of {listed} features, expected the same number in all")
    features = np.full((len(steps), max(map(len, steps), default=1) or 1, *(widths or [1])), np.nan, np.float32)
    for place, sample in enumerate(steps):
        if len(sample):
            features[place, : len(sample)] = sample
    return RawModality(features, _lengths(features), columns)


def _steps(name: str, sample: Any) -> NDArray[np.float32]:
    numbers = _numbers(name, np.asarray(sample))
    if numbers.ndim > 2:
        raise ValueError(f"modality {name!r} has a sample of {numbers.ndim} axes, expected [T, D] or [D]")
    return np.atleast_2d(numbers) if numbers.size else np.empty((0, 0), np.float32)


def _is_missing(sample: Any) -> bool:
    """Whether it is None, NaN or pandas' NA."""
    import pandas as pd

    return sample is None or (np.ndim(sample) == 0 and bool(pd.isna(sample)))


def _numbers(name: str, array: NDArray[Any]) -> NDArray[np.float32]:
    """A copy as float32, which cleaning can change."""
    if array.dtype.kind == "c":
        raise ValueError(f"modality {name!r} is complex, expected real numbers. Complex data not supported")
    try:
        with np.errstate(over="ignore"):
            return np.array(array, dtype=np.float32)
    except (TypeError, ValueError):
        raise ValueError(f"modality {name!r} holds {_odd(array)}, expected numbers") from None


def _odd(array: NDArray[Any]) -> str:
    def number(value: Any) -> bool:
        try:
            float(value)
        except (TypeError, ValueError):
            return False
        return True

    found: Iterator[Any] = (value for value in array.ravel().tolist() if not number(value))
    return repr(next(found, "samples of several shapes"))


def _lengths(features: NDArray[np.float32]) -> NDArray[np.int64]:
    """The steps of each sample, int64 [N]: up to the last one that has a finite number."""
    filled = np.asarray(np.isfinite(features).any(axis=2))
    last = features.shape[1] - filled[:, ::-1].argmax(axis=1)
    return np.where(filled.any(axis=1), last, 0).astype(np.int64)
