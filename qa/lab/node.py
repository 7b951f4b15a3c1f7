"""Nodes of Loam: installing one, and starting from one that was installed before."""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

from lab.accel import accelerator
from lab.machine import Drive, Machine, make_config_volume, make_disk, make_key

TOP = Path(__file__).resolve().parent.parent.parent
RELEASE = TOP / "build/release-dir"
ISO = TOP / "build/loam.iso"
STATES = TOP / "build/states"

BOND = """network:
  nics:
    - {{name: eth0, match: {{mac: "{mac0}"}}}}
    - {{name: eth1, match: {{mac: "{mac1}"}}}}
  bonds:
    - {{name: bond0, members: [eth0, eth1], mode: active-backup}}
  interfaces:
    - {{link: bond0, roles: [management, cluster], addresses: [10.0.2.50/24], gateway: 10.0.2.2}}
  dns: {{servers: [10.0.2.3]}}
"""


def uki():
    return next(p for p in RELEASE.glob("loam-*.efi") if ".boot." not in p.name)


def config(public_key, disk="{bus: nvme}", hostname="node-1", mac_base=0x10, install_more=""):
    # A fixed address: QEMU's DHCP server gives the live system's two NICs the first ones.
    macs = {"mac0": f"52:54:00:00:{mac_base:02x}:01", "mac1": f"52:54:00:00:{mac_base:02x}:02"}
    return (f"version: 1\nhostname: {hostname}\ninstall:\n  disk: {disk}\n{install_more}access:\n  ssh_keys:\n    - {public_key}\n"
            + BOND.format(**macs))


def iso_drive(kind="cd", boot=1):
    if kind != "usb":
        return Drive(ISO, kind, "medium", "raw", boot=boot)
    return Drive(ISO, "usb", "medium", "raw", boot=boot, drive_options=",snapshot=on")


def hard_disks(directory, count=3):
    """Rotational disks with WWNs, as OSDs want them."""
    return [Drive(make_disk(directory / f"hdd{i}.qcow2", "4G"), "scsi", f"hdd{i}", rotational=True, wwn=0x5000C50000000001 + i)
            for i in range(count)]


def overlay(base, path):
    path.unlink(missing_ok=True)
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", str(base), str(path)], check=True)
    return path


def install(directory, os_kind="nvme", medium="cd", label="LOAM", text=None, hdds=0, limit=420, **options):
    """A fresh machine with the medium in it, until the installed disk answers and is ready."""
    key, public = make_key(STATES)
    disk = Drive(make_disk(directory / "os.qcow2", "24G"), os_kind, "os", boot=0, wwn=0x5000C500000000AA)
    selector = {"nvme": "{bus: nvme}", "scsi": "{bus: scsi, rotational: false}", "virtio": "{bus: virtio}"}[os_kind]
    volume = make_config_volume(directory / "config.img", text or config(public, selector), label)
    machine = Machine(directory, uki(), drives=[disk, iso_drive(medium), Drive(volume, "usb", "config", "raw"), *hard_disks(directory, hdds)], **options)
    machine.key = key
    machine.start()
    return machine


class Installed:
    """The disk of a node that was installed once; each user gets a copy-on-write copy, or a running copy of its memory."""

    def __init__(self):
        self.key, _ = make_key(STATES)

    def _identity(self, kind):
        qemu = subprocess.run(["qemu-system-x86_64", "--version"], capture_output=True, text=True, check=True).stdout
        code = "".join(Path(__file__).with_name(n).read_text() for n in ("machine.py", "node.py"))
        manifest = next(RELEASE.glob("loam-*.json")).read_text()  # with the digests of all files, the UKI too
        return hashlib.sha256((manifest + qemu + code + kind + accelerator(uki()) + str(os.cpu_count())).encode()).hexdigest()[:16]

    def folder(self):
        return STATES / self._identity("scsi")

    @contextmanager
    def _alone(self):
        """Scenarios run side by side: one makes what all use."""
        STATES.mkdir(parents=True, exist_ok=True)
        with (STATES / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def base(self):
        with self._alone():
            return self._make_base()

    def saved(self):
        with self._alone():
            return self._make_saved()

    def _make_base(self):
        folder = self.folder()
        if (folder / "complete").exists():
            return folder
        for stale in STATES.glob("*"):
            if stale.is_dir():
                shutil.rmtree(stale)
        folder.mkdir(parents=True)
        machine = install(folder, os_kind="scsi", limit=420)
        try:
            machine.wait_ssh(420)
            machine.wait_state("ready", 120)
            machine.ssh("sync; systemctl --no-block poweroff", check=False)
            machine.wait_for_end(120)
        finally:
            machine.kill()
        (folder / "complete").touch()
        return folder

    def machine(self, directory, drives=(), **options):
        """Off, with the disk of the installed node as a copy that nobody else sees."""
        return self._machine_on(self.base(), directory, drives, **options)

    def _machine_on(self, base, directory, drives=(), **options):
        directory.mkdir(parents=True, exist_ok=True)
        disk = Drive(overlay(base / "os.qcow2", directory / "os.qcow2"), "scsi", "os", boot=0, wwn=0x5000C500000000AA)
        shutil.copy(base / "vars.qcow2", directory / "vars.qcow2")
        machine = Machine(directory, uki(), drives=[disk, *drives], **options)
        machine.key = self.key
        return machine

    def _make_saved(self):
        """The same node, running and ready, as a saved machine state inside of its disk."""
        base = self._make_base()
        folder = base / "saved"
        if (folder / "complete").exists():
            return folder
        shutil.rmtree(folder, ignore_errors=True)
        machine = self._machine_on(base, folder)
        machine.start()
        try:
            machine.wait_ssh(300)
            machine.wait_state("ready", 120)
            machine.human("savevm ready")
        finally:
            machine.kill()
        (folder / "complete").touch()
        return folder

    def running(self, directory):
        """A ready node within seconds: the saved state, with the clock of now and an identity of its own."""
        saved = self.saved()
        directory.mkdir(parents=True, exist_ok=True)
        for name in ("os.qcow2", "vars.qcow2"):
            subprocess.run(["cp", "--reflink=auto", "--sparse=always", str(saved / name), str(directory / name)], check=True)
        disk = Drive(directory / "os.qcow2", "scsi", "os", boot=0, wwn=0x5000C500000000AA)
        machine = Machine(directory, uki(), drives=[disk], extra=["-loadvm", "ready"])
        machine.key = self.key
        machine.start()
        machine.wait_ssh(60)
        machine.ssh(f"date -s @{time.time():.0f}; "
                    "systemd-id128 new > /loam/machine-id; "  # from the next boot on: the journal that is open has the old one
                    "rm -f /loam/ssh/*; /usr/lib/loam/ssh-host-keys; systemctl restart ssh")
        machine.wait_ssh(60)
        return machine
