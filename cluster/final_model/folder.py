"""The folder of a model that is trained for good. A model of another recipe stays where it is."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from haemsa.cluster.final_model.recipe import Recipe
from haemsa.cluster.shared.result_folder import result_folder
from haemsa.model.data.sources import is_on_disk


def recipe_key(recipe: Recipe, data: str | None) -> str:
    """16 hexadecimal digits that stand for what is trained and for the place of the data, but not for the seeds."""
    place = None if data is None else str(Path(data).resolve()) if is_on_disk(data) else data
    members = [[genome.to_dict(), count] for genome, count in recipe.members]
    settings = [recipe.validation, recipe.whole, recipe.batch_size, recipe.seed, list(recipe.tasks), place]
    settings += [recipe.finetune] if recipe.finetune else []
    return hashlib.sha256(json.dumps([members, settings], sort_keys=True).encode()).hexdigest()[:16]


def model_folder(recipe: Recipe, data: str | None, out: Path | None, *, name: str = "", force: bool = False) -> Path:
    """Where the model of a recipe is saved: `out`, or models/NAME, or models/NAME-2 ... if another model is there.

    The same recipe on the same data may be trained again: then its model is replaced.

    Args:
        recipe: what is trained.
        data: the name or the path of the data. None: the data was given from Python.
        out: the folder that was asked for, if one was.
        name: NAME, if the data has no name of its own.
        force: replace whatever model is there.

    Raises:
        ValueError: `out` holds the model of another recipe, and `force` is not given.

    Example:
        >>> model_folder(read_recipe("runs/planted"), "planted", None)  # doctest: +SKIP
        PosixPath('models/planted-2')
    """
    key = recipe_key(recipe, data)
    default = Path("models") / (Path(data or name).stem or "model")
    return result_folder(out, default, lambda folder: _holds_another(folder, key), "model", force=force)


def _holds_another(folder: Path, key: str) -> bool:
    """Whether a model is there that is not known to be of the same recipe."""
    try:
        info = json.loads((folder / "model.json").read_text(encoding="utf-8"))["info"]
        return bool(info.get("recipe") != key)
    except FileNotFoundError:
        return False
    except (OSError, ValueError, KeyError, TypeError, AttributeError):  # damaged, but perhaps of worth to somebody
        return True
