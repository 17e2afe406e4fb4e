"""The arrays of an .npz file as new samples."""

from __future__ import annotations

from pathlib import Path

from haemsa.model.data.readers.described.arrays import ArraySource
from haemsa.model.data.readers.described.description import Description, ModalityEntry
from haemsa.model.data.readers.described.features import read_modality, single_column, splits_in, texts
from haemsa.model.data.readers.described.npz import Npz
from haemsa.model.data.readers.options import Damage, within
from haemsa.model.data.samples import Samples
from haemsa.model.errors import listed
from haemsa.model.schema import Schema


def new_arrays(path: Path, schema: Schema, description: Description | None, *, skip: bool) -> Samples:
    """The samples in an .npz file.

    Args:
        path: The file.
        schema: The modalities of the model.
        description: Says which arrays are which modality; None: they are called as the modalities.
        skip: Leave damaged samples out and count them. Otherwise the first one is an error.

    Raises:
        ValueError: The file cannot be read, or has none of the modalities. The message is one sentence.
    """
    damage, notes = Damage(skip=skip, command="haemsa predict"), list[str]()
    if description is None:
        entries = {name: ModalityEntry(**{"from": name}) for name in schema.modalities}
        ids = "id" if "id" in Npz(path).names else None
    else:
        entries = {name: entry for name, entry in description.modalities.items() if name in schema.modalities}
        ids = description.ids
    named = {name: [entry.from_] if isinstance(entry.from_, str) else entry.from_ for name, entry in entries.items()}
    wanted = [array for arrays in named.values() for array in arrays]
    if not wanted:
        raise ValueError(f"{path} has none of the model's modalities {', '.join(schema.modalities)}")
    source = ArraySource(path, wanted, damage, whole=False)
    entries = {name: entry for name, entry in entries.items() if source.has(entry.from_)}
    if not entries:
        raise ValueError(f"{path} has no array {' or '.join(map(repr, wanted))}, it has {listed(Npz(path).names)}")
    with within(str(path)):
        raw = {name: read_modality(name, entry, source, None, notes) for name, entry in entries.items()}
        names = texts("ids", ids, source) or source.samples.names
    split = source.split_of
    if description is not None and description.split is not None and source.has(description.split):
        split = splits_in(single_column(description.split, source))
    sound = source.samples.sound
    samples = Samples(raw, tuple(names), None if split is None else tuple(split), (*notes, *damage.notes()))
    return samples if len(sound) == len(samples) else samples.take(sound)
