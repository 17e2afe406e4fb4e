"""Settings of a search on the command line: `--set KEY=VALUE`, and the defaults that help shows."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Any setting of haemsa config, for example eta=2 or space.max_levels=1. Several are allowed.",
    ),
]


class SettingsCommand(TyperCommand):
    """A command with options for settings. Its help shows their defaults, which only SearchConfig knows."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Print the help."""
        for option in self.params:
            text = getattr(option, "help", None)
            if text and "[default: " not in text and (words := default_words(option.name or "")):
                option.help = f"{text.removesuffix('.')} \\[default: {words}]."  # type: ignore[attr-defined]
        super().format_help(ctx, formatter)


def default_words(name: str) -> str:
    """The default of a setting, in words. Empty if there is no such setting, or if it has none.

    Example:
        >>> default_words("confirm"), default_words("rungs"), default_words("patience")
        ('8', '--rungs', 'never')
    """
    from haemsa.cluster.config import SearchConfig

    field = SearchConfig.model_fields.get(name)
    if field is None or name == "data":  # no command can do without data
        return ""
    default = field.get_default(call_default_factory=True)
    if isinstance(default, bool):
        return f"--{name}" if default else f"--no-{name}"
    if default is None or default in ([], {}):  # the description says what that means
        found = re.search(r"\b(?:null|Empty): (.+?)(?:\. |\.$)", field.description or "", re.DOTALL)
        return found[1].replace("\n", " ") if found else ""
    return str(default) if not isinstance(default, float) else f"{default:g}"


def given(options: Mapping[str, Any], assignments: Sequence[str] | None) -> dict[str, Any]:
    """The settings that were given, by options (None: not given) and by `--set`.

    Raises:
        ValueError: An assignment is none, or a setting is given twice.

    Example:
        >>> given({"seed": 1, "time": None}, ["eta=2", "space.widths=[8, 16]"])
        {'seed': 1, 'eta': 2, 'space.widths': [8, 16]}
    """
    from haemsa.model.yaml_file import assigned

    settings = {name: value for name, value in options.items() if value is not None}
    for assignment in assignments or ():
        key, value = assigned(assignment)
        if any(f"{key}.".startswith(f"{other}.") or f"{other}.".startswith(f"{key}.") for other in settings):
            raise ValueError(f"setting {key} is given twice, expected one --set or one option for it")
        settings[key] = value
    return settings
