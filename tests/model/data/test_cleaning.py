import numpy as np
import pytest

from haemsa.model.data.cleaning import RawModality, clean, last_step

TRAIN = np.array([0, 1])


def raw(values, lengths=None):
    features = np.asarray(values, dtype=np.float64)
    return RawModality(features, np.array(lengths or [features.shape[1]] * len(features)))


def test_cells_that_are_not_finite_get_the_mean_of_the_training_split():
    audio = raw([[[1.0, 5], [np.nan, 6]], [[3, 7], [-np.inf, 9]], [[np.inf, 1e300], [50, 2]]], [2, 2, 2])
    kept, notes = clean({"audio": audio}, TRAIN)
    assert kept["audio"].features[:, :, 0].tolist() == [[1, 2], [3, 2], [2, 50]]
    assert kept["audio"].features[2, 0, 1] == 6.75
    assert notes == ("audio: 4 non-finite cells in 2 columns (0, 1) filled with the training mean",)


def test_padding_is_zeroed_and_counts_neither_as_data_nor_as_a_fault():
    kept, notes = clean({"audio": raw([[[1.0], [np.nan]], [[3], [4]]], [1, 2])}, TRAIN)
    assert kept["audio"].features[:, :, 0].tolist() == [[1, 0], [3, 4]]
    assert notes == ()


def test_a_modality_without_use_is_dropped_with_a_note_if_others_remain():
    kept, notes = clean(
        {
            "text": raw([[[1.0]], [[2]], [[3]]]),
            "flat": raw([[[7.0]], [[7]], [[8]]]),
            "broken": raw([[[np.nan]], [[-np.inf]], [[1]]]),
            "absent": raw([[[0.0]], [[0]], [[1]]], [0, 0, 1]),
        },
        TRAIN,
    )
    assert list(kept) == ["text"]
    assert "flat: dropped, entirely constant or non-finite in the training split" in notes
    assert "broken: dropped, absent or non-finite in the whole training split" in notes
    assert "absent: dropped, absent or non-finite in the whole training split" in notes


def test_no_usable_modality_at_all_is_an_error():
    with pytest.raises(ValueError, match="no usable modality remains: flat: dropped, entirely constant"):
        clean({"flat": raw([[[7.0]], [[7]], [[8]]])}, TRAIN)


def test_a_constant_column_stays_and_is_counted():
    kept, notes = clean({"text": raw([[[1.0, 4]], [[2, 4]]])}, TRAIN)
    assert kept["text"].width == 2
    assert notes == ("text: 1 of 2 columns (1) are constant in the training split",)


def test_a_sample_without_a_finite_cell_counts_as_absent():
    kept, notes = clean({"text": raw([[[1.0, 4]], [[2, 4.5]], [[np.nan, np.nan]]])}, TRAIN)
    assert kept["text"].lengths.tolist() == [1, 1, 0]
    assert notes == ("text: 1 samples without a finite cell count as absent", "text: absent in 1 of 3 samples")


def test_the_last_step_is_the_last_that_is_not_all_zero():
    features = np.zeros((4, 3, 2))
    features[1, 0, 1] = 1
    features[2, 2, 0] = np.nan
    features[3, 1, 0] = -1
    assert last_step(features).tolist() == [0, 1, 3, 2]


def test_notes_name_columns_that_have_names():
    features = np.array([[[1.0, 2.0]], [[np.nan, 2.0]], [[3.0, 2.0]]])
    named = RawModality(features, np.ones(3, np.int64), ("pitch", "rate"))
    _, notes = clean({"audio": named}, np.arange(3))
    assert notes == (
        "audio: 1 of 2 columns (rate) are constant in the training split",
        "audio: 1 non-finite cells in 1 columns (pitch) filled with the training mean",
    )


def test_a_model_that_scores_the_data_gives_the_means_and_nothing_is_dropped():
    both = {"audio": raw([[[np.nan, 1.0]], [[2.0, 1.0]], [[np.nan, np.nan]]]), "text": raw(np.full((3, 1, 1), np.nan))}
    modalities, notes = clean(both, np.arange(3), lambda _name, _columns, width: np.full(width, 7, np.float32))
    assert modalities["audio"].features[:, 0].tolist() == [[7, 1], [2, 1], [0, 0]]
    assert modalities["audio"].lengths.tolist() == [1, 1, 0]
    assert "text: dropped, absent or non-finite in all samples" in notes
