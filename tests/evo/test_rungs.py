import pytest

from haemsa.evo.rungs import Fidelity, Ladder, ladder, single


@pytest.mark.parametrize(
    ("first", "most", "folds", "rungs", "full"),
    [
        (3, 24, 5, [(3, 1), (None, 1), (None, 5), (None, 10), (None, 15)], 2),
        (2, 24, 2, [(2, 1), (6, 1), (None, 1), (None, 2), (None, 4), (None, 6)], 3),
        (3, 24, 10, [(3, 1), (None, 1), (None, 3), (None, 10), (None, 20), (None, 30)], 3),
        (3, 24, 1, [(3, 1), (None, 1), (None, 2), (None, 3)], 1),
        (3, 24, 2, [(3, 1), (None, 1), (None, 2), (None, 4), (None, 6)], 2),
        (1, 1, 1, [(None, 1), (None, 2), (None, 3)], 0),
        (9, 8, 1, [(None, 1), (None, 2), (None, 3)], 0),
    ],
)
def test_epochs_rise_first_then_folds_then_seeds(
    first: int, most: int, folds: int, rungs: list[tuple[int | None, int]], full: int
) -> None:
    made = ladder(first, most, folds)
    assert [(rung.epochs, rung.replicates) for rung in made.rungs] == rungs
    assert made.full == full


def test_a_single_rung_gives_everything_at_once() -> None:
    assert single(5) == Ladder((Fidelity(None, 5),), full=0)


def test_scores_are_compared_with_those_of_their_rung_or_with_all_final_ones() -> None:
    made = ladder(3, 24, 5)
    assert [made.level(rung) for rung in range(5)] == [0, 1, 2, 2, 2]


def test_a_rung_adds_the_replicates_that_are_new_or_all_where_epochs_are() -> None:
    made = ladder(3, 24, 5)
    assert [made.added(rung) for rung in range(5)] == [1, 1, 4, 5, 5]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [((0, 24, 5, 3), "0 epochs"), ((3, 24, 0, 3), "0 folds"), ((3, 24, 5, 0), "0 seeds, expected 1 or more of each")],
)
def test_a_ladder_of_nothing_is_refused(arguments: tuple[int, int, int, int], message: str) -> None:
    first, most, folds, seeds = arguments
    with pytest.raises(ValueError, match=message):
        ladder(first, most, folds, seeds=seeds)
    with pytest.raises(ValueError, match="0 rungs and rung 0 is full"):
        Ladder(())


def test_a_ladder_that_lets_everyone_climb_is_refused() -> None:
    with pytest.raises(ValueError, match="eta is 1, expected 2 or more"):
        ladder(3, 24, 5, eta=1)
    with pytest.raises(ValueError, match="rung 3 is full, expected one of them"):
        Ladder((Fidelity(),), full=3)
