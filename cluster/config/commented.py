"""The default settings with their descriptions: what `haemsa config` prints."""

from __future__ import annotations

import dataclasses
import textwrap
from typing import Any

import yaml

from haemsa.cluster.config.search_config import SearchConfig


def commented_yaml() -> str:
    """The default settings as YAML, each under its description: what `haemsa config` prints.

    Example:
        >>> print(commented_yaml()[:60])
        # Settings of a search: haemsa search --config FILE. Options
    """
    lines = ["# Settings of a search: haemsa search --config FILE. Options on the command line replace them."]
    values = SearchConfig(data="planted").model_dump(mode="json")
    for name in sorted(SearchConfig.names(), key=lambda name: name == "space"):  # its bounds follow
        description = SearchConfig.model_fields[name].description or ""
        lines += ["", *(f"# {line}" for line in textwrap.wrap(description, 116)), f"{name}: {_flow(values[name])}"]
    lines += [f"#   {name}: {_flow(value)}" for name, value in default_bounds().items()]
    return "\n".join(lines) + "\n"


def default_bounds() -> dict[str, Any]:
    """The bounds of the search space and their defaults, as YAML holds them."""
    from haemsa.evo.expert_space.bounds import Bounds

    return {name: list(v) if isinstance(v, tuple) else v for name, v in dataclasses.asdict(Bounds()).items()}


def _flow(value: object) -> str:
    return str(yaml.safe_dump(value, default_flow_style=True, width=10_000)).removesuffix("...\n").strip()
