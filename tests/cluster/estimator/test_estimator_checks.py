"""scikit-learn's own checks of estimators, on plain tables as one modality. None of them is left out."""

from __future__ import annotations

from typing import Any

import pytest
from sklearn.utils.estimator_checks import estimator_checks_generator

from tests.support.cluster.estimators import quick

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
CHECKS = [
    pytest.param(estimator, check, id=f"{kind}-{number}-{getattr(check, 'func', check).__name__}")
    for kind in ("regression", "classes")
    for number, (estimator, check) in enumerate(estimator_checks_generator(quick(kind=kind, evaluations=1)))
]


@pytest.mark.parametrize(("estimator", "check"), CHECKS)
def test_scikit_learns_checks_pass(estimator: Any, check: Any) -> None:
    check(estimator)
