"""Who climbs from a rung."""

from __future__ import annotations

import numpy as np
import pytest

from evo.fidelity import Rung, contenders


@pytest.mark.parametrize("seed", range(3))
def test_those_that_wait_on_a_rung_are_ranked_anew_whenever_one_comes_or_climbs(seed: int) -> None:
    rng, rung = np.random.default_rng(seed), Rung(2)
    losses = rng.integers(0, 9, size=(60, 2)).astype(float)
    order = rng.permutation(60)
    for count, number in enumerate(order, start=1):
        rung.put(int(number), losses[number])
        room = count // 3 - len(rung.climbed)
        here = order[:count]
        best = contenders(losses[here], here, rung.climbed, 40)
        assert [rung.contenders(wanted) for wanted in (3, 40, 5)] == [best[:3], best, best[:5]]
        assert rung.promotable(3) == best[: max(0, room)]
        if rng.random() < 0.3:
            rung.climbed.update(rung.promotable(3))


def test_never_more_than_one_in_eta_climbs() -> None:
    rung = Rung(1)
    for number in range(11):
        rung.put(number, np.array([float(number)]))
    assert rung.promotable(3) == [0, 1, 2]
    rung.climbed.update([0, 1])
    assert rung.promotable(3) == [2]
    rung.climbed.add(2)
    assert rung.promotable(3) == []
