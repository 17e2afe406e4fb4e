"""Every file that is read may be damaged, or made to harm: a value or one sentence, never another error."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from haemsa.cluster.config import SearchConfig
from haemsa.cluster.final_model.recipe import read_recipe
from haemsa.cluster.run_directory.rows import RungOutcome
from haemsa.cluster.run_directory.run_directory import RunDirectory
from haemsa.cluster.run_directory.weights import WeightStore
from haemsa.cluster.search.launch import run_search
from haemsa.cluster.tracking.outbox import Outbox
from haemsa.cluster.workers.row_state import RowState
from haemsa.model.data.sources import load
from haemsa.model.predictor.predictor import Predictor
from tests.support.cluster.search_fakes import candidates, generation, genome, scores
from tests.support.cluster.tiny import SPACE, stored
from tests.support.cluster.tiny import settings as search_settings

Make = Callable[[Path], Path]
Read = Callable[[Path], Any]


def config_file(folder: Path) -> Path:
    path = folder / "search.yaml"
    path.write_text(search_settings(space=SPACE).to_yaml())
    return path


def genome_file(folder: Path) -> Path:
    path = folder / "genome.json"
    path.write_text(genome(2).to_json())
    return path


def pickle_file(folder: Path) -> Path:
    rng = np.random.default_rng(0)
    parts = {
        split: {
            "text": rng.normal(size=(5, 3, 4)).astype(np.float32),
            "audio": rng.normal(size=(5, 2, 3)).astype(np.float32),
            "regression_labels": rng.normal(size=5),
            "id": [f"video{n}$_${n}" for n in range(5)],
        }
        for split in ("train", "valid", "test")
    }
    path = folder / "data.pkl"
    path.write_bytes(pickle.dumps(parts))
    return path


def sequence_file(folder: Path) -> Path:
    """The stream of a folder of `.csd` files."""
    rng = np.random.default_rng(0)
    for name in ("labels", "text"):
        with h5py.File(folder / f"{name}.csd", "w") as file:
            for video in "abcd":
                group = file.create_group(f"{name}/data/{video}")
                group.create_dataset("features", data=rng.normal(size=(3, 1)), compression="gzip")
                group["intervals"] = np.array([[0.0, 1], [1, 2], [2, 3]])
    return folder / "text.csd"


def aligned_file(folder: Path) -> Path:
    rng = np.random.default_rng(0)
    parts = {
        split: {
            "text": rng.normal(size=(5, 3, 4)).astype(np.float32),
            "audio": rng.normal(size=(5, 3, 2)),
            "labels": rng.uniform(0, 3, size=(5, 1, 7)),
            "id": np.array([[f"video{n}", "0.5", "1.5"] for n in range(5)]),
        }
        for split in ("train", "valid", "test")
    }
    path = folder / "aligned.pkl"
    path.write_bytes(pickle.dumps(parts))
    return path


def segments_file(folder: Path) -> Path:
    rng = np.random.default_rng(0)
    segment = (
        (np.arange(2), rng.normal(size=(2, 3)), rng.normal(size=(2, 4)), ["a", "b"]),
        np.ones((1, 1)),
        "video[0]",
    )
    path = folder / "segments.pkl"
    path.write_bytes(pickle.dumps({split: [segment] * 3 for split in ("train", "dev", "test")}))
    return path


def dialogues_file(folder: Path) -> Path:
    rng = np.random.default_rng(0)
    names = [f"Ses0{number}F_impro" for number in range(1, 6)]
    labels = {name: [number, number + 1, 5] for number, name in enumerate(names)}
    said = {name: ["well"] * 3 for name in names}
    text, audio, vision = ({name: list(rng.normal(size=(3, width))) for name in names} for width in (4, 3, 2))
    path = folder / "dialogues.pkl"
    path.write_bytes(pickle.dumps((said, said, labels, text, audio, vision, said, set(names[:4]), set(names[4:]))))
    return path


DESCRIPTION = """
source: {source}
modalities: {{text: {text}}}
tasks: {{mood: {{from: mood, kind: classes, labels: [a, b, c]}}, level: {{from: level, kind: regression}}}}
groups: video
split: fold
"""


def columns() -> dict[str, Any]:
    return {
        "mood": np.array(["a", "b", "", "c"] * 3),
        "level": np.arange(12) / 4,
        "video": np.arange(12) // 2,
        "fold": np.repeat(["train", "valid", "test"], 4),
    }


def arrays_file(folder: Path) -> Path:
    path = folder / "data.npz"
    np.savez_compressed(path, text=np.random.default_rng(0).normal(size=(12, 3, 2)), **columns())
    path.with_suffix(".yaml").write_text(DESCRIPTION.format(source=path.name, text="text"))
    return path


def table_file(folder: Path) -> Path:
    path = folder / "data.csv"
    rows = zip(*columns().values(), np.arange(12) / 7, strict=True)
    path.write_text("\n".join(["mood,level,video,fold,text_0", *(",".join(map(str, row)) for row in rows)]))
    path.with_suffix(".yaml").write_text(DESCRIPTION.format(source=path.name, text="text_*"))
    return path


def description_file(folder: Path) -> Path:
    return table_file(folder).with_suffix(".yaml")


def weights_file(folder: Path) -> Path:
    return WeightStore(folder).save(4, 2, {0: RowState.of(3, {"a.b": np.arange(6, dtype=np.float32)})})


def record_file(folder: Path) -> Path:
    outbox = Outbox.of(folder)
    outbox.put(generation(0, size=3))
    return outbox.waiting()[0]


def journal_file(folder: Path) -> Path:
    with RunDirectory.create(folder / "run", search_settings(), {}) as run:
        run.journal.asked(candidates(6), {"evolution": {"next_id": 6}})
        run.journal.record([RungOutcome(item.id, scores(item.id), 1) for item in candidates(6)])
    return folder / "run" / "journal.sqlite"


def read_journal(path: Path) -> Any:
    with RunDirectory.open(path.parent, read_only=True) as run:
        return list(run.journal.rows()), run.journal.state(), run.config()


def model_file(folder: Path) -> Path:
    run_search(search_settings(data=str(stored(folder)), run=str(folder / "run"), evaluations=2, population=2))
    return folder / "run" / "best" / "model.json"


def model_weights_file(folder: Path) -> Path:
    return model_file(folder).with_name("weights.safetensors")


def summary_file(folder: Path) -> Path:
    with RunDirectory.create(folder / "run", search_settings(), {}) as run:
        run.write_summary({"ended_by": "evaluations", "best": {"id": 1, "genome": genome(1).to_dict()}})
    return folder / "run" / "summary.json"


def read_summary(path: Path) -> Any:
    with RunDirectory.open(path.parent, read_only=True) as run:
        return run.summary()


FILES: dict[str, tuple[Make, Read]] = {
    "configuration": (config_file, SearchConfig.load),
    "genome": (genome_file, lambda path: read_recipe(str(path))),
    "pickle": (pickle_file, lambda path: load(str(path))),
    "sequence": (sequence_file, lambda path: load(str(path.parent))),
    "aligned pickle": (aligned_file, lambda path: load(str(path))),
    "segments pickle": (segments_file, lambda path: load(str(path))),
    "dialogues pickle": (dialogues_file, lambda path: load(str(path))),
    "arrays": (arrays_file, lambda path: load(str(path.with_suffix(".yaml")))),
    "table": (table_file, lambda path: load(str(path.with_suffix(".yaml")))),
    "description": (description_file, lambda path: load(str(path))),
    "store": (stored, lambda path: load(str(path))),
    "weights": (weights_file, lambda path: WeightStore(path.parent).load(4, 2)),
    "record": (record_file, lambda path: Outbox(path.parent).read(path)),
    "journal": (journal_file, read_journal),
    "model": (model_file, lambda path: Predictor.load(path.parent)),
    "model weights": (model_weights_file, lambda path: Predictor.load(path.parent)),
    "summary": (summary_file, read_summary),
}


def damaged(whole: bytes, changes: list[tuple[float, int]], cut: float) -> bytes:
    """With some bytes changed and the end cut off."""
    found = bytearray(whole[: max(1, round(len(whole) * cut))])
    for place, value in changes:
        found[min(len(found) - 1, int(place * len(found)))] = value
    return bytes(found)


@pytest.mark.parametrize("kind", FILES)
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    changes=st.lists(st.tuples(st.floats(0, 1, allow_subnormal=False), st.integers(0, 255)), max_size=6),
    cut=st.one_of(st.just(1.0), st.floats(0, 1, allow_subnormal=False)),
)
def test_a_damaged_file_is_a_value_or_a_sentence(
    kind: str, tmp_path: Path, changes: list[tuple[float, int]], cut: float
) -> None:
    make, read = FILES[kind]
    folder = tmp_path / kind
    if not folder.exists():
        folder.mkdir()
        path = make(folder)
        (folder / "whole").write_bytes(path.read_bytes())
        (folder / "path").write_text(str(path))
    path = Path((folder / "path").read_text())
    path.write_bytes(damaged((folder / "whole").read_bytes(), changes, cut))
    try:
        read(path)
    except (ValueError, OSError) as error:
        assert str(error).strip()
