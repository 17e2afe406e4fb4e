import numpy as np
import pytest

from haemsa.model.data.readers.csd.align import EPSILON, Rows, align, collapse, cut, join


def rows(values, intervals):
    """One feature a row."""
    return Rows(np.array(values, np.float32)[:, None], np.array(intervals, float))


def plain(found):
    return found.features[:, 0].tolist(), found.intervals.tolist()


def segments(found, pivot, how):
    return {name: plain(segment) for name, segment in align(found, "v", np.array(pivot, float), how).items()}


AUDIO = rows([1, 2, 4, 8], [[0, 1], [1, 2], [2, 3], [3, 4]])


def test_the_pieces_of_a_video_are_joined_in_order_of_start():
    pieces = [rows([1, 2], [[4, 5], [5, 6]]), rows([3, 4], [[0, 1], [5, 9]]), rows([5], [[2, 3]])]
    assert plain(join(pieces)) == ([3, 5, 1, 2, 4], [[0, 1], [2, 3], [4, 5], [5, 6], [5, 9]])


def test_rows_that_start_together_stay_in_their_order():
    assert plain(join([rows([1, 2], [[1, 9], [1, 2]]), rows([3], [[1, 5]])]))[0] == [1, 2, 3]


def test_a_segment_has_every_row_that_shares_time_with_it_cut_to_what_is_shared():
    assert segments(AUDIO, [[0.5, 2.25]], "none") == {"v[0]": ([1, 2, 4], [[0.5, 1], [1, 2], [2, 2.25]])}


def test_rows_within_a_segment_become_their_mean_over_all_of_their_time():
    found = segments(AUDIO, [[0.5, 2.25], [2.5, 9]], "mean")
    assert found == {"v[0]": ([pytest.approx(7 / 3)], [[0.5, 2.25]]), "v[1]": ([6], [[2.5, 4]])}


def test_rows_within_a_segment_become_the_last_of_them():
    assert segments(AUDIO, [[0.5, 2.25], [2.5, 9]], "last") == {"v[0]": ([4], [[0.5, 2.25]]), "v[1]": ([8], [[2.5, 4]])}


def test_rows_that_touch_a_segment_or_share_less_than_epsilon_are_not_in_it():
    near = EPSILON / 2
    assert segments(AUDIO, [[1, 2]], "none") == {"v[0]": ([2], [[1, 2]])}
    assert segments(AUDIO, [[1 - near, 2 + near]], "none") == {"v[0]": ([2], [[1, 2]])}
    wide = 1.5 * EPSILON
    assert segments(AUDIO, [[1 - wide, 2 + wide]], "none")["v[0]"][0] == [1, 2, 4]


def test_an_empty_interval_has_no_segment_and_the_numbers_of_others_stay():
    assert list(segments(AUDIO, [[1, 2], [2, 2], [3, 3 + EPSILON / 2], [3, 4]], "mean")) == ["v[0]", "v[3]"]


def test_an_empty_row_is_in_no_segment():
    assert segments(rows([1, 2], [[0.5, 0.5], [0.5, 0.8]]), [[0, 1]], "none") == {"v[0]": ([2], [[0.5, 0.8]])}


def test_a_segment_without_rows_is_missing():
    gap = rows([1, 2], [[0, 1], [5, 6]])
    assert segments(gap, [[0, 1], [2, 4], [5, 6], [7, 8]], "mean") == {"v[0]": ([1], [[0, 1]]), "v[2]": ([2], [[5, 6]])}


def test_a_row_that_overlaps_others_is_in_each_segment_that_it_shares_time_with():
    """The long first row ends after rows that start later: no order of ends can be relied on."""
    found = segments(rows([1, 2, 4], [[0, 10], [1, 2], [3, 4]]), [[3, 4], [6, 7], [1.5, 3.5]], "none")
    assert found == {
        "v[0]": ([1, 4], [[3, 4], [3, 4]]),
        "v[1]": ([1], [[6, 7]]),
        "v[2]": ([1, 2, 4], [[1.5, 3.5], [1.5, 2], [3, 3.5]]),
    }


def test_intervals_of_a_pivot_keep_their_numbers_when_they_are_out_of_order():
    assert segments(AUDIO, [[2, 4], [0, 2]], "mean") == {"v[0]": ([6], [[2, 4]]), "v[1]": ([1.5], [[0, 2]])}


def test_words_then_labels():
    """Words average audio; a label then has the words that it shares time with, uncollapsed, though cut in two."""
    words = [[2, 4], [0, 1.5], [1.5, 2]]  # audio: 4 and 8; 1 and 2; 2
    aligned = join(list(align(AUDIO, "v", np.array(words, float), "mean").values()))
    assert plain(aligned) == ([1.5, 2, 6], [[0, 1.5], [1.5, 2], [2, 4]])
    labels = np.array([[0, 1.75], [3, 5], [6, 7]])
    found = {place: plain(sample) for place, sample in cut(aligned, labels)}
    assert found == {0: ([1.5, 2], [[0, 1.5], [1.5, 1.75]]), 1: ([6], [[3, 4]]), 2: ([], [])}


def test_infinite_features_have_no_mean_and_nothing_warns(recwarn):
    found = collapse(rows([np.inf, -np.inf], [[0, 1], [1, 2]]), "mean")
    assert np.isnan(found.features).all()
    assert not recwarn.list


def test_means_are_taken_in_double_precision():
    found = collapse(rows([2**24, 1, 1, 2], [[0, 1]] * 4), "mean")
    assert found.features.dtype == np.float32
    assert found.features[0, 0] == (2**24 + 4) / 4


def test_without_rows_there_is_nothing_to_cut_or_collapse():
    nothing = rows([], np.zeros((0, 2)))
    assert segments(nothing, [[0, 1]], "mean") == {}
    assert plain(collapse(nothing, "mean")) == ([], [])
