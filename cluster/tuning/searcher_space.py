"""Ray Tune's search spaces as ours, and ours as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

from ray.tune.search.sample import Categorical, Domain, Float, Integer, LogUniform, Quantized, Uniform
from ray.tune.search.variant_generator import parse_spec_vars

from haemsa.evo.parameter_space import Choice, Parameter, ParameterSpace, Path, Real, Whole

_KINDS: Final = {kind.__name__: kind for kind in (Real, Whole, Choice)}
_KNOWN: Final = "uniform, loguniform, randint, lograndint, their quantised forms, or choice"


def space_of(config: Mapping[str, Any]) -> ParameterSpace | None:
    """The parameters in a `param_space` of Ray Tune, nested dictionaries too; None if all of it is constant.

    Raises ValueError for grids, functions, numbers without bounds, and parameters within lists.
    """
    _, domains, grids = parse_spec_vars(dict(config))
    for path, _ in grids:
        raise ValueError(f"parameter {_name(path)} is a grid, expected {_KNOWN}")
    parameters = {_checked(path): _parameter(_name(path), domain) for path, domain in domains}
    return ParameterSpace(parameters) if parameters else None


def _name(path: Sequence[Any]) -> str:
    return "/".join(map(str, path))


def _checked(path: Sequence[Any]) -> Path:
    if not all(isinstance(part, str) for part in path):
        raise ValueError(f"parameter {_name(path)} lies within a list, expected nested dictionaries with names as keys")
    return tuple(path)


def _parameter(name: str, domain: Domain) -> Parameter:
    sampler: Any = domain.get_sampler()  # type: ignore[no-untyped-call]
    step = None
    if isinstance(sampler, Quantized):
        sampler, step = sampler.sampler, sampler.q
    logarithmic = isinstance(sampler, LogUniform)
    if logarithmic or isinstance(sampler, Uniform):
        if isinstance(domain, Float):
            return Real(domain.lower, domain.upper, logarithmic, step)
        if isinstance(domain, Integer):
            return _whole(domain, step or 1, logarithmic)
        if isinstance(domain, Categorical):
            return Choice(tuple(domain.categories))
    raise ValueError(f"parameter {name} is drawn by {type(domain).__name__} {sampler}, expected {_KNOWN}")


def _whole(domain: Integer, step: int, logarithmic: bool) -> Whole:
    """Tune leaves the upper bound out, but where there is a step above 1."""
    last = domain.upper if step > 1 else domain.upper - 1
    return Whole(-(-domain.lower // step) * step, last // step * step, logarithmic, step)


def space_to_json(space: ParameterSpace) -> list[Any] | None:
    """`[path, kind, fields]` of each parameter; None if a choice has values that JSON does not hold as they are."""
    try:
        found = [[list(path), type(item).__name__, asdict(item)] for path, item in space.parameters.items()]
        plain: list[Any] = json.loads(json.dumps(found, allow_nan=False))
    except (TypeError, ValueError):
        return None
    return plain if space_from_json(plain).parameters == space.parameters else None


def space_from_json(saved: Sequence[Any]) -> ParameterSpace:
    """Read what `space_to_json` gave."""
    return ParameterSpace({tuple(path): _read(kind, fields) for path, kind, fields in saved})


def _read(kind: str, fields: Mapping[str, Any]) -> Parameter:
    given = {**fields, "values": tuple(fields["values"])} if kind == "Choice" else fields
    parameter: Parameter = _KINDS[kind](**given)
    return parameter
