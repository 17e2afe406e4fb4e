"""Small `.csd` files for tests, and a folder of them: four videos of three seconds, each with two labels."""

import json

import h5py
import numpy as np

VIDEOS = ("a", "b", "c", "d")
FOLDS = {"train": ["a", "b"], "valid": ["c"], "test": ["d"]}
WORDS = [[0, 0.5], [0.5, 2.5], [2.5, 2.5], [2.5, 3]]


def write_sequence(path, entries, *, root=None, metadata=None, **options):
    """A sequence of `entries`, (features, intervals) by name, as the SDK writes it; `options` of the features."""
    root = root or path.stem
    with h5py.File(path, "w") as file:
        group = file.create_group(f"{root}/data")
        for name, (features, intervals) in entries.items():
            group.create_dataset(f"{name}/features", data=np.asarray(features), **options)
            group.create_dataset(f"{name}/intervals", data=np.asarray(intervals, dtype=float))
        for key, value in (metadata or {}).items():
            item = file.create_dataset(f"{root}/metadata/{key}", (1,), dtype=h5py.string_dtype())
            item[0] = json.dumps(value)
    return path


def seconds(*starts, long=1.0):
    """Intervals that start then, each `long` seconds."""
    return [[start, start + long] for start in starts]


def labelled(folder):
    """Every video has two labels, for its first two and its next two seconds: -1 and 1 in "a", -2 and 2 in "b"..."""
    entries = {video: ([[-1.0 - n % 3], [1.0 + n % 3]], [[0, 2], [2, 4]]) for n, video in enumerate(VIDEOS)}
    write_sequence(folder / "labels.csd", entries)
    (folder / "folds.json").write_text(json.dumps(FOLDS))
    return entries


def stream(folder, name, videos=VIDEOS):
    """A row a second, for three seconds; its features are 10, 11, 12 in "a", 20, 21, 22 in "b"..."""
    first = {video: 10.0 * (number + 1) for number, video in enumerate(VIDEOS)}
    rows = {video: (first[video] + np.arange(3.0)[:, None] + np.zeros(2), seconds(0, 1, 2)) for video in videos}
    return write_sequence(folder / f"{name}.csd", rows)


def words(folder, file="CMU_MOSI_TimestampedWords", videos=VIDEOS):
    """Four words a video, the third of no length."""
    text = np.array([[b"so"], [b"what"], [b"sp"], [b"now"]])
    write_sequence(folder / f"{file}.csd", dict.fromkeys(videos, (text, WORDS)), root="words")


def steps(data, name="audio"):
    """The first feature of each sample's steps, by id."""
    modality = data.modalities[name]
    return {
        name: features[:length, 0].tolist()
        for name, features, length in zip(data.ids, modality.features, modality.lengths, strict=True)
    }
