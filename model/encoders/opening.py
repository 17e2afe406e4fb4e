"""Which class encodes what: `open_encoder`; and the encoder that made a stream before: `open_recorded`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from haemsa.model.encoders.choice import Choice
from haemsa.model.encoders.encoder import Encoder

if TYPE_CHECKING:
    from haemsa.model.encoders.model_folder import ModelFolder

ADAPTERS: Final = "adapters"
"""In the facts of a stream: the folder and the digest of the adapters of its encoder, if it has any."""


def open_encoder(choice: Choice) -> Encoder:
    """Load an encoder, and try it.

    Raises:
        ValueError: A package is missing, there is no such model, it has no weights that are allowed, or it cannot
            encode what was chosen. The message is one sentence.
    """
    from haemsa.model.encoders.model_folder import model_folder

    folder = model_folder(choice.model, pickled=choice.pickled)
    if choice.kind == "text":
        from haemsa.model.encoders.text import TextEncoder

        return TextEncoder(folder, choice)
    if choice.kind == "audio":
        from haemsa.model.encoders.audio import AudioEncoder

        return AudioEncoder(folder, choice)
    from haemsa.model.encoders.vision import VisionEncoder

    return VisionEncoder(folder, choice)


def open_recorded(stream: str, facts: Mapping[str, Any]) -> Encoder:
    """Load the encoder that made a stream, to encode further clips in the same way.

    Args:
        stream: The name of the stream.
        facts: What the encoder said of itself then. If they name adapters, these change the encoder.

    Raises:
        ValueError: The model or its adapters are not there, or are others now. The message is one sentence.
    """
    choice, folder = recorded_model(stream, facts)
    encoder = open_encoder(replace(choice, pickled=folder.pickled))
    if ADAPTERS in facts:
        from haemsa.model.encoders.adapters import merge_adapters
        from haemsa.model.encoders.text import TextEncoder

        assert isinstance(encoder, TextEncoder), "only encoders of text are adapted"
        merge_adapters(encoder.pretrained, Path(facts[ADAPTERS]["folder"]), facts[ADAPTERS]["digest"])
    return encoder


def recorded_model(stream: str, facts: Mapping[str, Any]) -> tuple[Choice, ModelFolder]:
    """How a stream was encoded, and the files of its model. Raises as `open_recorded`."""
    from haemsa.model.encoders.model_folder import model_folder

    try:
        choice = Choice(
            facts["encodes"],
            str(facts["model"]),
            layers=int(facts["layers"]),
            rate=float(facts.get("rate", 1)),
            steps=int(facts["steps"]),
        )
        digests = {key: facts[key] for key in ("weights", "settings")}
    except (KeyError, TypeError, ValueError):
        raise ValueError(f"it is not known what made {stream!r}, expected a stream of haemsa data embed") from None
    folder = model_folder(choice.model, pickled=True)  # a pickle is loaded only if it is the one of before
    for key, digest in digests.items():
        if folder.facts[key] != digest:
            made = f"than when it made {stream!r}, expected the same model"
            raise ValueError(f"model '{choice.model}' has other {key} {made}")
    return choice, folder
