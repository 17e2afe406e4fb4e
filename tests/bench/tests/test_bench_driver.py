"""The driver's benchmark: its trainer is one that a whole search can use."""

from __future__ import annotations

import pytest

from tests.bench.driver.bench_driver import on_ray


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.usefixtures("ray_cluster")
def test_a_search_with_rungs_on_two_workers_has_a_cost() -> None:
    cost = on_ray(64, 4, rungs=True)
    assert cost.cpu > 0
    assert cost.wall > 0
