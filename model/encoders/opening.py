"""Which class encodes what: `open_encoder`."""

from __future__ import annotations

from haemsa.model.encoders.choice import Choice
from haemsa.model.encoders.encoder import Encoder


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
