"""Run directories on network file systems are warned of."""

from __future__ import annotations

from pathlib import Path

import pytest

from haemsa.cluster.run_directory.network_disk import network_warning

MOUNTS = r"""
22 1 259:2 / / rw,relatime shared:1 - ext4 /dev/nvme0n1p2 rw
23 22 0:21 / /proc rw shared:2 - proc proc rw
40 22 0:50 / /home rw,relatime shared:3 - nfs4 server:/home rw,vers=4.2
41 40 0:51 / /home/me/local\040disk rw - xfs /dev/sdb1 rw
42 22 0:52 / /scratch rw master:5 - lustre 10.0.0.1@tcp:/scratch rw
43 22 0:53 / /mnt/laptop rw - fuse.sshfs me@laptop:/ rw
44 22 0:54 / /mnt/both rw - nfs server:/both rw
45 22 0:55 / /mnt/both rw - tmpfs tmpfs rw
46 22 0:56 / /mnt/drive rw - fuse.mergerfs drive rw
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/home/me/runs/mine", "nfs4"),
        ("/home", "nfs4"),
        ("/scratch/runs", "lustre"),
        ("/mnt/laptop/runs", "fuse.sshfs"),
        ("/runs/mine", None),
        ("/homeless/runs", None),  # not below /home
        ("/home/me/local disk/runs", None),  # a local disk within a network's
        ("/mnt/both/runs", None),  # the later mount hides the earlier
        ("/mnt/drive/runs", None),
    ],
)
def test_the_innermost_mount_decides(tmp_path: Path, path: str, kind: str | None) -> None:
    (tmp_path / "mountinfo").write_text(MOUNTS)
    warning = network_warning(Path(path), tmp_path / "mountinfo")
    if kind is None:
        assert warning is None
    else:
        assert f"run directory {path} is on a network file system ({kind})" in str(warning)


def test_a_link_leads_to_where_it_points(tmp_path: Path) -> None:
    (tmp_path / "mountinfo").write_text(MOUNTS)
    (tmp_path / "runs").symlink_to("/scratch/runs")
    assert "(lustre)" in str(network_warning(tmp_path / "runs" / "mine", tmp_path / "mountinfo"))


def test_where_no_table_of_mounts_is_nothing_is_said(tmp_path: Path) -> None:
    assert network_warning(Path("/home/me"), tmp_path / "missing") is None
