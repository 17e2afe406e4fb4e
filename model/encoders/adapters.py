"""Low-rank adapters (Hu et al. 2022) in the upper half of the layers of a text encoder. peft makes them.

They are kept as peft keeps them, so other programs can read them. They are merged into the weights of an encoder that
only predicts.
"""

from __future__ import annotations

import hashlib
import json
import math
import shutil
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from haemsa.model.encoders.halves import upper_linear
from haemsa.model.encoders.pretrained import Pretrained
from haemsa.model.errors import error_line

RANK: Final = 8
"""The rank of adapters. Ranks from 1 to 64 gave about the same scores (Hu et al. 2022, section 7.2)."""
_WEIGHTS: Final = "adapter_model.safetensors"
_CONFIG: Final = "adapter_config.json"
_SETTINGS: Final = ("r", "lora_alpha", "target_modules")
"""What is read of peft's settings. Others could name code that is loaded."""


class Adapters:
    """Adapters in a loaded encoder, whose own weights are frozen. At first they change nothing.

    Args:
        pretrained: The encoder.
        settings: What peft's settings say of the adapters that are to be loaded; None: new ones in all linear
            layers of the upper half.

    Raises:
        ValueError: peft is not there, or it cannot adapt this encoder. The message is one sentence.
    """

    def __init__(self, pretrained: Pretrained, settings: Mapping[str, Any] | None = None) -> None:
        if find_spec("peft") is None:
            raise ValueError("to adapt an encoder, peft must be there: pip install 'haemsa[encoders]'")
        from peft import LoraConfig, get_peft_model

        chosen = settings or {"r": RANK, "lora_alpha": 2 * RANK, "target_modules": upper_linear(pretrained.module)}
        with _quiet():
            try:
                self._model: Any = get_peft_model(pretrained.module, LoraConfig(lora_dropout=0.0, **chosen)).eval()
            except Exception as error:  # peft raises errors of many kinds
                reason = error_line(error)[:150]
                raise ValueError(f"{pretrained.what} has no linear layers that peft can adapt ({reason})") from None
        self.parameters: list[torch.nn.Parameter] = [one for one in self._model.parameters() if one.requires_grad]

    def reset(self, seed: int) -> None:
        """Begin anew: one half of each adapter is zero, so that nothing changes, and `seed` draws the other."""
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for name, values in self._model.named_parameters():
                if "lora_B" in name:
                    values.zero_()
                elif "lora_A" in name:
                    drawn = torch.empty(values.shape)
                    torch.nn.init.kaiming_uniform_(drawn, a=math.sqrt(5), generator=generator)
                    values.copy_(drawn)

    def state(self) -> dict[str, Tensor]:
        """The weights of the adapters by their names in peft, on the CPU."""
        from peft import get_peft_model_state_dict

        return {name: values.detach().cpu().clone() for name, values in get_peft_model_state_dict(self._model).items()}

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Set the weights. Raises ValueError if they are of another encoder."""
        from peft import set_peft_model_state_dict

        own = {name: values.shape for name, values in self.state().items()}
        if {name: values.shape for name, values in state.items()} != own:
            raise ValueError("the adapters are of another encoder, expected those of this one")
        set_peft_model_state_dict(self._model, dict(state))

    def merge(self) -> None:
        """Add the adapters to the weights of the encoder, and take them out."""
        self._model.merge_and_unload()

    def settings(self) -> dict[str, Any]:
        """What peft must know of them, as plain JSON values."""
        config = self._model.peft_config["default"].to_dict()
        plain = {name: sorted(value) if isinstance(value, set) else value for name, value in config.items()}
        return {**plain, "base_model_name_or_path": None, "inference_mode": True}


def write_adapters(folder: Path, state: Mapping[str, Tensor], settings: Mapping[str, Any]) -> str:
    """Write adapters into a folder, whose content goes first. Returns the digest that `merge_adapters` expects."""
    from safetensors.torch import save

    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / _WEIGHTS).write_bytes(save(dict(state), {"format": "pt"}))
    (folder / _CONFIG).write_text(json.dumps(settings, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    return _digest(folder)


def merge_adapters(pretrained: Pretrained, folder: Path, digest: str) -> None:
    """Change the weights of an encoder by the adapters that are kept in a folder.

    Raises:
        ValueError: They are not there, are others, or are of another encoder. The message is one sentence.
    """
    from safetensors.torch import load

    try:
        if _digest(folder) != digest:
            raise ValueError(f"the adapters in {folder} are others than those of training, expected the same files")
        settings = json.loads((folder / _CONFIG).read_text(encoding="utf-8"))
        state = load((folder / _WEIGHTS).read_bytes())
    except FileNotFoundError:
        raise ValueError(
            f"{folder} holds no adapters, expected {_CONFIG} and {_WEIGHTS} of the trained model"
        ) from None
    adapters = Adapters(pretrained, {name: settings[name] for name in _SETTINGS})
    adapters.load(state)
    adapters.merge()


def _digest(folder: Path) -> str:
    """SHA-256 over both files, in hexadecimal digits."""
    digest = hashlib.sha256()
    for name in (_CONFIG, _WEIGHTS):
        digest.update(hashlib.sha256((folder / name).read_bytes()).digest())
    return digest.hexdigest()


@contextmanager
def _quiet() -> Iterator[None]:
    """peft and transformers warn of what is theirs to change."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
