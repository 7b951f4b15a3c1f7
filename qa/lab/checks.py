"""What scenarios in several files check."""

import hashlib
import os

from lab.machine import Timeout, wait_until


def check_ready_node(machine):
    """What every installed node must be like."""
    machine.wait_state("ready", 120)
    # Disks may be looked at yet.
    good = lambda status: all(c["status"] == "true" for c in status["conditions"]) and status
    try:
        status = wait_until(lambda: good(machine.status()), 120 * machine.scale, "every condition true", interval=1)
    except Timeout as problem:
        raise AssertionError(f"{problem}: {machine.status()}") from None
    mounts = {}
    for line in machine.ssh("cat /proc/mounts").splitlines():
        source, target, kind, options, *_ = line.split()
        mounts[target] = (source, kind, options.split(","))
    assert mounts["/"][1] == "erofs" and "ro" in mounts["/"][2], mounts["/"]
    assert "mapper/root" in mounts["/"][0]
    assert "verity" in machine.ssh("dmsetup table root 2>/dev/null || cat /sys/block/dm-0/dm/uuid").lower()
    machine.ssh("! touch /usr/x")
    assert mounts["/var"][1] == "ext4" and mounts["/loam"][1] == "ext4" and mounts["/etc"][1] == "overlay"
    assert "policy drop" in machine.ssh("nft list chain inet loam input"), "the firewall"
    ready = 'loam_node_state{state="ready"} 1'
    wait_until(lambda: ready in machine.ssh("curl --silent --max-time 60 http://localhost:9100/metrics", check=False).stdout, 120 * machine.scale, "metrics that say ready")
    assert machine.ssh("systemctl --failed --no-legend --plain").strip() == ""
    return status


def content_hash(path):
    """Of what is not zero, and where: the file is mostly a hole."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        at, end = 0, os.fstat(file.fileno()).st_size
        while at < end:
            try:
                at = os.lseek(file.fileno(), at, os.SEEK_DATA)
            except OSError:
                break
            data = os.pread(file.fileno(), 1 << 20, at)
            if data.strip(b"\0"):
                for offset in range(0, len(data), 4096):
                    if data[offset:offset + 4096].strip(b"\0"):
                        digest.update(f"{at + offset}:".encode() + data[offset:offset + 4096])
            at += len(data)
    return digest.hexdigest()
