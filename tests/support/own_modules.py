"""Modules of a user's, with functions that score genomes, written into a folder."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

import pytest

COST = """
import {sibling} as helper

def cost(predictions, labels, genome):
    return helper.far(predictions["sentiment"], labels["sentiment"])

def width(predictions, labels, genome):
    return float(genome.network.width)

def failing(predictions, labels, genome):
    raise KeyError("sentimant")

def of_two(predictions, labels):
    return 0.0

number = 3
"""
SIBLING = """
import numpy as np

def far(values, wanted):
    return float(np.nanmean(np.abs(values - wanted)))
"""
_numbers = itertools.count()


def write_module(folder: Path, monkeypatch: pytest.MonkeyPatch, code: str = COST) -> str:
    """Write a module with a name of its own, and its sibling, into the folder, which becomes the current one."""
    number = next(_numbers)
    name, sibling = f"costs{number}", f"helpers{number}"
    (folder / f"{name}.py").write_text(code.replace("{sibling}", sibling))
    (folder / f"{sibling}.py").write_text(SIBLING)
    monkeypatch.chdir(folder)
    return name


def forget(folder: Path, name: str) -> None:
    """The module and its sibling are gone, as on another machine."""
    for module in (name, name.replace("costs", "helpers")):
        (folder / f"{module}.py").unlink(missing_ok=True)
        sys.modules.pop(module, None)
