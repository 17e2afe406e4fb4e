"""The two files of a saved model, and who may read them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from haemsa.model.predictor.model_files import read_model, write_model
from tests.support.permissions import another_user, mode, public_folder, umask

ARRAYS = {"0/bias": np.arange(3, dtype=np.float32), "normalisation/mean": np.zeros((2, 2))}


@pytest.mark.parametrize(("mask", "expected"), [(0o022, "-rw-r--r--"), (0o007, "-rw-rw----")])
def test_both_files_have_the_permissions_of_the_umask_also_when_they_are_replaced(
    tmp_path: Path, mask: int, expected: str
) -> None:
    write_model(tmp_path, {}, {})
    (tmp_path / "weights.safetensors").chmod(0o600)  # as older versions left it
    with umask(mask):
        write_model(tmp_path, {"info": {"a": 1}}, ARRAYS)
    assert {path.name: mode(path) for path in tmp_path.iterdir()} == {
        "model.json": expected,
        "weights.safetensors": expected,
    }
    description, arrays = read_model(tmp_path)
    assert description["info"] == {"a": 1}
    assert {name: values.tolist() for name, values in arrays.items()} == {
        name: values.tolist() for name, values in ARRAYS.items()
    }


@pytest.mark.parametrize("name", ["weights.safetensors", "model.json"])
def test_a_model_that_may_not_be_read_is_not_said_to_be_missing(name: str) -> None:
    with public_folder() as folder:
        write_model(folder, {}, ARRAYS)
        read_model(folder)  # root imports what the other user may not
        (folder / name).chmod(0)
        with (
            another_user(),
            pytest.raises(ValueError, match=rf"the model in .* cannot be read: Permission denied: .*{name}"),
        ):
            read_model(folder)
