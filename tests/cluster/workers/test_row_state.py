"""A packed state gives back each of its parts."""

from __future__ import annotations

import numpy as np

from haemsa.cluster.workers.row_state import RowState


def test_each_part_comes_back_bit_by_bit() -> None:
    weights = {"heads.a/b.weight": np.arange(6, dtype=np.float32).reshape(2, 3).T, "bias": np.full(2, 3, np.float32)}
    state = RowState.of(9, weights, {"bias": np.ones(1)}, {}, {"bias": np.zeros(1)})
    assert (state.epochs, state.content.dtype) == (9, np.uint8)
    read = state.read("weights")
    assert set(read) == set(weights)
    assert all(np.array_equal(read[name], weights[name]) and read[name].dtype == np.float32 for name in weights)
    assert (state.read("raw")["bias"].tolist(), state.read("second")["bias"].tolist()) == ([1.0], [0.0])
    assert state.read("first") == {}
    assert RowState.of(9, weights).read("raw") == {}
