import struct
import zipfile

import numpy as np
import pytest

from haemsa.model.data.readers.described.npz import Npz


def saved(tmp_path, **arrays):
    np.savez_compressed(tmp_path / "a.npz", **arrays)
    return Npz(tmp_path / "a.npz")


def header(text, version=(1, 0)):
    """What stands before an array, with this dictionary."""
    body = text.encode() + b"\n"
    return b"\x93NUMPY" + bytes(version) + struct.pack("<H" if version == (1, 0) else "<I", len(body)) + body


def stored(tmp_path, content, compression=zipfile.ZIP_DEFLATED, name="x.npy"):
    with zipfile.ZipFile(tmp_path / "a.npz", "w", compression) as archive:
        archive.writestr(name, content)
    return tmp_path / "a.npz"


def claim(shape, kind="<f4"):
    return header(f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}}}")


def test_numbers_and_text_are_read(tmp_path):
    found = saved(
        tmp_path, x=np.arange(6.0).reshape(2, 3), words=np.array(["é", "", "abc"]), raw=np.array([b"ab", b"\xff"])
    )
    assert found.names == ["x", "words", "raw"]
    assert found.header("x").shape == (2, 3)
    assert found.array("x").tolist() == [[0, 1, 2], [3, 4, 5]]
    assert found.array("words").tolist() == ["é", "", "abc"]
    assert found.array("raw").tolist() == ["ab", "\N{REPLACEMENT CHARACTER}"]


@pytest.mark.parametrize("kind", ["<f8", ">f4", "<f2", "|i1", "<u8", "|b1"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_features_of_any_kind_and_order_fill_room(tmp_path, monkeypatch, kind, order):
    monkeypatch.setattr("haemsa.model.data.readers.described.npz._BLOCK", 64)
    values = np.random.default_rng(0).integers(0, 2, (50, 3, 4)).astype(kind, order=order)
    room = np.full((50, 5, 4), 9, np.float32)
    saved(tmp_path, x=values).fill("x", room)
    assert np.array_equal(room[:, :3], values.astype(np.float32))
    assert (room[:, 3:] == 9).all()


def test_features_of_one_step_fill_the_first(tmp_path):
    room = np.zeros((2, 2, 3), np.float32)
    saved(tmp_path, x=np.arange(6).reshape(2, 3)).fill("x", room)
    assert room.tolist() == [[[0, 1, 2], [0, 0, 0]], [[3, 4, 5], [0, 0, 0]]]


def test_objects_are_refused_and_not_unpickled(tmp_path):
    with pytest.raises(
        ValueError, match=r"a\.npz: array 'x' cannot be read: it is object \[1\], expected numbers or text"
    ):
        saved(tmp_path, x=np.array([{}], dtype=object)).header("x")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            claim("(1000000000000,)") + bytes(8),
            r"float32 \[1000000000000\], but holds 8 bytes",
        ),
        (claim("(2, 2)") + bytes(20), r"it claims to be float32 \[2, 2\], but holds 20 bytes"),
        (claim("(1000000000000, 0)"), "expected at least one sample, and no axis of size 0"),
        (claim("(1000000000000,)", "<U0"), "expected at least one sample, and no axis of size 0"),
        (claim("()") + bytes(4), "expected at least one sample"),
        (claim("(-2, -2)") + bytes(16), "expected at least one sample"),
        (claim("(2,)", "<c8") + bytes(16), "it is complex64 .*, expected numbers or text"),
        (claim("(2,)", "<M8[s]") + bytes(16), "expected numbers or text"),
        (claim("(2,)", "|V8") + bytes(16), "expected numbers or text"),
        (
            header("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}") + bytes(4),
            "expected numbers or text",
        ),
        (header("{'descr': '<f4', 'shape': (1,)}") + bytes(4), "cannot be read"),
        (header("__import__('os')"), "cannot be read"),
        (header("(" * 5000), "cannot be read"),
        (header("{" + " " * 200_000 + "}", (2, 0)), "cannot be read"),
        (header("", (3, 0)), r"its format has the version \(3, 0\), expected 1\.0 or 2\.0"),
        (b"\x93NUMPY\x02\x00\xff\xff\xff\xff", "cannot be read"),
        (b"", "cannot be read"),
        (b"no array", "cannot be read: the magic string is not correct"),
    ],
)
def test_an_array_that_claims_more_or_else_than_it_holds_is_one_sentence(tmp_path, content, message):
    with pytest.raises(ValueError, match=message) as found:
        Npz(stored(tmp_path, content)).array("x")
    assert "array 'x' cannot be read" in str(found.value)


def test_text_beyond_unicode_is_one_sentence(tmp_path):
    content = claim("(1,)", "<U1") + b"\xff\xff\xff\x7f"
    with pytest.raises(ValueError, match="array 'x' cannot be read"):
        Npz(stored(tmp_path, content)).array("x")


def test_a_file_that_claims_more_than_any_deflates_to_is_refused_unread(tmp_path):
    path = stored(tmp_path, claim("(1000,)", "|i1") + bytes(1000))
    content = bytearray(path.read_bytes())
    place = content.index(b"PK\x01\x02")
    content[place + 24 : place + 28] = struct.pack("<I", 2**31)
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"claims 2147483648 bytes of arrays, more than the file can hold"):
        Npz(path)


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_compression_is_refused_for_it_may_hide_anything(tmp_path, compression):
    with pytest.raises(ValueError, match=r"it is not compressed as numpy\.savez_compressed does it"):
        Npz(stored(tmp_path, claim("(1,)") + bytes(4), compression)).array("x")


def test_a_changed_byte_or_a_missing_end_is_one_sentence(tmp_path):
    values = np.random.default_rng(0).random(1000)
    saved(tmp_path, x=values)
    path = tmp_path / "a.npz"
    content = path.read_bytes()
    path.write_bytes(content[:200] + bytes([content[200] ^ 1]) + content[201:])
    with pytest.raises(ValueError, match="array 'x' cannot be read"):
        Npz(path).array("x")
    path.write_bytes(content[:-30])
    with pytest.raises(ValueError, match=r"a\.npz is no \.npz file: File is not a zip file"):
        Npz(path)


def test_an_encrypted_array_is_one_sentence(tmp_path):
    path = stored(tmp_path, claim("(1,)") + bytes(4), zipfile.ZIP_STORED)
    content = bytearray(path.read_bytes())
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"array 'x' cannot be read: .*encrypted"):
        Npz(path).array("x")
