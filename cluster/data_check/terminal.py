"""What `haemsa data info` and `haemsa data check` print: tables of data, and a check with its leaks first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from haemsa.cluster.data_check.check import DataCheck
from haemsa.cluster.data_check.problems import leaks, warnings
from haemsa.cluster.data_check.tables import NOTICE, TextTable, check_tables, heading, heading_of
from haemsa.cluster.shared.plain_values import as_values

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table


def data_tables(description: Mapping[str, Any]) -> list[RenderableType]:
    """Two tables: of modalities, under a line about all of the data, and of tasks.

    Args:
        description: what `describe_data` returned.

    Example:
        >>> from haemsa.model.data.builtin.planted import planted
        >>> from haemsa.model.data.summary import describe
        >>> len(data_tables(describe(planted(sizes=(20, 10, 10)))))
        2
    """
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    title = heading_of(*(description[key] for key in ("name", "samples", "splits", "groups", "fingerprint")))
    modalities = Table()
    for name in ("modality", "steps", "features", "mean length", "absent in"):
        modalities.add_column(name, justify="left" if name == "modality" else "right")
    for name, modality in description["modalities"].items():
        steps, width, absent = str(modality["steps"]), str(modality["features"]), str(modality["absent"])
        modalities.add_row(name, steps, width, f"{modality['mean_length']:.1f}", absent)
    tasks = Table()
    for name in ("task", "kind", "without label", "distribution"):
        tasks.add_column(name)
    for name, task in description["tasks"].items():
        tasks.add_row(name, task["kind"], str(task["unlabelled"]), task["distribution"])
    return [Group(Text(title), modalities), tasks]


def show_check(check: DataCheck, console: Console) -> None:
    """Print all that was found: leaks, warnings, notes of the reader, then the tables.

    Args:
        check: what `check_data` returned.
        console: where to print.

    Example:
        >>> show_check(check_data(load_data("planted")), rich.console.Console())  # doctest: +SKIP
    """
    from rich.text import Text

    console.print(Text(heading(check), style="bold"), soft_wrap=True)
    for sentence in leaks(check):
        console.print(Text(f"LEAK: {sentence}", style="bold red"), soft_wrap=True)
    for sentence in warnings(check):
        console.print(Text(f"warning: {sentence}", style="yellow"), soft_wrap=True)
    if not leaks(check):
        console.print(Text("No leak was found.", style="green"))
    for note in check.notes:
        console.print(Text(f"note: {note}", style="cyan"), soft_wrap=True)
    for table in check_tables(check):
        console.print()
        console.print(_table(table))
    console.print()
    console.print(Text(NOTICE, style="dim"), soft_wrap=True)


@as_values.register(DataCheck)
def check_values(check: DataCheck) -> dict[str, Any]:
    """The check for a JSON file. What is wrong comes first."""
    return {"leaks": leaks(check), "warnings": warnings(check), "samples": check.samples, **asdict(check)}


def _table(content: TextTable) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    caption = Text(content.help)
    table = Table(title=content.title, caption=caption, box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    table.title_justify = table.caption_justify = "left"
    for name in content.columns:
        table.add_column(Text(name))
    for row in content.rows:
        table.add_row(*map(Text, row))
    return table
