"""The command `haemsa data embed`. Everything heavy loads inside it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from haemsa.cluster.commands.shown_data import show_data
from haemsa.cluster.shared.terminal import Json, say

if TYPE_CHECKING:
    from haemsa.cluster.api import Compute, EncoderChoice

_MODEL = "A folder or a name on the hub; NAME=MODEL names the stream. Several are allowed."


def embed(
    source: Annotated[
        str, typer.Argument(help="A YAML file, a folder with label.csv and Raw, or a pickle of MMSA with raw_text.")
    ],
    out: Annotated[Path, typer.Option(help="The store to write, an .h5 file.")],
    text: Annotated[list[str] | None, typer.Option(help=f"An encoder of transcripts. {_MODEL}")] = None,
    audio: Annotated[list[str] | None, typer.Option(help=f"An encoder of sound. {_MODEL}")] = None,
    vision: Annotated[list[str] | None, typer.Option(help=f"An encoder of pictures. {_MODEL}")] = None,
    layers: Annotated[int, typer.Option(help="A step is the mean of so many last layers.")] = 1,
    audio_rate: Annotated[float, typer.Option(help="Steps for each second of sound.")] = 5.0,
    vision_rate: Annotated[float, typer.Option(help="Pictures for each second.")] = 2.0,
    steps: Annotated[int, typer.Option(help="The most steps of a sample.")] = 100,
    float32: Annotated[bool, typer.Option("--float32", help="Keep features as float32, in twice the space.")] = False,
    allow_pickle: Annotated[
        bool, typer.Option("--allow-pickle", help="Also load weights from a pickle, which could run any code.")
    ] = False,
    skip_damaged: Annotated[
        bool, typer.Option("--skip-damaged", help="Leave out damaged rows, and clips that do not exist.")
    ] = False,
    json_file: Json = None,
    compute: Compute | None = None,
) -> None:
    """Make features of clips and transcripts by pretrained encoders. If it is cut off, the same command goes on."""
    from haemsa.cluster.api import embed_data
    from haemsa.cluster.shared.progress import progress

    def chosen(kind: Literal["text", "audio", "vision"], models: list[str] | None, rate: float) -> list[EncoderChoice]:
        return [_choice(kind, model, layers, rate, steps, allow_pickle) for model in models or ()]

    choices = chosen("text", text, 1.0) + chosen("audio", audio, audio_rate) + chosen("vision", vision, vision_rate)
    with progress() as shown:
        dataset = embed_data(
            source, out, choices, half=not float32, skip_damaged=skip_damaged, compute=compute, progress=shown
        )
    show_data(dataset, json_file)
    say(f"written to {out}, {out.stat().st_size / 2**20:.1f} MiB")


def _choice(
    kind: Literal["text", "audio", "vision"], model: str, layers: int, rate: float, steps: int, pickled: bool
) -> EncoderChoice:
    """What NAME=MODEL or MODEL means."""
    from haemsa.cluster.api import EncoderChoice

    name, equals, named = model.partition("=")
    if not equals or "/" in name or Path(model).exists():
        name, named = "", model
    return EncoderChoice(kind, named, name, layers, rate, steps, pickled)
