"""A check for a terminal: leaks loud and first, then what the reader noted, then the tables."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from haemsa.cluster.data_check.check import DataCheck
from haemsa.cluster.data_check.problems import leaks, warnings
from haemsa.cluster.data_check.tables import PROMISE, Facts, facts, heading

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table


def show_check(check: DataCheck, console: Console) -> None:
    """Print all that was found."""
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
    for table in facts(check):
        console.print()
        console.print(_table(table))
    console.print()
    console.print(Text(PROMISE, style="dim"), soft_wrap=True)


def as_values(check: DataCheck) -> dict[str, Any]:
    """The check for a JSON file, what is wrong first."""
    return {"leaks": leaks(check), "warnings": warnings(check), "samples": check.samples, **asdict(check)}


def _table(found: Facts) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(title=found.title, caption=Text(found.help), box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    table.title_justify = table.caption_justify = "left"
    for name in found.columns:
        table.add_column(Text(name))
    for row in found.rows:
        table.add_row(*map(Text, row))
    return table
