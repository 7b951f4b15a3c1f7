"""RAUC with its adaptive method block-hash-index, as a peer of bench delta. It streams through nbd and dm-verity, so it runs in a
guest, on disks of its own; what it fetches is counted by the same server. Seconds there are an emulator's and say nothing."""

import re
import subprocess

from lab.machine import Drive
from lab.node import Installed
from lab.release_server import ReleaseServer
from lab.tools import in_tools, mount_tools, tools_drive

BLOCK = 4096
CONFIG = """[system]
compatible=loam
bootloader=noop
data-directory=/var/lib/rauc
bundle-formats=verity
[keyring]
path=/etc/rauc/ca.pem
[slot.rootfs.0]
device={old_root}
type=raw
bootname=a
[slot.rootfs.1]
device={new_root}
type=raw
bootname=b
[slot.efi.0]
device={old_efi}
type=raw
parent=rootfs.0
[slot.efi.1]
device={new_efi}
type=raw
parent=rootfs.1
"""
MANIFEST = """[update]
compatible=loam
version=1
[bundle]
format=verity
[image.rootfs]
filename=rootfs.img
adaptive=block-hash-index
[image.efi]
filename=efi.img
adaptive=block-hash-index
"""
INSTALL = """
mkdir -p /run/dbus /var/lib/rauc /etc/rauc
cat > /etc/rauc/system.conf << 'END'
{config}END
cat > /etc/rauc/ca.pem << 'END'
{certificate}END
dbus-daemon --system --fork --nopidfile
rauc service --override-boot-slot=a > /run/rauc.log 2>&1 &
service=$!
rauc install {url} || {{ cat /run/rauc.log; exit 1; }}
cat /proc/$service/status
sha256sum <(head -c {root_bytes} {new_root}) <(head -c {efi_bytes} {new_efi})
"""


def whole_blocks(source, target):
    """RAUC's index wants them."""
    subprocess.run(["cp", str(source), str(target)], check=True)
    with target.open("r+b") as file:
        file.truncate(-(-source.stat().st_size // BLOCK) * BLOCK)
    return target


def bundle(folder, new_root, new_efi):
    content = folder / "content"
    content.mkdir()
    whole_blocks(new_root, content / "rootfs.img")
    whole_blocks(new_efi, content / "efi.img")
    (content / "manifest.raucm").write_text(MANIFEST)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", "-subj", "/CN=RAUC", "-keyout", str(folder / "key.pem"),
                    "-out", str(folder / "cert.pem")], check=True, capture_output=True)
    served = folder / "served"
    served.mkdir()
    subprocess.run(["rauc", "bundle", f"--cert={folder / 'cert.pem'}", f"--key={folder / 'key.pem'}", str(content), str(served / "bundle.raucb")],
                   check=True, stdout=subprocess.DEVNULL)
    return served


def rauc(folder, files_of):
    """files_of(suffix): the old release's file and the new one's. A dictionary as the other peers give it, without the seconds."""
    roots, ukis, trees = files_of(".root"), files_of(".efi"), files_of(".verity")
    served = bundle(folder, roots[1], ukis[1])
    drives = [tools_drive(folder)]
    for number, (name, (old, new)) in enumerate({"root": roots, "efi": ukis}.items()):
        before = whole_blocks(old, folder / f"{name}0")
        after = folder / f"{name}1"
        with after.open("wb") as file:
            file.truncate(-(-new.stat().st_size // BLOCK) * BLOCK)
        drives += [Drive(path, "scsi", path.name, "raw", wwn=0x5000C50000000100 + 2 * number + index) for index, path in enumerate((before, after))]
    machine = Installed().running(folder / "machine")
    try:
        for drive in drives:
            machine.plug(drive)
        machine.ssh("udevadm settle; modprobe -a nbd dm-verity squashfs loop")
        mount_tools(machine)
        listed = machine.ssh("lsblk -dnpo SERIAL,NAME")
        node = {serial: name for serial, name in (line.split() for line in listed.splitlines() if len(line.split()) == 2)}
        names = {"old_root": node["root0"], "new_root": node["root1"], "old_efi": node["efi0"], "new_efi": node["efi1"]}
        with ReleaseServer(served) as server:
            script = INSTALL.format(config=CONFIG.format(**names), certificate=(folder / "cert.pem").read_text(), url=f"http://10.0.2.2:{server.port}/bundle.raucb",
                                    root_bytes=roots[1].stat().st_size, efi_bytes=ukis[1].stat().st_size, **names)
            said = in_tools(machine, script, limit=1800)
            fetched, requests = server.bytes, server.requests
    finally:
        machine.kill()
    for new in (roots[1], ukis[1]):
        digest = subprocess.run(["sha256sum", str(new)], capture_output=True, text=True, check=True).stdout.split()[0]
        assert digest in said, said[-2000:]
    return {"fetched": fetched + trees[1].stat().st_size, "requests": requests, "rss_mib": int(re.search(r"VmHWM:\s+(\d+)", said)[1]) / 1024,
            "cpu_s": float("nan"), "wall_s": float("nan")}
