"""A search and its final model as an estimator of scikit-learn."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import ClassifierTags, RegressorTags, Tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted, validate_data

from haemsa.cluster.estimator.answers import intervals, labels, probabilities, score
from haemsa.cluster.estimator.features import TABLE, is_table, model_inputs, raw_modalities
from haemsa.cluster.estimator.parameters import config_of, seed_of
from haemsa.cluster.estimator.targets import ONLY, targets_of
from haemsa.cluster.shared.progress import progress
from haemsa.cluster.shared.terminal import console
from haemsa.model.data.cleaning import RawModality

_TYPES: Final = {"regression": "regressor", "classes": "classifier", "multilabel": "classifier"}


def _has_classes(estimator: MultimodalSearch) -> bool:
    return bool(estimator._kinds() - {"regression"})


def _has_values(estimator: MultimodalSearch) -> bool:
    return bool(estimator._kinds() & {"regression", "auto"})


class MultimodalSearch(BaseEstimator):  # type: ignore[misc]
    """Searches for the best network for X and y, trains it for good, and predicts with it.

    X is a dictionary that has for each modality an array [N, D], an array [N, T, D] of sequences, a table of pandas, or
    a list of N sequences [T_i, D] of any lengths. None, or NaN in all cells, is an absent modality. X can also be a
    list that has such a dictionary for each sample (`as_rows` makes it), or one plain table.

    y is an array [N] or a dictionary of arrays by task. Numbers with a point are regression; integers, text and bools
    are classes; an array [N, C] of 0 and 1 is multilabel. NaN and None are missing labels.

    This is one class for all kinds of tasks, because a dictionary y can hold several. Name the `kind` if you give the
    estimator to tools that must know before `fit` whether it classifies: `cross_val_score` then divides classes evenly.
    These tools divide lists and tables, but no dictionaries: give them `as_rows(X)`.

    All samples given to `fit` train and validate; a fifth of them, in whole groups, is the validation split. Keep test
    samples to yourself. The same `random_state` gives the same model, unless `time` ends the search.

    Args:
        evaluations: how many genomes the search tries (None: 200, or no limit if there is a `time`).
        time: stop the search after this time: seconds, or "90s", "30m", "2h".
        objectives: what to optimise, the most important first (None: the main metric and params).
        own_objectives: functions that are objectives too, as `run_search` takes them.
        validation: how a genome is scored: "auto", "holdout", "folds:K" or "groups".
        confirm: how many genomes are trained again at the end of the search, to choose the best.
        backend: "inline": in this process, one after another, so that it works within other tools. "ray": in parallel.
        workers: how many workers train at the same time on Ray.
        seeds: how often the best genome is trained for good. The model predicts the mean.
        ensemble: train the best ensemble of the search, not its best genome.
        kind: "auto", "regression", "classes" or "multilabel", or a dictionary of these by task.
        bounds: the range of the labels of regression, or a dictionary of ranges by task.
        random_state: the seed of everything random.
        run: the run directory, which stays (None: a temporary one, which is removed).
        tracking: MLflow's store, or "off".
        verbose: 0: `fit` prints nothing, as with other estimators. 1 or more: it shows how the search and the training
            stand, as the command line does: by a bar in a terminal or a notebook, by lines elsewhere.
        settings: further settings by name, as `haemsa config` explains them.

    Attributes:
        model_: the trained `Predictor`.
        front_: the networks with the best trade-offs, a row for each.
        best_genome_: the genome that is trained.
        classes_: the classes in y, or the columns of multilabel; by task if y is a dictionary. None for regression.
        run_: the run directory, if it stays.
        n_features_in_: the number of columns, if X is a plain table. `feature_names_in_` has their names.

    Example:
        >>> from haemsa import MultimodalSearch
        >>> search = MultimodalSearch(evaluations=48, time="10m")
        >>> search.fit({"text": sequences, "audio": table}, y, groups=speakers)  # doctest: +SKIP
        >>> search.predict({"text": new_sequences})  # audio is absent  # doctest: +SKIP
    """

    def __init__(
        self,
        *,
        evaluations: int | None = None,
        time: str | float | None = None,
        objectives: list[str] | None = None,
        own_objectives: Any = None,
        validation: str = "auto",
        confirm: int = 8,
        backend: str = "inline",
        workers: int | str = "auto",
        seeds: int = 5,
        ensemble: bool = False,
        kind: Any = "auto",
        bounds: Any = None,
        random_state: Any = 0,
        run: str | None = None,
        tracking: str = "off",
        verbose: int = 0,
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        self.evaluations = evaluations
        self.time = time
        self.objectives = objectives
        self.own_objectives = own_objectives
        self.validation = validation
        self.confirm = confirm
        self.backend = backend
        self.workers = workers
        self.seeds = seeds
        self.ensemble = ensemble
        self.kind = kind
        self.bounds = bounds
        self.random_state = random_state
        self.run = run
        self.tracking = tracking
        self.verbose = verbose
        self.settings = settings

    def fit(self, X: Any, y: Any, groups: Any = None) -> MultimodalSearch:
        """Search, and train what is best. Ctrl-C ends the search early.

        Args:
            X: the samples, as the class describes them.
            y: their labels.
            groups: what each sample belongs to, such as its speaker. The samples of a group stay together.

        Raises:
            ValueError: a parameter, X, y or groups is not as expected, or no network could be trained.
        """
        from haemsa.cluster.estimator.found import found
        from haemsa.cluster.estimator.prepared import prepared

        seed = seed_of(self.random_state)
        config = config_of(self.get_params(deep=False), seed)
        targets = targets_of(y, self.kind, self.bounds)
        raw = self._raw(X, fitting=True)
        dataset = prepared(raw, targets, groups, seed)
        with progress(console()) if self.verbose else nullcontext() as show:
            result = found(dataset, config, self.seeds, self.ensemble, show, self.own_objectives)
        self.model_, self.best_genome_, self.front_, self.run_ = result.model, result.genome, result.front, result.run
        self._modalities, self._several = tuple(raw), isinstance(y, Mapping)
        self._classes = {name: target.classes for name, target in targets.items() if target.classes is not None}
        self.__dict__.pop("classes_", None)
        if self._classes:
            self.classes_ = self._classes if self._several else self._classes[ONLY]
        return self

    def predict(self, X: Any) -> Any:
        """Predict labels. A modality may be absent in some samples, or in all.

        Args:
            X: the samples. They have the columns of training, in any order if these have names.

        Returns:
            Values [N], classes [N] or 0 and 1 [N, C]; by task if y was a dictionary.

        Raises:
            ValueError: a modality is unknown, or has other columns.
        """
        return self._by_task(labels(self._outputs(X), self._classes, self.model_))

    @available_if(_has_classes)  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Any) -> Any:
        """The calibrated probability of each class, [N, C] in the order of `classes_`; by task if y was a dictionary.

        Tasks of regression are left out.
        """
        return self._by_task(probabilities(self._outputs(X), self.model_))

    @available_if(_has_values)  # type: ignore[untyped-decorator]
    def predict_interval(self, X: Any) -> Any:
        """The ends of the intervals that hold nine labels in ten, [N, 2]; by task if y was a dictionary.

        Only tasks of regression have intervals.

        Raises:
            ValueError: the samples were too few to say how sure the model is.
        """
        return self._by_task(intervals(self._outputs(X), self.model_))

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """R2 for regression, the share of right samples for classes and multilabel. More is better.

        With several tasks it is the mean of their scores. Samples without a label do not count.
        """
        found = labels(self._outputs(X), self._classes, self.model_)
        return score(found, y if self._several else {ONLY: y}, self.model_, sample_weight)

    def _raw(self, X: Any, *, fitting: bool) -> dict[str, RawModality]:
        if is_table(X):
            least = 2 if fitting else 1
            table = validate_data(self, X, reset=fitting, ensure_all_finite=False, ensure_min_samples=least)
            return raw_modalities({TABLE: table})
        if fitting:
            for name in ("n_features_in_", "feature_names_in_"):  # of a fit before
                self.__dict__.pop(name, None)
        return raw_modalities(X)

    def _outputs(self, X: Any) -> dict[str, NDArray[np.float32]]:
        """What each network gives, [K, N, C] by task."""
        check_is_fitted(self)
        raw = self._raw(X, fitting=False)
        unused = set(self._modalities) - set(self.model_.modalities)  # of no use in training
        kept = {name: item for name, item in raw.items() if name not in unused}
        return self.model_.predict_members(model_inputs(kept, self.model_.schema))

    def _by_task(self, found: dict[str, Any]) -> Any:
        return found if self._several else found[ONLY]

    def _kinds(self) -> set[str]:
        """The kinds of the tasks, as far as they are known."""
        if "model_" in self.__dict__:
            return {task.kind for task in self.model_.tasks.values()}
        return set(map(str, self.kind.values() if isinstance(self.kind, Mapping) else [self.kind]))

    def __sklearn_tags__(self) -> Tags:
        tags, kinds = super().__sklearn_tags__(), self._kinds()
        types = {_TYPES.get(kind) for kind in kinds}
        tags.target_tags.required = tags.input_tags.allow_nan = True
        if types == {"classifier"}:
            tags.estimator_type, tags.classifier_tags = "classifier", ClassifierTags(multi_label="multilabel" in kinds)
        if types == {"regressor"}:
            tags.estimator_type, tags.regressor_tags = "regressor", RegressorTags()
        return tags

    def __getstate__(self) -> dict[str, Any]:
        from haemsa.cluster.estimator.saved import as_files

        state = dict(super().__getstate__())
        return state | {"model_": as_files(state["model_"])} if "model_" in state else state

    def __setstate__(self, state: dict[str, Any]) -> None:
        from haemsa.cluster.estimator.saved import of_files

        super().__setstate__(state | {"model_": of_files(state["model_"])} if "model_" in state else state)
