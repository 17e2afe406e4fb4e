"""The tables of `haemsa data info`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.table import Table


def data_tables(found: Mapping[str, Any]) -> list[Table]:
    """`describe`'s value as tables: modalities, then tasks."""
    from rich.table import Table

    splits = ", ".join(f"{name} {count}" for name, count in found["splits"].items())
    title = f"{found['name']}: {found['samples']} samples ({splits}) in {found['groups']} groups"
    modalities = Table(title=f"{title}, fingerprint {found['fingerprint']}", title_justify="left")
    for name in ("modality", "steps", "features", "mean length", "absent in"):
        modalities.add_column(name, justify="left" if name == "modality" else "right")
    for name, item in found["modalities"].items():
        steps, width, absent = str(item["steps"]), str(item["features"]), str(item["absent"])
        modalities.add_row(name, steps, width, f"{item['mean_length']:.1f}", absent)
    tasks = Table()
    for name in ("task", "kind", "without label", "distribution"):
        tasks.add_column(name)
    for name, task in found["tasks"].items():
        tasks.add_row(name, task["kind"], str(task["unlabelled"]), task["distribution"])
    return [modalities, tasks]
