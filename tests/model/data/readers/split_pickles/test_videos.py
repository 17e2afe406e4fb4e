import pytest

from haemsa.model.data.readers.split_pickles.videos import groups_of


def named(pattern, videos, utterances=2):
    return [pattern.format(video, utterance) for video in range(videos) for utterance in range(utterances)]


@pytest.mark.parametrize("name", ["a_b$_$3", "a_b[3]", "a_b[1.5,2]", "a_b$_$00_1"])
def test_what_stands_before_the_mark_of_an_utterance_is_its_video(name):
    assert groups_of([name, "x[0]"], []) == ["a_b", "x"]


@pytest.mark.parametrize("pattern", ["_dI--eQ6q_{}_{}", "aqgy{}_000{}", "video_000{}/000{}", "03bSnISJMiM{}_{}"])
def test_numbered_utterances_of_five_videos_or_more_are_grouped(pattern):
    notes = []
    found = groups_of(named(pattern, 5), notes)
    assert len(set(found)) == 5
    assert found[0] == found[1] == named(pattern, 1)[0].removesuffix("0").rstrip("0").rstrip("_/")
    assert notes == []


@pytest.mark.parametrize(
    "names", [named("sample_{}{}", 9), named("s{}_{}", 4), named("v{}_x{}", 9), ["abc"], ["_1"], named("train/{}{}", 9)]
)
def test_other_names_make_each_sample_its_own_group_and_that_is_noted(names):
    notes = []
    assert groups_of(names, notes) == names
    assert notes == [f"{len(names)} ids name no video, as {names[0]!r} does not: each such sample is its own group"]


def test_names_without_a_mark_are_looked_at_apart_from_those_with_one():
    assert groups_of(["a[0]", *named("v{}_{}", 5, 1)], []) == ["a", "v0", "v1", "v2", "v3", "v4"]
