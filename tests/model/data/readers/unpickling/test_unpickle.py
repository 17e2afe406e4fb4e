import io
import os
import pickle
import struct
import sys
from collections import Counter, OrderedDict, defaultdict

import numpy as np
import pytest

from haemsa.model.data.readers.unpickling import scan as pickle_scan
from haemsa.model.data.readers.unpickling.unpickle import load, plain


class Hostile:
    """Pickles as a call of `function(*arguments)`."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def saved(tmp_path, value, protocol=4):
    path = tmp_path / "file.pkl"
    path.write_bytes(value if isinstance(value, bytes) else pickle.dumps(value, protocol=protocol))
    return path


def arrays():
    return {
        "half": np.arange(6, dtype=np.float16).reshape(2, 3),
        "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        "swapped": np.arange(3, dtype=">i4"),
        "channels first": np.arange(24.0).reshape(2, 4, 3).transpose(0, 2, 1),
        "time major": np.arange(24.0).reshape(3, 2, 4).transpose(1, 0, 2),
        "turned around": np.arange(24.0).reshape(4, 3, 2).transpose(2, 0, 1),
        "reversed": np.arange(6.0).reshape(2, 3)[:, ::-1],
        "flags": np.array([True, False]),
        "text": np.array(["a", "bcd"]),
        "bytes": np.array([b"a", b"bcd"]),
        "objects": np.array([["a", None], [1, np.float32(2)]], dtype=object),
        "empty": np.zeros((0, 4), dtype=np.float32),
        "sliced": np.arange(10)[::3],
    }


@pytest.mark.parametrize("protocol", range(6))
def test_arrays_of_every_plain_type_come_back_the_same(tmp_path, protocol):
    found = load(saved(tmp_path, arrays(), protocol))
    assert isinstance(found, dict)
    for name, expected in arrays().items():
        array = plain(found[name])
        assert array.tolist() == expected.tolist(), name
        assert array.shape == expected.shape
        assert array.dtype == expected.dtype


def kept(*arguments):
    """A pickle of protocol 5 that calls numpy's function for arrays with these arguments."""
    dtype = b"\x8c\x05numpy\x8c\x05dtype\x93\x8c\x02f4\x85R"
    call = b"\x80\x05\x8c\x13numpy._core.numeric\x8c\x0b_frombuffer\x93("
    first, *others = (pickle.dumps(item, protocol=2)[2:-1] for item in arguments)
    return call + first + dtype + b"".join(others) + b"tR."


def test_a_transposed_array_without_a_copy_is_read_as_numpy_2_3_wrote_it(tmp_path):
    raw = np.arange(6, dtype=np.float32).tobytes().decode("latin1")
    array = plain(load(saved(tmp_path, kept(raw, (2, 3), "K", (1, 0)))))
    assert array.tolist() == [[0, 3], [1, 4], [2, 5]]


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (("K",), "has the order 'K', expected 'C', 'F', or 'K' with an order of axes"),
        (("C", (1, 0)), "has the order 'C', expected 'C', 'F', or 'K' with an order of axes"),
        (("A",), "has the order 'A', expected 'C', 'F', or 'K' with an order of axes"),
        (("K", (0,)), "an array of the pickle is broken: axes don't match array"),
        (("K", (0, 5)), "an array of the pickle is broken: axis 5 is out of bounds"),
        (("K", ("a", 0)), "an array has the order of axes a value of type tuple, expected their numbers"),
    ],
)
def test_an_array_with_an_impossible_order_of_axes_gets_one_sentence(tmp_path, order, expected):
    with pytest.raises(ValueError, match=expected) as caught:
        plain(load(saved(tmp_path, kept("\0" * 24, (2, 3), *order))))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("protocol", range(6))
def test_scalars_and_containers_come_back_the_same(tmp_path, protocol):
    value = [np.float64(1.5), np.int64(3), np.str_("x"), {"a"}, (1, b"x", None, True), 2.5]
    found = load(saved(tmp_path, value, protocol))
    assert [plain(item) for item in found] == value


@pytest.mark.parametrize("core", ["core", "_core"])
def test_the_names_of_numpy_1_and_2_are_both_known(tmp_path, core):
    content = pickle.dumps(np.arange(3), protocol=0).replace(b"numpy._core", f"numpy.{core}".encode())
    assert plain(load(saved(tmp_path, content))).tolist() == [0, 1, 2]


def test_arrays_that_python_2_wrote_are_read(tmp_path):
    content = (
        b"\x80\x02cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R(K\x01K\x02\x85cnumpy\ndtype\n"
        b"U\x02f4K\x00K\x01\x87R(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89U\x08\x00\x00\x80?\x00\x00\x00@tb."
    )
    assert plain(load(saved(tmp_path, content))).tolist() == [1, 2]


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize(
    ("function", "arguments", "name"),
    [
        (os.system, ("touch {}",), rf"{os.name}\.system"),
        (eval, ("open('{}', 'w')",), r"(builtins|__builtin__)\.eval"),
        (exec, ("open('{}', 'w')",), r"(builtins|__builtin__)\.exec"),
        (open, ("{}", "w"), r"(io|_io)\.open"),
        (getattr, (1, "real"), r"(builtins|__builtin__)\.getattr"),
        (np.fromfile, ("{}",), r"numpy\.fromfile"),
        (np.load, ("{}",), r"numpy.*\.load"),
        (np.save, ("{}", 1), r"numpy.*\.save"),
        (Counter, (), r"collections\.Counter"),
        (bytearray, (2**40,), r"(builtins|__builtin__)\.bytearray"),
    ],
)
def test_a_call_beyond_the_allow_list_is_named_and_not_run(tmp_path, function, arguments, name, protocol):
    bait = tmp_path / "touched"
    call = Hostile(function, *(item.format(bait) if isinstance(item, str) else item for item in arguments))
    with pytest.raises(ValueError, match=rf"file\.pkl is refused and was not run: it asks for {name}; only arrays"):
        load(saved(tmp_path, {"train": {"text": [np.zeros(2), (call,)]}}, protocol))
    assert not bait.exists()


def test_a_call_hidden_in_an_object_array_or_as_a_key_is_refused(tmp_path):
    hidden = np.empty(1, dtype=object)
    hidden[0] = Hostile(os.system, f"touch {tmp_path}/touched")
    for value in (hidden, {Hostile(os.system, f"touch {tmp_path}/touched"): 1}):
        with pytest.raises(ValueError, match=r"it asks for posix\.system"):
            load(saved(tmp_path, value))
    assert not (tmp_path / "touched").exists()


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"cmodel.data.unpickle\n_Maker\n.", r"model\.data\.unpickle\._Maker"),
        (b"\x80\x04\x8c\x05numpy\x8c\x0cndarray.data\x93.", r"numpy\.ndarray\.data"),
        (b"\x80\x04\x8c\x05numpy\x8c\x10f2py.os.system.x\x93.", r"numpy\.f2py\.os\.system\.x"),
        (b"cbuiltins\n__import__\n.", "builtins.__import__"),
        (b"ccopyreg\n_reconstructor\n.", "copyreg._reconstructor"),
        (b"(S'ls'\nios\nsystem\n.", "os.system"),
    ],
)
def test_names_built_by_hand_are_refused(tmp_path, content, name):
    with pytest.raises(ValueError, match=f"it asks for {name}; only arrays"):
        load(saved(tmp_path, content))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"Pname\n.", "it refers to objects outside itself"),
        (b"\x80\x04}N" + b"\x85" * 300_000 + b"Ns.", "tuples in one another, more than 1000 deep"),
        (b"\x80\x04cbuiltins\nlist\nq\x00N" + 99_999 * b"\x85q\x010h\x00h\x01R0h\x01", "more than 1000 deep"),
        (b"\x80\x04cbuiltins\nlist\nq\x000N\x85q\x010" + 99_999 * b"h\x00h\x01\x85q\x01R0", "more than 1000 deep"),
        (
            b"\x80\x04}" + b"(" * 300_000 + b"N" + b"\x91" * 300_000 + b"Ns.",
            "tuples in one another, more than 1000 deep",
        ),
        (b"\x80\x02\x82\x01.", "it refers to a registry of extensions"),
        (b"\x80\x04Nr\xff\xff\xff\xff.", "it asks for memory place 4294967295 in step 2"),
        (b"Np4294967295\n.", "it asks for memory place 4294967295"),
        (b"\x80\x04\x95" + struct.pack("<Q", 2**62) + b"N.", "it is truncated"),
        (b"\x80\x04\x8e" + struct.pack("<Q", 2**62) + b"N.", "no complete pickle"),
        (b"\x80\x04\x8d" + struct.pack("<Q", 2**33) + b"N.", "no complete pickle"),
        (b"cbuiltins\nbytes\n(I1000000000000\ntR.", "makes bytes by a call"),
        (b"c_codecs\nencode\n(Vabc\nVbz2\ntR.", "encodes something other than latin1"),
        (b"cnumpy\ndtype\n(VV8\ntR.", "an array has the type 'V8'"),
        (b"cnumpy\ndtype\n(Vm8\ntR.", "an array has the type 'm8'"),
        (b"cnumpy\ndtype\n(VO8\ntR}Va\nNsb.", "no complete pickle"),
        (b"cnumpy\nndarray\n}V__call__\nI1\nsb.", "no complete pickle"),
        (b"", "no complete pickle"),
        (b"hello, world", "no complete pickle"),
    ],
)
def test_pickles_that_reach_for_memory_or_our_own_objects_are_refused(tmp_path, content, message):
    with pytest.raises(ValueError, match=message):
        load(saved(tmp_path, content))


def test_an_array_that_claims_more_than_it_holds_is_refused(tmp_path):
    content = pickle.dumps(np.arange(3, dtype=np.int8), protocol=0)
    assert content.count(b"I3\n") >= 1
    huge = content.replace(b"(I3\ntp", b"(I9000000000\ntp")
    found = load(saved(tmp_path, huge)) if huge != content else None
    with pytest.raises(ValueError, match="an array of the pickle is broken: cannot reshape array of size 3"):
        plain(found)


def test_an_array_within_itself_is_not_unpacked_without_end(tmp_path):
    own = np.empty(2, dtype=object)
    own[0] = own
    found = plain(load(saved(tmp_path, own)))
    assert found.shape == (2,)
    assert found[1] is None


@pytest.mark.parametrize("protocol", [0, 2, 4, 5])
def test_a_pickle_cut_anywhere_gets_one_sentence(tmp_path, protocol):
    content = pickle.dumps({"train": {"x": np.arange(4.0), "y": [np.float32(1), "text"]}}, protocol=protocol)
    for length in range(len(content) - 1):
        with pytest.raises(ValueError, match=r"^[^\n]*no complete pickle of arrays: [^\n]*$"):
            load(saved(tmp_path, content[:length]))


def test_random_damage_never_does_more_than_raise_a_value_error(tmp_path):
    rng = np.random.default_rng(0)
    content = np.frombuffer(pickle.dumps({"x": np.arange(4.0), "y": [np.str_("a"), 2]}, protocol=4), dtype=np.uint8)
    modules = set(sys.modules)
    refused = 0
    for _ in range(400):
        damaged = content.copy()
        damaged[rng.integers(2, len(content), 3)] = rng.integers(0, 256, 3)
        try:
            found = load(saved(tmp_path, damaged.tobytes()))
            for value in found.values() if isinstance(found, dict) else ():
                plain(value)
        except ValueError:
            refused += 1
    assert refused > 100
    assert not {name for name in set(sys.modules) - modules if not name.startswith(("numpy", "encodings"))}


def test_long_lists_of_scalars_are_no_nesting(tmp_path):
    found = load(saved(tmp_path, list(np.arange(25_000, dtype=np.float32))))
    assert plain(found[-1]) == 24_999


def test_the_scan_follows_no_plain_values(monkeypatch):
    followed = []
    monkeypatch.setattr(pickle_scan._Nesting, "follow", lambda nesting, code, argument: followed.append(code.name))
    content = pickle.dumps([0.5, 1, None, True, "a", b"a"] * 100, protocol=3)
    pickle_scan.scan(io.BytesIO(content), len(content))
    assert set(followed) == {"PROTO", "BINPUT", "BINGET", "MARK", "APPENDS", "STOP"}


@pytest.mark.slow
def test_many_tuples_next_to_each_other_are_no_nesting(tmp_path):
    content = [((np.zeros(2), np.zeros(3)), index) for index in range(12_000)]
    assert load(saved(tmp_path, content))[-1][1] == 11_999


@pytest.mark.parametrize("protocol", range(6))
def test_dictionaries_with_an_order_or_defaults_become_plain_ones(tmp_path, protocol):
    lists = defaultdict(list, a=[1])
    found = load(saved(tmp_path, (OrderedDict(b=1, a=2), lists, defaultdict(None, x=1)), protocol))
    assert [type(item) for item in found] == [dict] * 3
    assert list(found[0].items()) == [("b", 1), ("a", 2)]
    assert found[1:] == ({"a": [1]}, {"x": 1})


def test_the_maker_of_defaults_has_to_be_known_too(tmp_path):
    with pytest.raises(ValueError, match=r"it asks for posix\.system"):
        load(saved(tmp_path, defaultdict(os.system, a=1)))


def test_a_missing_file_stays_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "nowhere.pkl")
