"""Where the time of a training step goes: milliseconds and kernels by part of a cohort's program, on a CPU.

Only here do parts have names: their functions are wrapped while torch's profiler listens. What the backward does counts
for the part whose forward it belongs to (by torch's sequence numbers).
"""

from __future__ import annotations

import functools
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Final
from unittest import mock

from torch.autograd.profiler_util import FunctionEvent
from torch.profiler import ProfilerActivity, profile, record_function

from haemsa.model.network import levels
from haemsa.model.network.encoders import Encoder
from haemsa.model.network.experts.cross_attention import CrossAttention
from haemsa.model.network.experts.group import ExpertGroup
from haemsa.model.network.experts.tensor_fusion import TensorFusionGroup
from haemsa.model.network.gates import Gates
from haemsa.model.network.heads import Heads
from haemsa.model.network.noise import Noise
from haemsa.model.network.operations.gathering import Taking
from haemsa.model.network.tokens import Encoders
from haemsa.model.training.losses.criterion import Criterion
from haemsa.model.training.optimizer import CohortAdamW
from haemsa.model.training.pool import Pool

REST: Final = "the rest"
"""Batches, and what belongs to no other part."""
_PARTS: Final[tuple[tuple[str, Any, str], ...]] = (
    ("encoders", Encoder, "forward"),
    ("first tokens", Encoders, "_tokens"),
    ("first tokens", Encoders, "start"),
    ("noise, dropout masks", Noise, "__init__"),
    ("noise, dropout masks", Noise, "keep"),
    ("noise, dropout masks", Noise, "normal"),
    ("gates", Gates, "forward"),
    ("experts", Taking, "forward"),
    ("experts", ExpertGroup, "forward"),
    ("experts", TensorFusionGroup, "forward"),
    ("experts", CrossAttention, "forward"),
    ("mixing of experts, norms", levels, "normalise"),
    ("mixing of experts, norms", levels, "add_mixed"),
    ("mixing of experts, norms", levels.Level, "forward"),
    ("heads", Heads, "forward"),
    ("losses", Criterion, "__call__"),
    ("losses", Criterion, "total"),
    ("optimiser", CohortAdamW, "move"),
    (REST, Pool, "gather"),
)
_FREE: Final = re.compile(
    r"(new_)?empty\w*|resize_|resolve_\w+|\w*view|\w+_as|_?reshape\w*|flatten|unfold|as_strided|slice|select|narrow"
    r"|expand|(un)?squeeze|transpose|permute|t|(un)?split\w*|unbind|chunk|alias|detach_?|lift_fresh|item"
    r"|_local_scalar_dense|is_nonzero|result_type|broadcast_tensors|contiguous|to"
)
"""Operations without a kernel: views and allocations."""


class EpochProfile:
    """Profiles an epoch of a cohort: give `on_epoch` to `train`. The epoch before warms up, the one after is timed.

    Args:
        steps: Of an epoch.
        listening: The profiler.
        clock: Times the epoch after, in seconds.
    """

    def __init__(self, steps: int, listening: profile, clock: Callable[[], float]) -> None:
        self.steps, self.profile, self._clock = steps, listening, clock
        self._since, self.took = 0.0, 0.0

    def on_epoch(self, done: int) -> None:
        """Called after each epoch, when all of its work is done."""
        if done == 1:
            self.profile.start()
        if done == 2:
            self.profile.stop()
            self._since = self._clock()
        if done == 3:
            self.took = self._clock() - self._since


class StepProfile(EpochProfile):
    """Tells the parts of a step on a CPU."""

    def __init__(self, steps: int) -> None:
        super().__init__(steps, profile(activities=[ProfilerActivity.CPU], record_shapes=True), time.process_time)

    def report(self) -> None:
        """Print the milliseconds and kernels of a step by part, the longest first.

        The profiler tells wall time. So its figures are scaled to the processor time of a step without it.
        """
        took, kernels = _by_part(list(self.profile.events() or []))
        step = 1000 * self.took / self.steps
        print("| | ms | kernels |\n|---|---|---|")
        for part, own in took.most_common():
            print(f"| {part} | {step * own / took.total():.1f} | {kernels[part] / self.steps:.0f} |")
        print(f"| in all | {step:.1f} | {kernels.total() / self.steps:.0f} |")


@contextmanager
def named_parts() -> Iterator[None]:
    """Give the parts of a cohort's program names that the profiler sees."""
    with ExitStack() as stack:
        for part, owner, name in _PARTS:
            stack.enter_context(mock.patch.object(owner, name, _named(part, getattr(owner, name))))
        yield


def _named(part: str, function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def called(*args: Any, **options: Any) -> Any:
        with record_function(part):
            return function(*args, **options)

    return called


def _by_part(events: list[FunctionEvent]) -> tuple[Counter[str], Counter[str]]:
    """Microseconds and kernels by part."""
    names = {part for part, _, _ in _PARTS}
    forward: dict[int, str] = {}  # the last operation with a number is the one that has a gradient
    for event in sorted(events, key=lambda event: event.time_range.start):
        if event.sequence_nr >= 0 and _backward_of(event) is None:
            forward[event.sequence_nr] = _part_of(event, names, {})
    took, kernels = Counter[str](), Counter[str]()
    for event in events:
        part = _part_of(event, names, forward)
        took[part] += event.self_cpu_time_total
        kernels[part] += _is_kernel(event)
    return took, kernels


def _part_of(event: FunctionEvent, names: set[str], forward: dict[int, str]) -> str:
    """The innermost part around an event; in the backward, that of the forward."""
    backward = _backward_of(event)
    if backward is not None:
        return forward.get(backward.sequence_nr, REST)
    return next((at.name for at in _around(event) if at.name in names), REST)


def _backward_of(event: FunctionEvent) -> FunctionEvent | None:
    return next((at for at in _around(event) if at.name.startswith("autograd::engine::evaluate_function")), None)


def _around(event: FunctionEvent | None) -> Iterator[FunctionEvent]:
    """An event and those around it, from the inside out."""
    while event is not None:
        yield event
        event = event.cpu_parent


def _is_kernel(event: FunctionEvent) -> bool:
    """Whether an operation works on numbers by itself: no view, allocation, composite, or conversion of one number."""
    if not _computes(event) or any(map(_computes, event.cpu_children)):
        return False
    parent = event.cpu_parent
    return not (parent is not None and parent.name == "aten::_to_copy" and parent.input_shapes[:1] == [[]])


def _computes(event: FunctionEvent) -> bool:
    return event.name.startswith("aten::") and not _FREE.fullmatch(event.name.removeprefix("aten::"))
