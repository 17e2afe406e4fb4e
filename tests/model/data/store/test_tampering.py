"""Files that are no store, or were changed, are refused in one sentence."""

import h5py
import numpy as np
import pytest

from haemsa.model.data.store.file import read, write
from tests.support.model.stores import small

F32 = np.float32
VALUES = "modalities/text/values"


@pytest.fixture
def path(tmp_path):
    write(small(), tmp_path / "small.h5")
    return tmp_path / "small.h5"


def test_other_files_are_refused(tmp_path):
    (tmp_path / "text.h5").write_text("hello")
    with pytest.raises(ValueError, match=r"text\.h5 cannot be read"):
        read(tmp_path / "text.h5")
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["x"] = 1
    with pytest.raises(ValueError, match="it is not a haemsa data set"):
        read(tmp_path / "other.h5")


def replace(file, name, value, **options):
    del file[name]
    if value is not None:
        file.create_dataset(name, data=value, **options)


def external(file):
    del file["groups"]
    file["groups"] = h5py.ExternalLink("/etc/passwd", "/groups")


def soft(file):
    del file["groups"]
    file["groups"] = h5py.SoftLink("/ids")


def external_storage(file):
    del file["groups"]
    file.create_dataset("groups", shape=(5,), dtype=np.int64, external=[("/etc/passwd", 0, 40)])


def virtual(file):
    del file["groups"]
    layout = h5py.VirtualLayout(shape=(5,), dtype=np.int64)
    layout[:] = h5py.VirtualSource("other.h5", "groups", shape=(5,))
    file.create_virtual_dataset("groups", layout)


def enormous(file):
    del file["groups"]
    file.create_dataset("groups", shape=(10**12,), dtype=np.int64, chunks=(1000,))


def unwritten(file):
    del file[VALUES]
    file.create_dataset(VALUES, (11, 2), F32)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (external, "'groups' links to another place"),
        (soft, "'groups' links to another place"),
        (external_storage, "'groups' keeps its content in another file"),
        (virtual, "'groups' keeps its content in another file"),
        (enormous, r"'groups' claims the shape \(1000000000000,\), more than the file can hold"),
        (lambda file: replace(file, "groups", np.zeros(5, F32)), "'groups' holds float32, expected int64"),
        (lambda file: replace(file, "ids", np.zeros(5, F32)), "'ids' holds float32, expected a list of text"),
        (lambda file: replace(file, "groups", None), "'groups' is missing"),
        (lambda file: replace(file, "tasks", np.zeros(1)), "'tasks' is not a group"),
        (
            lambda file: replace(file, VALUES, np.zeros((10, 2), F32)),
            r"float32 \[10, 2\], expected .* \[11, D\]",
        ),
        (
            lambda file: replace(file, VALUES, np.zeros((11, 2))),
            r"holds float64 \[11, 2\], expected",
        ),
        (lambda file: replace(file, VALUES, np.zeros(11, F32)), r"holds float32 \[11\], expected"),
        (lambda file: replace(file, VALUES, None), f"'{VALUES}' is missing"),
        (lambda file: replace(file, VALUES, np.zeros((11, 2), F32), compression="gzip"), f"'{VALUES}' is compressed"),
        (unwritten, f"'{VALUES}' is compressed or incomplete, expected its numbers in one piece"),
        (
            lambda file: file["modalities/text/lengths"].__setitem__(0, -1),
            r"holds float32 \[11, 2\], expected .* \[7, D\]",
        ),
        (lambda file: file["modalities/text/lengths"].__setitem__(slice(2), (4, 1)), "a length is 4, expected 0 to 3"),
        (
            lambda file: file["modalities/text"].attrs.__setitem__("steps", 10**12),
            "text' claims 10{12} steps",
        ),
        (lambda file: file["modalities/text"].attrs.__setitem__("steps", "many"), "many"),
        (lambda file: replace(file, "splits/valid", np.array([9])), "split 'valid' has indices outside 0 to 4"),
        (lambda file: file["tasks/mood"].attrs.__delitem__("kind"), "kind"),
        (lambda file: file["tasks/mood"].attrs.__setitem__("kind", "odd"), "task kind is 'odd'"),
        (lambda file: file.attrs.__setitem__("version", 9), "its format version is 9, this version reads 1 and 2"),
    ],
)
def test_a_file_that_was_tampered_with_is_refused_in_one_sentence(path, change, message):
    with h5py.File(path, "r+") as file:
        change(file)
    with pytest.raises(ValueError, match=rf"small\.h5 cannot be read: .*{message}"):
        read(path)


def test_a_truncated_file_is_refused(path, tmp_path):
    content = path.read_bytes()
    (tmp_path / "cut.h5").write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match=r"cut\.h5 cannot be read"):
        read(tmp_path / "cut.h5")
