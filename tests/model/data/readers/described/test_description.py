import pytest

from haemsa.model.data.readers.described.description import read_description

WHOLE = """
source: six.npz
modalities:
  audio: audio_{split}
  text: {from: "text_{split}", lengths: "steps_{split}"}
tasks:
  mood: {from: "mood_{split}", kind: classes, labels: [sad, 1, 2.5]}
  traits: {from: "y_{split}", columns: [calm, vivid], bounds: [-3, 3]}
groups: video_{split}
ids: id_{split}
"""
SHORT = "source: six.npz\nmodalities: {audio: a}\ntasks: {mood: b}\n"


def described(tmp_path, text):
    path = tmp_path / "six.yaml"
    path.write_text(text)
    return read_description(path)


def test_a_description_is_read(tmp_path):
    found = described(tmp_path, WHOLE)
    assert found.source == "six.npz"
    assert found.modalities["audio"].from_ == "audio_{split}"
    assert found.modalities["text"].lengths == "steps_{split}"
    assert found.tasks["mood"].labels == ("sad", 1, 2.5)
    assert found.tasks["traits"].columns == ("calm", "vivid")
    assert found.tasks["traits"].bounds == (-3.0, 3.0)
    assert (found.groups, found.ids, found.split) == ("video_{split}", "id_{split}", None)
    assert found.by_split
    assert found.features == ["audio_{split}", "text_{split}"]
    assert found.labels == ["mood_{split}", "y_{split}", "video_{split}", "id_{split}", "steps_{split}"]


def test_without_splits_there_are_the_usual_shares(tmp_path):
    assert described(tmp_path, SHORT).shares == {"train": 0.7, "valid": 0.1, "test": 0.2}
    assert not described(tmp_path, SHORT).by_split
    given = described(tmp_path, SHORT + "splits: {test: 4, valid: 2, train: 6}")
    assert list(given.shares.items()) == [("train", 6), ("valid", 2), ("test", 4)]


def test_labels_and_bounds_tell_the_kind(tmp_path):
    text = SHORT.replace("mood: b", "a: {from: b, labels: [x, y]}, c: {from: d, bounds: [0, 1]}, e: f")
    kinds = {name: task.known_kind for name, task in described(tmp_path, text).tasks.items()}
    assert kinds == {"a": "classes", "c": "regression", "e": None}


def task(of):
    return SHORT.replace("mood: b", f"mood: {{from: b, {of}}}")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"six\.yaml: source is missing, expected"),
        ("- source", r"six\.yaml holds list, expected source, modalities and tasks as key: value"),
        ("1: 2", "holds dict, expected source"),
        ("source: {", "is not readable YAML: while parsing"),
        ("[" * 50_000, "is not readable YAML"),
        ("a: &a [x]\nb: *a", r"is not readable YAML: aliases \(\*name\) are not read"),
        ("groups: !!bool x", "is not readable YAML"),
        ("groups: !!python/name:os.system", "is not readable YAML"),
        ("x" * 300_000, "has 300000 bytes, expected a description in YAML of at most 262144"),
        ("source: six.npz", "modalities is missing, expected names with their arrays or columns"),
        ("modalities: {a: b}\ntasks: {c: d}", r"source is missing, expected a \.npz, \.csv or \.parquet file next to"),
        (
            SHORT + "sed: 1",
            r"sed is unknown \(did you mean seed\?\), expected one of source, modalities, tasks, groups, ids, split",
        ),
        (SHORT.replace("audio: a", "audio: {lengths: a}"), "modalities.audio.from is missing, expected the name of an"),
        (SHORT.replace("audio: a", "audio: {form: a}"), r"modalities.audio.form is unknown \(did you mean from\?\), "),
        (SHORT.replace("modalities", "modality"), r"six\.yaml: modality is unknown \(did you mean modalities\?\), exp"),
        (
            SHORT.replace("audio: a", "audio: {from: a, x: 1}"),
            "modalities.audio.x is unknown, expected one of from, le",
        ),
        (task("label: [a]"), r"tasks.mood.label is unknown \(did you mean labels\?\), expected one"),
        (SHORT.replace("audio: a", "audio: 5"), "modalities.audio is 5, expected the name of an array, or of columns"),
        (SHORT.replace("audio: a", "audio: []"), r"modalities.audio.from is \[\], expected a list of names"),
        (SHORT.replace("audio: a", "audio: [a, a]"), r"from is \['a', 'a'\], expected names, each once"),
        (SHORT.replace("audio: a", "audio: [a, 1]"), r"modalities.audio.from is \['a', 1\], expected a name, as text"),
        (SHORT.replace("audio: a", "no: a"), r"modalities is \{False: 'a'\}, expected names as text, with quotes aro"),
        (SHORT.replace("{audio: a}", "audio"), "modalities is 'audio', expected at least one name with its array"),
        (SHORT.replace("{mood: b}", "{}"), r"tasks is \{\}, expected at least one name with its array or columns"),
        (task("kind: class"), "tasks.mood.kind is 'class', expected 'regression', 'classes' or 'multilabel'"),
        (task("labels: [yes, no]"), r"labels is \[True, False\], expected text or numbers, with quotes around yes"),
        (task("labels: [a, NA]"), r"labels is \['a', 'NA'\], expected class names, not empty text, NA or NaN"),
        (task("labels: a"), "tasks.mood.labels is 'a', expected a list of class names"),
        (task("bounds: [3, -3]"), r"tasks.mood.bounds is \[3, -3\], expected two numbers, the lower first"),
        (task("bounds: [0, .inf]"), r"bounds is \[0, inf\], expected two numbers"),
        (task("columns: calm"), "tasks.mood.columns is 'calm', expected a list of names"),
        (task("kind: regression, labels: [a]"), "tasks.mood: labels are of classes, but the kind is regression"),
        (task("kind: multilabel, bounds: [0, 1]"), "tasks.mood: bounds are of regression, but the kind is multilabel"),
        (SHORT + "groups: [a]", r"groups is \['a'\], expected a name, as text"),
        (SHORT + "seed: 1.5", "seed is 1.5, expected a whole number from 0"),
        (SHORT + "splits: {train: 1}", r"splits is \{'train': 1\}, expected train, valid, test, each with a number"),
        (SHORT + "splits: {train: 1, valid: x, test: 1}", "expected train, valid, test, each with a number"),
        (SHORT + "splits: {train: 1, valid: 1, test: 1}\nsplit: fold", "both split and splits say how samples are"),
        (WHOLE + "split: fold_{split}", r"both split and \{split\} say how samples are split, expected one of them"),
        (WHOLE.replace("id_{split}", "id"), r"'audio_\{split\}' is an array per split, but 'id' is not; expected all"),
        (SHORT.replace("mood: b", "mood: a"), "'a' is a modality and has another use, expected one of them"),
    ],
)
def test_what_is_wrong_is_one_sentence_with_file_key_value_and_expectation(tmp_path, text, message):
    with pytest.raises(ValueError, match=message) as found:
        described(tmp_path, text)
    assert str(found.value).startswith(str(tmp_path / "six.yaml"))
    assert len(str(found.value)) < 500
