"""A model as the content of a file that runs without haemsa, and that answers as the model does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import torch

from haemsa.model.errors import error_line, listed
from haemsa.model.predictor.export.check import TOLERANCE, difference
from haemsa.model.predictor.export.onnx_file import OnnxRunner, need_onnx, onnx_file
from haemsa.model.predictor.export.plain_network import LENGTHS, PlainNetwork
from haemsa.model.predictor.export.torch_file import TorchRunner, program_of, torch_file
from haemsa.model.predictor.own_features import OwnFeatures
from haemsa.model.predictor.predictor import Predictor

FORMATS: Final = ("onnx", "torch")


def exported(predictor: Predictor, to: str) -> tuple[bytes, float]:
    """The content of a file, and how far its answers are from the model's at most.

    Args:
        predictor: The model.
        to: "onnx" or "torch".

    Raises:
        ValueError: The format is unknown, packages for ONNX are missing, names clash, or the file would answer
            otherwise than the model.
    """
    if to not in FORMATS:
        raise ValueError(f"to is {to!r}, expected one of {', '.join(FORMATS)}")
    if own := OwnFeatures.of_model(predictor.info).streams:
        lacks = "whose encoder was fine-tuned with it, which a file cannot hold"
        raise ValueError(f"the model reads {listed(own)}, {lacks}, expected a model of haemsa train without --finetune")
    if to == "onnx":
        need_onnx()
    network = PlainNetwork(predictor).eval()
    _check_names(network.input_names + network.output_names)
    content = _written(predictor, network, to)
    run = OnnxRunner(content) if to == "onnx" else TorchRunner(content)
    apart = difference(predictor, network.modalities, run)
    if not apart <= TOLERANCE:
        raise ValueError(
            f"the exported network's answers differ by {apart:.1e} from the model's, so nothing is written"
        )
    return content, apart


def _written(predictor: Predictor, network: PlainNetwork, to: str) -> bytes:
    """The content of the file. Raises ValueError if torch's exporter cannot make it, which older ones often cannot."""
    description = described(predictor, network)
    try:
        program = program_of(network, predictor)
        return onnx_file(network, program, description) if to == "onnx" else torch_file(program, description)
    except Exception as error:  # torch's exporters raise errors of many kinds
        raise ValueError(f"torch {torch.__version__} cannot export the model: {error_line(error)}") from error


def described(predictor: Predictor, network: PlainNetwork) -> dict[str, Any]:
    """What travels with the file: its inputs and outputs in words, and the model's genomes and schema."""
    inputs: dict[str, Any] = {}
    for name in network.modalities:
        steps, width = predictor.modalities[name]
        columns = {"columns": list(predictor.schema.columns[name])} if name in predictor.schema.columns else {}
        inputs[name] = {"type": "float32", "shape": ["N", "T", width], "most_steps": steps, **columns}
        inputs[name + LENGTHS] = {"type": "int64", "shape": ["N"]}
    outputs: dict[str, Any] = {}
    for name in network.output_names:
        task = predictor.tasks.get(name)
        labels = list(task.labels) if task else []
        outputs[name] = {"type": "float32", "shape": ["N", len(labels)] if labels else ["N"], "labels": labels}
    return {"inputs": inputs, "outputs": outputs, **predictor.description()}


def _check_names(names: Sequence[str]) -> None:
    """Raise ValueError if a name stands for two things. ONNX does not allow it, and nobody would understand it."""
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if twice:
        raise ValueError(
            f"{listed(twice)} would name several inputs and outputs, expected other names of modalities and tasks"
        )
