"""Data of any layout into a store of our own, which is read faster, and streamed where it is large."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Final

from model.data.context import with_context
from model.data.dataset import Dataset
from model.data.reading import Reading
from model.data.sources import STORES, load
from model.data.store import write

_AS_IT_IS: Final = Reading()


def import_data(
    source: str, out: Path, reading: Reading = _AS_IT_IS, *, half: bool = False, context: int = 0
) -> Dataset:
    """Read `source`, write it to `out`, and return what can be read there. `context`: see model/data/context.py.

    Raises ValueError, one sentence, for a file that is no store by its name, or for data that cannot be read; then
    nothing is left behind, and what was at `out` stays.
    """
    if out.suffix.lower() not in STORES:
        raise ValueError(f"--out is '{out}', expected a file that ends in {' or '.join(STORES)}")
    dataset = load(source, reading=reading)
    if context:
        dataset = with_context(dataset, context)
    created = [folder for folder in out.parents if not folder.exists()]
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        write(dataset, out, half=half)
    except BaseException:
        for folder in created:
            with suppress(OSError):  # it may not have come so far
                folder.rmdir()
        raise
    return load(str(out))
