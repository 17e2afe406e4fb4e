"""What a model knows of its data: which features it reads, and in which order."""

import pytest

from haemsa.model.schema import Schema, TaskInfo

NAMED = Schema({"audio": (1, 2), "text": (4, 3)}, {"score": TaskInfo("regression")}, {"audio": ("pitch", "rate")})


@pytest.mark.parametrize(
    ("columns", "places"),
    [
        (("pitch", "rate"), None),
        (("rate", "pitch"), [1, 0]),
        (("new", "rate", "other", "pitch"), [3, 1]),
    ],
)
def test_features_are_found_by_their_names_in_any_order_and_among_others(columns, places):
    found = NAMED.places_of("audio", columns, len(columns))
    assert (None if found is None else found.tolist()) == places


def test_missing_names_are_listed():
    with pytest.raises(ValueError, match="lacks pitch, which the model was trained on; the data has rate, loudness"):
        NAMED.places_of("audio", ("rate", "loudness"), 2)


@pytest.mark.parametrize(("modality", "columns"), [("audio", ()), ("text", ("a", "b", "c", "d"))])
def test_without_names_on_both_sides_only_the_number_of_features_is_compared(modality, columns):
    width = NAMED.modalities[modality][1]
    assert NAMED.places_of(modality, columns[:width], width) is None
    with pytest.raises(ValueError, match=f"^modality '{modality}' has 4 features, the model was trained on {width}$"):
        NAMED.places_of(modality, columns, 4)


def test_names_are_saved_and_models_without_names_are_still_read():
    assert Schema.from_dict(NAMED.to_dict()) == NAMED
    old = {"modalities": {"audio": [1, 2]}, "tasks": {}}
    assert Schema.from_dict(old) == Schema({"audio": (1, 2)}, {})
    assert "columns" not in Schema.from_dict(old).to_dict()


def test_names_that_do_not_fit_their_modality_are_refused():
    with pytest.raises(ValueError, match="there are 1 distinct names of features, expected 2"):
        Schema.from_dict({"modalities": {"audio": [1, 2]}, "tasks": {}, "columns": {"audio": ["a", "a"]}})
