"""An estimator fits, predicts, is scored, cloned, divided and pickled as those of scikit-learn are."""

from __future__ import annotations

import io
import pickle
import pickletools
import re
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.exceptions import NotFittedError
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_score

from haemsa import MultimodalSearch, as_rows
from haemsa.cluster.run_directory.run_directory import RunDirectory
from haemsa.model.predictor.predictor import Predictor
from tests.support.cluster.estimators import SETTINGS, quick, samples
from tests.support.cluster.haemsa_command import haemsa

pytestmark = pytest.mark.slow
X, MOOD, GROUPS = samples()
TONE = np.where(MOOD > 0, "good", "bad").astype(object)
TONE[7] = None


@pytest.fixture(scope="module")
def regression() -> MultimodalSearch:
    return quick().fit(X, MOOD, groups=GROUPS)


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> MultimodalSearch:
    """Three tasks; its run directory stays."""
    run = str(tmp_path_factory.mktemp("runs") / "several")
    y = {"mood": np.where(np.arange(120) == 5, np.nan, MOOD), "tone": TONE, "traits": traits()}
    return quick(run=run, seeds=2, bounds={"mood": (-5, 5)}).fit(X, y)


def traits() -> pd.DataFrame:
    return pd.DataFrame({"calm": MOOD < 1, "loud": MOOD > 0.5}).astype(int)


def test_values_are_predicted_and_scored_by_r2(regression: MultimodalSearch) -> None:
    found = regression.predict(X)
    assert found.shape == (120,)
    assert regression.score(X, MOOD) == pytest.approx(r2_score(MOOD, found))
    assert regression.score(X, MOOD) > 0.5
    assert is_regressor(regression) and not hasattr(regression, "predict_proba") and not hasattr(regression, "classes_")


def test_intervals_hold_about_nine_labels_in_ten(regression: MultimodalSearch) -> None:
    low, high = regression.predict_interval(X).T
    assert ((low <= MOOD) & (high >= MOOD)).mean() > 0.8
    assert (low <= regression.predict(X)).all()


def test_what_the_search_found_is_there(regression: MultimodalSearch, several: MultimodalSearch) -> None:
    assert regression.run_ is None
    assert isinstance(regression.model_, Predictor)
    assert {"mae", "params"} <= set(regression.front_.columns) and len(regression.front_) >= 1
    assert regression.model_.members[0][0] == regression.best_genome_
    assert several.run_ is not None
    with RunDirectory.open(several.run_, read_only=True) as run:
        assert (run.config().seed, run.config().mode) == (0, "generational")
        assert run.manifest()["data"] == "estimator, given from Python"


def test_an_objective_may_be_a_function() -> None:
    found = quick(own_objectives={"width": (lambda predictions, labels, genome: genome.network.width, "max")})
    assert {"mae", "params", "width"} <= set(found.fit(X, MOOD).front_.columns)


def test_the_same_random_state_gives_the_same_model(regression: MultimodalSearch) -> None:
    again = clone(regression).fit(X, MOOD, groups=GROUPS)
    assert np.array_equal(again.predict(X), regression.predict(X))
    other = clone(regression).set_params(random_state=np.random.RandomState(1)).fit(X, MOOD, groups=GROUPS)
    assert not np.array_equal(other.predict(X), regression.predict(X))


def test_modalities_may_be_absent_and_columns_in_any_order(regression: MultimodalSearch) -> None:
    audio = X["audio"]
    alone = regression.predict({"audio": audio})
    assert np.array_equal(regression.predict({"audio": audio[["loudness", "pitch", "rate"]].assign(new=1)}), alone)
    assert np.array_equal(regression.predict({"text": [None] * 120, "audio": audio}), alone)
    assert np.isfinite(regression.predict({"text": [None], "audio": [None]})).all()
    one = regression.predict({"audio": audio.iloc[[3]], "text": [None]})
    assert one[0] == pytest.approx(alone[3], abs=1e-5)


def test_a_cell_without_a_number_has_the_mean_of_training(regression: MultimodalSearch) -> None:
    audio = X["audio"].copy()
    audio.loc[0, "rate"] = np.nan
    filled = audio.fillna({"rate": float(regression.model_.feature_means()["audio"][1])})
    assert regression.predict({"audio": audio})[0] == pytest.approx(regression.predict({"audio": filled})[0], abs=1e-5)


def test_other_samples_give_one_sentence(regression: MultimodalSearch) -> None:
    with pytest.raises(ValueError, match=r"the input has modalities \['odd'\], the model reads text, audio"):
        regression.predict({"odd": np.ones((2, 2))})
    with pytest.raises(ValueError, match="modality 'text' has 5 features, the model was trained on 4"):
        regression.predict({"text": np.ones((2, 3, 5))})
    with pytest.raises(ValueError, match="modality 'audio' lacks rate, which the model was trained on"):
        regression.predict({"audio": X["audio"][["pitch", "loudness"]]})


def test_several_tasks_are_answered_by_name(several: MultimodalSearch) -> None:
    found, shares = several.predict(X), several.predict_proba(X)
    assert {name: answers.shape for name, answers in found.items()} == {
        "mood": (120,),
        "tone": (120,),
        "traits": (120, 2),
    }
    assert list(shares) == ["tone", "traits"]
    assert np.allclose(shares["tone"].sum(1), 1)
    assert np.array_equal(found["tone"], several.classes_["tone"][shares["tone"].argmax(1)])
    assert several.classes_["tone"].tolist() == ["bad", "good"] and several.classes_["traits"].tolist() == [
        "calm",
        "loud",
    ]
    assert list(several.predict_interval(X)) == ["mood"]


def test_the_score_of_several_tasks_is_the_mean_over_what_has_labels(several: MultimodalSearch) -> None:
    found = several.predict(X)
    y = {"mood": MOOD, "tone": TONE, "traits": traits()}
    known = np.arange(120) != 7
    each = [
        r2_score(MOOD, found["mood"]),
        accuracy_score(TONE[known].tolist(), found["tone"][known]),
        (found["traits"] == traits().to_numpy()).all(axis=1).mean(),
    ]
    assert several.score(X, y) == pytest.approx(np.mean(each))
    with pytest.raises(ValueError, match="y has no task 'tone', expected mood, tone, traits"):
        several.score(X, {"mood": MOOD})
    with pytest.raises(ValueError, match=r"y has shape \[3\] for 120 samples of X"):
        several.score(X, {**y, "mood": MOOD[:3]})


def test_a_fitted_estimator_is_pickled_by_the_files_of_its_model(several: MultimodalSearch, tmp_path: Path) -> None:
    content = pickle.dumps(several)
    names = {str(argument) for _, argument, _ in pickletools.genops(content) if isinstance(argument, str)}
    assert {"model.json", "weights.safetensors"} <= names
    assert not {name for name in names if name.startswith("torch")}
    joblib.dump(several, tmp_path / "several.joblib")
    for again in (pickle.loads(content), joblib.load(tmp_path / "several.joblib")):
        assert again.get_params() == several.get_params()
        assert all(np.array_equal(again.predict(X)[name], answers) for name, answers in several.predict(X).items())


def test_the_command_predicts_as_the_estimator_does(tmp_path: Path) -> None:
    table = X["audio"]
    found = quick(run=str(tmp_path / "run")).fit({"audio": table}, MOOD)
    table[["rate", "loudness", "pitch"]][:5].to_csv(tmp_path / "new.csv", index=False)
    ran = haemsa("predict", tmp_path / "run" / "model", "--data", tmp_path / "new.csv", "--out", tmp_path / "out.csv")
    assert ran.status == 0, ran.err
    assert pd.read_csv(tmp_path / "out.csv")["target"].to_numpy() == pytest.approx(
        found.predict({"audio": table[:5]}), abs=1e-5
    )


def test_scikit_learn_divides_samples_that_are_rows() -> None:
    estimator, rows = quick(kind="classes"), as_rows(X)
    assert is_classifier(estimator)
    classes = MOOD > 0
    scores = cross_val_score(estimator, rows, classes, cv=GroupKFold(2), groups=GROUPS, params={"groups": GROUPS})
    assert scores.shape == (2,) and scores.min() > 0.7
    grid = GridSearchCV(estimator, {"evaluations": np.array([1, 2])}, cv=2, refit=True).fit(rows, classes)
    assert grid.best_estimator_.predict_proba(X).shape == (120, 2)


def test_a_modality_that_says_nothing_is_left_out_and_may_come_again() -> None:
    y, still = np.where(MOOD > 0, 1, 0), {**X, "still": np.ones((120, 2))}
    found = quick().fit(still, y)
    assert list(found.model_.modalities) == ["text", "audio"]
    assert np.array_equal(found.predict(still), found.predict(X))


def test_the_search_and_the_training_tell_how_they_stand_only_if_they_are_asked(
    capsys: pytest.CaptureFixture[str],
) -> None:
    quick().fit(X, MOOD)
    assert capsys.readouterr() == ("", "")
    quick(verbose=1).fit(X, MOOD)
    shown = capsys.readouterr().out
    assert "scored on the validation split" in shown
    assert re.search(r"^2/2 · .*mae 0\.\d+", shown, re.MULTILINE)
    assert re.search(r"^epochs of 1 network: 8/8 · ", shown, re.MULTILINE)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"evaluations": 0}, "setting evaluations is 0, expected 1 or more"),
        ({"time": "soon"}, "setting time is 'soon', expected seconds"),
        ({"backend": "dask"}, "setting backend is 'dask', expected 'ray' or 'inline'"),
        ({"seeds": 0}, "seeds is 0, expected 1 or more"),
        ({"settings": {"seed": 3}}, "settings has 'seed', expected random_state in its place"),
        ({"settings": {"data": "planted"}}, "settings has 'data', expected X and y in its place"),
        (
            {"settings": {"evaluations": 3}},
            "settings has 'evaluations', expected the parameter evaluations in its place",
        ),
        ({"settings": {"odd": 3}}, "setting odd is unknown, expected one of data, name"),
        ({"settings": 3}, "settings is 3, expected a dictionary of settings by name"),
        ({"random_state": "odd"}, "'odd' cannot be used to seed"),
        ({"random_state": -1}, "setting seed is -1, expected 0 or more"),
        ({"objectives": ["odd"]}, "objective 'odd'"),
        ({"run": str(Path(__file__).parent)}, "already holds other files, expected a new or empty folder"),
    ],
)
def test_a_wrong_parameter_gives_one_sentence(given: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        quick(**given).fit(X, MOOD)


@pytest.mark.parametrize(
    ("X", "y", "groups", "sentence"),
    [
        (X, MOOD[:9], None, "y has 9 labels for 'target', X has 120 samples"),
        (X, MOOD, np.zeros(120), "X has 1 group, expected at least 2: one to train on, one to validate with"),
        (X, MOOD, GROUPS[:9], r"groups have shape \[9\], expected \[120\], one for each sample"),
        ({"a": np.ones((1, 2))}, [0.5], None, "X has 1 sample, expected at least 2"),
        ({"a": np.ones((9, 2))}, np.arange(9.0), None, "no usable modality remains: a: dropped, entirely constant"),
    ],
)
def test_samples_that_do_not_fit_give_one_sentence(X: Any, y: Any, groups: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        quick().fit(X, y, groups=groups)


def test_nothing_is_predicted_before_fit() -> None:
    with pytest.raises(NotFittedError, match="This MultimodalSearch instance is not fitted yet"):
        quick().predict(X)
    assert not is_classifier(quick()) and not is_regressor(quick())


def test_an_estimator_that_is_not_fitted_is_pickled_too() -> None:
    assert pickle.load(io.BytesIO(pickle.dumps(quick()))).get_params()["settings"] == SETTINGS
