"""`haemsa data embed`: a source of clips becomes a store with a stream for each encoder."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from haemsa.cluster.config import Compute
from haemsa.cluster.embedding.streams import Stream
from haemsa.cluster.embedding.work import Chosen, EncodingWork
from haemsa.cluster.shared.kept import Kept
from haemsa.cluster.shared.progress import Progress, lasting
from haemsa.cluster.shared.steps import Steps
from haemsa.cluster.workers.tasks.tasks import tasks_on
from haemsa.model.data.clips.clip import LabelledClips
from haemsa.model.data.clips.sources import read_clips
from haemsa.model.data.dataset import Dataset
from haemsa.model.data.sources import STORES, load
from haemsa.model.data.store.file import write
from haemsa.model.encoders.choice import Choice

if TYPE_CHECKING:
    from haemsa.model.encoders.encoder import Encoder

_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
HERE: Final = Compute(backend="inline")


def embed_data(
    source: str,
    out: Path,
    choices: Sequence[Choice],
    *,
    half: bool = True,
    skip_damaged: bool = False,
    compute: Compute | None = None,
    progress: Progress | None = None,
) -> Dataset:
    """Make a store of clips, as `haemsa data embed` does.

    What is encoded is kept next to `out` until the store is written. The same call goes on with it.

    Args:
        source: A YAML file that describes a table with transcripts or media files, a folder in the layout of MMSA
            (label.csv, Raw/VIDEO/CLIP.mp4), or a pickle of MMSA with raw_text.
        out: The store, a file that ends in .h5 or .hdf5. What is there is replaced.
        choices: The encoders. Each makes a stream, such as text_mpnet.
        half: Keep features as float16, in half the space.
        skip_damaged: Leave out samples whose row is damaged, or whose file does not exist.
        compute: Where clips are encoded. None: in this process.
        progress: Shows how far it is.

    Returns:
        The data as it can be read from the store.

    Raises:
        FileNotFoundError: There is nothing at the path `source`.
        ValueError: The source, an encoder or the name of the store cannot be used. The message is one sentence.
        OSError: The disk has no room. What was encoded is kept.

    Example:
        >>> embed_data("clips.yaml", Path("clips.h5"), [Choice("text", "models/mpnet")])  # doctest: +SKIP
    """
    if out.suffix.lower() not in STORES:
        raise ValueError(f"--out is '{out}', expected a file that ends in {' or '.join(STORES)}")
    if not choices:
        raise ValueError("no encoder is given, expected --text, --audio or --vision with a model")
    clips = read_clips(source, skip_damaged=skip_damaged)
    for choice in choices:
        _check_source(source, clips, choice)
    named = _named(choices, clips)
    place, shown = HERE.changed_by(compute), Steps(lasting(progress), len(named))
    encoders = {name: _opened(choice) for name, choice in named.items()}
    kept = Kept(out.with_name(f"{out.name}.parts"))
    with _room(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        make = partial(EncodingWork, opened=encoders) if place.backend == "inline" else EncodingWork
        chosen = {name: Chosen(choice, encoders[name].facts["weights"]) for name, choice in named.items()}
        with tasks_on(place, make, chosen, shown, name=out.stem) as tasks:
            streams, notes = {}, list[str]()
            for name, encoder in encoders.items():
                shown.begin(name)
                streams[name], more = Stream(name, encoder, clips, kept, half).make(tasks, shown)
                notes += more
        facts = {
            name: {**encoder.facts, "half": half, "columns": _columns(encoder, clips)}
            for name, encoder in encoders.items()
        }
        dataset = replace(clips.dataset(streams, notes), encoders=facts, transcripts=_transcripts(choices, clips))
        write(dataset, out, half=half)
    shutil.rmtree(kept.folder, ignore_errors=True)
    return load(str(out))


def _opened(choice: Choice) -> Encoder:
    from haemsa.model.encoders.opening import open_encoder

    return open_encoder(choice)


def _transcripts(choices: Sequence[Choice], clips: LabelledClips) -> tuple[str, ...]:
    """What was said in each clip, if an encoder reads it. HDF5 holds no text with zeros in it."""
    reads = any(choice.kind == "text" for choice in choices)
    return tuple(clip.text.replace("\0", "") for clip in clips.clips) if reads else ()


def _columns(encoder: Encoder, clips: LabelledClips) -> dict[str, str]:
    """The columns of the table that an encoder needs, so that a model finds them in a table of new clips."""
    keys = ("transcript", "ids") if encoder.facts["encodes"] == "text" else ("media", "start", "end", "ids")
    return {key: clips.columns[key] for key in keys if key in clips.columns}


def _check_source(source: str, clips: LabelledClips, choice: Choice) -> None:
    """Raises ValueError if no clip has what an encoder needs."""
    if choice.kind == "text" and not any(clip.text.strip() for clip in clips.clips):
        raise ValueError(f"{source} has no transcript that is not empty, which --text needs")
    if choice.kind != "text" and not any(clip.media for clip in clips.clips):
        raise ValueError(f"{source} names no media files, which --{choice.kind} needs")


def _named(choices: Sequence[Choice], clips: LabelledClips) -> Mapping[str, Choice]:
    """The encoders by the names of their streams. Raises ValueError if two streams have one name."""
    from haemsa.model.encoders.model_folder import model_folder

    named = dict[str, Choice]()
    for choice in choices:
        short = choice.name or model_folder(choice.model, pickled=choice.pickled).kind
        name = f"{choice.kind}_{short}"
        if name in named or name in clips.streams:
            given = f"--{choice.kind} NAME={choice.model}"
            raise ValueError(f"two streams are called {name!r}, expected a name for one of them: {given}")
        named[name] = choice
    return named


@contextmanager
def _room(out: Path) -> Iterator[None]:
    """An error that comes from a full disk becomes one sentence."""
    try:
        yield
    except (OSError, RuntimeError) as error:
        full = isinstance(error, OSError) and error.errno in _FULL
        if not full and "No space left" not in str(error):
            raise
        kept = "what was encoded is kept, and the same command goes on"
        raise OSError(f"the disk of {out.absolute().parent} has no room for {out.name}: {kept}") from None
