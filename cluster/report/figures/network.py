"""A drawing of a network, from its modalities on top to its heads: what each expert sees, and which gates mix them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from haemsa.cluster.report.figures.drawing import Box, Drawing, Place
from haemsa.cluster.report.figures.style import FAINT, INK, WIDTH, colours_of
from haemsa.cluster.shared.text import counted
from haemsa.model.spec.genome import Genome
from haemsa.model.spec.network import GLOBAL, EncoderSpec, ExpertSpec, GateSpec, LevelSpec

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MARGIN: Final = 0.8  # on the left, for names of rows
_BOX: Final = (1.28, 0.5)
_STEP: Final = 0.95  # from a row of tokens to a row of experts
_GATE: Final = 0.3


def network_figure(genome: Genome, tasks: Sequence[str] = (), modalities: Sequence[str] = ()) -> Figure:
    """Draw the network of a genome.

    Args:
        genome: the genome.
        tasks: the names of the heads. Empty: one head without a known name.
        modalities: those of the data. A modality has the same colour in all drawings with the same ones.

    Example:
        >>> from haemsa.model.spec.network import EncoderSpec, NetworkSpec
        >>> figure = network_figure(Genome(NetworkSpec(8, (EncoderSpec("text"),))), ["sentiment"])
        >>> figure.savefig("network.png")  # doctest: +SKIP
    """
    return network_drawing(genome, tasks, modalities).figure()


def network_drawing(genome: Genome, tasks: Sequence[str] = (), modalities: Sequence[str] = ()) -> Drawing:
    """The same drawing, for a page or a figure."""
    return _Network(genome, tasks, modalities).drawing()


class _Network:
    def __init__(self, genome: Genome, tasks: Sequence[str], modalities: Sequence[str]) -> None:
        self._network, self._tasks = genome.network, tasks or ("head",)
        self._tokens = (*self._network.modalities, GLOBAL)
        self._colour = colours_of(self._network.modalities, modalities) | {GLOBAL: FAINT}
        most = max(len(self._tokens), len(self._tasks), *(len(level.experts) for level in self._network.levels), 1)
        self._width = max(WIDTH, _MARGIN + most * (_BOX[0] + 0.08))
        height = 0.75 + 2 * _STEP + len(self._network.levels) * (2.3 * _STEP + _GATE)
        self._drawing = Drawing(self._width, height)

    def drawing(self) -> Drawing:
        tokens = self._inputs()
        for number, level in enumerate(self._network.levels, start=1):
            tokens = self._level(number, level, tokens)
        self._heads(tokens)
        return self._drawing

    def _inputs(self) -> Mapping[str, Place]:
        """Encoders, and the tokens that they make."""
        top, y = 0.35, 0.35 + _STEP
        tokens = dict(zip(self._tokens, self._across(len(self._tokens), y), strict=True))
        self._name("inputs", top)
        for encoder in self._network.encoders:
            place = (tokens[encoder.modality][0], top)
            colour = self._colour[encoder.modality]
            self._box(place, [encoder.modality, _encoder(encoder)], colour)
            self._line(_under(place), _over(tokens[encoder.modality], 0.13), colour, 1.6)
            self._line(_under(place), _over(tokens[GLOBAL], 0.13), FAINT, 0.8)
        self._row_of_tokens(tokens)
        return tokens

    def _level(self, number: int, level: LevelSpec, tokens: Mapping[str, Place]) -> Mapping[str, Place]:
        """Experts below the tokens that they see, the gate below them, and the tokens that come out."""
        y = next(iter(tokens.values()))[1]
        gate, after = y + 1.75 * _STEP, y + 2.3 * _STEP + _GATE
        places = self._across(len(level.experts), y + _STEP)
        result = {name: (x, after) for name, (x, _) in tokens.items()}
        self._name(f"level {number}", y + _STEP)
        for expert, place in zip(level.experts, places, strict=True):
            for name in expert.sees:
                self._line(_over(tokens[name], -0.13), _over(place), self._colour[name], 1.6)
            words = _expert(expert)
            self._box(place, words, self._colour[expert.sees[0]] if len(expert.sees) == 1 else INK)
            self._line(_under(place), (place[0], gate - _GATE / 2), INK, 0.9)
        every = "every token hears every expert"
        hears = every if level.transfer else "a modality's token hears only its own experts"
        left, right = 0.5 * (self._width + _MARGIN), self._width - _MARGIN - 0.2
        self._box((left, gate), [f"{_gate(level.gate)}: {hears}"], INK, (right, _GATE))
        for name, place in result.items():
            self._line((place[0], gate + _GATE / 2), _over(place, 0.13), self._colour[name], 1.2)
        self._row_of_tokens(result)
        return result

    def _heads(self, tokens: Mapping[str, Place]) -> None:
        y = next(iter(tokens.values()))[1] + _STEP
        self._name("heads", y)
        for task, place in zip(self._tasks, self._across(len(self._tasks), y), strict=True):
            for name, token in tokens.items():
                self._line(_over(token, -0.13), _over(place), self._colour[name], 0.9)
            self._box(place, [task, "gate over tokens, linear"], INK, (1.7, _BOX[1]))

    def _row_of_tokens(self, tokens: Mapping[str, Place]) -> None:
        y = next(iter(tokens.values()))[1]
        self._name(f"width {self._network.width}", y)
        for name, place in tokens.items():
            self._box(place, [name], self._colour[name], (1.0, 0.26), round_by=0.13)

    def _across(self, count: int, y: float) -> list[Place]:
        """Evenly over the width, right of the margin."""
        step = (self._width - _MARGIN) / count
        return [(_MARGIN + (place + 0.5) * step, y) for place in range(count)]

    def _name(self, text: str, y: float) -> None:
        self._drawing.names.append(((0.05, y), text))

    def _line(self, start: Place, end: Place, colour: str, width: float) -> None:
        self._drawing.lines.append((start, end, colour, width))

    def _box(self, place: Place, lines: Sequence[str], colour: str, size: Place = _BOX, round_by: float = 0.06) -> None:
        self._drawing.boxes.append(Box(place, tuple(lines), colour, size, round_by))


def _under(place: Place) -> Place:
    return (place[0], place[1] + _BOX[1] / 2)


def _over(place: Place, by: float = _BOX[1] / 2) -> Place:
    return (place[0], place[1] - by)


def _encoder(encoder: EncoderSpec) -> str:
    kind = encoder.kind.replace("_", " ")
    if encoder.kind == "attention":
        return f"{kind}, {counted(encoder.heads, 'query', 'queries')}"
    return f"{kind} of {encoder.kernel}" if encoder.kind == "convolution" else kind


def _expert(expert: ExpertSpec) -> list[str]:
    kind = expert.kind.replace("_", " ").replace("mlp", "MLP")
    return [kind, f"{expert.depth} x {expert.width}"]


def _gate(gate: GateSpec) -> str:
    kind = f"top-{gate.k}" if gate.kind == "top_k" else gate.kind.replace("_", " ")
    return f"{kind} gate"
