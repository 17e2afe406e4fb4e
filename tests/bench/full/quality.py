"""The best of a search next to the usual models, and without each idea: `haemsa search`, then `compare` or `ablate`.

Each data set is imported as a user imports it. All models are tuned by `TRIALS` trials on the same folds. The test
split is read once, at the end of each command. What is kept is what the command prints.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

from tests.bench.full.sets import FILES
from tests.bench.shared.setting import REAL_DATA
from tests.support.places import ROOT

TRIALS: Final = 64
SEEDS: Final = {"mosi3": 5, "mosi": 5, "mosei922": 5, "planted": 5, "mfeat": 3, "pom": 3, "digits": 3}
"""Data sets, and how often each tuned model is trained."""
OBJECTIVES: Final = {"mfeat": "accuracy,params", "digits": "accuracy,params", "planted": "sentiment/mae,params"}
DESCRIBED: Final = ("mfeat", "pom")
LONGER: Final = ("mosi3", "mosi", "mosei922")
"""Data sets that are also searched for as long as by default; the other models stay as they are."""
ABLATED: Final = ("mosei922", "planted")
"""Data sets that are also searched without each idea (`haemsa ablate`)."""


def quality(name: str, work: Path, evaluations: int = TRIALS) -> dict[str, Any] | None:
    """What `haemsa compare --json` writes for a data set. None if the data is missing."""
    return _beside(name, work, evaluations, "quality", "compare", "--run")


def ablation(name: str, work: Path) -> dict[str, Any] | None:
    """What `haemsa ablate --json` writes for the same search. None if the data is missing."""
    return _beside(name, work, TRIALS, "ablation", "ablate")


def _beside(name: str, work: Path, evaluations: int, kind: str, *command: str) -> dict[str, Any] | None:
    run = searched(name, work, evaluations)
    if run is None:
        return None
    out, result = (work / f"{part}-{name}-0" for part in (f"{kind}-runs", f"{kind}{_longer(evaluations)}"))
    asked = ["--trials", str(TRIALS), "--seeds", str(SEEDS[name]), "--out", str(out), "--json", str(result)]
    haemsa(*command, str(run), *asked)
    found: dict[str, Any] = json.loads(result.read_text(encoding="utf-8"))
    return found


def searched(name: str, work: Path, evaluations: int = TRIALS) -> Path | None:
    """The finished search of a data set. None if the data is missing."""
    data, run = source(name, work), work / f"searched{_longer(evaluations)}-{name}-0"
    if data is None:
        return None
    options = ["--evaluations", str(evaluations), "--seed", "0", "--workers", "2", "--tracking", "off"]
    wanted = ["--objectives", OBJECTIVES[name]] if name in OBJECTIVES else []
    search(data, run, *options, *wanted)
    return run


def _longer(evaluations: int) -> str:
    return f"-{evaluations}" if evaluations != TRIALS else ""


def search(data: str, run: Path, *options: str) -> None:
    """Search in `run`, or continue a search there that was cut off."""
    if not (run / "summary.json").exists():
        begun = ["--resume", str(run)] if run.exists() else ["--data", data, "--run", str(run), *options]
        haemsa("search", *begun)


def source(name: str, work: Path) -> str | None:
    """What `--data` takes: a name, or the store that the data is imported to."""
    if name in ("planted", "digits"):
        return name
    folder, store = REAL_DATA / name, work / f"{name}.h5"
    if not folder.exists():
        return None
    if not store.exists():
        haemsa("data", "import", str(_layout(name, folder, work)), "--out", str(store))
    return str(store)


def _layout(name: str, folder: Path, work: Path) -> Path:
    """The file or folder to import. If it needs a description, that is written next to a link to its arrays."""
    if name not in DESCRIBED:
        return REAL_DATA / FILES.get(name, Path(name))
    link, description = work / f"{name}.npz", work / f"{name}.yaml"
    link.unlink(missing_ok=True)
    link.symlink_to(folder / f"{name}.npz")
    description.write_text((ROOT / "docs" / "data" / f"{name}.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    return description


def haemsa(*words: str) -> None:
    """Run the command as a user does."""
    command = [sys.executable, "-c", "from haemsa.cluster.commands.main import main; main()", *words]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
