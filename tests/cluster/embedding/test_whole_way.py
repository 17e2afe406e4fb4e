"""From twenty clips to answers for five new ones: by commands, and over HTTP as `mlflow models serve` gives them."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from haemsa.cluster.final_model.load import load_model, load_samples
from haemsa.cluster.final_model.predictions import predictions
from haemsa.cluster.final_model.recipe import read_recipe
from haemsa.cluster.final_model.record import trained_record
from haemsa.cluster.tracking.pyfunc import save_pyfunc
from tests.support.cluster.haemsa_command import haemsa
from tests.support.cluster.local_server import ask, free_port
from tests.support.model.clip_data import CUT, MUTE, clip_data

pytestmark = pytest.mark.slow

OLD, NEW = 20, 5
QUICK = (
    *("--evaluations", 4, "--population", 4, "--mode", "generational", "--validation", "holdout", "--confirm", 1),
    *("--backend", "inline", "--tracking", "off", "--set", "space.epochs=[1, 2]"),
)


def run(*words: object) -> str:
    ran = haemsa(*words)
    assert ran.status == 0, ran.err
    return ran.out


@contextmanager
def serving(model: Path) -> Iterator[str]:
    """The app that `mlflow models serve` runs, in a thread of this process; gives its address."""
    import mlflow.pyfunc
    import uvicorn
    from mlflow.pyfunc.scoring_server import init

    port, app = free_port(), init(mlflow.pyfunc.load_model(str(model)))
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started and thread.is_alive():
            time.sleep(0.01)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()


def test_new_clips_get_the_answers_of_features_that_were_made_beforehand(tmp_path: Path) -> None:
    data = clip_data(tmp_path, OLD + NEW)
    run("data", "embed", data.table, "--out", tmp_path / "beforehand.h5", *data.options)
    table = pd.read_csv(data.table.with_suffix(".csv"))
    table[:OLD].to_csv(data.table.with_suffix(".csv"), index=False)
    table[OLD:][["file", "id", "text"]].to_csv(tmp_path / "new.csv", index=False)

    store, searched, trained = tmp_path / "clips.h5", tmp_path / "run", tmp_path / "model"
    out = run("data", "embed", data.table, "--out", store, *data.options)
    assert f"audio_wav2vec2: absent in 2 of {OLD} samples" in out
    assert f"c{MUTE} (it has no sound)" in out
    assert f"c{CUT} (it is damaged, or no clip)" in out
    run("search", "--data", store, "--run", searched, *QUICK)
    run("train", searched, "--seeds", 1, "--out", trained, "--tracking", "off")
    run("predict", trained, "--data", tmp_path / "new.csv", "--out", tmp_path / "answers.csv")

    found = pd.read_csv(tmp_path / "answers.csv")
    expected = predictions(model := load_model(trained), load_samples(model, str(tmp_path / "beforehand.h5")))[-NEW:]
    assert found["id"].tolist() == expected["id"].tolist() == table["id"][OLD:].tolist()
    np.testing.assert_allclose(found["mood"], expected["mood"], atol=1e-4)

    with serving(save_pyfunc(trained_record(read_recipe(searched), trained), "", tmp_path)) as address:
        clip: dict[str, Any] = {"text": table["text"][OLD], "media": str(tmp_path / table["file"][OLD])}
        status, answer = ask(f"{address}/invocations", {"dataframe_records": [clip]})
    assert status == 200, answer
    assert json.loads(answer)["predictions"][0]["mood"] == pytest.approx(found["mood"][0], abs=1e-4)
