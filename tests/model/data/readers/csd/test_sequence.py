import h5py
import numpy as np
import pytest

from haemsa.model.data.readers.csd.sequence import DamagedEntryError, opened
from tests.support.model.csd_files import seconds, write_sequence

ENTRIES = {
    "b[0]": ([[1.0, 2], [3, 4]], seconds(0, 1)),
    "a": ([[5.0, 6]], seconds(7)),
    "b[1]": ([[7.0, 8]], seconds(2)),
}


@pytest.fixture
def path(tmp_path):
    return write_sequence(tmp_path / "audio.csd", ENTRIES, root="COVAREP")


def test_entries_are_read_one_by_one_and_grouped_by_video(path):
    with opened(path) as sequence:
        assert sequence.entries == ("a", "b[0]", "b[1]")
        assert sequence.videos == {"a": ("a",), "b": ("b[0]", "b[1]")}
        assert (sequence.root, sequence.width, sequence.is_text) == ("COVAREP", 2, False)
        rows = sequence.rows("b[0]")
        assert rows.features.dtype == np.float32
        assert rows.features.tolist() == [[1, 2], [3, 4]]
        assert rows.intervals.dtype == np.float64
        assert rows.intervals.tolist() == [[0, 1], [1, 2]]
        assert sequence.intervals("a").tolist() == [[7, 8]]


def test_metadata_is_json_or_plain_text(tmp_path):
    metadata = {"root name": "Opinion", "dimension names": ["sentiment"], "version": None}
    path = write_sequence(tmp_path / "labels.csd", ENTRIES, metadata=metadata)
    with h5py.File(path, "r+") as file:
        file["labels/metadata"].create_dataset("creator", data=["A. Zadeh"], dtype=h5py.string_dtype())
        file["labels/metadata/number"] = np.arange(3)
        file["labels/metadata/deep"] = "[" * 100_000
    with opened(path) as sequence:
        assert sequence.root == "Opinion"
        deep = sequence.metadata.pop("deep")
        assert sequence.metadata == {**metadata, "creator": "A. Zadeh"}
        assert deep == "[" * 100_000


@pytest.mark.parametrize("words", [np.array([[b"yes"], [b"no"]]), np.array(["yes", "no"], dtype=object)])
def test_words_are_text_whose_intervals_are_read(tmp_path, words):
    with h5py.File(tmp_path / "words.csd", "w") as file:
        file["words/data/v/features"] = words
        file["words/data/v/intervals"] = seconds(0, 1)
    with opened(tmp_path / "words.csd") as sequence:
        assert sequence.is_text
        assert sequence.intervals("v").tolist() == [[0, 1], [1, 2]]
        with pytest.raises(DamagedEntryError, match=r"expected numbers \[rows, 0\]"):
            sequence.rows("v")


@pytest.mark.parametrize("dtype", ["<f2", ">f8", "i4", "u1", "?"])
def test_features_of_any_type_of_number_become_float32(tmp_path, dtype):
    path = write_sequence(tmp_path / "audio.csd", {"v": (np.array([[0, 1]], dtype), seconds(0))})
    with opened(path) as sequence:
        assert sequence.rows("v").features.tolist() == [[0, 1]]


def test_numbers_beyond_float32_become_infinite_and_nothing_warns(tmp_path, recwarn):
    path = write_sequence(tmp_path / "audio.csd", {"v": ([[1e300, -1e300]], seconds(0))})
    with opened(path) as sequence:
        assert sequence.rows("v").features.tolist() == [[np.inf, -np.inf]]
    assert not recwarn.list


def replaced(name, value, **options):
    def change(file):
        del file[f"COVAREP/data/a/{name}"]
        if value is not None:
            file["COVAREP/data/a"].create_dataset(name, data=value, **options)

    return change


def linked(link):
    def change(file):
        del file["COVAREP/data/a/features"]
        file["COVAREP/data/a/features"] = link

    return change


def stored_elsewhere(file):
    del file["COVAREP/data/a/features"]
    group = file["COVAREP/data/a"]
    group.create_dataset("features", shape=(1, 2), dtype=np.float32, external=[("/etc/passwd", 0, 8)])


def virtual(file):
    del file["COVAREP/data/a/features"]
    layout = h5py.VirtualLayout(shape=(1, 2), dtype=np.float32)
    layout[:] = h5py.VirtualSource("other.h5", "x", shape=(1, 2))
    file["COVAREP/data/a"].create_virtual_dataset("features", layout)


def enormous(file):
    del file["COVAREP/data/a/features"]
    file["COVAREP/data/a"].create_dataset("features", shape=(10**9, 2), dtype=np.float32, chunks=(1000, 2))


DAMAGE = [
    (replaced("features", None), "'a/features' is missing"),
    (replaced("intervals", None), "'a/intervals' is missing"),
    (replaced("features", np.zeros(1)), r"features are float64 \[1\], expected numbers \[rows, D\]"),
    (replaced("features", np.zeros((1, 2, 1))), r"features are float64 \[1, 2, 1\]"),
    (replaced("features", np.zeros((1, 3))), r"features are float64 \[1, 3\], expected numbers \[rows, 2\] as in most"),
    (replaced("features", np.zeros((1, 0))), r"features are float64 \[1, 0\]"),
    (replaced("features", np.zeros((1, 2), complex)), r"features are complex128 \[1, 2\]"),
    (replaced("features", np.array([[b"a", b"b"]])), r"features are \|S1 \[1, 2\], expected numbers"),
    (replaced("features", 1.0), r"features are float64 \[\], expected numbers"),
    (replaced("features", np.zeros((3, 2))), r"intervals are float64 \[1, 2\] for features \[3, 2\]"),
    (replaced("intervals", np.zeros((1, 3))), r"intervals are float64 \[1, 3\] for features \[1, 2\], expected"),
    (replaced("intervals", np.zeros(2)), r"intervals are float64 \[2\]"),
    (replaced("intervals", np.array([[b"0", b"1"]])), r"intervals are \|S1 \[1, 2\]"),
    (linked(h5py.SoftLink("/COVAREP/data/b[1]/features")), "'a/features' links to another place"),
    (linked(h5py.ExternalLink("/etc/passwd", "/x")), "'a/features' links to another place"),
    (stored_elsewhere, "'a/features' keeps its content in another file"),
    (virtual, "'a/features' keeps its content in another file"),
    (enormous, r"'a/features' claims the shape \(1000000000, 2\), more than the file can hold"),
]


@pytest.mark.parametrize(("change", "problem"), DAMAGE)
def test_a_damaged_entry_is_told_with_its_place_and_others_are_read(path, change, problem):
    with h5py.File(path, "r+") as file:
        change(file)
    with opened(path) as sequence:
        with pytest.raises(DamagedEntryError, match=rf"audio\.csd: entry 'a': .*{problem}"):
            sequence.rows("a")
        assert len(sequence.rows("b[0]").features) == 2


@pytest.mark.parametrize("interval", [[0, np.nan], [2.0, 1.0], [-np.inf, 0]])
def test_a_row_that_ends_before_it_starts_or_has_no_time_is_empty_and_counted(path, interval):
    with h5py.File(path, "r+") as file:
        file["COVAREP/data/b[0]/intervals"][0] = interval
    with opened(path) as sequence:
        assert sequence.rows("b[0]").intervals.tolist() == [[0, 0], [1, 2]]
        assert sequence.intervals("b[0]").tolist() == [[0, 0], [1, 2]]
        assert sequence.timeless == {"b[0]": 1}


def test_a_chunk_that_cannot_be_unpacked_damages_its_entry_alone(tmp_path):
    path = write_sequence(tmp_path / "audio.csd", ENTRIES, compression="gzip")
    with h5py.File(path) as file:
        chunk = file["audio/data/a/features"].id.get_chunk_info(0)
    with path.open("r+b") as file:
        file.seek(chunk.byte_offset)
        file.write(b"\xff" * chunk.size)
    with opened(path) as sequence:
        with pytest.raises(DamagedEntryError, match=r"entry 'a': Can't .*read data"):
            sequence.rows("a")
        assert len(sequence.rows("b[1]").features) == 1


def refused(path, problem):
    with pytest.raises(ValueError, match=rf"audio\.csd cannot be read: .*{problem}"), opened(path):
        pass


def test_other_files_are_refused(path, tmp_path):
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    refused(path, "truncated file")
    path.write_text("hello")
    refused(path, "file signature not found")
    path.unlink()
    refused(path, "No such file")
    path.mkdir()
    refused(path, "Errno 21")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda file: file.create_group("second"), "it holds 2 groups, expected one"),
        (lambda file: file.__delitem__("COVAREP"), "it holds 0 groups, expected one"),
        (lambda file: file["COVAREP"].__delitem__("data"), "'data' is missing"),
        (lambda file: file.move("COVAREP/data", "COVAREP/other"), "'data' is missing"),
        (lambda file: file["COVAREP"].__setitem__("metadata", 1), "'metadata' is not a group"),
        (
            lambda file: file["COVAREP"].__setitem__("metadata", h5py.SoftLink("/COVAREP")),
            "'metadata' links to",
        ),
        (lambda file: file["COVAREP/data"].create_group(b"\xff"), r"an item is called b'\\xff', expected UTF-8"),
    ],
)
def test_files_of_another_layout_are_refused(path, change, problem):
    with h5py.File(path, "r+") as file:
        change(file)
    refused(path, problem)


def test_a_root_that_links_elsewhere_is_refused(path):
    with h5py.File(path, "w") as file:
        file["COVAREP"] = h5py.ExternalLink("other.csd", "/COVAREP")
    refused(path, "'COVAREP' links to another place")
