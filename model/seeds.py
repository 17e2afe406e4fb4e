"""What a seed is for. Each purpose has a number of its own, so no two draws of random numbers are ever the same."""

from __future__ import annotations

from enum import IntEnum

import numpy as np


class SeedPurpose(IntEnum):
    """The numbers are part of every result: a new purpose gets a new one, and none is ever changed."""

    WEIGHTS = 0
    """A network's first weights."""
    NOISE = 1
    """Dropout and other noise in a network's training."""
    SEARCH = 2
    """A candidate's training in a search."""
    FINAL_TRAINING = 3
    CONFIRMATION = 4
    """Training the front again at the end of a search."""
    COHORT_SIZE = 5
    """Genomes that are drawn to measure which cohort trains fastest."""
    TUNING = 6
    CLASSICAL_MODELS = 7
    """Settings that are tried of models of scikit-learn."""
    BOOTSTRAP = 11
    ADAPTERS = 12
    """The first weights of adapters."""


def derived_seed(seed: int, purpose: SeedPurpose | int, *numbers: int) -> int:
    """A 32-bit seed that only `seed`, its purpose and the numbers decide.

    Example:
        >>> derived_seed(0, SeedPurpose.SEARCH, 1) == derived_seed(0, SeedPurpose.CONFIRMATION, 1)
        False
    """
    return int(np.random.SeedSequence([seed, purpose, *numbers]).generate_state(1)[0])
