"""A model that transformers loads: the part of it that encodes one modality. Axes: `T` steps, `D` features."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any, Final

import torch
from torch import Tensor

from haemsa.model.encoders.choice import Choice, Kind
from haemsa.model.encoders.model_folder import PACKAGES, ModelFolder
from haemsa.model.errors import error_line

_INPUTS: Final[Mapping[Kind, tuple[str, ...]]] = {
    "text": ("input_ids",),
    "audio": ("input_values", "input_features"),
    "vision": ("pixel_values",),
}


class Pretrained:
    """The part of a model that encodes one modality, on a GPU if there is one.

    Args:
        folder: The files of the model.
        choice: What it encodes, and which layers count.

    Raises:
        ValueError: It is an encoder of another modality, or transformers cannot load it. The message is one sentence.
    """

    def __init__(self, folder: ModelFolder, choice: Choice) -> None:
        self.what = f"model '{folder.name}'"
        self._layers = choice.layers
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        module = _part(_loaded(folder, self.what), choice.kind, self.what)
        self.module = module.to(self.device).eval()
        self.facts: Mapping[str, Any] = {
            **folder.facts,
            "encodes": choice.kind,
            "layers": choice.layers,
            "steps": choice.steps,
            "versions": {name: version(name) for name in ("torch", *PACKAGES)},
        }

    @torch.inference_mode()
    def hidden(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """The last layers' mean, float32 [n, T, D], for what a processor of the model gives."""
        return self.layers(inputs).cpu()

    def layers(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """The same on the device of the model. Gradients reach the weights that are trained."""
        moved = {name: tensor.to(self.device) for name, tensor in inputs.items()}
        output = self.module(**moved, output_hidden_states=self._layers > 1, return_dict=True)
        if self._layers == 1:
            hidden = output.last_hidden_state
        elif self._layers >= len(output.hidden_states):
            most = len(output.hidden_states) - 1
            raise ValueError(f"layers is {self._layers}, but {self.what} has {most}")
        else:
            hidden = torch.stack(output.hidden_states[-self._layers :]).mean(dim=0)
        if hidden.ndim != 3:
            raise ValueError(f"it gives the shape {list(hidden.shape)}, expected [n, T, D]")
        made: Tensor = hidden.float()
        return made

    @contextmanager
    def tried(self) -> Iterator[None]:
        """While a first, made sample is encoded: any error tells that the model cannot be used."""
        try:
            yield
        except Exception as error:  # models and processors raise errors of many kinds
            reason = str(error) if type(error) is ValueError else error_line(error)
            kind = self.facts["encodes"]
            raise ValueError(f"{self.what} cannot encode {kind}: {' '.join(reason.split())[:200]}") from None


def processor(loader: Any, folder: ModelFolder, what: str) -> Any:
    """What prepares input for a model, such as its tokenizer. Raises ValueError, which names `what` it lacks."""
    with _quiet():
        try:
            made = loader.from_pretrained(folder.path, local_files_only=True)
        except Exception as error:  # transformers raises errors of many kinds
            raise ValueError(f"model '{folder.name}' has no {what} that can be read ({_short(error)})") from None
    files = getattr(made, "vocab_files_names", {}).values()
    if files and not any((folder.path / file).is_file() for file in files):  # transformers makes one without words
        raise ValueError(f"model '{folder.name}' has no {what}, expected one of {', '.join(files)} in its folder")
    return made


def _loaded(folder: ModelFolder, what: str) -> Any:
    from transformers import AutoModel

    with _quiet():
        try:
            model, found = AutoModel.from_pretrained(
                folder.path,
                local_files_only=True,
                use_safetensors=not folder.pickled,
                dtype=torch.float32,
                output_loading_info=True,
            )
        except Exception as error:  # transformers raises errors of many kinds
            raise ValueError(f"{what} cannot be loaded ({_short(error)})") from None
    expected = len(model.state_dict())
    if len(found["missing_keys"]) > expected / 2:
        lacking = f"{len(found['missing_keys'])} of its {expected} arrays"
        raise ValueError(f"{what} lacks weights for {lacking}, expected those that its config.json describes")
    return model


def _part(model: Any, kind: Kind, what: str) -> Any:
    """The part of a model that takes input of this kind."""
    tower, whole = f"{kind}_model", model.get_encoder() if model.config.is_encoder_decoder else model
    if hasattr(model, tower):  # of a model such as CLIP, which encodes several modalities
        return getattr(model, tower)
    if whole.main_input_name in _INPUTS[kind]:
        return whole
    found = [kind for kind, names in _INPUTS.items() if whole.main_input_name in names]
    raise ValueError(f"{what} encodes {found[0] if found else whole.main_input_name}, expected an encoder of {kind}")


def _short(error: Exception) -> str:
    return error_line(error)[:150]


@contextmanager
def _quiet() -> Iterator[None]:
    """transformers prints no bars and warnings of its own."""
    from transformers.utils import logging

    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()
