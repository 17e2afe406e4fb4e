import numpy as np

from haemsa.evo.records.loss_table import LossTable


def filled(count: int) -> LossTable:
    table = LossTable(2)
    for number in range(count):
        table.put(number, np.array([number, -number]))
    return table


def rows(table: LossTable) -> dict[int, list[float]]:
    return dict(zip(table.ids.tolist(), table.losses.tolist(), strict=True))


def test_a_table_replaces_grows_and_forgets() -> None:
    table = filled(200)
    table.put(7, np.array([0.5, 0.5]))
    table.drop(3)
    table.drop(3)
    assert len(table) == 199
    assert 3 not in table
    assert table.losses_of(7).tolist() == [0.5, 0.5]
    first = dict(zip(table.ids.tolist(), table.losses[:, 0].tolist(), strict=True))
    assert first == {number: 0.5 if number == 7 else float(number) for number in range(200) if number != 3}


def test_nothing_is_in_a_new_table() -> None:
    assert len(LossTable(3)) == 0
    assert LossTable(3).losses.shape == (0, 3)
    assert LossTable(3).ids.tolist() == []


def test_the_last_row_takes_the_place_of_one_that_is_dropped() -> None:
    table = filled(4)
    table.drop(1)
    assert table.ids.tolist() == [0, 3, 2]
    assert table.losses.tolist() == [[0, 0], [3, -3], [2, -2]]
    table.drop(2)
    assert rows(table) == {0: [0, 0], 3: [3, -3]}


def test_one_that_comes_back_stands_at_the_end() -> None:
    table = filled(3)
    table.drop(0)
    table.put(0, np.array([9.0, 9.0]))
    assert table.ids.tolist() == [2, 1, 0]
    assert table.losses_of(0).tolist() == [9, 9]


def test_a_table_holds_what_a_dictionary_would() -> None:
    rng, table, known = np.random.default_rng(0), LossTable(1), dict[int, list[float]]()
    for step in range(2000):
        number = int(rng.integers(150))
        if rng.random() < 0.4:
            table.drop(number)
            known.pop(number, None)
        else:
            table.put(number, np.array([float(step)]))
            known[number] = [float(step)]
    assert len(table) == len(known) > 64
    assert rows(table) == known
    assert all(table.losses_of(number).tolist() == row for number, row in known.items())
