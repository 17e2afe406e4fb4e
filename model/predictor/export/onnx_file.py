"""The plain network as an ONNX file: onnxruntime runs it in any language, without haemsa and torch."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch.export import ExportedProgram

from haemsa.model.predictor.export.plain_network import PlainNetwork
from haemsa.model.predictor.export.torch_file import DESCRIPTION, open_axes

_NEEDED: Final = ("onnx", "onnxscript", "onnxruntime")


def need_onnx() -> None:
    """Raise ValueError, one sentence, if a package that writes or runs ONNX files is missing."""
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise ValueError(f"to write ONNX files, {', '.join(missing)} must be there: pip install 'haemsa[onnx]'")


def onnx_file(network: PlainNetwork, program: ExportedProgram, description: Mapping[str, Any]) -> bytes:
    """The content of an .onnx file. The description is in its metadata under `DESCRIPTION`."""
    import onnx

    inputs, outputs = network.input_names, network.output_names
    with _quiet():
        exported = torch.onnx.export(
            program,
            input_names=inputs,
            output_names=outputs,
            dynamic_shapes=open_axes(network),  # only the names of axes
            dynamo=True,
            verbose=False,
        )
    assert exported is not None
    proto: onnx.ModelProto = exported.model_proto
    for part in (proto.graph, *proto.functions):
        for node in part.node:
            del node.metadata_props[:]  # where in haemsa each comes from: most of the file
    onnx.helper.set_model_props(proto, {DESCRIPTION: json.dumps(description)})
    return bytes(proto.SerializeToString())


class OnnxRunner:
    """Runs the content of an .onnx file with onnxruntime."""

    def __init__(self, content: bytes) -> None:
        from onnxruntime import InferenceSession

        self._session = InferenceSession(content, providers=["CPUExecutionProvider"])

    def __call__(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[np.float32]]:
        """The answers to some inputs, by name."""
        names = [output.name for output in self._session.get_outputs()]
        return dict(zip(names, self._session.run(names, dict(inputs)), strict=True))


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the exporter's warnings, which concern its own code and operators that networks do not have."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "onnx_ir")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(action="ignore"):
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
