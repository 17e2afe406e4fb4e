"""Weights on disk: bit by bit what they were, and nowhere else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from haemsa.cluster.run_directory.weights import WeightStore, _checksum
from haemsa.cluster.workers.row_state import RowState
from haemsa.model.predictor.model_files import as_safetensors


def state(epochs: int, *, ended: bool = False) -> RowState:
    arrays = {
        "heads.a/b.weight": np.arange(6, dtype=np.float32).reshape(2, 3).T,
        "bias": np.full(2, epochs, np.float32),
    }
    return RowState.of(epochs, arrays) if ended else RowState.of(epochs, arrays, arrays, {}, arrays)


def test_states_come_back_bit_by_bit_until_dropped(tmp_path: Path) -> None:
    WeightStore(tmp_path).save(4, 2, {0: state(9), 3: state(12, ended=True)})
    states = WeightStore(tmp_path)  # as after a restart: nothing is in memory
    loaded = states.load(4, 2)
    assert {replicate: found.epochs for replicate, found in loaded.items()} == {0: 9, 3: 12}
    assert loaded[0].content.tobytes() == state(9).content.tobytes()
    assert states.kept() == {(4, 2)}
    states.drop(4, 2)
    states.drop(4, 2)
    assert states.load(4, 2) == {}
    assert list(tmp_path.iterdir()) == []


def test_each_rung_has_its_own(tmp_path: Path) -> None:
    states = WeightStore(tmp_path)
    for rung in (0, 1):
        states.save(4, rung, {0: state(rung)})
    assert [states.load(4, rung)[0].epochs for rung in (0, 1)] == [0, 1]


@pytest.mark.parametrize("damage", ["cut", "changed", "emptied", "other"])
def test_damaged_weights_are_left_out_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, damage: str
) -> None:
    path = WeightStore(tmp_path).save(4, 0, {0: state(3)})
    whole = path.read_bytes()
    changed = bytes([*whole[:-1], whole[-1] ^ 1])
    path.write_bytes({"cut": whole[:-9], "changed": changed, "emptied": b"", "other": b"not weights at all"}[damage])
    states = WeightStore(tmp_path)
    assert states.load(4, 0) == {}
    assert "4-0.safetensors are left out: " in caplog.text
    states.save(4, 0, {0: state(3)})
    assert path.read_bytes() == whole


def test_weights_of_a_former_version_are_left_out_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    arrays = {"0/epochs": np.array([3]), "0/weights/bias": np.zeros(2)}
    path = tmp_path / "4-0.safetensors"
    path.write_bytes(as_safetensors(arrays, {"crc32": _checksum(arrays)}))
    assert WeightStore(tmp_path).load(4, 0) == {}
    assert "4-0.safetensors are left out: another version wrote them" in caplog.text


@pytest.mark.parametrize("number", [-1, "../front", True, 1.0])
def test_weights_cannot_be_put_outside_the_folder(tmp_path: Path, number: object) -> None:
    with pytest.raises(ValueError, match=r"candidate id or rung is .*, expected a whole number of 0 or more"):
        WeightStore(tmp_path).save(number, 0, {})  # type: ignore[arg-type]
