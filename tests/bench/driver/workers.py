"""The processes of a searcher: started afresh, and ended at the deadline."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from multiprocessing.connection import wait

from tests.bench.evolution.traces import Trace
from tests.bench.shared.setting import PROCESSES, Setting

CONTEXT = multiprocessing.get_context("spawn")  # torch does not like to be forked


def in_processes(setting: Setting, trace: Trace, work: Callable[..., None], *arguments: object) -> None:
    """Run `work(setting, trace, worker, *arguments)` in each process until the setting's seconds are over.

    What is being trained then is thrown away. Raises RuntimeError if a process ends long before.
    """
    workers = [
        CONTEXT.Process(target=work, args=(setting, trace, number, *arguments), daemon=True)
        for number in range(PROCESSES)
    ]
    for worker in workers:
        worker.start()
    wait([worker.sentinel for worker in workers], max(0.0, setting.seconds - trace.elapsed))
    failed = [worker.exitcode for worker in workers if worker.exitcode]
    for worker in workers:
        worker.terminate()
        worker.join()
    if failed:
        raise RuntimeError(f"a worker ended with status {failed[0]} after {trace.elapsed:.0f} s")
