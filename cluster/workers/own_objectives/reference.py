"""The function that a setting means: "mymodule:cost", with "min:" or "max:" before it if need be.

"min:cost", without a module, is a function that is given from Python. So a run directory tells both apart.
"""

from __future__ import annotations

import hashlib
import importlib
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Final, cast

from haemsa.cluster.workers.own_objectives.objective import OwnFunctions, OwnObjective
from haemsa.cluster.workers.own_objectives.shipping import importable
from haemsa.evo.objectives import Direction
from haemsa.model.errors import error_line

_DIRECTIONS: Final = ("min", "max")
_MOST_NAMES: Final = 8
FORM: Final = "MODULE:FUNCTION, min:MODULE:FUNCTION or max:MODULE:FUNCTION"


@dataclass(frozen=True)
class Reference:
    """What a setting means. `module`: "" for a function that is given from Python."""

    direction: Direction
    module: str
    function: str

    @classmethod
    def parse(cls, text: str) -> Reference:
        """Read it.

        Raises:
            ValueError: It is no reference.

        Example:
            >>> Reference.parse("max:mymodule:profit")
            Reference(direction='max', module='mymodule', function='profit')
            >>> Reference.parse("mymodule:cost").direction
            'min'
        """
        first, _, after = text.partition(":")
        directed = first in _DIRECTIONS and bool(after)
        module, _, function = (after if directed else text).rpartition(":")
        names = [*(module.split(".") if module else []), function]
        if not (module or directed) or not all(name.isidentifier() for name in names):
            raise ValueError(f"objective {text!r} is no function, expected {FORM}")
        direction = first if directed else "min"
        return cls(cast(Direction, direction), module, function)

    @property
    def name(self) -> str:
        """The name of the objective."""
        return f"{self.module}:{self.function}" if self.module else self.function


def is_reference(name: str) -> bool:
    """Whether a setting means a function, not a metric or a cost."""
    return ":" in name


def find(text: str, given: OwnFunctions) -> OwnObjective:
    """The objective that a setting means.

    Args:
        text: The setting.
        given: The functions that are given from Python.

    Raises:
        ValueError: In one sentence, if there is no such function, or if it cannot be called as it will be.
    """
    reference = Reference.parse(text)
    if reference.module:
        function, digest = _imported(reference)
        folder = str(Path.cwd())
        return OwnObjective(reference.name, reference.direction, function, text, folder, digest)
    if reference.function not in given:
        raise ValueError(
            f"objective {text!r} is a function that is given from Python, expected {FORM}, or in Python "
            f"own_objectives={{{reference.name!r}: (function, {reference.direction!r})}}"
        )
    own = of_given(reference.function, given)
    if own.direction != reference.direction:
        raise ValueError(f"objective {own.name} has direction {own.direction!r}, expected {reference.direction!r}")
    return own


def of_given(name: str, given: OwnFunctions) -> OwnObjective:
    """A function that is given from Python, as an objective.

    Raises:
        ValueError: The name, the direction or the function is not as expected.
    """
    pair: Any = given[name]
    if not isinstance(name, str) or not name.isidentifier():
        raise ValueError(f"own objective {name!r} has no good name, expected one of letters, digits and underscores")
    if not isinstance(pair, tuple) or len(pair) != 2 or pair[1] not in _DIRECTIONS:
        raise ValueError(f"own objective {name} is {pair!r}, expected (function, 'min') or (function, 'max')")
    function, direction = pair
    _check_call(name, function)
    return OwnObjective(name, direction, function, f"{direction}:{name}", str(Path.cwd()), _digest(function))


def _imported(reference: Reference) -> tuple[Callable[..., Any], str]:
    """The function of a module, and the digest of the module's code."""
    where = f"objective {reference.name}: module {reference.module}"
    try:
        with importable(str(Path.cwd())):
            importlib.invalidate_caches()
            module = importlib.import_module(reference.module)
    except ModuleNotFoundError as error:
        if error.name is not None and f"{reference.module}.".startswith(f"{error.name}."):
            raise ValueError(f"{where} is neither in {Path.cwd()} nor installed, expected {FORM}") from None
        raise ValueError(f"{where} cannot be imported: {error_line(error)}") from None
    except (Exception, SystemExit) as error:
        raise ValueError(f"{where} cannot be imported: {error_line(error)}") from None
    if not hasattr(module, reference.function):
        names = ", ".join(_functions(module)[:_MOST_NAMES])
        raise ValueError(f"{where} has no {reference.function}, expected a function of it: {names or 'it has none'}")
    function = getattr(module, reference.function)
    _check_call(reference.name, function)
    return function, _digest(module)


def _functions(module: ModuleType) -> list[str]:
    found = inspect.getmembers(module, inspect.isfunction)
    return [name for name, item in found if item.__module__ == module.__name__ and not name.startswith("_")]


def _check_call(name: str, function: object) -> None:
    """Raise ValueError if the object cannot be called with three arguments."""
    if not callable(function):
        raise ValueError(f"objective {name} is {str(function)[:80]!r}, expected a function")
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # some functions written in C do not tell
        return
    try:
        signature.bind(None, None, None)
    except TypeError:
        raise ValueError(
            f"objective {name} takes {signature}, expected to call it with (predictions, labels, genome)"
        ) from None


def _digest(item: object) -> str:
    """A digest of the code of a module or a function. "" if the code cannot be read."""
    try:
        return hashlib.sha256(inspect.getsource(cast(Any, item)).encode()).hexdigest()[:16]
    except (OSError, TypeError):
        return ""
