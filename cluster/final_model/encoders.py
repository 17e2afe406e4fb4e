"""Pretrained encoders that are kept with a saved model, so that it encodes clips where it is taken."""

from __future__ import annotations

from pathlib import Path

from haemsa.model.predictor.clips import recorded_of
from haemsa.model.predictor.model_files import ENCODERS


def keep_encoders(folder: Path) -> None:
    """Copy the encoders of a saved model's streams into its folder. MLflow gets them with the model.

    Args:
        folder: the folder of the model, as `train_for_good` saved it.

    Raises:
        ValueError: the data of the model was not encoded by haemsa, or an encoder is not there, or is another one now.

    Example:
        >>> keep_encoders(Path("models/clips"))  # doctest: +SKIP
    """
    from haemsa.model.encoders.opening import recorded_model
    from haemsa.model.predictor.predictor import Predictor

    recorded = recorded_of(Predictor.load(folder).info)
    if not recorded:
        raise ValueError(f"the model in {folder} has no stream of haemsa data embed, so it has no encoder to keep")
    models = {stream: recorded_model(stream, facts)[1] for stream, facts in recorded.items()}
    for stream, model in models.items():
        own = folder / ENCODERS / stream
        if model.path != own.resolve():
            model.copy_to(own)
