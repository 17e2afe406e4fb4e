"""A search that a server of MLflow follows, on PostgreSQL where Debian's package of it is; and what its page shows.

The PostgreSQL is made for the test, and listens on nothing but a socket in its own folder.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from haemsa.cluster.search.launch import run_search
from haemsa.cluster.tracking.client import connect
from haemsa.cluster.tracking.fetch import fetch_genome
from haemsa.cluster.tracking.sync import sync_run
from haemsa.model.spec.genome import Genome
from tests.support.cluster.local_server import mlflow_running
from tests.support.cluster.tiny import settings, stored

pytestmark = pytest.mark.slow

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
USER = "nobody"
"""Who runs PostgreSQL where the tests are root's, which it refuses to be."""


def postgres_programs() -> Path | None:
    """Where PostgreSQL's own programs are; None without them, or without what Python needs to talk to it."""
    if importlib.util.find_spec("psycopg2") is None:
        return None
    on_path = shutil.which("initdb")
    found = [Path(on_path).parent] if on_path else sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    return next((folder for folder in reversed(found) if (folder / "initdb").exists()), None)


@contextmanager
def postgres(programs: Path) -> Iterator[str]:
    """A new PostgreSQL; gives its address for SQLAlchemy."""
    folder = Path(tempfile.mkdtemp(prefix="haemsa-pg-"))
    as_user: dict[str, Any] = {"cwd": folder}
    if os.geteuid() == 0:
        shutil.chown(folder, USER)
        as_user["user"] = USER
    try:
        begin = [programs / "initdb", "-D", folder / "data", "-U", "haemsa", "-A", "trust", "--no-locale", "-E", "UTF8"]
        subprocess.run([*begin, "--no-sync"], check=True, capture_output=True, **as_user)
        options = f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off"
        control = [programs / "pg_ctl", "-D", folder / "data", "-w", "-t", "300"]
        start = [*control, "-l", folder / "log", "-o", options, "start"]
        subprocess.run(start, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **as_user)
        try:
            yield f"postgresql+psycopg2://haemsa@/postgres?host={folder}"
        finally:
            subprocess.run([*control, "-m", "immediate", "stop"], check=True, capture_output=True, **as_user)
    finally:
        shutil.rmtree(folder)


class World:
    """A server, and a small search that it followed."""

    def __init__(self, address: str, store: str, folder: Path) -> None:
        self.address, self.store, self.client = address, store, connect(address)
        given = settings(data=str(stored(folder)), run=str(folder / "run"), tracking=address, confirm=2)
        self.result = run_search(given)
        sync_run(self.result.run, address)  # what a slow machine left waiting
        (self.run,) = self.client.search_runs([self.experiment], "tags.`haemsa.complete` = 'yes'")

    @property
    def experiment(self) -> str:
        return str(self.client.get_experiment_by_name("tiny").experiment_id)

    def children(self, kind: str) -> list[Any]:
        """The runs of a kind that belong to the search, by name."""
        query = f"tags.mlflow.parentRunId = '{self.run.info.run_id}' AND tags.`haemsa.kind` = '{kind}'"
        return sorted(self.client.search_runs([self.experiment], query), key=lambda run: str(run.info.run_name))

    def dom(self, path: str, picture: Path) -> str:
        """What a browser makes of a page, once that has fetched its content; and how it looks, as PNG."""
        command = [str(CHROMIUM), "--headless=new", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=20000"]
        command += ["--window-size=1600,1000"]
        command += [f"--user-data-dir={picture.parent / 'browser'}", f"--screenshot={picture}", "--dump-dom"]
        address = f"{self.address}/#/{path}?workflowType=machine_learning"
        return subprocess.run([*command, address], check=True, capture_output=True, text=True).stdout


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder, programs = tmp_path_factory.mktemp("server"), postgres_programs()
    with ExitStack() as stack:
        store = stack.enter_context(postgres(programs)) if programs else f"sqlite:///{folder}/mlflow.db"
        words = ["server", "--backend-store-uri", store, "--artifacts-destination", str(folder / "artifacts")]
        address = stack.enter_context(mlflow_running(words, "/health", folder, {}))
        yield World(address, store, folder)


def test_a_server_has_the_search_its_generations_and_its_files(world: World) -> None:
    assert (world.run.info.status, world.run.data.tags["haemsa.backend"]) == ("FINISHED", "inline")
    (given,) = world.run.inputs.dataset_inputs
    assert given.dataset.digest == world.result.summary["fingerprint"]
    generations = world.children("generation")
    assert [run.info.run_name for run in generations] == ["tiny (run): generation 001", "tiny (run): generation 002"]
    files = {item.path for item in world.client.list_artifacts(world.run.info.run_id)}
    assert {"front.png", "hypervolume.png", "summary.json", "config.yaml", "networks.jsonl"} <= files
    assert {item.path for item in world.client.list_artifacts(generations[0].info.run_id)} >= {"population.json"}


def test_a_server_has_the_networks_that_the_search_found(world: World) -> None:
    best, metric = world.result.summary["best"], "sentiment/mae"
    found = {run.data.tags["haemsa.network"]: run for run in world.children("network")}
    assert {str(item["id"]) for item in world.result.summary["front"]} <= set(found)
    assert len(found) <= 6 + 2  # the survivors, and what was confirmed
    assert found[str(best["id"])].data.metrics[f"valid/{metric}"] == best["scores"][metric]
    assert world.run.data.metrics[f"valid/{metric}"] == best["scores"][metric]
    models = world.client.search_logged_models([world.experiment], "params.levels != '9' AND tags.on_front = 'yes'")
    assert {model.source_run_id for model in models} == {
        run.info.run_id for run in found.values() if run.data.tags["on_front"] == "yes"
    }


def test_a_server_has_the_champion_which_gives_its_genome(world: World) -> None:
    version = world.client.get_model_version_by_alias("haemsa-tiny", "champion")
    best = world.result.summary["best"]
    assert float(version.tags["score"]) == best["scores"]["sentiment/mae"]
    assert version.description.startswith("**tiny, best network ")
    of_model, of_run = (
        Genome.from_json(fetch_genome(address, world.address))
        for address in ("models:/haemsa-tiny@champion", f"runs:/{world.run.info.run_id}")
    )
    assert of_model == of_run == Genome.from_dict(best["genome"])


@pytest.mark.skipif(postgres_programs() is None, reason="no PostgreSQL, or no psycopg2")
def test_all_of_it_lies_in_postgresql(world: World) -> None:
    from sqlalchemy import create_engine, text

    with create_engine(world.store).connect() as database:
        assert database.execute(text("SELECT count(*) FROM runs")).scalar() == 4 + len(world.children("network"))
        assert database.execute(text("SELECT name FROM registered_models")).scalars().all() == ["haemsa-tiny"]


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium")
def test_its_page_shows_runs_generations_and_the_model(world: World, tmp_path: Path) -> None:
    last = world.children("generation")[-1]
    runs = f"experiments/{world.experiment}/runs"
    pages = {
        runs: ["tiny (run): search of 12", "haemsa search"],
        f"{runs}/{world.run.info.run_id}": [
            "The best network reaches",
            "networks of the front compared",
            "system/workers",
        ],
        f"{runs}/{last.info.run_id}/artifacts/population.json": ["sentiment/mae", "on_front", "modalities"],
        "models/haemsa-tiny/versions/1": ['title="champion"', "A hierarchical mixture of experts", "level 1"],
    }
    for number, (path, words) in enumerate(pages.items()):
        picture = tmp_path / f"{number}.png"
        found = world.dom(path, picture)
        assert [word for word in words if word not in found] == [], path
        assert picture.stat().st_size > 20_000  # an empty page has a few thousand bytes
