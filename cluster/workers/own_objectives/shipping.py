"""A user's function on its way to a worker: by value, with all modules of the user's that it needs.

Ray sends a function of a module by its name, and another machine does not have the user's folder. So all modules that
are not installed are sent by value, too. What a function imports only when it is called is found in `folder`, if the
worker's machine has that folder.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType
from typing import Any, Final

_INSTALLED: Final = frozenset({"site-packages", "dist-packages"})


def to_bytes(function: Callable[..., Any]) -> bytes:
    """The function, with everything of the user's modules that it refers to.

    Raises:
        Exception: Something that it refers to cannot be sent, such as a lock.
    """
    cloudpickle = _cloudpickle()
    modules = [module for name, module in list(sys.modules.items()) if is_users(name, module)]
    registered = cloudpickle.list_registry_pickle_by_value()
    added = [module for module in modules if module.__name__ not in registered]
    for module in added:
        cloudpickle.register_pickle_by_value(module)
    try:
        return bytes(cloudpickle.dumps(function))
    finally:
        for module in added:
            cloudpickle.unregister_pickle_by_value(module)


def from_bytes(data: bytes) -> Callable[..., Any]:
    """The function again."""
    function: Callable[..., Any] = _cloudpickle().loads(data)
    return function


def _cloudpickle() -> Any:
    from ray import cloudpickle

    return cloudpickle


def is_users(name: str, module: ModuleType | None) -> bool:
    """Whether a loaded module is the user's: neither Python's own, nor installed, nor ours."""
    facts = getattr(module, "__dict__", {})  # some modules load when they are asked for anything
    file, top = facts.get("__file__"), name.partition(".")[0]
    if not isinstance(file, str) or not file.endswith(".py") or facts.get("__name__") != name:
        return False
    if top in sys.stdlib_module_names or top in ("__main__", "haemsa"):
        return False
    return _INSTALLED.isdisjoint(Path(file).parts)


@contextmanager
def importable(folder: str) -> Iterator[None]:
    """Modules in the folder can be imported while the block runs."""
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        with suppress(ValueError):
            sys.path.remove(folder)
