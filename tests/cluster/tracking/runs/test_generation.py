"""The table of a generation on MLflow's page."""

from __future__ import annotations

import pandas as pd

from haemsa.cluster.run_directory.tables import evaluated_rows
from haemsa.cluster.tracking.runs.generation import shown
from haemsa.evo.candidate import Evaluated, Score
from tests.support.cluster.search_fakes import genome

ROWS = evaluated_rows(
    [
        Evaluated(1, genome(1), (), {"mae": Score(0.9, 0.01, 5), "params": Score(700.0)}, 1),
        Evaluated(2, genome(2), (1,), {"mae": Score(0.7, 0.02, 5), "params": Score(900.0)}, 1),
        Evaluated(3, genome(3), (1,), {"mae": Score(0.5), "params": Score(800.0)}, 0),
    ],
    front=[2],
)


def test_genes_stand_beside_scores_and_numbers_can_be_sorted_as_text() -> None:
    table = shown(pd.DataFrame(ROWS), ["mae", "params"])
    assert list(table.columns)[:9] == [
        "id", "mae", "standard_error/mae", "params", "on_front", "rung", "modalities", "encoders", "levels",
    ]  # fmt: skip
    first = table.iloc[1]
    assert (first["mae"], first["standard_error/mae"]) == ("0.700000", "0.020000")
    assert (first["params"], first["levels"]) == (900, 1)
    assert first["experts"] == "1 low_rank, 3 mlp"
    assert table.iloc[2]["standard_error/mae"] == ""


def test_a_population_that_is_not_known_is_an_empty_table() -> None:
    assert shown(pd.DataFrame(), ["mae"]).empty
