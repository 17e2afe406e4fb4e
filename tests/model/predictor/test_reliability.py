"""How sure predictions are, beside how often they come true."""

import numpy as np
import pytest

from haemsa.model.predictor.calibration import Reliability


def test_calibration_compares_how_sure_with_how_often_right() -> None:
    found = Reliability.of(np.array([0.94, 0.98, 0.55, 1.0]), np.array([True, False, True, True]))
    np.testing.assert_allclose(found.chances, [0.55, 2.92 / 3])
    np.testing.assert_allclose(found.rates, [1, 2 / 3])
    np.testing.assert_allclose(found.shares, [0.25, 0.75])
    assert found.error == pytest.approx(0.25 * 0.45 + 0.75 * (2.92 / 3 - 2 / 3))
