import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from haemsa.model.data.readers.described.tables import TableSource
from haemsa.model.data.readers.options import Damage

TABLE = "id,text_1,text_0,mood,f[0]\n007,1,2.5,joy,1\n008,,nan,NA,2\n009,-1e3,inf,None,3\n"


def opened(tmp_path, text, features, labels, *, skip=False):
    path = tmp_path / "t.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return TableSource(path, features, labels, Damage(skip=skip))


def as_parquet(tmp_path, frame, features, labels, **how):
    frame.to_parquet(tmp_path / "t.parquet", **how)
    return TableSource(tmp_path / "t.parquet", features, labels, Damage(skip=False))


def test_columns_are_named_one_by_one_or_by_pattern_in_the_tables_order(tmp_path):
    found = opened(tmp_path, TABLE, ["text_*", ("f[0]", "text_0")], ["id", "mood"])
    assert list(found.samples.names) == ["1", "2", "3"]
    assert found.split_of is None
    text = found.features("text_*").features
    assert text.dtype == np.float32
    assert np.array_equal(text, np.array([[[1, 2.5]], [[np.nan, np.nan]], [[-1000, np.inf]]]), equal_nan=True)
    assert found.features(("f[0]", "text_0")).features[0].tolist() == [[1, 2.5]]
    assert found.absent("text_*") == []


def test_labels_stay_text_and_empty_cells_are_missing(tmp_path):
    found = opened(tmp_path, TABLE, ["text_*"], [("id", "mood")])
    assert {name: cells.tolist() for name, cells in found.cells(("id", "mood")).items()} == {
        "id": ["007", "008", "009"], "mood": ["joy", None, "None"],
    }  # fmt: skip


def test_a_cell_that_is_no_number_is_a_damaged_row(tmp_path):
    with pytest.raises(ValueError, match=r"t\.csv: row 3: 'b' is 'x', expected a number; haemsa data"):
        opened(tmp_path, "a,b,y\n1,2,3\n4,x,5\n", [("a", "b")], ["y"]).features(("a", "b"))
    found = opened(tmp_path, "a,b,y\n1,2,3\n4,x,5\n", [("a", "b")], ["y"], skip=True)
    assert np.isnan(found.features(("a", "b")).features[1, 0, 1])
    assert found.samples.sound.tolist() == [0]


def test_a_file_is_read_in_parts(tmp_path, monkeypatch):
    monkeypatch.setattr("haemsa.model.data.readers.described.columns._CELLS", 9)
    rows = "".join(f"{row},{row},{row if row != 7 else 'x'}\n" for row in range(10))
    found = opened(tmp_path, "a,b,c\n" + rows, ["a", "c"], ["b"], skip=True)
    assert found.features("a").features[:, 0, 0].tolist() == list(range(10))
    assert found.cells("b")["b"].tolist() == [str(row) for row in range(10)]
    assert np.flatnonzero(np.isnan(found.features("c").features)).tolist() == [7]


@pytest.mark.parametrize("content", [b"\xef\xbb\xbfa,y\r\n1,b\r\n", b'"a","y"\n1,"b"'])
def test_files_of_other_programs_are_read(tmp_path, content):
    found = opened(tmp_path, content, ["a"], ["y"])
    assert found.features("a").features.tolist() == [[[1]]]
    assert found.cells("y")["y"].tolist() == ["b"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"t\.csv cannot be read: it has 0 columns, expected 1 to 100000"),
        ("a,y\n", "cannot be read: it has no rows"),
        ("a,a,y\n1,2,3\n", "cannot be read: 2 columns are called 'a', expected each name once"),
        ("a,y\n1,2,3\n", r"t\.csv cannot be read: row 2 has 3 cells, expected 2 as the header; a cell that holds"),
        ("a,y\n1,2\n\n1,2,3,4\n", "cannot be read: row 3 has 4 cells, expected 2 as the header"),
        ('a,y\n1,2\n3,"4\n5,6\n', "cannot be read: row 3 opens a quote that nothing closes$"),
        ("a;y\n1;2\n", r"t\.csv cannot be read: row 1 is separated by ';', expected ','"),
        ("a\ty\n1\t2\n", "cannot be read: row 1 is separated by '.t', expected ','"),
        (b"a,y\n\xff,1\n", "cannot be read: byte 0xff in its text, expected text in UTF-8"),
        (b"\xff\xfea\x00,\x00y\x00", "cannot be read: byte 0xff in its text, expected text in UTF-8"),
        (",".join(map(str, range(100_001))) + "\n", "it has 100001 columns, expected 1 to 100000"),
        ("b,y\n1,2\n", r"t\.csv has no column 'a', it has b, y"),
        ("b,c\n1,2\n", "has no column 'a', it has b, c"),
        ("A,y\n1,2\n", r"has no column 'a' \(did you mean A\?\), it has A, y"),
    ],
)
def test_a_table_that_cannot_be_read_is_one_sentence(tmp_path, text, message):
    with pytest.raises(ValueError, match=message):
        opened(tmp_path, text, ["a"], ["y"])


@pytest.mark.slow
def test_short_rows_below_a_wide_header_do_not_fill_the_memory(tmp_path):
    header = ",".join(f"x{column}" for column in range(50_000))
    with pytest.raises(ValueError, match="its rows have fewer cells than its header, which has 50001"):
        opened(tmp_path, f"y,{header}\n" + "1\n" * 1000, ["x*"], ["y"])


def test_a_column_has_one_use(tmp_path):
    with pytest.raises(ValueError, match=r"t\.csv: column 'id' is a feature and has another use, expected one of them"):
        opened(tmp_path, TABLE, ["*"], ["id"])


def test_parquet_is_read_as_it_is_typed(tmp_path):
    frame = pd.DataFrame({
        "a": np.arange(3, dtype=np.float32), "b": [1, None, 3], "c": [True, False, True],
        "y": pd.array([2**60 + 1, None, 3], dtype="Int64"), "mood": pd.Categorical(["x", None, "x"]),
        "name": ["p", "q", None],
    }, index=pd.Index(["i", "j", "k"], name="id"))  # fmt: skip
    found = as_parquet(tmp_path, frame, [("a", "b", "c")], ["y", "mood", "name", "id"])
    expected = [[[0, 1, 1]], [[1, np.nan, 0]], [[2, 3, 1]]]
    assert np.array_equal(found.features(("a", "b", "c")).features, expected, equal_nan=True)
    assert found.cells("y")["y"].tolist() == [2**60 + 1, None, 3]
    assert found.cells("mood")["mood"].tolist() == ["x", None, "x"]
    assert found.cells("name")["name"].tolist() == ["p", "q", None]
    assert found.cells("id")["id"].tolist() == ["i", "j", "k"]


@pytest.mark.parametrize("kind", ["object", "category"])
def test_equal_text_in_parquet_lies_in_memory_once(tmp_path, kind):
    frame = pd.DataFrame({"a": np.arange(200.0), "y": pd.Series(["long" * 99, "short"] * 100, dtype=kind)})
    cells = as_parquet(tmp_path, frame, ["a"], ["y"]).cells("y")["y"]
    assert len({id(cell) for cell in cells}) == 2


def test_parquet_columns_of_other_types_are_told(tmp_path):
    frame = pd.DataFrame({"a": [["x", "y"]], "y": [1], "b": [[1.0]]})
    with pytest.raises(ValueError, match=r"column 'a' holds list<.*string>, expected numbers or text"):
        as_parquet(tmp_path, frame, ["a"], ["y"])
    with pytest.raises(ValueError, match=r"column 'b' holds list<.*double>, expected numbers or text"):
        as_parquet(tmp_path, frame, ["y"], ["b"])
    with pytest.raises(ValueError, match=r"y, b are not all single numbers, expected one column of lists"):
        as_parquet(tmp_path, frame, [("y", "b")], ["a"])


def test_parquet_lists_of_numbers_are_columns(tmp_path):
    frame = pd.DataFrame({"v": [[1.0, 2], None, [3, np.nan], [np.inf, 4]], "y": [1, 2, 3, 4]})
    found = as_parquet(tmp_path, frame, ["v"], ["y"]).features("v")
    assert np.array_equal(found.features[:, 0], [[1, 2], [0, 0], [3, np.nan], [np.inf, 4]], equal_nan=True)
    assert (found.features.shape, found.features.dtype) == ((4, 1, 2), np.float32)
    assert found.lengths.tolist() == [1, 0, 1, 1]


def test_parquet_lists_of_lists_are_steps(tmp_path, monkeypatch):
    monkeypatch.setattr("haemsa.model.data.readers.described.lists._CELLS", 5)
    frame = pd.DataFrame({"v": [[[1.0, 2]], [[3, 4], [0, 0]], [], None, [[5, 6], [7, 8], [9, 10]]], "y": range(5)})
    found = as_parquet(tmp_path, frame, ["v"], ["y"]).features("v")
    assert found.features.tolist() == [
        [[1, 2], [0, 0], [0, 0]], [[3, 4], [0, 0], [0, 0]], [[0, 0]] * 3, [[0, 0]] * 3, [[5, 6], [7, 8], [9, 10]],
    ]  # fmt: skip
    assert found.lengths.tolist() == [1, 2, 0, 0, 3]


def test_a_parquet_list_of_another_size_is_a_damaged_row(tmp_path):
    frame = pd.DataFrame(
        {"v": [[1, 2], [3], [4, 5], [6, 7, 8]], "w": [[[1, 2]], [[3, 4], [5]], [[6, 7]], []], "y": range(4)}
    )
    found = as_parquet(tmp_path, frame, ["v", "w"], ["y"])
    with pytest.raises(ValueError, match=r"row 2: 'v' has a list of 1 numbers, expected 2 as in most"):
        found.features("v")
    found = TableSource(tmp_path / "t.parquet", ["v", "w"], ["y"], Damage(skip=True))
    assert found.features("v").features[[0, 2], 0].tolist() == [[1, 2], [4, 5]]
    assert found.samples.sound.tolist() == [0, 2]
    with pytest.raises(ValueError, match=r"row 2: 'w' has a list of 1 numbers, expected 2"):
        as_parquet(tmp_path, frame, ["v", "w"], ["y"]).features("w")


def test_parquet_lists_that_claim_more_than_the_file_can_hold_are_refused(tmp_path):
    values = pa.FixedSizeListArray.from_arrays(pa.array(np.zeros(10**6, np.float32)), 10**6)
    pq.write_table(pa.table({"v": values, "y": [1]}), tmp_path / "t.parquet")
    with pytest.raises(ValueError, match="column 'v' claims 1000000 numbers, more than the file can hold"):
        TableSource(tmp_path / "t.parquet", ["v"], ["y"], Damage(skip=False)).features("v")


@pytest.mark.parametrize("end", ["", "\n", "\n\n", "\n  \n"])
def test_a_row_with_too_few_cells_is_damaged(tmp_path, end):
    text = 'a,b,y\n1,2,\n3,"4\n",\n\n\n5,6' + end
    with pytest.raises(ValueError, match=r"t\.csv: row 4: it has 2 cells, expected 3 as the header; .* --skip-damaged"):
        opened(tmp_path, text, ["a"], ["b", "y"])
    found = opened(tmp_path, text, ["a"], ["b", "y"], skip=True)
    assert found.samples.sound.tolist() == [0, 1]
    assert found.cells("y")["y"].tolist() == [None] * 3


def test_columns_in_two_modalities_are_read_for_each(tmp_path):
    found = opened(tmp_path, TABLE, ["f[0]", "f[0]"], ["id"])
    first, second = found.features("f[0]").features, found.features("f[0]").features
    first += 1
    assert second.ravel().tolist() == [1, 2, 3]


def test_parquet_that_claims_more_than_it_can_hold_is_refused(tmp_path):
    frame = pd.DataFrame({"a": np.zeros(10**6, np.float32), "y": np.zeros(10**6, np.int8)})
    with pytest.raises(ValueError, match="it claims 1000000 rows of 2 columns, more than the file can hold"):
        as_parquet(tmp_path, frame, ["a"], ["y"])


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1" + bytes(100) + b"PAR1"])
def test_broken_parquet_is_one_sentence(tmp_path, content):
    (tmp_path / "t.parquet").write_bytes(content)
    with pytest.raises(ValueError, match=r"t\.parquet cannot be read: "):
        TableSource(tmp_path / "t.parquet", ["a"], ["y"], Damage(skip=False))


def test_all_damaged_rows_of_a_column_are_named_and_counted_with_the_header(tmp_path):
    text = "a,y\n" + "".join(f"{cell},1\n" for cell in ("1", "x", "2", "y", "z", "u", "v", "w", "q"))
    with pytest.raises(
        ValueError, match=r"t\.csv: row 3: 'a' is 'x', expected a number \(and 6 more: 5, 6, 7, 8, \.\.\.\);"
    ):
        opened(tmp_path, text, ["a"], ["y"]).features("a")


def test_the_note_on_damage_names_some_more_rows(tmp_path):
    damage = Damage(skip=True)
    (tmp_path / "t.csv").write_text("a,y\nx,1\n2,1\ny,1\n")
    TableSource(tmp_path / "t.csv", ["a"], ["y"], damage).features("a")
    (note,) = damage.notes()
    assert note.endswith("row 2: 'a' is 'x', expected a number; then row 4")


@pytest.mark.parametrize("cell", ["", "NA", "n/a", "N/A", "#N/A", "NaN", "<NA>"])
def test_every_usual_word_for_a_missing_cell_is_one(tmp_path, cell):
    found = opened(tmp_path, f"a,y\n1,b\n{cell},{cell}\n", ["a"], ["y"])
    assert np.isnan(found.features("a").features[1, 0, 0])
    assert found.cells("y")["y"].tolist() == ["b", None]
