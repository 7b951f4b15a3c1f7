"""Disks that only sysfs and udev's database know: for as many as nobody has. In a mount namespace of its own, no call is intercepted."""

import os
import subprocess

# libudev wants a real sysfs at /sys unless it is told so.
ENVIRONMENT = {"SYSTEMD_DEVICE_VERIFY_SYSFS": "0"}
MOUNT = 'mount --rbind "$1/sys" /sys; mount --rbind "$1/run" /run; mount --rbind "$1/dev" /dev; shift; exec "$@"'
MAJOR = 240  # local use (Documentation/admin-guide/devices.txt); nothing answers to it


def files(folder, texts):
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(f"{text}\n")


def link(path, target):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(os.path.relpath(target, path.parent))


def one_disk(top, i):
    """A hard disk behind a SCSI host, with what sysfs and udev say of it."""
    name, wwn, number = f"sd{chr(97 + i // 676)}{chr(97 + i // 26 % 26)}{chr(97 + i % 26)}", f"0x5000c500{i:08x}", f"{MAJOR}:{i}"
    sys = top / "sys"
    device = sys / f"devices/pci0000:00/0000:00:01.0/host0/target0:0:{i}/0:0:{i}:0"
    disk = device / "block" / name
    files(device, {"uevent": "DEVTYPE=scsi_device", "vendor": "LOAM", "model": "LOAM-HDD", "rev": "1.0", "type": "0"})
    files(disk, {"uevent": f"MAJOR={MAJOR}\nMINOR={i}\nDEVNAME={name}\nDEVTYPE=disk\nDISKSEQ={i + 1}", "size": "7814037168", "dev": number, "ro": "0",
                 "removable": "0", "queue/rotational": "1", "queue/logical_block_size": "512", "queue/physical_block_size": "4096"})
    link(device / "subsystem", sys / "bus/scsi")
    link(disk / "subsystem", sys / "class/block")
    link(disk / "device", device)
    for place in (f"class/block/{name}", f"block/{name}", f"dev/block/{number}"):
        link(sys / place, disk)
    path = f"pci-0000:00:01.0-scsi-0:0:{i}:0"
    # As scsi_id and path_id say it.
    properties = {"ID_SCSI": "1", "ID_TYPE": "disk", "ID_BUS": "scsi", "ID_VENDOR": "LOAM", "ID_VENDOR_ENC": "LOAM\\x20\\x20\\x20\\x20", "ID_MODEL": "LOAM-HDD",
                  "ID_MODEL_ENC": "LOAM-HDD" + 8 * "\\x20", "ID_REVISION": "1.0", "ID_SERIAL": f"3{wwn[2:]}", "ID_SERIAL_SHORT": wwn[2:], "ID_WWN": wwn,
                  "ID_WWN_WITH_EXTENSION": wwn, "ID_SCSI_SERIAL": f"S{i}", "ID_PATH": path}
    lines = [f"S:disk/by-id/wwn-{wwn}", f"S:disk/by-id/scsi-3{wwn[2:]}", f"S:disk/by-path/{path}", "I:1000000",
             *(f"E:{key}={value}" for key, value in properties.items()), "V:1"]
    files(top / "run/udev/data", {f"b{number}": "\n".join(lines)})
    os.mknod(top / "dev" / name, 0o60600, os.makedev(MAJOR, i))


def fake_disks(top, count):
    for folder in ("sys/bus/scsi", "sys/class/block", "dev"):
        (top / folder).mkdir(parents=True)
    os.mknod(top / "dev/null", 0o20666, os.makedev(1, 3))
    for i in range(count):
        one_disk(top, i)
    return top


def with_disks(top, *argv):
    """What a program that sees these disks says."""
    return subprocess.run(["unshare", "-m", "sh", "-ec", MOUNT, "sh", str(top), *map(str, argv)], capture_output=True, text=True, check=True, timeout=60,
                          env={**os.environ, **ENVIRONMENT}).stdout
