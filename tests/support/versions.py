"""Tests that a library's older versions cannot pass, because of a fault of the library."""

from __future__ import annotations

from importlib.metadata import version

import pytest


def needs(package: str, oldest: str, reason: str) -> pytest.MarkDecorator:
    """Skip a test if the version of a package is older than `oldest`, and say why."""
    return pytest.mark.skipif(older(package, oldest), reason=f"{package} < {oldest} {reason}")


def older(package: str, than: str) -> bool:
    """Whether the version of a package is older."""
    return _numbers(version(package)) < _numbers(than)


def _numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(".")[:2]]
