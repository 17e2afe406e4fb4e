"""An exported file answers as the model does, without haemsa."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from haemsa.model.predictor.calibration import Interval, Temperature
from haemsa.model.predictor.export import export
from haemsa.model.predictor.export.check import answers
from haemsa.model.predictor.export.export import described, exported
from haemsa.model.predictor.export.onnx_file import OnnxRunner, onnx_file
from haemsa.model.predictor.export.plain_network import PlainNetwork
from haemsa.model.predictor.export.torch_file import DESCRIPTION, TorchRunner, program_of, torch_file
from haemsa.model.predictor.predictor import Predictor
from haemsa.model.schema import Schema, TaskInfo
from haemsa.model.spec.genome import Genome
from haemsa.model.spec.network import GLOBAL, EncoderSpec, ExpertSpec, GateSpec, LevelSpec, NetworkSpec
from haemsa.model.spec.training import TrainingGenes
from tests.support.model.made_predictors import made_predictor
from tests.support.model.random_genomes import SHAPES, random_genome
from tests.support.versions import needs

pytest.importorskip("onnxruntime")
pytestmark = needs("torch", "2.13", "cannot export these networks")

EVERY_KIND = NetworkSpec(
    8,
    (EncoderSpec("text", "attention", heads=2), EncoderSpec("audio", "convolution", kernel=4), EncoderSpec("vision")),
    (
        LevelSpec(
            (
                ExpertSpec(("text", "audio"), depth=2, width=5),
                ExpertSpec(("text", GLOBAL), "gated", width=4),
                ExpertSpec(("text", "audio", "vision"), "low_rank", width=3),
                ExpertSpec(("text", "audio"), "cross_attention", width=4),
                ExpertSpec(("audio", "vision", GLOBAL), "tensor", width=2),
            ),
            GateSpec("top_k", k=2, noise=0.5),
            transfer=False,
        ),
        LevelSpec((ExpertSpec((GLOBAL,), width=3), ExpertSpec(("vision",), width=7)), GateSpec("sigmoid")),
    ),
)
LINEAR = NetworkSpec(6, (EncoderSpec("text"),))
ALONE = NetworkSpec(5, (EncoderSpec("audio"),), (LevelSpec((ExpertSpec(("audio",), "cross_attention", width=2),)),))


@dataclass(frozen=True)
class Files:
    """A model, and both files of it."""

    predictor: Predictor
    onnx: bytes
    torch: bytes

    @cached_property
    def runners(self) -> list[Any]:
        return [OnnxRunner(self.onnx), TorchRunner(self.torch)]


@pytest.fixture(scope="module")
def files() -> Files:
    """An ensemble of networks of every kind and depth, with shares, bounds, an interval and a temperature."""
    genomes = [Genome(network, TrainingGenes()) for network in (EVERY_KIND, LINEAR, LINEAR, ALONE)]
    calibration = {"sentiment": Interval(0.8, 0.3), "emotion": Temperature(1.7, 0.2)}
    predictor = made_predictor(genomes, shares=(0.4, 0.3, 0.2, 0.1), calibration=calibration)
    network = PlainNetwork(predictor).eval()
    program, description = program_of(network, predictor), described(predictor, network)
    return Files(predictor, onnx_file(network, program, description), torch_file(program, description))


def samples(
    count: int, steps: int | None = None, absent: float = 0.3, seed: int = 0
) -> dict[str, np.ndarray[Any, Any]]:
    """Raw features and lengths by the names of inputs; `steps`: another number of them than the model knows."""
    rng, made = np.random.default_rng(seed), {}
    for name, (known, width) in SHAPES.items():
        given = known if steps is None else steps
        made[name] = (rng.normal(size=(count, given, width)) * 6 + 5).astype(np.float32)
        made[f"{name}_lengths"] = rng.integers(1, given + 1, count) * (rng.random(count) >= absent)
    return made


def apart(predictor: Predictor, run: Any, inputs: dict[str, Any]) -> float:
    found, expected = run(inputs), answers(predictor, inputs)
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        assert (found[name].shape, found[name].dtype) == (values.shape, np.float32), name
    return max(float(np.abs(found[name] - values).max()) for name, values in expected.items())


@pytest.mark.slow
@pytest.mark.parametrize(
    "inputs",
    [samples(1), samples(40), samples(3, steps=1), samples(3, steps=9), samples(2, absent=1.0)],
    ids=["one sample", "many samples", "short sequences", "longer sequences than in training", "all absent"],
)
def test_both_files_answer_as_the_model_does(files: Files, inputs: dict[str, Any]) -> None:
    for run in files.runners:
        assert apart(files.predictor, run, inputs) < 1e-5
    assert len(np.unique(answers(files.predictor, inputs)["emotion"])) > 2


@pytest.mark.slow
def test_cells_that_are_no_numbers_are_the_mean_and_samples_of_none_are_absent_and_padding_is_not_read(
    files: Files,
) -> None:
    inputs = samples(4, absent=0.0)
    inputs["text"][0, 0, 1], inputs["audio"][1] = np.nan, np.inf
    inputs["vision_lengths"][2] = 0
    padded = {name: values.copy() for name, values in inputs.items()}
    padded["vision"][2], padded["text"][inputs["text_lengths"] == 1, 1:] = 1e30, np.nan
    for run in files.runners:
        assert apart(files.predictor, run, inputs) < 1e-5
        for name, values in run(padded).items():
            np.testing.assert_allclose(values, run(inputs)[name], atol=1e-6)
        absent = run({**inputs, "audio_lengths": inputs["audio_lengths"] * (np.arange(4) != 1)})
        assert all(np.allclose(values, run(inputs)[name], atol=1e-6) for name, values in absent.items())


@pytest.mark.slow
def test_a_length_beyond_the_steps_that_are_given_means_all_of_them(files: Files) -> None:
    inputs = samples(3, steps=2, absent=0.0)
    for run in files.runners:
        full = run({name: np.full(3, 2) if values.ndim == 1 else values for name, values in inputs.items()})
        longer = run({name: np.full(3, 5) if values.ndim == 1 else values for name, values in inputs.items()})
        assert all(np.array_equal(full[name], longer[name]) for name in full)


@pytest.mark.slow
def test_no_samples_get_no_answers(files: Files) -> None:
    for run in files.runners:
        assert {name: values.shape for name, values in run(samples(0)).items()} == {
            **dict.fromkeys(("sentiment", "sentiment_low", "sentiment_high"), (0,)),
            "emotion": (0, 3),
            "traits": (0, 2),
        }


@pytest.mark.slow
def test_both_files_say_what_they_read_and_answer(files: Files) -> None:
    import onnx

    model = onnx.load_from_string(files.onnx)
    told = {item.key: item.value for item in model.metadata_props}
    described = json.loads(told[DESCRIPTION])
    extra = {DESCRIPTION: ""}
    torch.export.load(io.BytesIO(files.torch), extra_files=extra)
    assert json.loads(extra[DESCRIPTION]) == described
    assert described["inputs"]["text"] == {"type": "float32", "shape": ["N", "T", 7], "most_steps": 6}
    assert described["outputs"]["emotion"] == {
        "type": "float32",
        "shape": ["N", 3],
        "labels": ["anger", "joy", "other"],
    }
    assert described["outputs"]["sentiment_low"] == {"type": "float32", "shape": ["N"], "labels": []}
    assert [Genome.from_dict(genome) for genome in described["genomes"]] == [g for g, _ in files.predictor.members]
    assert Schema.from_dict(described["schema"]) == files.predictor.schema
    shapes = {
        item.name: [axis.dim_param or axis.dim_value for axis in item.type.tensor_type.shape.dim]
        for item in (*model.graph.input, *model.graph.output)
    }
    assert (shapes["text"], shapes["vision_lengths"], shapes["emotion"]) == (["N", "T0", 7], ["N"], ["N", 3])
    assert list(described["inputs"]) + list(described["outputs"]) == list(shapes)


@pytest.mark.slow
def test_files_hold_no_paths_of_the_machine(files: Files) -> None:
    with zipfile.ZipFile(io.BytesIO(files.torch)) as archive:
        content = b"".join(archive.read(name) for name in archive.namelist())
    for found in (files.onnx, content):
        assert b".py" not in found and str(Path.cwd()).encode() not in found


ALIEN = """
import io, sys, zipfile, torch
assert not any("haemsa" in name for name in sys.modules)
try:
    import haemsa
except ImportError:
    program = torch.export.load(sys.argv[1])
    inputs = torch.load(sys.argv[2])
    torch.save(program.module()(inputs), sys.argv[3])
    assert not any("haemsa" in name for name in sys.modules)
"""


@pytest.mark.slow
def test_torch_runs_the_file_where_haemsa_cannot_be_imported(files: Files, tmp_path: Path) -> None:
    inputs, program = samples(5), tmp_path / "model.pt2"
    program.write_bytes(files.torch)
    torch.save({name: torch.from_numpy(values) for name, values in inputs.items()}, tmp_path / "inputs")
    packages = Path(torch.__file__).parents[1]
    code = f"import sys; sys.path.append({str(packages)!r})\n{ALIEN}"
    script = tmp_path / "alien.py"
    script.write_text(code)
    command = [sys.executable, "-I", "-S", str(script), str(program), str(tmp_path / "inputs"), str(tmp_path / "out")]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    found = {name: values.numpy() for name, values in torch.load(tmp_path / "out").items()}
    assert apart(files.predictor, lambda _: found, inputs) < 1e-5


@pytest.mark.parametrize("seed", range(12))
def test_the_plain_network_answers_as_any_model_does(seed: int) -> None:
    rng = np.random.default_rng(seed)
    predictor = made_predictor([random_genome(rng) for _ in range(1 + seed % 3)])
    network = PlainNetwork(predictor).eval()

    def run(inputs: dict[str, Any]) -> dict[str, Any]:
        return {name: v.numpy() for name, v in network({k: torch.from_numpy(v) for k, v in inputs.items()}).items()}

    for inputs in (samples(1), samples(30), samples(2, steps=8), samples(2, absent=1.0)):
        own = {name: inputs[name] for name in network.input_names}
        assert apart(predictor, run, own) < 1e-5


def test_only_modalities_that_a_network_reads_are_inputs() -> None:
    network = PlainNetwork(made_predictor([Genome(LINEAR, TrainingGenes())]))
    assert network.input_names == ["text", "text_lengths"]
    assert network.output_names == ["sentiment", "emotion", "traits"]


def linear(schema: Schema | None = None) -> Predictor:
    predictor = made_predictor([Genome(LINEAR, TrainingGenes())])
    return replace(predictor, schema=schema) if schema else predictor


def test_a_file_that_would_answer_otherwise_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    class Wrong(TorchRunner):
        def __call__(self, inputs: Any) -> dict[str, Any]:
            return {name: values + np.float32(2e-5) for name, values in super().__call__(inputs).items()}

    monkeypatch.setattr(export, "TorchRunner", Wrong)
    with pytest.raises(ValueError, match=r"answers differ by 2.0e-05 from the model's, so nothing is written"):
        exported(linear(), "torch")


def test_a_network_that_torch_cannot_export_gets_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("no such operator\nand a long story")

    monkeypatch.setattr(export, "program_of", fail)
    with pytest.raises(ValueError, match=r"torch \S+ cannot export the model: RuntimeError: no such operator$"):
        exported(linear(), "torch")


def test_a_format_that_is_none_gets_one_sentence() -> None:
    with pytest.raises(ValueError, match="to is 'tflite', expected one of onnx, torch"):
        exported(linear(), "tflite")


def test_packages_that_are_missing_get_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("haemsa.model.predictor.export.onnx_file._NEEDED", ("onnx", "onnxnowhere"))
    with pytest.raises(
        ValueError, match=r"to write ONNX files, onnxnowhere must be there: pip install 'haemsa\[onnx\]'"
    ):
        exported(linear(), "onnx")


def test_a_name_that_would_stand_for_two_things_gets_one_sentence() -> None:
    predictor = made_predictor([Genome(LINEAR, TrainingGenes())], Schema(SHAPES, {"text": TaskInfo("regression")}))
    with pytest.raises(ValueError, match="text would name several inputs and outputs, expected other names"):
        exported(predictor, "torch")
