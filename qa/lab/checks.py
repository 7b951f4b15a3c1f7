"""What scenarios in several files check."""


def check_ready_node(machine):
    """What every installed node must be like."""
    status = machine.wait_state("ready", 120)
    assert all(c["status"] == "true" for c in status["conditions"]), status
    mounts = {}
    for line in machine.ssh("cat /proc/mounts").splitlines():
        source, target, kind, options, *_ = line.split()
        mounts[target] = (source, kind, options.split(","))
    assert mounts["/"][1] == "erofs" and "ro" in mounts["/"][2], mounts["/"]
    assert "mapper/root" in mounts["/"][0]
    assert "verity" in machine.ssh("dmsetup table root 2>/dev/null || cat /sys/block/dm-0/dm/uuid").lower()
    machine.ssh("! touch /usr/x")
    assert mounts["/var"][1] == "ext4" and mounts["/loam"][1] == "ext4" and mounts["/etc"][1] == "overlay"
    assert machine.ssh("systemctl --failed --no-legend --plain").strip() == ""
    return status
