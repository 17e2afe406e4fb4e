"""What commands print about data."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from haemsa.cluster.shared.terminal import console, say, write_figures

if TYPE_CHECKING:
    from haemsa.model.data.dataset import Dataset


def show_data(dataset: Dataset, json_file: Path | None) -> None:
    """Print tables of modalities and tasks, what made the modalities, and the notes of the reader."""
    from haemsa.cluster.api import data_tables, describe_data

    description = describe_data(dataset)
    write_figures(json_file, description)
    for table in data_tables(description):
        console().print(table)
    for name, facts in description["encoders"].items():
        layers = facts.get("layers", 1)
        which = "the last layer" if layers == 1 else f"the mean of the last {layers} layers"
        say(f"encoder: {name} is {which} of {facts.get('model')}")
    for note in dataset.notes:
        say(f"note: {note}")
