"""Whether a folder is on a network file system, where SQLite's locks do not work. Only Linux tells."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

MOUNTS: Final = Path("/proc/self/mountinfo")
_NETWORK: Final = frozenset({
    "9p", "afs", "beegfs", "ceph", "cifs", "gfs2", "glusterfs", "gpfs", "lustre", "ncpfs", "nfs", "nfs4", "ocfs2",
    "orangefs", "pvfs2", "smb3", "smbfs", "weka", "wekafs",
    "fuse.beegfs", "fuse.ceph", "fuse.cephfs", "fuse.gcsfuse", "fuse.glusterfs", "fuse.juicefs", "fuse.mount-s3",
    "fuse.rclone", "fuse.s3fs", "fuse.sshfs",
})  # fmt: skip


def network_warning(path: Path, mounts: Path = MOUNTS) -> str | None:
    """One line that warns of a run directory on a network file system. None: it is on none, or nobody knows.

    Args:
        path: the folder, which may not exist yet.
        mounts: the table of mounts, as Linux writes it (proc(5)).
    """
    try:
        kind = _kind(path.resolve(), mounts.read_text(encoding="utf-8", errors="surrogateescape"))
    except OSError:  # another system than Linux
        return None
    if kind not in _NETWORK:
        return None
    return (
        f"warning: run directory {path} is on a network file system ({kind}), where SQLite's locks do not work: "
        "choose a local disk, and copy the run with haemsa snapshot"
    )


def _kind(path: Path, table: str) -> str:
    """The type of the file system that holds a path: that of the innermost mount; of two in one place, the later."""
    found, depth = "", -1
    for line in table.splitlines():
        before, _, after = line.partition(" - ")
        fields = before.split(" ")
        if len(fields) < 5 or not after:
            continue
        mount = Path(re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), fields[4]))  # a space is \040
        if path.is_relative_to(mount) and len(mount.parts) >= depth:
            found, depth = after.split(" ")[0], len(mount.parts)
    return found
