"""docs/cluster.md: every command is in its table of what was run, with options that exist; files and links exist."""

from __future__ import annotations

import re
import shlex

import pytest

from tests.support.places import ROOT

TEXT = (ROOT / "docs" / "cluster.md").read_text(encoding="utf-8")


def commands() -> list[list[str]]:
    """The words of every command in a block, without what it sets in its environment; those in quotes are their own."""
    found = []
    for body in re.findall(r"^```bash\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL):
        for line in body.splitlines():
            words = shlex.split(line)
            while "=" in words[0]:
                del words[0]
            if words[0] != "export":
                found.append(words)
                found += [shlex.split(word) for word in words if word.startswith(("haemsa ", "python "))]
    return found


def told() -> set[str]:
    """The commands that the last table names."""
    table = TEXT.partition("## What of this was run")[2]
    cells = re.findall(r"^\| ([^|]*) \|", table, re.MULTILINE)
    return {name for cell in cells[1:] for name in cell.split(", ")}


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_each_command_is_in_the_table_of_what_was_run(words: list[str]) -> None:
    assert any(words[: len(name.split())] == name.split() for name in told()), words


@pytest.mark.parametrize("words", [words for words in commands() if words[0] == "haemsa"], ids=" ".join)
def test_our_commands_have_these_options(words: list[str]) -> None:
    from typer.main import get_command

    from haemsa.cluster.commands.main import app

    command = get_command(app).commands[words[1]]  # type: ignore[attr-defined]
    with command.make_context(words[1], words[2:]) as context:
        assert context.params


@pytest.mark.parametrize("words", [words for words in commands() if words[0] == "ray"], ids=" ".join)
def test_rays_commands_have_these_options(words: list[str]) -> None:
    import click
    from ray.scripts.scripts import cli

    command: click.Command = cli
    while isinstance(command, click.Group):
        command = command.commands[words[1]]
        del words[1]
    with command.make_context("ray", words[1:]) as context:
        assert context.params


@pytest.mark.parametrize("path", ["README.md", "docs/cluster.md", "notebooks/05_from_laptop_to_cluster.ipynb"])
def test_a_node_is_started_with_a_token(path: str) -> None:
    text = (ROOT / path).read_text(encoding="utf-8")
    assert not re.search(r"(?<!RAY_AUTH_MODE=token )(?<!`)ray start [^`\n]*--(head|address)", text)


def test_files_and_links_are_there() -> None:
    for name in re.findall(r"(?<![\w/])(?:cluster|tests)/[\w/]+\.\w+", TEXT):
        assert (ROOT / name).is_file(), name
    places = {
        re.sub(r"[^\w -]", "", line).strip().lower().replace(" ", "-") for line in TEXT.splitlines() if "## " in line
    }
    for link in re.findall(r"\]\(#([\w-]+)\)", TEXT):
        assert link in places, link
