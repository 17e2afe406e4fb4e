"""Results as plain values, which JSON can hold. Each kind of result registers how, beside its other reports."""

from __future__ import annotations

from functools import singledispatch
from typing import Any


@singledispatch
def as_values(result: Any) -> dict[str, Any]:
    """A result as plain values, as `--json` of its command writes it.

    Args:
        result: what `compare_models`, `ablate_search`, `tune_genome` or `check_data` returned.

    Raises:
        TypeError: it is another thing.

    Example:
        >>> from haemsa import as_values, check_data
        >>> from haemsa.model.data.builtin.digits import digits
        >>> as_values(check_data(digits()))["leaks"]
        []
    """
    raise TypeError(f"{type(result).__name__} is no result of a comparison, a tuning or a check of data")
