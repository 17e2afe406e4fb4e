"""Subsets and random masks of modalities."""

import hashlib

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from haemsa.model.missing_modalities import RATES, random_presence, streams_of, subsets

NAMES = ("text", "audio", "vision")


def test_subsets_come_with_the_largest_first_and_never_empty() -> None:
    assert subsets(("a", "b")) == [("a", "b"), ("a",), ("b",)]
    assert len(subsets(NAMES)) == 7


def test_streams_belong_to_the_modality_that_their_names_begin_with() -> None:
    names = ["text_bert", "text_minilm", "audio", "fac", "fac_before", "text_before"]
    assert streams_of(names) == {
        "text": ("text_bert", "text_minilm", "text_before"),
        "audio": ("audio",),
        "fac": ("fac", "fac_before"),
    }


def test_a_draw_can_be_made_again_from_only_the_samples_id() -> None:
    draw = int.from_bytes(hashlib.sha256(b"video[3]/audio").digest()[:8], "big") / 2**64
    everything = np.ones((1, 3), bool)
    assert random_presence(["video[3]"], NAMES, everything, draw - 1e-9)[0, 1]
    assert not random_presence(["video[3]"], NAMES, everything, draw + 1e-9)[0, 1]


def test_the_share_that_is_hidden_is_the_rate() -> None:
    ids, everything = [f"video{n}" for n in range(4000)], np.ones((4000, 3), bool)
    for rate in (0.1, 0.3, 0.5):  # each sample keeps one: rate^3 of them get one back
        hidden = 1 - random_presence(ids, NAMES, everything, rate).mean()
        assert abs(hidden - (rate - rate**3 / 3)) < 0.015


@given(present=st.lists(st.tuples(st.booleans(), st.booleans(), st.booleans()), min_size=1, max_size=30))
def test_what_is_hidden_stays_hidden_at_higher_rates_and_each_sample_keeps_what_it_can(
    present: list[tuple[bool, bool, bool]],
) -> None:
    had = np.array(present)
    before = had
    for rate in RATES:
        shown = random_presence([f"v{n}" for n in range(len(had))], NAMES, had, rate)
        assert not (shown & ~before).any()
        assert (shown.any(1) == had.any(1)).all()
        before = shown
