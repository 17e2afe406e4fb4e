"""Our evolution for anyone's trainable: a search algorithm of Ray Tune, over one metric or several.

searcher = EvolutionSearcher(metric=["loss", "seconds"], mode=["min", "min"], seed=0)
tuner = tune.Tuner(train, param_space=space, tune_config=tune.TuneConfig(search_alg=searcher, num_samples=200))
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from ray.tune.result import DEFAULT_METRIC
from ray.tune.search import UNDEFINED_METRIC_MODE, UNDEFINED_SEARCH_SPACE, Searcher

from haemsa.cluster.shared.files import write_json
from haemsa.cluster.tuning.searcher_space import space_from_json, space_of, space_to_json
from haemsa.evo.candidate import Candidate, Failure, Outcome
from haemsa.evo.evolution import Evolution
from haemsa.evo.objectives import Direction
from haemsa.evo.parameter_space import ParameterSpace, Vector
from haemsa.evo.space import SpaceExhausted

log = logging.getLogger(__name__)
FORMAT: Final = 1
Names = str | Sequence[str] | None


class EvolutionSearcher(Searcher):
    """NSGA-II in steady state: each suggestion is bred from the best trials that have ended by then.

    `space`: parameters as Tune has them, where `param_space` has none; `metric`, `mode`: a name and "min" or "max", or
    as many of both. The first `population_size` trials are drawn at random. No configuration is suggested twice, and
    one that fails, or whose metrics are not finite, is never a parent. What `save` writes is JSON.
    Raises ValueError for metrics and modes that do not fit each other, or a space that it cannot search.
    """

    CKPT_FILE_TMPL = "searcher-state-{}.json"

    def __init__(
        self,
        space: Mapping[str, Any] | None = None,
        metric: Names = None,
        mode: Names = None,
        *,
        seed: int = 0,
        population_size: int = 20,
    ) -> None:
        _objectives(metric, mode)
        super().__init__(metric=_plain(metric), mode=_plain(mode))
        self._seed, self._population_size = seed, population_size
        self._space: ParameterSpace | None = space_of(space) if space else None
        self._evolution = self._new_evolution()
        self._trials: dict[str, Candidate[Vector]] = {}

    def set_search_properties(self, metric: Names, mode: Names, config: Mapping[str, Any], **_: Any) -> bool:
        """Take what Tune was given; False, as its other searchers do, if there is a space already."""
        if self._space is not None:
            return False
        metric, mode = metric or self._metric, mode or self._mode
        _objectives(metric, mode)
        self._metric, self._mode, self._space = _plain(metric), _plain(mode), space_of(config)
        self._evolution = self._new_evolution()
        return True

    def suggest(self, trial_id: str) -> dict[str, Any] | str:  # type: ignore[override]
        """A new configuration, the same again for the same trial; FINISHED once there is no other.

        Raises RuntimeError without a space, a metric or a mode.
        """
        evolution, space = self._begun()
        if trial_id not in self._trials:
            try:
                (self._trials[trial_id],) = evolution.ask(1)
            except SpaceExhausted:
                return self.FINISHED
        return space.values(self._trials[trial_id].genome)

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        """Take a trial's last result; one that failed, or lacks a metric, is a failure."""
        candidate = self._trials.pop(trial_id, None)
        if candidate is None:
            log.warning("trial %s is not one that was suggested and has not ended yet: it is left out", trial_id)
            return
        evolution, _ = self._begun()
        evolution.tell(candidate, self._outcome(result, error))

    def front(self) -> list[dict[str, Any]]:
        """The best trade-offs so far, best first metric first: {"config", "scores"} of each."""
        evolution, space = self._begun()
        return [
            {"config": space.values(item.genome), "scores": {name: score.mean for name, score in item.scores.items()}}
            for item in evolution.front()
        ]

    def save(self, checkpoint_path: str) -> None:
        """Write all state as JSON."""
        state = {
            "format": FORMAT,
            "metric": self._metric,
            "mode": self._mode,
            "seed": self._seed,
            "population_size": self._population_size,
            "space": space_to_json(self._space) if self._space else None,
            "evolution": self._evolution.state_dict(list) if self._evolution else None,
            "trials": {trial_id: candidate.id for trial_id, candidate in self._trials.items()},
        }
        write_json(Path(checkpoint_path), state)

    def restore(self, checkpoint_path: str) -> None:
        """Go on as the searcher that was saved would have, whatever this one was made with.

        Raises ValueError for a file that is none of ours, or if the space is another than the one saved, or was not
        saved (choices may be anything, also what JSON does not hold) and is not given either.
        """
        state = _read(Path(checkpoint_path))
        self._metric, self._mode = state["metric"], state["mode"]
        self._seed, self._population_size = state["seed"], state["population_size"]
        self._space = self._restored_space(state["space"])
        self._evolution, self._trials = self._new_evolution(), {}
        if state["evolution"] is None:
            return
        if self._evolution is None:
            raise ValueError(f"{checkpoint_path} lacks choices that JSON does not hold, expected the space to be given")
        self._evolution.load_state_dict(state["evolution"], tuple)
        pending = {candidate.id: candidate for candidate in self._evolution.pending}
        self._trials = {trial_id: pending[number] for trial_id, number in state["trials"].items()}

    def _restored_space(self, saved: list[Any] | None) -> ParameterSpace | None:
        if self._space is None:
            return None if saved is None else space_from_json(saved)
        if saved is not None and space_to_json(self._space) != saved:
            raise ValueError(f"the saved search has the space {saved}, this one {space_to_json(self._space)}")
        return self._space

    def _new_evolution(self) -> Evolution[Vector] | None:
        """One that has not begun; None while not all that it needs is known."""
        if self._mode and self._metric is None:
            self._metric = DEFAULT_METRIC
        objectives = _objectives(self._metric, self._mode)
        if self._space is None or not objectives:
            return None
        return Evolution(self._space, objectives, seed=self._seed, population_size=self._population_size)

    def _begun(self) -> tuple[Evolution[Vector], ParameterSpace]:
        name = type(self).__name__
        if self._space is None:
            raise RuntimeError(UNDEFINED_SEARCH_SPACE.format(cls=name, space="space"))
        if self._evolution is None:
            raise RuntimeError(UNDEFINED_METRIC_MODE.format(cls=name, metric=self._metric, mode=self._mode))
        return self._evolution, self._space

    def _outcome(self, result: Mapping[str, Any] | None, error: bool) -> Outcome:
        if error or not result:
            return Failure("error", "the trial failed")
        scores: dict[str, float] = {}
        for name in _objectives(self._metric, self._mode):
            try:
                scores[name] = float(result[name])
            except (KeyError, TypeError, ValueError):
                return Failure("error", f"{name} is {result.get(name)!r} in the trial's result, expected a number")
        return scores


def _read(path: Path) -> dict[str, Any]:
    try:
        state = json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, ValueError):
        state = None
    if not isinstance(state, dict) or state.get("format") != FORMAT:
        raise ValueError(f"{path} holds no state of an EvolutionSearcher of format {FORMAT}")
    return state


def _plain(names: Names) -> Any:
    """A name as it is, several as a list."""
    return names if names is None or isinstance(names, str) else list(names)


def _objectives(metric: Names, mode: Names) -> dict[str, Direction]:
    """Name to "min" or "max"; empty while either is unknown. ValueError if they do not fit each other."""
    names, modes = ([given] if isinstance(given, str) else list(given or ()) for given in (metric, mode))
    if not set(modes) <= {"min", "max"}:
        raise ValueError(f"mode is {mode!r}, expected min or max for each metric")
    if not modes or (not names and isinstance(mode, str)):
        return {}
    if isinstance(metric, str) != isinstance(mode, str) or len(set(names)) != len(modes):
        expected = "a name and a mode, or as many of both, each name once"
        raise ValueError(f"metric is {metric!r} and mode {mode!r}, expected {expected}")
    return dict(zip(names, modes, strict=True))  # type: ignore[arg-type]
