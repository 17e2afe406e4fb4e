"""What a check finds in data, and how `haemsa data check` says it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from haemsa.cluster.data_check.check import ALL
from haemsa.cluster.data_check.labels import task_check
from haemsa.cluster.data_check.overlap import Overlap, overlaps, repeats
from haemsa.cluster.data_check.page import page
from haemsa.cluster.data_check.problems import leaks, warnings
from haemsa.cluster.data_check.terminal import check_values
from haemsa.cluster.shared.files import to_json
from haemsa.model.data.dataset import Dataset, Task
from haemsa.model.data.store.file import write
from tests.support.cluster.checked_data import GROUP, SIZES, changed, check, honest, leaking
from tests.support.cluster.haemsa_command import haemsa

VALID, TEST = SIZES["train"], SIZES["train"] + SIZES["valid"]
SPLITS = {"train": np.array([0, 1, 2]), "valid": np.array([3, 4]), "test": np.array([5, 6])}


def copied(data: Dataset, source: int, target: int, *names: str) -> Dataset:
    """The data with the features of one sample given to another one."""
    for name in names:
        features = data.modalities[name].features.copy()
        features[target] = features[source]
        data = changed(data, name, features)
    return data


def test_honest_data_has_nothing_wrong() -> None:
    found = check(honest())
    assert (leaks(found), warnings(found)) == ([], [])
    assert (found.samples, found.groups, found.splits) == (420, 105, SIZES)
    assert found.fingerprint == honest().fingerprint


def test_things_in_several_splits_are_told_by_combination_with_examples() -> None:
    things = np.array([1, 2, 3, 1, 9, 1, 3])
    found = overlaps(things, SPLITS, list("abcdefg"))
    assert found == (
        Overlap(("train", "valid", "test"), 1, (("a", "d", "f"),)),
        Overlap(("train", "test"), 1, (("c", "g"),)),
    )
    assert overlaps(np.arange(7), SPLITS, list("abcdefg")) == ()


def test_equal_rows_of_digests_repeat_and_empty_ones_do_not() -> None:
    digests = np.array([[1, 2], [1, 2], [0, 0], [0, 0], [3, 0], [3, 1], [1, 2]], dtype=np.uint64)
    found = repeats(digests, SPLITS, list("abcdefg"))
    assert found.within == {"train": 1, "valid": 0, "test": 0}
    assert found.across == (Overlap(("train", "test"), 1, (("a", "g"),)),)


def test_a_group_in_two_splits_is_a_leak_that_names_it() -> None:
    data = honest()
    groups = data.groups.copy()
    groups[TEST : TEST + GROUP] = groups[0]
    (leak,) = leaks(check(replace(data, groups=groups)))
    assert leak == "1 group lies in more than one split (train and test): clip0_0 with clip75_300"


def test_many_groups_in_two_splits_are_counted_and_the_first_are_named() -> None:
    data = honest()
    groups = data.groups.copy()
    groups[TEST:] = groups[: len(groups) - TEST]
    (leak,) = leaks(check(replace(data, groups=groups)))
    assert leak.startswith("30 groups lie in more than one split (train and test): clip0_0 with clip75_300, clip1_4")
    assert leak.endswith(" and 27 more")


def labelled_alike(data: Dataset, source: int, target: int) -> Dataset:
    """The data with the label of one sample given to another one."""
    targets = data.tasks["mood"].targets.copy()
    targets[target] = targets[source]
    return replace(data, tasks={"mood": replace(data.tasks["mood"], targets=targets)})


@pytest.mark.parametrize("kind", ["regression", "classes", "multilabel"])
def test_a_sample_in_two_splits_is_a_leak(kind: str) -> None:
    data = labelled_alike(copied(honest(kind=kind), 3, TEST, "text", "audio"), 3, TEST)
    found = check(data)
    assert leaks(found) == [
        "1 sample lies in more than one split (train and test) with equal features and labels: clip0_3 = clip75_300"
    ]
    assert warnings(found) == []


def test_equal_features_with_another_label_are_a_warning() -> None:
    found = check(copied(honest(), 3, TEST, "text", "audio"))
    assert leaks(found) == []
    assert warnings(found) == [
        "1 sample lies in more than one split (train and test) with equal features: clip0_3 = clip75_300"
    ]


def test_equal_samples_are_a_warning_where_those_of_training_equal_each_other_too() -> None:
    data = labelled_alike(copied(honest(), 3, TEST, "text", "audio"), 3, TEST)
    found = check(copied(copied(data, 5, 100, "text", "audio"), 5, 101, "text", "audio"))
    assert found.repeats[ALL].shared == 3 / SIZES["train"]
    assert leaks(found) == []
    assert warnings(found) == [
        "1 sample lies in more than one split (train and test) with equal features: clip0_3 = clip75_300",
        "2 samples repeat another of the same split (train 2)",
    ]


def test_an_id_in_two_splits_is_a_leak_and_one_that_repeats_within_one_a_warning() -> None:
    data = honest()
    ids = list(data.ids)
    ids[TEST], ids[5] = ids[3], ids[4]
    found = check(replace(data, ids=tuple(ids)))
    assert leaks(found) == ["1 id lies in more than one split (train and test): clip0_3"]
    assert warnings(found) == ["1 sample has the id of another one of the same split (train 1)"]
    assert warnings(check(honest())) == []


def test_a_stored_modality_may_be_absent_everywhere_or_in_training_alone() -> None:
    data = honest()
    features, lengths = data.modalities["audio"].features.copy(), data.modalities["audio"].lengths.copy()
    features[:VALID], lengths[:VALID] = 0, 0
    found = check(changed(data, "audio", features, lengths))
    assert found.modalities["audio"].shifts == {}
    assert "audio: absent in the whole split 'train'" in warnings(found)
    found = check(changed(data, "audio", 0 * features, 0 * lengths))
    assert found.modalities["audio"].absent == SIZES
    assert [f"audio: absent in the whole split {split!r}" for split in SIZES] == warnings(found)[:3]
    assert page(found).count("<figure>") >= 4


def test_one_equal_modality_is_a_warning() -> None:
    found = check(copied(honest(), 3, VALID, "text"))
    assert leaks(found) == []
    assert warnings(found) == [
        "text: equal features of 1 sample lie in more than one split (train and valid): clip0_3 = clip60_240"
    ]


def test_a_sample_that_repeats_within_its_split_is_a_warning() -> None:
    found = check(copied(honest(), 3, 100, "text", "audio"))
    assert leaks(found) == []
    assert warnings(found) == ["1 sample repeats another of the same split (train 1)"]


def test_absent_samples_are_equal_to_nothing_and_a_split_without_a_modality_is_a_warning() -> None:
    data = honest()
    features, lengths = data.modalities["audio"].features.copy(), data.modalities["audio"].lengths.copy()
    gone = np.r_[0:10, VALID:TEST]
    features[gone], lengths[gone] = 0, 0
    found = check(changed(data, "audio", features, lengths))
    assert found.modalities["audio"].absent == {"train": 10, "valid": 60, "test": 0}
    assert leaks(found) == []
    assert warnings(found) == ["audio: absent in the whole split 'valid'"]
    assert "valid" not in found.skills["mood"]["audio"].fitted


def test_a_shift_between_splits_is_a_warning() -> None:
    data = honest()
    features = data.modalities["audio"].features.copy()
    features[TEST:, 0, 4] += 4
    (warning,) = warnings(check(changed(data, "audio", features)))
    assert warning.startswith("audio: 1 column has its mean in test more than 1 standard deviation from that in train")
    assert "column 4, lies +3." in warning


def test_data_whose_leaks_could_not_be_seen_says_so() -> None:
    data = honest()
    (warning,) = warnings(check(replace(data, groups=data.groups // 20)))
    assert warning.startswith("mood: leaks of labels cannot be detected in text, audio: train has too few samples or")


def test_labels_of_few_values_are_counted_each_and_others_in_tenths_of_their_range() -> None:
    few = Task("regression", np.array([1, 1, np.nan, 2, 2, 3, 1], dtype=np.float32))
    found = task_check(few, SPLITS)
    assert (found.bins, found.edges) == (("1", "2", "3"), ())
    assert found.counts == {"train": (2, 0, 0), "valid": (0, 2, 0), "test": (1, 0, 1)}
    assert found.missing == {"train": 1, "valid": 0, "test": 0}
    assert found.unseen == {"train": (), "valid": ("2 labels above 1",), "test": ("1 label above 1",)}
    many = task_check(Task("regression", np.linspace(0, 1, 21, dtype=np.float32)), {"train": np.arange(21)})
    assert many.edges == pytest.approx(np.linspace(0, 1, 11))
    assert many.counts == {"train": (2,) * 9 + (3,)}


def test_classes_that_training_lacks_are_a_warning() -> None:
    data = honest(kind="classes")
    targets = data.tasks["mood"].targets.copy()
    targets[:VALID] = np.where(targets[:VALID] == 2, -1, targets[:VALID])
    found = check(replace(data, tasks={"mood": replace(data.tasks["mood"], targets=targets)}))
    assert found.tasks["mood"].missing["train"] > 0
    assert found.tasks["mood"].unseen["test"] == ("glad",)
    assert warnings(found) == ["mood: train lacks labels of other splits: glad (valid), glad (test)"]


def test_labels_of_several_kinds_at_once_are_counted() -> None:
    found = task_check(honest(kind="multilabel").tasks["mood"], {"train": np.arange(VALID)})
    assert found.bins == ("glad", "very")
    assert found.counts["train"][0] > found.counts["train"][1] > 0


def test_a_training_split_alone_can_be_checked() -> None:
    data = honest()
    found = check(data.part("train"))
    assert leaks(found) == []
    assert found.skills["mood"]["text"].fitted == {}


def test_what_is_found_is_plain_and_printable_whatever_the_names() -> None:
    data = honest(kind="classes")
    task = replace(data.tasks["mood"], labels=("a\x1b[31m", "\ud800", "x" * 99))
    odd = replace(
        data, name="a\nb", ids=tuple(f"\x07{n}" for n in range(len(data))), tasks={"mood": task}, notes=("n\x00",)
    )
    values = json.loads(to_json(check_values(check(odd))).encode("utf-8"))
    assert (values["name"], values["notes"]) == ("a?b", ["n?"])
    assert values["tasks"]["mood"]["bins"] == ["a?[31m", "?", "x" * 39 + "…"]
    assert (values["leaks"], values["samples"]) == ([], 420)


def test_the_command_ends_with_0_and_fits_one_screen_where_nothing_leaks(tmp_path: Path) -> None:
    write(honest(), tmp_path / "made.h5")
    ran = haemsa("data", "check", tmp_path / "made.h5", "--json", tmp_path / "found.json")
    assert (ran.status, ran.err) == (0, "")
    assert "made: 420 samples (train 240, valid 60, test 120) in 105 groups" in ran.out
    assert "No leak was found." in ran.out
    assert "This check reads the labels of all splits, the test split too." in ran.out
    assert len(ran.out.splitlines()) < 45
    assert json.loads((tmp_path / "found.json").read_text())["leaks"] == []


def test_the_command_ends_with_1_and_says_so_first_where_data_leaks(tmp_path: Path) -> None:
    write(leaking(honest(1), "test"), tmp_path / "made.h5")
    ran = haemsa("data", "check", tmp_path / "made.h5", "--json", tmp_path / "found.json")
    assert (ran.status, ran.err) == (1, "")
    line = ran.out.splitlines()[1]
    assert line.startswith("LEAK: audio alone predicts 'mood' in test with r 0.9")
    assert line.endswith("Were its features made with the labels of test?")
    assert "No leak was found" not in ran.out
    assert json.loads((tmp_path / "found.json").read_text())["leaks"] == [line.removeprefix("LEAK: ")]


def test_the_command_ends_with_2_where_there_is_no_data() -> None:
    found = haemsa("data", "check", "nowhere.h5").sentence
    assert found == "data 'nowhere.h5' does not exist, expected planted, digits, or a file or folder"
