"""The plain network as a file of torch's own (`torch.export`): torch runs it without haemsa."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch.export import Dim, ExportedProgram, export, load, save

from haemsa.model.predictor.export.plain_network import LENGTHS, PlainNetwork
from haemsa.model.predictor.predictor import Predictor

DESCRIPTION: Final = "haemsa.json"
"""The name under which a file keeps what its model is."""


def program_of(network: PlainNetwork, predictor: Predictor) -> ExportedProgram:
    """The plain network of a model as a program for any number of samples and of time steps."""
    example = {name: torch.zeros(3, 2, predictor.modalities[name][1]) for name in network.modalities}
    lengths = {name + LENGTHS: torch.tensor([0, 1, 2]) for name in network.modalities}
    inputs = {name: (example | lengths)[name] for name in network.input_names}
    program = export(network, (inputs,), dynamic_shapes=open_axes(network), strict=False)
    for node in program.graph.nodes:
        for origin in ("stack_trace", "nn_module_stack", "torch_fn", "source_fn_stack"):
            node.meta.pop(origin, None)  # where in this code each comes from: most of the file
    return program


def open_axes(network: PlainNetwork) -> tuple[dict[str, Any]]:
    """The axes of inputs that can have any length: samples `N`, and time steps `T0`, `T1` ... of the modalities."""
    samples, axes = Dim("N", min=0), dict[str, Any]()
    for number, name in enumerate(network.modalities):
        axes[name], axes[name + LENGTHS] = {0: samples, 1: Dim(f"T{number}", min=0)}, {0: samples}
    return (axes,)


def torch_file(program: ExportedProgram, description: Mapping[str, Any]) -> bytes:
    """The content of a .pt2 file. The description is its extra file `DESCRIPTION`."""
    buffer = io.BytesIO()
    save(program, buffer, extra_files={DESCRIPTION: json.dumps(description)})
    return buffer.getvalue()


class TorchRunner:
    """Runs the content of a .pt2 file, as somebody without haemsa does."""

    def __init__(self, content: bytes) -> None:
        self._module = load(io.BytesIO(content)).module()

    def __call__(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[np.float32]]:
        """The answers to some inputs, by name."""
        with torch.inference_mode():
            answers = self._module({name: torch.from_numpy(values) for name, values in inputs.items()})
        return {name: values.numpy() for name, values in answers.items()}
