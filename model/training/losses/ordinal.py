"""Regression as ordered classes: the all-threshold logistic loss (Rennie and Srebro 2005) on the one output.

An output has to lie on the right side of every threshold between values of the target. The thresholds are fixed: they
part the target's bounds into steps, at half-integers for sentiment in (-3, 3); a target without bounds is parted into
half deviations, up to two from its mean. Margins are in quarters of a step: sharp enough that an output is best in the
middle of its step, and hardly pulled outwards from the last ones. The sum is scaled so that an output some steps off is
pulled about as by the squared error.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from haemsa.model.network.batch import TargetScale

FEWEST, MOST = 4, 12
"""Steps within bounds: as many as there are whole numbers between them, but no fewer and no more."""
_SHARPNESS: Final = 4.0


class Thresholds(NamedTuple):
    """Where they lie on each row's standardised scale [1 or P, 1, K], and how far apart [1 or P, 1, 1]."""

    places: Tensor
    step: Tensor


def thresholds(bounds: tuple[float, float] | None, scale: TargetScale) -> Thresholds:
    """The middles of equal steps between the bounds, or, without any, between deviations of the target."""
    if bounds is None:
        places = torch.arange(-1.75, 2, 0.5).to(scale.mean).view(1, 1, -1)
        return Thresholds(places, torch.full_like(places[..., :1], 0.5))
    low, high = bounds
    count = min(max(round(high - low), FEWEST), MOST)
    step = (high - low) / count
    places = low + step * (torch.arange(count).to(scale.mean) + 0.5)
    return Thresholds((places - scale.mean) / scale.deviation, step / scale.deviation)


def ordinal_loss(outputs: Tensor, wanted: Tensor, cuts: Thresholds) -> Tensor:
    """The loss of each output, where standardised values are wanted; all [P, B, 1]."""
    width = cuts.step / _SHARPNESS
    beyond = torch.where(wanted > cuts.places, cuts.places - outputs, outputs - cuts.places)
    return F.softplus(beyond / width).sum(-1, keepdim=True) * width * cuts.step
