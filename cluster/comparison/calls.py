"""A comparison from beginning to end: `compare_models` and `ablate_search`, which also keep the picture and figures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from haemsa.cluster.comparison.ablate import ablate
from haemsa.cluster.comparison.compare import Comparison, compare
from haemsa.cluster.comparison.contenders import ComparisonSetup, begun
from haemsa.cluster.comparison.report import comparison_values
from haemsa.cluster.config import Compute
from haemsa.cluster.shared.files import write_json
from haemsa.cluster.shared.given_data import check_one
from haemsa.cluster.shared.progress import Progress, lasting
from haemsa.model.data.dataset import Dataset


def compare_models(
    run: Path | None,
    *,
    data: str | None = None,
    trials: int | None = None,
    seeds: int = 5,
    out: Path | None = None,
    progress: Progress | None = None,
    dataset: Dataset | None = None,
    compute: Compute | None = None,
) -> Comparison:
    """Compare the best networks of a search with the models that people usually use. The test split is read once.

    Each other model gets as many trials as the search, on the same folds. A comparison that was cut off continues.

    Args:
        run: the run directory of a search that has ended. None: search `data` first.
        data: the data, if there is no run, or if it has moved since.
        trials: how many trials each model gets (None: as many as the search had).
        seeds: how often each tuned model is trained.
        out: the folder for the other searches, compare.png and compare.json (None: compared/NAME).
        progress: shows how far it is (None: nothing is shown).
        dataset: the data, if it is given from Python.
        compute: where everything is computed. What it does not give is as in the search.

    Returns:
        The metrics of all models on the test split, and the differences with their intervals.

    Raises:
        ValueError: before any training, for what cannot be compared.

    Example:
        >>> compare_models(Path("runs/planted"), trials=48).differences["early_fusion"]  # doctest: +SKIP
    """
    shown = lasting(progress)
    check_one(data, dataset)
    setup = begun(run, data, trials, out, shown, "compared", dataset, compute)
    return _kept(compare(setup, seeds, shown), setup, "compare")


def ablate_search(
    run: Path,
    *,
    trials: int | None = None,
    seeds: int = 5,
    out: Path | None = None,
    progress: Progress | None = None,
    dataset: Dataset | None = None,
    compute: Compute | None = None,
) -> Comparison:
    """Compare the best network of a search with searches that lack hierarchy, evolution, transfer or several tasks.

    Args:
        run: the run directory of a search that has ended.
        trials: how many genomes each search evaluates (None: as many as the search did).
        seeds: how often each found network is trained.
        out: the folder for the searches, ablate.png and ablate.json (None: ablated/NAME).
        progress: shows how far it is (None: nothing is shown).
        dataset: the data, if it is given from Python.
        compute: where everything is computed. What it does not give is as in the search.

    Returns:
        Metrics and differences on the test split, which is read once, by "no_hierarchy", "no_evolution" and so on.

    Raises:
        ValueError: before any training, for what cannot be compared.

    Example:
        >>> ablate_search(Path("runs/planted"), trials=48).models["no_hierarchy"]["mae"]["mean"]  # doctest: +SKIP
    """
    shown = lasting(progress)
    setup = begun(run, None, trials, out, shown, "ablated", dataset, compute)
    return _kept(ablate(setup, seeds, shown), setup, "ablate")


def _kept(comparison: Comparison, setup: ComparisonSetup, name: str) -> Comparison:
    """The comparison with its folder, where its picture and its figures are now."""
    from haemsa.cluster.comparison.figure import draw

    draw(comparison, setup.out / f"{name}.png")
    write_json(setup.out / f"{name}.json", comparison_values(comparison))
    return replace(comparison, folder=setup.out)
