"""The command `haemsa`. Everything heavy loads inside a command, so that help answers at once."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final, NoReturn

import typer
from typer.core import TyperGroup

from haemsa import __version__
from haemsa.cluster.commands.compare import ablate, compare
from haemsa.cluster.commands.data import data_app
from haemsa.cluster.commands.export import export
from haemsa.cluster.commands.model import evaluate, train
from haemsa.cluster.commands.options import INTERRUPTED
from haemsa.cluster.commands.predict import predict
from haemsa.cluster.commands.run import config, list_, report, show, snapshot, sync, ui, watch
from haemsa.cluster.commands.search import search
from haemsa.cluster.commands.settings import SettingsCommand
from haemsa.cluster.commands.tune import tune
from haemsa.cluster.shared.home import some_home
from haemsa.cluster.shared.output import lasting_output

_COMMANDS: Final[Mapping[str, Mapping[str, Callable[..., None]]]] = {
    "Search": {"search": search, "list": list_, "show": show, "report": report, "watch": watch},
    "Use what was found": {"tune": tune, "train": train, "evaluate": evaluate, "predict": predict, "export": export},
    "Judge the search": {"compare": compare, "ablate": ablate},
    "Everything else": {"snapshot": snapshot, "sync": sync, "ui": ui, "config": config},
}
"""The commands in the order of the work. Before them comes `data`, a group of commands."""


class _DataFirst(TyperGroup):
    """The commands as they were added, but the group `data` is the first. Typer puts groups last."""

    def list_commands(self, ctx: Any) -> list[str]:
        """The names of the commands, in the order of help."""
        return sorted(super().list_commands(ctx), key=lambda name: name != "data")


app = typer.Typer(
    name="haemsa",
    cls=_DataFirst,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(data_app, name="data", rich_help_panel="Search")
for panel, commands in _COMMANDS.items():
    for name, command in commands.items():
        app.command(name, cls=SettingsCommand if command is search else None, rich_help_panel=panel)(command)


def _print_version(asked: bool) -> None:
    if asked:
        print(f"haemsa {__version__}")
        raise typer.Exit


@app.callback()
def haemsa(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Find the best multimodal mixture-of-experts network for your features, by evolution."""


def main() -> None:
    """Run the command. Wrong input gives one sentence on standard error, and exit status 2."""
    try:
        with lasting_output(), some_home():
            _run()
    except OSError as error:
        _fail(error)
    except KeyboardInterrupt:
        raise SystemExit(INTERRUPTED) from None


def _run() -> None:
    try:
        app(prog_name="haemsa")
    except (ValueError, OSError) as error:
        _fail(error)


def _fail(error: Exception) -> NoReturn:
    print(f"haemsa: {error}", file=sys.stderr)
    raise SystemExit(2) from None
