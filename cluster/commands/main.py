"""The command `haemsa`. Everything heavy loads inside a command, so that help answers at once."""

from __future__ import annotations

import sys
from typing import NoReturn

import typer

from haemsa.cluster.commands.compare import ablate, compare
from haemsa.cluster.commands.data import data_app
from haemsa.cluster.commands.model import evaluate, train
from haemsa.cluster.commands.predict import predict
from haemsa.cluster.commands.run import config, report, show, sync, ui
from haemsa.cluster.commands.search import search
from haemsa.cluster.commands.tune import tune
from haemsa.cluster.shared.output import lasting_output

app = typer.Typer(
    name="haemsa",
    help="Find the best multimodal mixture-of-experts network for your features, by evolution.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (search, show, report, tune, train, evaluate, predict, compare, ablate, sync, ui, config):
    app.command()(command)
app.add_typer(data_app, name="data")


def main() -> None:
    """Run the command. Wrong input gives one sentence on standard error, and exit status 2."""
    try:
        with lasting_output():
            _run()
    except OSError as error:
        _fail(error)


def _run() -> None:
    try:
        app()
    except (ValueError, OSError) as error:
        _fail(error)


def _fail(error: Exception) -> NoReturn:
    print(f"haemsa: {error}", file=sys.stderr)
    raise SystemExit(2) from None
