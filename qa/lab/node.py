"""Nodes of Loam: installing one, and starting from one that was installed before."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

from lab.accel import accelerator
from lab.machine import Drive, EmulatorHang, Machine, make_config_volume, make_disk, make_key

TOP = Path(__file__).resolve().parent.parent.parent
RELEASE = TOP / "build/release-dir"
TRUST = Path(os.environ["LOAM_KEYS"]) / "trust"  # whose releases are taken; set by steps.py
ISO = TOP / "build/loam.iso"
STATES = TOP / "build/states"

BOND = """network:
  nics:
    - {{name: nic0, match: {{mac: "{mac0}"}}}}
    - {{name: nic1, match: {{mac: "{mac1}"}}}}
  bonds:
    - {{name: bond0, members: [nic0, nic1], mode: active-backup}}
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
    return [Drive(make_disk(directory / f"hdd{i}.qcow2", "8G"), "scsi", f"hdd{i}", rotational=True, wwn=0x5000C50000000001 + i)
            for i in range(count)]


def overlay(base, path, base_format="qcow2"):
    path.unlink(missing_ok=True)
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-F", base_format, "-b", str(base), str(path)], check=True)
    return path


@contextmanager
def locked(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def install(directory, medium="cd", label="LOAM", hdds=0, **options):
    """A new machine with a blank NVMe disk, the medium and a configuration, switched on."""
    key, public = make_key(STATES)
    disk = Drive(make_disk(directory / "os.qcow2", "24G"), "nvme", "os", boot=0)
    volume = make_config_volume(directory / "config.img", config(public), label)
    machine = Machine(directory, uki(), drives=[disk, iso_drive(medium), Drive(volume, "usb", "config", "raw"), *hard_disks(directory, hdds)], **options)
    machine.key = key
    return machine.start()


# Read now: whoever edits them during a run must not have this run's machines taken for those of the new text.
CODE = "".join(Path(__file__).with_name(name).read_text() for name in ("machine.py", "node.py"))


class Made:
    """What was brought somewhere once; each user goes on from there with copies of its own."""

    def __init__(self):
        self.key, self.public_key = make_key(STATES)

    def _folder(self):
        qemu = subprocess.run(["qemu-system-x86_64", "--version"], capture_output=True, text=True, check=True).stdout
        manifest = next(RELEASE.glob("loam-*.json")).read_text()  # with the digests of all files, the UKI too
        key = manifest + qemu + CODE + accelerator(uki()) + str(os.cpu_count()) + ISO.with_suffix(".iso.key").read_text()
        return STATES / hashlib.sha256(key.encode()).hexdigest()[:16]

    def _once(self, name, make):
        """Scenarios run side by side: one makes what all use."""
        with locked(STATES / "lock"):
            top = self._folder()
            for stale in STATES.glob("*"):
                if stale.is_dir() and stale != top:
                    shutil.rmtree(stale)
            top.mkdir(exist_ok=True)
        folder = top / name
        with locked(top / f"{name}.lock"):
            if not (folder / "complete").exists():
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir()
                try:
                    make(folder)
                except EmulatorHang:
                    shutil.rmtree(folder)
                    folder.mkdir()
                    make(folder)
                (folder / "complete").touch()
        return folder

    def _copies(self, saved, directory, *names):
        directory.mkdir(parents=True, exist_ok=True)
        for name in names:
            subprocess.run(["cp", "--reflink=auto", "--sparse=always", str(saved / name), str(directory / name)], check=True)


class Live(Made):
    """A live system that waits for a configuration, with the medium in its drive and no disk: those are plugged in."""

    def _machine(self, directory):
        machine = Machine(directory, uki(), drives=[iso_drive()])
        machine.key = self.key
        return machine

    def _make(self, folder):
        machine = self._machine(folder)
        machine.start()
        try:
            machine.wait_console("waiting for a volume labelled LOAM", 300)
            machine.human("savevm waiting")
        finally:
            machine.kill()

    def running(self, directory):
        self._copies(self._once("live", self._make), directory, "vars.qcow2")
        return self._machine(directory).start("waiting")


class Installed(Made):
    """The disk of a node that was installed once, or that node, running."""

    def base(self):
        return self._once("base", self._make_base)

    def _make_base(self, folder):
        machine = Live().running(folder)
        try:
            machine.plug(self._disk(make_disk(folder / "os.qcow2", "24G")))
            text = config(self.public_key, "{bus: scsi, rotational: false}")
            machine.plug(Drive(make_config_volume(folder / "config.img", text), "usb", "config", "raw"))
            machine.wait_ssh(420)
            machine.wait_state("ready", 120)
            machine.ssh("sync; systemctl --no-block poweroff", check=False)
            machine.wait_for_end(120)
        finally:
            machine.kill()
        # Without the live system's memory, which the variables' file carries.
        subprocess.run(["qemu-img", "convert", "-O", "qcow2", str(folder / "vars.qcow2"), str(folder / "vars.new")], check=True)
        (folder / "vars.new").rename(folder / "vars.qcow2")

    def _disk(self, path):
        return Drive(path, "scsi", "os", boot=0, wwn=0x5000C500000000AA)

    def machine(self, directory, drives=(), **options):
        """Off, with the disk of the installed node as a copy that nobody else sees."""
        base = self.base()
        self._copies(base, directory, "vars.qcow2")
        disk = self._disk(overlay(base / "os.qcow2", directory / "os.qcow2"))
        machine = Machine(directory, uki(), drives=[disk, *drives], **options)
        machine.key = self.key
        return machine

    def _make_saved(self, folder):
        machine = self.machine(folder)
        machine.start()
        try:
            machine.wait_ssh(300)
            machine.wait_state("ready", 120)
            machine.human("savevm ready")
        finally:
            machine.kill()

    def running(self, directory):
        """A ready node within seconds: the saved state, with the clock of now and an identity of its own."""
        self._copies(self._once("ready", self._make_saved), directory, "os.qcow2", "vars.qcow2")
        machine = Machine(directory, uki(), drives=[self._disk(directory / "os.qcow2")])
        machine.key = self.key
        machine.start("ready")
        try:
            machine.wait_ssh(60)
            machine.ssh(f"date -s @{time.time():.0f}; "
                        "systemd-id128 new > /loam/machine-id; "  # from the next boot on: the journal that is open has the old one
                        "rm -f /loam/ssh/*; /usr/lib/loam/ssh-host-keys; systemctl restart ssh")
            machine.wait_ssh(60)
        except BaseException:
            machine.kill()  # nobody else knows it yet
            raise
        return machine
