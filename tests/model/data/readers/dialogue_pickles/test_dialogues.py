import pickle

import numpy as np
import pytest

from haemsa.model.data.readers.options import Reading
from haemsa.model.data.sources import load

SIZES = {"Ses01F_a": 3, "Ses02M_b": 2, "Ses03F_c": 4, "Ses04M_d": 3, "Ses05F_e": 3}
TRAIN = ["Ses01F_a", "Ses02M_b", "Ses03F_c", "Ses04M_d"]
LABELS = {
    "Ses01F_a": [0, 1, 2],
    "Ses02M_b": [3, 4],
    "Ses03F_c": [5, 0, 1, 2],
    "Ses04M_d": [3, 4, 5],
    "Ses05F_e": [0, 4, 5],
}


def vectors(width, seed=0):
    """Features of `width` by dialogue, as a list of arrays."""
    rng = np.random.default_rng(seed)
    return {dialogue: list(rng.normal(size=(size, width))) for dialogue, size in SIZES.items()}


def words(word):
    return {dialogue: [word] * size for dialogue, size in SIZES.items()}


def iemocap(**changes):
    """The places of DialogueRNN's IEMOCAP pickle."""
    ids = {dialogue: [f"{dialogue}_{index:03}" for index in range(size)] for dialogue, size in SIZES.items()}
    places = {
        "ids": ids, "speakers": words("M"), "labels": dict(LABELS), "text": vectors(4, 1), "audio": vectors(3, 2),
        "vision": vectors(2, 3), "sentences": words("well"), "train": set(TRAIN), "test": {"Ses05F_e"},
    }  # fmt: skip
    return tuple((places | changes).values())


def numbered(values):
    """The same by numbers 0, 1, ... in place of names, as MELD has them."""
    return dict(enumerate(values.values()))


def cosmic(*labels):
    """The places of COSMIC's pickles, by numbers of dialogues."""
    streams = [numbered(vectors(2, seed)) for seed in range(4)]
    return [numbered(words("0")), *labels, *streams, numbered(words("well")), [0, 1], [4, 3], [2]]


def saved(tmp_path, content, name="iemocap.pkl", protocol=2):
    path = tmp_path / name
    path.write_bytes(pickle.dumps(content, protocol=protocol))
    return str(path)


@pytest.mark.parametrize("protocol", [2, 4])
def test_iemocap_of_dialoguernn_is_read_in_the_order_of_its_dialogues(tmp_path, protocol):
    content = iemocap()
    data = load(saved(tmp_path, content, protocol=protocol))
    assert data.name == "iemocap"
    assert {name: (m.steps, m.width) for name, m in data.modalities.items()} == {
        "text": (1, 4), "audio": (1, 3), "vision": (1, 2),
    }  # fmt: skip
    assert data.ids[:4] == ("Ses01F_a_000", "Ses01F_a_001", "Ses01F_a_002", "Ses02M_b_000")
    assert data.tasks["emotion"].labels == ("hap", "sad", "neu", "ang", "exc", "fru")
    assert data.tasks["emotion"].targets.tolist() == [0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5, 0, 4, 5]
    assert data.groups.tolist() == [0] * 3 + [1] * 2 + [2] * 4 + [3] * 3 + [4] * 3
    assert np.array_equal(data.modalities["audio"].features[4, 0], content[4]["Ses02M_b"][1].astype(np.float32))
    assert data.split("test").tolist() == [12, 13, 14]


def test_the_validation_split_is_made_of_whole_training_dialogues(tmp_path):
    data = load(saved(tmp_path, iemocap()))
    train, valid = (set(data.groups[data.split(split)].tolist()) for split in ("train", "valid"))
    assert train | valid == {0, 1, 2, 3}
    assert not train & valid
    note = f"made of whole dialogues of training: train {len(data.split('train'))}, valid {len(data.split('valid'))}"
    assert any(note in found for found in data.notes)
    assert load(saved(tmp_path, iemocap())).fingerprint == data.fingerprint


def test_sessions_are_groups_where_they_are_asked_for(tmp_path):
    data = load(saved(tmp_path, iemocap()), reading=Reading(group_by="session"))
    assert len(np.unique(data.groups)) == 5
    assert any("made of whole sessions of training" in note for note in data.notes)
    assert not any("more than one split" in note for note in data.notes)
    renamed = [numbered(item) if isinstance(item, dict) else item for item in iemocap()]
    renamed[-2:] = [0, 1, 2, 3], [4]
    with pytest.raises(ValueError, match=r"the dialogue 0 names no session, expected one such as 'Ses01'"):
        load(saved(tmp_path, tuple(renamed)), reading=Reading(group_by="session"))


def test_speakers_are_groups_where_they_are_asked_for(tmp_path):
    speakers = {dialogue: ["F", *"M" * (size - 1)] for dialogue, size in SIZES.items()}
    data = load(saved(tmp_path, iemocap(speakers=speakers)), reading=Reading(group_by="speaker"))
    assert data.groups.tolist() == [0, 1, 1, 2, 3, 4, 5, 5, 5, 6, 7, 7, 8, 9, 9]
    assert any("made of whole speakers of training" in note for note in data.notes)
    emotions, sentiments = meld_labels()
    content = cosmic(emotions, sentiments)
    content[0] = {key: np.eye(3, dtype=int)[np.arange(len(labels)) % 2].tolist() for key, labels in emotions.items()}
    found = load(saved(tmp_path, content), reading=Reading(group_by="speaker"))
    assert found.groups.tolist() == [0, 1, 0, 0, 1, 0, 1, 0, 1, 0, 1, 0, 0, 1, 0]


@pytest.mark.parametrize("given", [None, [1, 1, 0], [["F"]], ""])
def test_an_utterance_without_the_speaker_to_group_by_is_damaged(tmp_path, given):
    speakers = words("M") | {"Ses03F_c": ["F", given, "F", "M"]}
    path = saved(tmp_path, iemocap(speakers=speakers))
    assert len(load(path)) == 15
    with pytest.raises(ValueError, match=r"dialogue 'Ses03F_c' utterance 1: its speaker is .*, expected a name"):
        load(path, reading=Reading(group_by="speaker"))
    assert len(load(path, reading=Reading(group_by="speaker", skip_damaged=True))) == 14


def test_the_session_of_the_test_split_is_told_and_how_to_rotate(tmp_path):
    assert any(
        note.startswith("the test split is the file's own, Ses05; to test on each session in turn, write a file")
        for note in load(saved(tmp_path, iemocap())).notes
    )
    assert not any("in turn" in note for note in load(saved(tmp_path, cosmic(numbered(LABELS)))).notes)


def test_four_classes_count_excitement_as_happiness_and_leave_frustration_out(tmp_path):
    data = load(saved(tmp_path, iemocap()), reading=Reading(classes=4))
    assert data.tasks["emotion"].labels == ("hap", "sad", "neu", "ang")
    assert data.tasks["emotion"].targets.tolist() == [0, 1, 2, 3, 0, 0, 1, 2, 3, 0, 0, 0]
    assert data.ids[5:7] == ("Ses03F_c_001", "Ses03F_c_002")
    assert "emotion: exc counts as hap; 3 utterances of fru left out" in data.notes
    labels = {dialogue: [min(label, 3) for label in found] for dialogue, found in LABELS.items()}
    with pytest.raises(
        ValueError, match="made of IEMOCAP's six emotions, but there are class_0, class_1, class_2, class_3"
    ):
        load(saved(tmp_path, iemocap(labels=labels)), reading=Reading(classes=4))


def meld_labels():
    """MELD's emotions and sentiments by dialogue: neutral, joy and anger are neutral, positive and negative."""
    emotions = numbered({0: [0, 4, 6], 1: [6, 0], 2: [4, 1, 2, 6], 3: [3, 4, 0], 4: [5, 0, 4]})
    signs = {0: 0, 4: 1, 1: 1}
    return emotions, {key: [signs.get(label, 2) for label in labels] for key, labels in emotions.items()}


def test_meld_of_dialoguernn_has_emotions_and_sentiments_but_no_vision(tmp_path):
    emotions, sentiments = meld_labels()
    speakers = {key: np.eye(9)[: len(labels)] for key, labels in emotions.items()}
    ids = {key: list(range(len(labels))) for key, labels in emotions.items()}
    text, audio, said = numbered(vectors(4)), numbered(vectors(3)), numbered(words("hm"))
    data = load(saved(tmp_path, (ids, speakers, emotions, text, audio, said, [0, 1, 2, 3], [4], sentiments)))
    assert list(data.modalities) == ["text", "audio"]
    assert data.tasks["emotion"].labels == ("neutral", "surprise", "fear", "sadness", "joy", "disgust", "anger")
    assert data.tasks["sentiment"].labels == ("neutral", "positive", "negative")
    assert data.tasks["sentiment"].targets[:5].tolist() == [0, 1, 2, 2, 0]
    assert data.ids[3:5] == ("1[0]", "1[1]")


@pytest.mark.parametrize("order", [(1, 2, 0), (2, 0, 1)])
def test_sentiments_are_named_by_the_emotions_they_go_with(tmp_path, order):
    emotions, sentiments = meld_labels()
    renumbered = {key: [order[label] for label in labels] for key, labels in sentiments.items()}
    data = load(saved(tmp_path, cosmic(emotions, renumbered)))
    found = data.tasks["sentiment"]
    assert [found.labels[target] for target in found.targets[:3]] == ["neutral", "positive", "negative"]


def test_test_labels_do_not_name_sentiments(tmp_path):
    emotions, sentiments = meld_labels()
    train, test, valid = cosmic()[-3:]
    for dialogue in (*train, *valid):
        sentiments[dialogue] = [(label + 1) % 3 for label in sentiments[dialogue]]
    for dialogue in test:
        sentiments[dialogue] = [label if label == 2 else 0 for label in sentiments[dialogue]]
    data = load(saved(tmp_path, cosmic(emotions, sentiments)))
    assert data.tasks["sentiment"].labels == ("negative", "neutral", "positive")


def test_a_last_place_of_meld_that_is_no_sentiment_is_left_out(tmp_path):
    emotions, _ = meld_labels()
    places = [numbered(item) if isinstance(item, dict) else item for item in iemocap()]
    places[2], places[-2:] = emotions, ([0, 1, 2, 3], [4])
    data = load(saved(tmp_path, (*places, numbered(words("joy")))))
    assert list(data.tasks) == ["emotion"]
    assert "sentiment: no classes; left out" in data.notes


def test_cosmic_gives_four_streams_of_text_and_its_own_validation_split(tmp_path):
    data = load(saved(tmp_path, cosmic(numbered(LABELS))))
    assert list(data.modalities) == ["text_roberta1", "text_roberta2", "text_roberta3", "text_roberta4"]
    assert {split: len(indices) for split, indices in data.splits.items()} == {"train": 5, "valid": 4, "test": 6}
    assert data.tasks["emotion"].labels == tuple(f"class_{number}" for number in range(6))
    assert not any("validation split" in note for note in data.notes)


def test_seven_classes_without_sentiments_are_not_called_those_of_meld(tmp_path):
    data = load(saved(tmp_path, cosmic(meld_labels()[0])))
    assert data.tasks["emotion"].labels == tuple(f"class_{number}" for number in range(7))


def test_sdt_has_streams_of_text_next_to_audio_and_vision(tmp_path):
    ids, speakers, labels, text, audio, vision, *rest = iemocap()
    data = load(saved(tmp_path, (ids, speakers, labels, text, text, text, text, audio, vision, *rest)))
    assert list(data.modalities)[3:] == ["text_roberta4", "audio", "vision"]


@pytest.mark.parametrize(
    ("width", "name", "tasks"),
    [
        (3, "iemocap.pkl", ["valence", "arousal", "dominance"]),
        (4, "all.pkl", ["valence", "arousal", "expectancy", "power"]),
        (1, "AVEC_features_3.pkl", ["expectancy"]),
        (1, "iemocap_arousal.pkl", ["arousal"]),
        (1, "some.pkl", ["value"]),
    ],
)
def test_dimensions_of_emotion_are_regression_tasks(tmp_path, width, name, tasks):
    labels = {key: np.squeeze(np.stack(rows)) for key, rows in vectors(width, 5).items()}
    data = load(saved(tmp_path, iemocap(labels=labels), name))
    assert list(data.tasks) == tasks
    assert {task.kind for task in data.tasks.values()} == {"regression"}
    last = data.tasks[tasks[-1]].targets[:3]
    assert np.array_equal(last, labels["Ses01F_a"].reshape(3, -1)[:, -1].astype(np.float32))


def test_missing_labels_are_masked_and_missing_features_absent(tmp_path):
    audio = vectors(3)
    audio["Ses01F_a"][1] = None
    audio["Ses01F_a"][2] = np.zeros(3)
    del audio["Ses02M_b"]
    data = load(saved(tmp_path, iemocap(audio=audio, labels=LABELS | {"Ses02M_b": [-1, None]})))
    assert data.modalities["audio"].presence[:6].tolist() == [True, False, False, False, False, True]
    assert data.tasks["emotion"].targets[3:5].tolist() == [-1, -1]
    assert "emotion: 2 labels missing" in data.notes


def test_dialogues_without_a_split_are_left_out(tmp_path):
    data = load(saved(tmp_path, iemocap(train=TRAIN[1:])))
    assert "1 dialogues are in no split; left out" in data.notes
    assert len(data) == 12


def everywhere(value, names):
    """The same list for each dialogue."""
    return {name: value for name in names}  # noqa: C420, RUF100 (the one list is the point)


def longer(stream):
    stream["Ses01F_a"][1] = np.ones(9)
    return stream


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        (
            {"text": longer(vectors(4))},
            r"dialogue 'Ses01F_a' utterance 1: its 'text' is float64 \[9\], expected 4 numbers",
        ),
        (
            {"text": vectors(4) | {"Ses01F_a": [[1, 2, 3, 4], ["a"] * 4, [1, 2, 3, 4]]}},
            "its 'text' is a list of 4, expected 4 numbers",
        ),
        ({"audio": vectors(3) | {"Ses01F_a": [np.ones(3)] * 2}}, "its dialogue has 2 entries of 'audio', expected 3"),
        ({"labels": LABELS | {"Ses01F_a": [0, "x", 2]}}, "utterance 1: its 'labels' is 'x', expected a number"),
        (
            {"labels": LABELS | {"Ses01F_a": [0, 6, 2]}},
            "its 'emotion' is 6, expected 0 to 5, or -1 where it is missing",
        ),
        ({"labels": LABELS | {"Ses01F_a": [0, 1.5, 2]}}, "its 'emotion' is 1.5, expected 0 to 5"),
        ({"labels": LABELS | {"Ses01F_a": [0, -2, 2]}}, "its 'emotion' is -2, expected 0 to 5"),
        ({"labels": LABELS | {"Ses01F_a": [0, 10**400, 2]}}, "its 'labels' is a value of type int, expected a number"),
    ],
)
def test_a_damaged_utterance_is_named_or_left_out(tmp_path, changes, problem):
    path = saved(tmp_path, iemocap(**changes))
    with pytest.raises(
        ValueError, match=r"^\S*iemocap\.pkl: dialogue 'Ses01F_a'.*" + problem.removeprefix("dialogue 'Ses01F_a'")
    ):
        load(path)
    data = load(path, reading=Reading(skip_damaged=True))
    whole = 12 if "audio" in changes else 14
    assert len(data) == whole
    assert data.groups.tolist() == sorted(data.groups.tolist())
    assert any(note.startswith(f"{15 - whole} damaged samples left out; the first: dialogue") for note in data.notes)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (iemocap()[:5], r"there are 5 places, a dict of 5, .* expected those of DialogueRNN, MMGCN, COSMIC or SDT"),
        (iemocap(test=7), "the dialogues of 'test' are 7, expected a list of names"),
        (iemocap(test={"Ses01F_a"}), "the dialogue 'Ses01F_a' is in 'train' and 'test', expected one"),
        (iemocap(test=["elsewhere"]), "'test' names the dialogue 'elsewhere', but there are no labels of it"),
        (iemocap(test=[["Ses01F_a"]]), "'test' names the dialogue a value of type list"),
        (iemocap(test=[]), "split 'test' is empty"),
        (iemocap(train=TRAIN[:1]), "the training split has 1 dialogues, expected at least 2"),
        (iemocap(labels=vectors(2)), "'labels' has 2 numbers per utterance, expected 1"),
        (iemocap(text=words("a"), audio=words("b"), vision=words("c")), "its 'text' is 'a', expected a number"),
        (iemocap(labels=everywhere([], SIZES)), "the training split has 0 dialogues, expected at least 2"),
    ],
)
def test_a_wrong_tuple_gets_one_sentence(tmp_path, content, message):
    with pytest.raises(ValueError, match=r"^[^\n]*" + message):
        load(saved(tmp_path, content))


def test_one_list_named_for_each_dialogue_takes_no_more_room_than_the_file(tmp_path):
    names = [f"d{number}" for number in range(2000)]
    splits = {"train": names[1:], "test": names[:1]}
    with pytest.raises(ValueError, match="'labels' would take 1024000000 bytes, more than the file can hold"):
        load(saved(tmp_path, iemocap(labels=everywhere([0, 1] * 1000, names), **splits)))
    content = iemocap(labels=everywhere([0, 1], names), text=everywhere([np.ones(20_000)] * 2, names), **splits)
    with pytest.raises(ValueError, match=r"its 'text' of the shape \[4000, 20000\] would take 320000000 bytes"):
        load(saved(tmp_path, content))
