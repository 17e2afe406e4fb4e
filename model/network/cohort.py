"""From genomes to one padded tensor program: rows, tokens and stacks of parameters.

Axes used throughout `model/`: P rows of a cohort, B samples of a batch, T time steps, M modalities, D tokens (M local
ones and the global one), E experts, W token width, H hidden width.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from haemsa.model.schema import Schema
from haemsa.model.seeds import SeedPurpose
from haemsa.model.spec.genome import Genome
from haemsa.model.spec.network import GLOBAL

Init = Literal["fan_in", "fan_last", "token", "zeros", "ones"]
"""How a parameter starts: uniform, by the number of its inputs (the first axis or the last); like a token; constant."""


@dataclass(frozen=True)
class CohortRow:
    """One network of a cohort: a genome that is trained with a seed, on all samples that its fold does not hold out."""

    genome: Genome
    seed: int
    fold: int = 0


@dataclass(frozen=True)
class Slot:
    """Where one parameter of one row lies on its stack's leading axis: from `start` on, cropped to its real `shape`.

    It takes one place there. If `spread`, it takes one place for each index of its own first axis, so that this axis is
    not padded.
    """

    start: int
    row: int
    name: str
    shape: tuple[int, ...]
    spread: bool = False

    @property
    def stop(self) -> int:
        """The first place after it."""
        return self.start + (self.shape[0] if self.spread else 1)

    @property
    def inner(self) -> tuple[int, ...]:
        """Its shape at a single place."""
        return self.shape[1:] if self.spread else self.shape

    @cached_property
    def place(self) -> tuple[int | slice, ...]:
        """Index of the real numbers within the padded stack."""
        first = slice(self.start, self.stop) if self.spread else self.start
        return (first, *map(slice, self.inner))


class Cohort:
    """Rows that are trained together, and the sizes to which they are padded.

    Args:
        rows: Sorted by their number of levels, most first (`sort_order`), so that the first rows have each level.
        schema: Of the data.
        drawn: Whether networks draw their first weights. If not, all are 0 until others are inserted.

    Raises:
        ValueError: A genome reads modalities that the data does not have.
    """

    def __init__(self, rows: Sequence[CohortRow], schema: Schema, *, drawn: bool = True) -> None:
        assert rows, "a cohort has at least one row"
        depths = [len(row.genome.network.levels) for row in rows]
        assert depths == sorted(depths, reverse=True), "rows come sorted by their number of levels"
        self.rows = tuple(rows)
        self.schema = schema
        self.drawn = drawn
        used = {name for row in rows for name in row.genome.network.modalities}
        unknown = sorted(used - set(schema.modalities))
        if unknown:
            raise ValueError(f"the genome reads modalities {unknown}, but the data has {list(schema.modalities)}")
        self.modalities = tuple(name for name in schema.modalities if name in used)
        self.tokens = (*self.modalities, GLOBAL)
        self.widths = tuple(row.genome.network.width for row in rows)
        self.width = max(self.widths)

    def __len__(self) -> int:
        return len(self.rows)

    def rows_with_level(self, level: int) -> int:
        """How many rows have that level. They are the first ones."""
        return sum(len(row.genome.network.levels) > level for row in self.rows)

    def gene(self, name: str) -> Tensor:
        """The training gene `name` of every row, float32 [P]."""
        return torch.tensor([float(getattr(row.genome.training, name)) for row in self.rows])

    def noise_keys(self) -> Tensor:
        """One int32 key per row [P], which depends only on its seed."""
        states = [np.random.SeedSequence([row.seed, SeedPurpose.NOISE]).generate_state(1)[0] for row in self.rows]
        return torch.from_numpy(np.array(states, dtype=np.uint32).view(np.int32))


def sort_order(rows: Sequence[CohortRow]) -> list[int]:
    """The order in which a `Cohort` needs the rows. The sort is stable."""
    return sorted(range(len(rows)), key=lambda index: -len(rows[index].genome.network.levels))


class Stack(NamedTuple):
    """A padded parameter with a leading axis over places, and which row's parameter lies where."""

    parameter: nn.Parameter
    slots: tuple[Slot, ...]
    decays: bool


class Stacked(nn.Module):
    """A module whose parameters are stacks. Padding is zero, and every layer keeps it so."""

    def __init__(self) -> None:
        super().__init__()
        self._stacks: dict[str, tuple[tuple[Slot, ...], bool]] = {}

    def add(
        self,
        name: str,
        slots: Sequence[Slot],
        cohort: Cohort,
        init: Init,
        *,
        places: int | None = None,
        least: Sequence[int] = (),
    ) -> None:
        """Make a stack. Each slot draws from a generator of its own, at its real size.

        Args:
            name: Of the stack in this module.
            slots: What lies where.
            cohort: The seeds of its rows seed the generators.
            init: How the parameter starts.
            places: Length of the leading axis, where slots leave holes.
            least: The smallest sizes to which the other axes are padded.
        """
        shapes = [slot.inner for slot in slots] + ([tuple(least)] if least else [])
        values = torch.zeros(places or slots[-1].stop, *(max(sizes) for sizes in zip(*shapes, strict=True)))
        if cohort.drawn and init != "zeros":
            array = values.numpy()
            for slot in slots:
                array[slot.place] = _draw(slot, cohort.rows[slot.row].seed, init).numpy()
        self.register_parameter(name, nn.Parameter(values))
        self._stacks[name] = (tuple(slots), init in ("fan_in", "fan_last"))

    def constant(self, name: str, values: Tensor | None) -> None:
        """Keep a tensor that moves between devices with the module but is no weight."""
        self.register_buffer(name, values, persistent=False)

    def stacks(self) -> Iterator[Stack]:
        """All stacks of this module and of those within it."""
        for module in self.modules():
            if isinstance(module, Stacked):
                for name, (slots, decays) in module._stacks.items():
                    yield Stack(module.get_parameter(name), slots, decays)


def _draw(slot: Slot, seed: int, init: Init) -> Tensor:
    if init == "ones":
        return torch.ones(slot.shape)
    sequence = np.random.SeedSequence([seed, SeedPurpose.WEIGHTS, zlib.crc32(slot.name.encode())])
    state = sequence.generate_state(1, np.uint64)[0]
    generator = torch.Generator().manual_seed(int(state) >> 1)
    bound = 1.0 if init == "token" else math.sqrt(1 / slot.shape[0 if init == "fan_in" else -1])
    return torch.empty(slot.shape).uniform_(-bound, bound, generator=generator)
