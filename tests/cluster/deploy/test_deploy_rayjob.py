"""rayjob.yaml field by field: names and types as KubeRay's and Kubernetes' references give them.

The tables below are written from the reference of `ray.io/v1` (KubeRay 1.6; `authOptions` since 1.5.1) and that of
Kubernetes' pods (1.28), for the fields that we use and their neighbours. They check spelling, places and types; only a
Kubernetes with KubeRay can say more: `kubectl apply --dry-run=server -f cluster/deploy/rayjob.yaml`.
"""

from __future__ import annotations

import importlib.metadata
import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from tests.support.cluster.tiny import stored
from tests.support.places import ROOT, pinned

TEXT, FLAG = {"type": "string"}, {"type": "boolean"}
COUNT = {"type": "integer", "minimum": 0}
TEXTS = {"type": "object", "additionalProperties": TEXT}


def one_of(*values: str) -> dict[str, Any]:
    return {"enum": list(values)}


def fields(required: str = "", **known: Any) -> dict[str, Any]:
    """An object of these fields and no others."""
    return {"type": "object", "properties": known, "required": required.split(), "additionalProperties": False}


def many(item: Any) -> dict[str, Any]:
    return {"type": "array", "items": item, "minItems": 1}


QUANTITY = {"anyOf": [{"type": "integer"}, {"type": "string", "pattern": r"^\d+(\.\d+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$"}]}
AMOUNTS = {"type": "object", "additionalProperties": QUANTITY}
REFERENCE = fields("name key", name=TEXT, key=TEXT, optional=FLAG)
VARIABLE = fields(
    "name", name=TEXT, value=TEXT, valueFrom=fields(secretKeyRef=REFERENCE, configMapKeyRef=REFERENCE)
)  # fmt: skip
CONTAINER = fields(
    "name image",
    name=TEXT,
    image=TEXT,
    imagePullPolicy=one_of("Always", "IfNotPresent", "Never"),
    ports=many(fields("containerPort", containerPort=COUNT, name=TEXT, protocol=TEXT)),
    resources=fields(requests=AMOUNTS, limits=AMOUNTS),
    env=many(VARIABLE),
    volumeMounts=many(fields("name mountPath", name=TEXT, mountPath=TEXT, readOnly=FLAG, subPath=TEXT)),
)
VOLUME = fields(
    "name", name=TEXT, persistentVolumeClaim=fields("claimName", claimName=TEXT, readOnly=FLAG), emptyDir=fields()
)
POD = fields(
    "containers",
    containers=many(CONTAINER),
    volumes=many(VOLUME),
    terminationGracePeriodSeconds=COUNT,
    nodeSelector=TEXTS,
    restartPolicy=one_of("Always", "OnFailure", "Never"),
)
TEMPLATE = fields("spec", metadata=fields(labels=TEXTS, annotations=TEXTS), spec=POD)
WORKERS = fields(
    "groupName template",
    groupName=TEXT,
    replicas=COUNT,
    minReplicas=COUNT,
    maxReplicas=COUNT,
    numOfHosts=COUNT,
    idleTimeoutSeconds=COUNT,
    rayStartParams=TEXTS,
    template=TEMPLATE,
)
CLUSTER = fields(
    "headGroupSpec",
    rayVersion=TEXT,
    authOptions=fields(mode=one_of("token", "disabled"), secretName=TEXT),
    enableInTreeAutoscaling=FLAG,
    autoscalerOptions=fields(
        idleTimeoutSeconds=COUNT,
        upscalingMode=one_of("Default", "Aggressive", "Conservative"),
        version=one_of("v1", "v2"),
    ),
    headGroupSpec=fields("template", rayStartParams=TEXTS, serviceType=TEXT, template=TEMPLATE),
    workerGroupSpecs=many(WORKERS),
)
RAYJOB = fields(
    "apiVersion kind metadata spec",
    apiVersion={"const": "ray.io/v1"},
    kind={"const": "RayJob"},
    metadata=fields("name", name=TEXT, namespace=TEXT, labels=TEXTS),
    spec=fields(
        "entrypoint rayClusterSpec",
        entrypoint=TEXT,
        backoffLimit=COUNT,
        activeDeadlineSeconds=COUNT,
        submissionMode=one_of("K8sJobMode", "HTTPMode", "InteractiveMode", "SidecarMode"),
        shutdownAfterJobFinishes=FLAG,
        ttlSecondsAfterFinished=COUNT,
        runtimeEnvYAML=TEXT,
        entrypointNumCpus={"type": "number"},
        rayClusterSpec=CLUSTER,
    ),
)


@pytest.fixture
def job() -> Any:
    return yaml.safe_load((ROOT / "cluster" / "deploy" / "rayjob.yaml").read_text(encoding="utf-8"))


def pods(job: Any) -> list[Any]:
    cluster = job["spec"]["rayClusterSpec"]
    return [group["template"]["spec"] for group in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"])]


def test_every_field_is_one_that_is_documented(job: Any) -> None:
    jsonschema.validate(job, RAYJOB)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("shutdownAfterJobFinish",), True),
        (("rayClusterSpec", "headGroupSpec", "rayStartParams", "num-cpus"), 0),
        (("rayClusterSpec", "autoscalerOptions", "upscalingMode"), "Quick"),
    ],
)
def test_a_slip_of_the_pen_is_found(job: Any, place: tuple[str, ...], value: Any) -> None:
    *path, last = place
    found = job["spec"]
    for name in path:
        found = found[name]
    found[last] = value
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(job, RAYJOB)


def test_what_is_mounted_is_declared_and_nothing_asks_for_more_than_its_limit(job: Any) -> None:
    for pod in pods(job):
        (container,) = pod["containers"]
        mounted = {mount["name"] for mount in container.get("volumeMounts", [])}
        assert mounted == {volume["name"] for volume in pod.get("volumes", [])}
        assert container["resources"]["requests"] == container["resources"]["limits"]


def test_all_pods_have_one_image_and_the_version_of_ray_that_is_tested(job: Any) -> None:
    assert {pod["containers"][0]["image"] for pod in pods(job)} == {"REGISTRY/haemsa:0.1.0"}
    assert job["spec"]["rayClusterSpec"]["rayVersion"] == pinned("ray")
    assert importlib.metadata.version("haemsa") == "0.1.0"


def test_its_run_and_data_lie_on_volumes_of_the_head_and_the_search_is_one_that_haemsa_takes(
    job: Any, tmp_path: Path
) -> None:
    from typer.main import get_command

    from haemsa.cluster.commands.main import app
    from haemsa.cluster.config import SearchConfig, parse_duration

    shell, script, run, *options = shlex.split(job["spec"]["entrypoint"])
    assert (shell, script) == ("bash", "/home/ray/haemsa/cluster/deploy/search.sh")
    mounts = {mount["mountPath"] for mount in pods(job)[0]["containers"][0]["volumeMounts"]}
    given = dict(zip(options[::2], options[1::2], strict=True))
    assert {str(Path(run).parent), str(Path(given["--data"]).parent)} == mounts
    known = {name for parameter in get_command(app).commands["search"].params for name in parameter.opts}  # type: ignore[attr-defined]
    assert set(given) <= known
    SearchConfig.of(
        {
            "data": str(stored(tmp_path)),
            "run": run,
            "gpus_per_worker": float(given["--gpus-per-worker"]),
            "workers": given["--workers"],
            "time": parse_duration(given["--time"]),
        }
    )


def test_the_environment_of_its_job_is_that_of_job_yaml(job: Any) -> None:
    ours = yaml.safe_load((ROOT / "cluster" / "deploy" / "job.yaml").read_text(encoding="utf-8"))
    assert yaml.safe_load(job["spec"]["runtimeEnvYAML"]) == ours


def test_what_job_yaml_would_install_is_what_we_depend_on() -> None:
    text = (ROOT / "cluster" / "deploy" / "job.yaml").read_text(encoding="utf-8")
    ours = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    names = [re.split(r"[\[><=]", dependency)[0] for dependency in ours]
    assert re.findall(r"^#   - (\S+)", text, re.MULTILINE) == [name for name in names if name != "ray"]
