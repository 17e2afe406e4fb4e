"""An estimator that fits in a second, and samples for it."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from haemsa.cluster.estimator.multimodal_search import MultimodalSearch

SPACE = {
    "epochs": [6, 8],
    "learning_rate": [0.01, 0.02],
    "widths": [8],
    "max_levels": 1,
    "max_experts": 2,
    "max_depth": 1,
}
SETTINGS = {"population": 2, "cohort": 2, "rungs": False, "space": SPACE}


def quick(**given: Any) -> MultimodalSearch:
    """An estimator that tries two networks of a few epochs."""
    tiny: dict[str, Any] = {"evaluations": 2, "confirm": 0, "validation": "holdout:1", "seeds": 1, "settings": SETTINGS}
    return MultimodalSearch(**(tiny | given))


@cache
def samples() -> tuple[dict[str, Any], np.ndarray, np.ndarray]:
    """X, y and groups of 120 samples: ragged text that is absent in some, a table of audio, and a mood in both."""
    rng = np.random.default_rng(0)
    mood = rng.normal(size=120)
    text: list[Any] = [value + 0.5 * rng.normal(size=(rng.integers(1, 6), 4)) for value in mood]
    text[3] = text[50] = None
    audio = pd.DataFrame(mood[:, None] + rng.normal(size=(120, 3)), columns=["pitch", "rate", "loudness"])
    return {"text": text, "audio": audio}, mood, np.arange(120) // 4
