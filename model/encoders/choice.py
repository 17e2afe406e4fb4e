"""Which encoder makes a stream, and how: `Choice`. Nothing heavy is loaded here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, get_args

from haemsa.model.data.task import check_name

Kind = Literal["text", "audio", "vision"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)


@dataclass(frozen=True)
class Choice:
    """An encoder as a person chooses it.

    Args:
        kind: What it encodes: "text", "audio" or "vision".
        model: A folder or a name on the hub of Hugging Face. transformers loads it.
        name: The stream is called after its kind and this name. "" means the kind of model, such as "mpnet".
        layers: A step is the mean of this many last layers.
        rate: How many steps a second has. It does not concern text, whose steps are tokens.
        steps: The most steps of a sample. What comes after them is not encoded.
        pickled: Whether weights can be a pickle, if there are no safetensors. A pickle can run any code.

    Raises:
        ValueError: One of them has a value that is not allowed.

    Example:
        >>> Choice("audio", "facebook/wav2vec2-base", rate=2.0).rate
        2.0
    """

    kind: Kind
    model: str
    name: str = ""
    layers: int = 1
    rate: float = 5.0
    steps: int = 100
    pickled: bool = False

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"an encoder is of {self.kind!r}, expected one of {', '.join(KINDS)}")
        if self.name:
            check_name("a stream", self.name)
        if self.layers < 1 or self.steps < 1:
            what = "layers" if self.layers < 1 else "steps"
            raise ValueError(f"{what} is {getattr(self, what)}, expected 1 or more")
        if not 0 < self.rate <= 1000:
            raise ValueError(
                f"the rate of {self.kind} is {self.rate:g} steps a second, expected more than 0, up to 1000"
            )
