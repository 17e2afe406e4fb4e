"""Warnings of workers are seen by who follows a search."""

from __future__ import annotations

import logging

from haemsa.cluster.shared.noted import warnings_noted
from haemsa.cluster.shared.progress import SilentProgress


class Notes(SilentProgress):
    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, message: str) -> None:
        self.notes.append(message)


def test_warnings_of_a_room_are_notes_while_the_block_runs() -> None:
    shown, logger = Notes(), logging.getLogger("haemsa.cluster.workers.anything")
    with warnings_noted(shown, "haemsa.cluster.workers"):
        logger.warning("worker-%d died", 3)
        logger.info("2 workers")
        logging.getLogger("haemsa.cluster.search.driver").warning("candidate 4 failed")
    logger.warning("later")
    assert shown.notes == ["worker-3 died"]
