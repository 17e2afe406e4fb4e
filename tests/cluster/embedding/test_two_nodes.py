"""Clips are encoded on a Ray cluster of two nodes on loopback, in a process of its own, and one node is killed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from haemsa.cluster.embedding.embed import embed_data
from haemsa.model.data.store.file import read
from tests.support.model.clip_data import COUNT, clip_data
from tests.support.places import ROOT
from tests.support.versions import needs

pytestmark = [pytest.mark.slow, needs("ray", "2.55", "may connect the driver to the node that is removed")]

SCRIPT = """
import json, logging, sys, time
from pathlib import Path
import ray
from ray.cluster_utils import Cluster
from haemsa.cluster.config import Compute
from haemsa.cluster.embedding import embed
from haemsa.cluster.shared.progress import SilentProgress
from haemsa.model.encoders.choice import Choice

folder, table, audio = Path(sys.argv[1]), *sys.argv[2:]

class Slow(embed.EncodingWork):
    def __call__(self, portion):
        node = ray.get_runtime_context().get_node_id()
        with (folder / "begun").open("a") as log:
            log.write(f"{node} {portion.clips[0].media.stem}\\n")
        time.sleep(0.1)
        return super().__call__(portion)

class Killing(SilentProgress):
    killed = False

    def update(self, status):
        lines = (folder / "begun").read_text().splitlines() if (folder / "begun").exists() else []
        if not self.killed and any(line.startswith(second.node_id) for line in lines):
            self.killed = True
            nodes.remove_node(second, allow_graceful=False)

quick = {"health_check_period_ms": 300, "health_check_timeout_ms": 5000, "health_check_failure_threshold": 2}
own = {"node_ip_address": "127.0.0.2", "include_dashboard": False}  # Ray takes 127.0.0.1 for a public address
nodes = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "_system_config": quick, **own})
second = nodes.add_node(num_cpus=1, node_ip_address="127.0.0.2")
ray.init(address=nodes.address, log_to_driver=False, logging_level=logging.ERROR)
nodes.wait_for_nodes()
embed.EncodingWork, shown = Slow, Killing()
embed.embed_data(table, folder / "clips.h5", [Choice("audio", audio)], compute=Compute(workers="auto"), progress=shown)
print(json.dumps({"killed": shown.killed}))
ray.shutdown()
nodes.shutdown()
"""


def test_a_node_that_is_killed_loses_nothing(tmp_path: Path) -> None:
    data = clip_data(tmp_path)
    command = [sys.executable, "-c", SCRIPT, str(tmp_path), str(data.table), data.audio]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=180, check=False)
    assert ran.returncode == 0, ran.stderr
    assert {"killed": True} in [json.loads(line) for line in ran.stdout.splitlines() if line.startswith("{")]
    begun = [tuple(line.split()) for line in (tmp_path / "begun").read_text().splitlines()]
    assert len({node for node, *_ in begun}) == 2
    assert len({clip for _, clip in begun}) == COUNT
    assert len(begun) <= COUNT + 1  # only what the dead worker was at
    here = embed_data(str(data.table), tmp_path / "here.h5", data.choices[1:2])
    for name, modality in read(tmp_path / "clips.h5").modalities.items():
        assert here.modalities[name].lengths.tolist() == modality.lengths.tolist()
        np.testing.assert_allclose(here.modalities[name].features[:], modality.features[:], atol=2e-3)
