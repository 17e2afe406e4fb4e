"""What all tests share: one thread, few draws, and one Ray cluster, started when the first test asks for it."""

from __future__ import annotations

import gc
import logging
import os
import shutil
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from joblib import cpu_count

from haemsa.cluster.shared import bootstrap
from tests.support.apart import keep_apart
from tests.support.schedule import ByFile, has, only_slow


def pytest_configure(config: pytest.Config) -> None:
    """Keep this process apart from all that others run on this machine, on one thread: pytest has one on each core.

    Threads of two processes that wait for each other on the same cores take far longer than one thread each.
    """
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # read when torch, numpy and scikit-learn are imported
    os.environ["HF_HUB_OFFLINE"] = "1"  # no test asks for a model that is not made here
    config.option.loadscopereorder = False  # of pytest-xdist, which would leave files of few, long tests for the end
    folder = keep_apart()
    config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Half as many processes again as there are cores, because tests wait for Ray, servers and other processes."""
    cores = cpu_count()  # those that this process may use, also in a container
    return cores + cores // 2


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Where no slow test is wanted, files of only slow tests are not loaded."""
    unwanted = "not slow" in config.option.markexpr and collection_path.suffix == ".py" and only_slow(collection_path)
    return unwanted or None


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """No garbage is looked for while all modules load. Later looks leave out what they hold."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFile:
    """Gives files to processes, however they would be given otherwise."""
    return ByFile(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files on Ray come first, then other slow ones. What is short fills the end."""

    def late(item: pytest.Item) -> tuple[bool, bool]:
        path = item.nodeid.partition("::")[0]
        return not has(path, "ray"), not has(path, "slow")

    items.sort(key=late)


@pytest.fixture(scope="session", autouse=True)
def usual_resamples() -> Iterator[int]:
    """How many draws make an interval of a figure. Tests have a tenth of them, unless they are about intervals."""
    usual = bootstrap.RESAMPLES
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bootstrap, "RESAMPLES", usual // 10)
        yield usual


@pytest.fixture(scope="session")
def ray_cluster() -> Iterator[None]:
    """A local Ray of two cores; `haemsa.cluster.workers.ray_session.connected` takes it as it is."""
    import ray

    ray.init(
        address="local",
        num_cpus=2,
        include_dashboard=False,
        _node_ip_address="127.0.0.1",
        log_to_driver=False,
        logging_level=logging.ERROR,
    )
    yield
    ray.shutdown()
