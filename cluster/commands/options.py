"""Options that several commands share, and how options of more than one word are read."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, get_type_hints

import typer

if TYPE_CHECKING:
    from haemsa.cluster.api import Compute

INTERRUPTED: Final = 130
"""The exit status of a command that Ctrl-C ended, as shells have it."""
DATA_HELP: Final = "planted, digits, or a path to data of any layout."
Data = Annotated[str, typer.Option(help=DATA_HELP)]
Model = Annotated[str, typer.Argument(help="A saved model, a run directory, or models:/...")]
Run = Annotated[Path, typer.Argument(help="A run directory.")]
OldValidation = Annotated[str | None, typer.Option("--score", hidden=True)]
"""`--validation` was called `--score` before."""


_WHERE: Final = "Where it runs"
Backend = Annotated[
    str | None, typer.Option(help="ray (in parallel) or inline (in this process).", rich_help_panel=_WHERE)
]
Workers = Annotated[
    str | None,
    typer.Option(help="How many workers run at the same time: a number, auto or auto:MOST.", rich_help_panel=_WHERE),
]
GpusPerWorker = Annotated[
    float | None, typer.Option(help="GPUs for each worker, also a fraction.", rich_help_panel=_WHERE)
]
Address = Annotated[
    str | None,
    typer.Option(help="A Ray cluster: HOST:PORT, auto, or local for one that is started here.", rich_help_panel=_WHERE),
]
AddressTimeout = Annotated[
    str | None, typer.Option(help="How long to wait for that cluster: 30s, 2m.", rich_help_panel=_WHERE)
]
MemoryPerWorker = Annotated[
    float | None, typer.Option(help="GiB that a worker may use (only on Linux).", rich_help_panel=_WHERE)
]

Resources = Annotated[
    list[str] | None,
    typer.Option(
        help="What else each worker needs of its node, for example accelerator_type:H100=0.001. Several are allowed.",
        rich_help_panel=_WHERE,
    ),
]
NodeLabels = Annotated[
    list[str] | None,
    typer.Option(help="A label that nodes of workers have: KEY=VALUE. Several are allowed.", rich_help_panel=_WHERE),
]
NodeTimeout = Annotated[
    str | None, typer.Option(help="How long to wait for a first node, where nodes come: 30m.", rich_help_panel=_WHERE)
]


def compute_of(
    backend: Backend = None,
    workers: Workers = None,
    gpus_per_worker: GpusPerWorker = None,
    address: Address = None,
    address_timeout: AddressTimeout = None,
    memory_per_worker: MemoryPerWorker = None,
    resources: Resources = None,
    node_labels: NodeLabels = None,
    node_timeout: NodeTimeout = None,
) -> Compute | None:
    """Where a command runs, by its options. None: no option says it."""
    from haemsa.cluster.api import Compute

    given = {
        "backend": backend, "workers": number_of(workers), "gpus_per_worker": gpus_per_worker, "address": address,
        "address_timeout": address_timeout, "memory_per_worker": memory_per_worker,
        "resources": resources_of(resources), "node_labels": labels_of(node_labels),
        "node_timeout": node_timeout,
    }  # fmt: skip
    chosen = {name: value for name, value in given.items() if value is not None}
    return Compute.of(chosen) if chosen else None


def on_workers(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of `compute_of`, which stand for its parameter `compute`."""
    hints = get_type_hints(command, localns={"Compute": object}, include_extras=True)
    where = inspect.signature(compute_of, locals={"Compute": object}, eval_str=True).parameters
    parameters = list[inspect.Parameter]()
    for name, parameter in inspect.signature(command).parameters.items():
        parameters += where.values() if name == "compute" else [parameter.replace(annotation=hints[name])]

    def called(**options: Any) -> None:
        command(compute=compute_of(**{name: options.pop(name) for name in where}), **options)

    called.__name__, called.__doc__ = command.__name__, command.__doc__
    called.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return called


def objectives_of(text: str | None) -> list[str] | None:
    """The names in "mae,params"."""
    return None if text is None else [name.strip() for name in text.split(",")]


def limits_of(options: Sequence[str] | None) -> dict[str, float] | None:
    """The limits in ["params=200000", ...]. Raises ValueError for an option that is not NAME=NUMBER."""
    return _numbers("limit", options, "params=200000")


def resources_of(options: Sequence[str] | None) -> dict[str, float] | None:
    """The amounts in ["accelerator_type:H100=0.001", ...]. Raises ValueError for an option that is not NAME=NUMBER."""
    return _numbers("resources", options, "accelerator_type:H100=0.001")


def labels_of(options: Sequence[str] | None) -> dict[str, str] | None:
    """The labels in ["market=spot", ...]. Raises ValueError for an option that is not KEY=VALUE."""
    pairs = [(option, *option.partition("=")) for option in options or ()]
    for option, key, _, value in pairs:
        if not key or not value:
            raise ValueError(f"node-labels is {option!r}, expected KEY=VALUE, for example market=spot")
    return {key: value for _, key, _, value in pairs} or None


def _numbers(what: str, options: Sequence[str] | None, example: str) -> dict[str, float] | None:
    numbers = {}
    for option in options or ():
        name, _, value = option.partition("=")
        try:
            numbers[name.strip()] = float(value)
        except ValueError:
            raise ValueError(f"{what} is {option!r}, expected NAME=NUMBER, for example {example}") from None
    return numbers or None


def number_of(text: str | None) -> int | str | None:
    """The number in the text. Any other text stays as it is, because the configuration judges it."""
    return int(text) if text is not None and text.isdigit() else text
