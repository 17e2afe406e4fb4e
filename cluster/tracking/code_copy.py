"""The code of `haemsa.model` under a name of its own.

A registered model brings its code. Under the name `haemsa` it could not be loaded beside another version of haemsa. So
the copy is a package whose name contains a digest of its content: equal code has one name, other code has another.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Final

_ROOM: Final = re.compile(r"\bhaemsa\.model\b")


def copy_code(folder: Path) -> Path:
    """Copy the room `model` as the package haemsa_model_DIGEST, whose modules import each other by that name.

    Args:
        folder: where the package is made.

    Returns:
        The folder of the package.
    """
    import haemsa.model

    room = Path(str(haemsa.model.__file__)).parent
    sources = {str(path.relative_to(room)): path.read_text(encoding="utf-8") for path in sorted(room.rglob("*.py"))}
    digest = hashlib.sha256(repr(sources).encode()).hexdigest()[:12]
    package = folder / f"haemsa_model_{digest}"
    for name, source in sources.items():
        path = package / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_ROOM.sub(package.name, source), encoding="utf-8")
    return package
