"""What docs/export.md shows runs: the commands on a model, then its Python on the files."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import numpy as np
import pytest

from haemsa.cluster.api import load_model
from haemsa.model.data.builtin.planted import planted
from haemsa.model.predictor.calibration import Interval, Temperature
from haemsa.model.schema import Schema
from haemsa.model.spec.genome import Genome
from haemsa.model.spec.network import EncoderSpec, ExpertSpec, LevelSpec, NetworkSpec
from haemsa.model.spec.training import TrainingGenes
from tests.support.cluster.haemsa_command import haemsa
from tests.support.model.made_predictors import made_predictor
from tests.support.places import ROOT
from tests.support.versions import needs

pytest.importorskip("onnxruntime")


@pytest.mark.slow
@needs("torch", "2.13", "cannot export this network")
def test_the_page_exports_a_model_and_runs_both_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    level = LevelSpec((ExpertSpec(("text", "vision"), width=4),))
    network = NetworkSpec(6, (EncoderSpec("text", "attention"), EncoderSpec("vision")), (level,))
    made_predictor(
        [Genome(network, TrainingGenes())] * 2,
        Schema.of(planted(sizes=(10, 5, 5))),
        calibration={"sentiment": Interval(0.5, 0.1), "emotion": Temperature(1.5)},
    ).save(tmp_path / "models" / "planted")
    page = (ROOT / "docs" / "export.md").read_text(encoding="utf-8")
    for line in re.findall(r"^haemsa .*--to.*", page, re.MULTILINE):
        command = shlex.split(line, comments=True)[1:]
        ran = haemsa(*command)
        assert (ran.status, ran.err) == (0, "")
        assert re.fullmatch(
            rf"2 networks in {command[2]}; its answers to made samples differ by at most \S+ from the model's",
            " ".join(ran.out.split()),
        )
    namespace: dict[str, object] = {"__name__": "page"}
    for block in re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL):
        exec(compile(block, "export.md", "exec"), namespace)
    samples, about = namespace["samples"], namespace["about"]
    assert isinstance(samples, dict) and isinstance(about, dict)
    assert list(about["inputs"]) == ["text", "text_lengths", "vision", "vision_lengths"]
    names = ("text", "audio", "vision")
    expected = load_model("models/planted").predict(
        {name: (samples[name], samples[f"{name}_lengths"]) for name in names}
    )
    found = namespace["answers"]
    assert isinstance(found, list)
    np.testing.assert_allclose(found[0], expected["sentiment"], atol=1e-5)
    np.testing.assert_allclose(found[1], expected["emotion"], atol=1e-5)
    assert json.dumps(about["schema"]) == json.dumps(load_model("models/planted").schema.to_dict())
