"""JSON that any reader accepts, whatever numbers come from numpy."""

from __future__ import annotations

import json
import math
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest

from haemsa.cluster.shared.files import to_json, write_json


def test_every_kind_of_value_that_is_written_has_a_form(tmp_path: Path) -> None:
    value = {
        "not finite": [math.nan, math.inf, np.float32("nan"), np.array([1.0, -np.inf])],
        "numpy": {"whole": np.int64(3), "true": np.bool_(True), "array": np.arange(4).reshape(2, 2)},
        "others": MappingProxyType({"path": Path("runs"), "pair": (1, 2), "set": {5}, "none": None}),
        7: "a key that is a number",
        "text": "± é",
    }
    write_json(tmp_path / "value.json", value)

    def refuse(constant: str) -> None:
        raise AssertionError(constant)  # NaN and Infinity are no JSON

    assert json.loads((tmp_path / "value.json").read_text(encoding="utf-8"), parse_constant=refuse) == {
        "not finite": [None, None, None, [1.0, None]],
        "numpy": {"whole": 3, "true": True, "array": [[0, 1], [2, 3]]},
        "others": {"path": "runs", "pair": [1, 2], "set": [5], "none": None},
        "7": "a key that is a number",
        "text": "± é",
    }
    assert "± é" in (tmp_path / "value.json").read_text(encoding="utf-8")


@pytest.mark.parametrize("value", [0.1, 1e-7, 5e-324, 1.0000000000000002, 1e300, -0.0, 2**70, 123456789.123456789])
def test_a_number_comes_back_as_it_was(value: float) -> None:
    assert json.loads(to_json(value)) == value
    assert json.loads(to_json(np.array(value))) == value


def test_what_has_no_form_in_json_is_refused() -> None:
    with pytest.raises(ValueError, match="object has no form in JSON"):
        to_json({"value": object()})
