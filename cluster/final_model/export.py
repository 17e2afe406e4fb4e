"""`haemsa export`: a model as one file that runs without haemsa."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from haemsa.cluster.shared.files import replacing

if TYPE_CHECKING:
    from haemsa.model.predictor.predictor import Predictor


def export_model(predictor: Predictor, file: Path, to: str) -> float:
    """Write a model as one file that runs without haemsa: the mean of its networks, from raw features to answers.

    The file is checked before it is written: it must answer made samples as the model does.

    Args:
        predictor: the model, as `load_model` gives it.
        file: the file to write. Its folder is made, and a file of this name is replaced.
        to: "onnx" for onnxruntime, or "torch" for `torch.export.load`.

    Returns:
        The largest difference between answers of the file and of the model, relative to answers above 1.

    Raises:
        ValueError: the format is unknown, the packages for ONNX are missing, or the file would answer otherwise.

    Example:
        >>> export_model(load_model("models/planted"), Path("planted.onnx"), "onnx") < 1e-5  # doctest: +SKIP
        True
    """
    from haemsa.model.predictor.export.export import exported

    if file.is_dir():
        raise ValueError(f"{file} is a folder, expected the name of a file")
    content, difference = exported(predictor, to)
    file.parent.mkdir(parents=True, exist_ok=True)
    with replacing(file) as temporary:
        temporary.write_bytes(content)
    return difference
