"""cluster.yaml is what `ray up` takes, by Ray's own schema and its own defaults; nothing is asked of a cloud."""

from __future__ import annotations

import copy
import re
from typing import Any

import pytest
import yaml

from tests.support.places import ROOT, pinned

DEPLOY = ROOT / "cluster" / "deploy"


def launcher(text: str) -> Any:
    """The configuration as `ray up` completes it. Raises what Ray raises."""
    from ray.autoscaler._private.util import prepare_config, validate_config

    config = prepare_config(copy.deepcopy(yaml.safe_load(text)))
    validate_config(config)
    return config


@pytest.fixture(scope="module")
def text() -> str:
    return (DEPLOY / "cluster.yaml").read_text(encoding="utf-8")


def test_ray_takes_the_cluster_with_its_own_defaults(text: str) -> None:
    config = launcher(text)
    kinds = config["available_node_types"]
    assert config["head_node_type"] == "head"
    assert kinds["head"]["resources"] == {"CPU": 0}  # trains nothing
    assert [(name, kind["min_workers"], kind["max_workers"]) for name, kind in kinds.items()] == [
        ("head", 0, 0), ("cpu", 0, 8), ("gpu", 0, 4)
    ]  # fmt: skip
    assert config["idle_timeout_minutes"] == 10
    assert config["worker_setup_commands"] == config["setup_commands"]


def test_ray_refuses_what_it_does_not_know(text: str) -> None:
    import jsonschema

    with pytest.raises(jsonschema.ValidationError, match="idle_timeout"):
        launcher(text.replace("idle_timeout_minutes", "idle_timeout"))


def test_the_variant_for_machines_of_ones_own_is_taken_too(text: str) -> None:
    config = yaml.safe_load(text)
    (found,) = re.findall(r"^# (provider: .*\n(?:#   .*\n)+)", text, re.MULTILINE)
    config |= yaml.safe_load(re.sub(r"^# ?", "", found, flags=re.MULTILINE))
    del config["available_node_types"], config["head_node_type"], config["max_workers"]
    local = launcher(yaml.safe_dump(config))
    assert local["provider"]["type"] == "local"
    assert local["max_workers"] == 2


def test_what_it_ships_and_starts_is_there_and_of_the_version_that_is_tested(text: str) -> None:
    config = yaml.safe_load(text)
    ray = pinned("ray")
    dockerfile = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    images = [config["docker"]["head_image"], config["docker"]["worker_image"], *re.findall("FROM (.*)", dockerfile)]
    assert all(image.startswith(f"rayproject/ray:{ray}-py311-") for image in images)
    (shipped,) = [place for place, here in config["file_mounts"].items() if here == "."]
    assert config["setup_commands"] == [f"pip install --constraint {shipped}/constraints.txt --editable {shipped}"]
    for name in re.findall(r"^COPY \S+ (.*) /home", dockerfile, re.MULTILINE):
        assert all((ROOT / part).exists() for part in name.split())


def test_no_node_starts_without_a_token(text: str) -> None:
    config = yaml.safe_load(text)
    assert config["file_mounts"]["/home/ray/.ray/auth_token"] == "~/.ray/auth_token"
    for commands in (config["head_start_ray_commands"], config["worker_start_ray_commands"]):
        assert "RAY_AUTH_MODE=token ray start" in commands[-1]
