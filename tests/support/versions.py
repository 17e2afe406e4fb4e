"""Tests that a library's older versions cannot pass, because of a fault of the library."""

from __future__ import annotations

from importlib.metadata import version

import pytest


def needs(package: str, oldest: str, reason: str) -> pytest.MarkDecorator:
    """Skip a test if the version of a package is older than `oldest`, and say why."""
    return pytest.mark.skipif(_numbers(version(package)) < _numbers(oldest), reason=f"{package} < {oldest} {reason}")


def _numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(".")[:2]]
