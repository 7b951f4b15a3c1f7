"""A server in QEMU: UEFI, disks, NICs that say 25 Gb/s, a serial line that is logged, ssh."""

import contextlib
import fcntl
import json
import os
import random
import re
import socket
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import pyte

from lab.accel import accelerator, time_scale
from lab.qmp import Qmp, QmpError

OVMF = Path("/usr/share/OVMF")
# Where ssh reaches a guest: by its loam.yaml, by QEMU's DHCP server, which gives the live system the first one, and out of band.
ADDRESS, LIVE_ADDRESS, OOB_ADDRESS = "10.0.2.50", "10.0.2.15", "10.0.3.50"


class Timeout(Exception):
    """A condition that did not come true; the message says which and what was seen last."""


class EmulatorHang(Exception):
    """The guest's processor lost its timer, which happens to QEMU's emulation once in some dozens of boots with busy cores: no
    fault of the guest. Its kernel says so again and again; once alone may be a starved processor that comes back."""


def wait_until(condition, limit, what, interval=0.2):
    """The first true value of condition(). Every wait has an end and says what it waited for."""
    deadline = time.monotonic() + limit
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise Timeout(f"{what} did not happen within {limit:.0f} s")
        time.sleep(interval)


def forgiving(method):
    """QEMU's log has a byte twice now and then, where the socket was full: the sequence that it is in is another one then."""
    def call(self, *parameters, **more):
        with contextlib.suppress(TypeError):
            method(self, *parameters, **more)
    return call


class Picture(pyte.Screen):
    """What a terminal of 80 by 24 shows. The next picture that is drawn whole mends what a garbled sequence spoilt."""

    def __init__(self):
        super().__init__(80, 24)


for name in set(pyte.Stream.csi.values()):
    setattr(Picture, name, forgiving(getattr(pyte.Screen, name)))


def drain(line):
    """What comes is in the log too."""
    with contextlib.suppress(OSError):
        while line.recv(65536):
            pass


def free_port():
    """Below those that the kernel gives to whoever asks for any, so that nobody takes it until it is used."""
    while True:
        port = random.SystemRandom().randrange(15000, 32000)
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


def make_disk(path, size):
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", str(path), size], check=True)
    return path


def make_config_volume(path, text, label="LOAM"):
    """A small FAT volume with loam.yaml, as a stick would carry it."""
    with path.open("wb") as file:
        file.truncate(32 << 20)
    environment = dict(os.environ, MTOOLSRC="/dev/null")
    subprocess.run(["mkfs.fat", "-n", label, str(path)], check=True, stdout=subprocess.DEVNULL)
    with tempfile.NamedTemporaryFile() as file:  # mcopy makes no empty file from a pipe
        file.write(text if isinstance(text, bytes) else text.encode())
        file.flush()
        subprocess.run(["mcopy", "-i", str(path), file.name, "::loam.yaml"], check=True, env=environment)
    return path


@dataclass
class Drive:
    """One disk or medium. kind: nvme, scsi, sata, cd, usb, usb-cd, virtio."""
    path: Path
    kind: str
    name: str
    format: str = "qcow2"
    boot: int | None = None
    rotational: bool = False
    wwn: int = 0
    drive_options: str = ""
    device_options: dict = field(default_factory=dict)
    layer: dict = field(default_factory=dict)  # a block driver of QEMU's between disk and file, such as blkdebug

    def block(self):
        """As QMP's blockdev_add takes it."""
        image = {"driver": self.format, "file": {"driver": "file", "filename": str(self.path)}}
        if self.layer:
            image = {**self.layer, "image" if self.layer["driver"] == "blkdebug" else "file": image}
        return {**image, "node-name": self.name}

    def device(self):
        """As QMP's device_add and QEMU's command line take it."""
        disk = {"drive": self.name, "serial": self.name}
        device = {
            "nvme": {"driver": "nvme", "bus": "slot0", **disk},
            "virtio": {"driver": "virtio-blk-pci", **disk},
            "scsi": {"driver": "scsi-hd", "bus": "scsi0.0", "wwn": self.wwn, "rotation_rate": 7200 if self.rotational else 1,
                     "product": f"LOAM-{'HDD' if self.rotational else 'SSD'}", **disk},
            "sata": {"driver": "ide-hd", "bus": "ide.2", "wwn": self.wwn, "rotation_rate": 7200, "model": "LOAM-SATA", **disk},
            "cd": {"driver": "scsi-cd", "bus": "scsi0.0", "drive": self.name},
            "usb-cd": {"driver": "scsi-cd", "bus": "usb-cd.0", "drive": self.name},
            "usb": {"driver": "usb-storage", "bus": "xhci.0", "drive": self.name, "removable": True},
        }[self.kind]
        if self.boot is not None:
            device["bootindex"] = self.boot
        return {**device, **self.device_options, "id": f"dev-{self.name}"}

    def arguments(self):
        if self.layer:
            return ["-blockdev", json.dumps(self.block()), "-device", json.dumps(self.device())]
        read_only = ",readonly=on" if self.kind in ("cd", "usb-cd") else ""
        drive = f"if=none,id={self.name},file={self.path},format={self.format}{read_only}{self.drive_options}"
        controller = ["-device", "usb-bot,bus=xhci.0,id=usb-cd"] if self.kind == "usb-cd" else []
        return ["-drive", drive, *controller, "-device", json.dumps(self.device())]


@dataclass
class Machine:
    directory: Path
    uki: Path
    drives: list = field(default_factory=list)
    memory: int = 3072
    nics: int = 2
    extra: list = field(default_factory=list)
    mac_base: int = 0x10
    macs: list = field(default_factory=list)  # in place of those that mac_base gives
    cables: dict = field(default_factory=dict)  # by NIC: (socket, "end a" of it listens); the others are on QEMU's own network
    oob_mac: str = ""  # of one NIC more, on a network of its own
    address: str = ADDRESS  # where ssh reaches it

    def __post_init__(self):
        self.directory.mkdir(parents=True, exist_ok=True)
        self.serial = self.directory / "serial.log"
        self.vars = self.directory / "vars.qcow2"
        self.accel = accelerator(self.uki)
        self.scale = time_scale(self.accel)
        self.process = None
        self.power_on = 0  # where in the serial log it began
        self.qmp = None
        self.ports, self.line = {}, None
        self.picture, self.drawn = Picture(), 0  # what the serial line shows, and how much of it is drawn
        self.terminal = pyte.ByteStream(self.picture)
        self.key = None
        if not self.vars.exists():
            subprocess.run(["qemu-img", "convert", "-O", "qcow2", str(OVMF / "OVMF_VARS_4M.fd"), str(self.vars)], check=True)

    # ---- power ----

    def mac(self, index):
        if self.macs:
            return self.macs[index]
        return f"52:54:00:00:{self.mac_base:02x}:{index + 1:02x}"

    def cable_arguments(self, index):
        path, listens = self.cables[index]
        return ["-netdev", f"stream,id=net{index},addr.type=unix,addr.path={path},server={'on' if listens else 'off'}"
                + ("" if listens else ",reconnect-ms=200")]

    def network_arguments(self):
        # Also where every NIC has a cable: its state is part of a saved machine's.
        arguments = ["-netdev", f"user,id=up,{self.forwarded(ADDRESS)},{self.forwarded(LIVE_ADDRESS)}", "-netdev", "hubport,id=hub-up,hubid=0,netdev=up"]
        for i in range(self.nics):
            arguments += self.cable_arguments(i) if i in self.cables else ["-netdev", f"hubport,id=net{i},hubid=0"]
            arguments += ["-device", f"virtio-net-pci,id=nic{i},netdev=net{i},mac={self.mac(i)},speed=25000,duplex=full"]
        if self.oob_mac:
            arguments += ["-netdev", f"user,id=oob,net=10.0.3.0/24,{self.forwarded(OOB_ADDRESS)}",
                          "-device", f"virtio-net-pci,id=oob,netdev=oob,mac={self.oob_mac},speed=25000,duplex=full"]
        return arguments

    def forwarded(self, address):
        self.ports[address] = free_port()
        return f"hostfwd=tcp:127.0.0.1:{self.ports[address]}-{address}:22"

    def arguments(self):
        cpu = "host" if self.accel == "kvm" else "max"
        accel = "kvm" if self.accel == "kvm" else "tcg,thread=multi"
        # With us ends the machine, however we end.
        argv = ["setpriv", "--pdeathsig", "KILL", "qemu-system-x86_64", "-machine", "q35", "-accel", accel, "-cpu", cpu, "-smp", "2", "-m", str(self.memory),
                "-drive", f"if=pflash,format=raw,readonly=on,file={OVMF}/OVMF_CODE_4M.fd",
                "-drive", f"if=pflash,format=qcow2,file={self.vars}",
                "-device", "virtio-scsi-pci,id=scsi0", "-device", "qemu-xhci,id=xhci", "-device", "pcie-root-port,id=slot0,chassis=1",
                "-device", "vmgenid,guid=auto",  # a copy of a saved state draws random numbers of its own
                "-vga", "std", "-display", "none",
                "-chardev", f"socket,id=serial,path={self.directory}/serial,server=on,wait=off,logfile={self.serial},logappend=on",
                "-serial", "chardev:serial", "-qmp", f"unix:{self.directory}/qmp,server=on,wait=off",
                "-rtc", "base=utc", "-no-user-config", "-nodefaults",
                "-smbios", "type=11,value=io.systemd.credential:sysctl.extra=kernel.printk=4"]  # or nobody here reads of a fault of the emulator
        argv += self.network_arguments()
        for drive in self.drives:
            argv += drive.arguments()
        return argv + self.extra

    def start(self, saved_state=None):
        """Power on, or going on from a saved state of a machine with the same arguments."""
        self.power_on = self.mark()
        log = self.directory / "qemu.log"
        for tries_left in (2, 1, 0):
            before = log.stat().st_size if log.exists() else 0
            argv = self.arguments() + (["-loadvm", saved_state] if saved_state else [])
            with log.open("ab") as out:
                self.process = subprocess.Popen(argv, stdout=out, stderr=out, stdin=subprocess.DEVNULL)
            try:
                self.qmp = Qmp(self.directory / "qmp")
                return self
            except OSError as problem:
                self.process.kill()
                self.process.wait()
                said = log.read_bytes()[before:].decode(errors="replace")
                if tries_left and "Could not set up host forwarding rule" in said:
                    continue  # somebody took the port since it was seen to be free
                raise RuntimeError(f"QEMU did not start: {said[-2000:]}") from problem

    def running(self):
        if self.raw_console(self.power_on).count("Possible timer handling issue on cpu") >= 3:
            raise EmulatorHang(f"the emulated processor lost its timer; see {self.serial}")
        return self.alive()

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def plug(self, drive):
        """A disk or stick while the machine runs; it stays there for the next start."""
        self.qmp.command("blockdev-add", **drive.block())
        self.qmp.command("device_add", **drive.device())
        self.drives.append(drive)

    def unplug(self, drive):
        device = f"dev-{drive.name}"
        self.qmp.events.clear()  # it may have gone before
        self.qmp.command("device_del", id=device)

        def gone():
            self.qmp.command("query-status")  # takes the events in
            return any(e["event"] == "DEVICE_DELETED" and e["data"].get("device") == device for e in self.qmp.events)
        wait_until(gone, 60 * self.scale, f"{drive.name} going away")
        self.qmp.command("blockdev-del", **{"node-name": drive.name})
        self.drives.remove(drive)

    def kill(self):
        """The power goes."""
        if self.alive():
            self.screenshot(self.directory / "console.png")
            self.process.kill()
            self.process.wait()
        if self.qmp:
            self.qmp.close()
        if self.line:
            self.line.close()
            self.line = None

    def wait_for_end(self, limit):
        self.screenshot(self.directory / "console.png")
        wait_until(lambda: not self.running(), limit * self.scale, "the machine switching itself off")

    # ---- looking ----

    def raw_console(self, start=0):
        return self.serial.read_bytes()[start:].decode(errors="replace") if self.serial.exists() else ""

    def console(self, start=0):
        """As one line: the screen is drawn for 80 columns, and a message may go over several."""
        return " ".join(re.sub(r"\x1b(\[[0-9;?!]*[A-Za-z]|[()].)", " ", self.raw_console(start)).split())

    def shown(self, until=None):
        """The picture that the serial line's bytes make, as one line: the console sends only what changes."""
        data = self.serial.read_bytes() if self.serial.exists() else b""
        until = len(data) if until is None else until
        if until > self.drawn:
            self.terminal.feed(data[self.drawn:until])
            self.drawn = until
        return " ".join(" ".join(self.picture.display).split())

    def was_shown(self, text, start):
        picture = Picture()
        pyte.ByteStream(picture).feed(self.serial.read_bytes()[:start] if self.serial.exists() else b"")
        return text in " ".join(" ".join(picture.display).split())

    def was_ever_shown(self, pattern):
        """On any picture since the power came: of a line that changes bit by bit only the changes are in the log."""
        picture = Picture()
        stream, data = pyte.ByteStream(picture), self.serial.read_bytes()[self.power_on:]
        for begin in range(0, len(data), 128):
            stream.feed(data[begin:begin + 128])
            if re.search(pattern, " ".join(" ".join(picture.display).split())):
                return True
        return False

    def mark(self):
        return self.serial.stat().st_size if self.serial.exists() else 0

    def wait_console(self, text, limit, start=0):
        before = self.was_shown(text, start)

        def seen():
            if text in self.console(start) or (not before and text in self.shown()):
                return True
            if not self.running():
                raise Timeout(f"QEMU ended before \"{text}\" appeared on the console; its end:\n{self.console()[-1500:]}")
            return False
        try:
            wait_until(seen, limit * self.scale, f"\"{text}\" on the console")
        except Timeout as problem:
            raise Timeout(f"{problem}; the console's end:\n{self.console(start)[-1500:]}") from None

    def press(self, *keys):
        """On the serial line, as a person does: each key by itself."""
        if self.line is None:  # one for all keys: QEMU sends and logs a byte again that nobody was there for
            self.line = socket.socket(socket.AF_UNIX)
            self.line.connect(str(self.directory / "serial"))
            threading.Thread(target=drain, args=(self.line,), daemon=True).start()
        for key in keys:
            self.line.sendall(key.encode())
            time.sleep(0.5)  # a terminal's escape sequences are told by their pauses

    def human(self, command):
        """A command of QEMU's own monitor; savevm and loadvm have no other form."""
        answer = self.qmp.command("human-monitor-command", **{"command-line": command})
        if answer.strip():
            raise QmpError(f"{command}: {answer.strip()}")

    def screenshot(self, path):
        try:
            self.qmp.command("screendump", filename=str(path), format="png")
        except (OSError, QmpError):
            pass  # a machine that is about to end; the picture is for people only

    # ---- ssh ----

    def ssh_argv(self, *command):
        return ["ssh", "-i", str(self.key), "-p", str(self.ports[self.address]), "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
                "-o", "LogLevel=ERROR", "-o", "ConnectTimeout=30", "-o", "ServerAliveInterval=5", "-o", "ServerAliveCountMax=6",
                "-o", "BatchMode=yes", "root@127.0.0.1", *command]

    def ssh(self, command, limit=120, check=True, input=None):
        try:
            done = subprocess.run(self.ssh_argv(command), capture_output=True, text=True, timeout=limit * self.scale + 30, input=input)
        except subprocess.TimeoutExpired:
            self.running()  # raises where the machine is the one to blame
            raise
        if done.returncode == 255:
            self.running()
        if check and done.returncode != 0:
            raise RuntimeError(f"{command}: exit {done.returncode}: {done.stdout}{done.stderr}")
        return done.stdout if check else done

    def fetch(self, command, limit=120):
        """What a command writes, as bytes."""
        return subprocess.run(self.ssh_argv(command), stdout=subprocess.PIPE, timeout=limit * self.scale + 30, check=True).stdout

    def send(self, command, data, limit=120):
        """Bytes into a command."""
        subprocess.run(self.ssh_argv(command), input=data, timeout=limit * self.scale + 30, check=True)

    def wait_ssh(self, limit):
        def answers():
            if not self.running():
                raise Timeout(f"QEMU ended while ssh was awaited; the console's end:\n{self.console()[-1500:]}")
            try:
                return subprocess.run(self.ssh_argv("true"), capture_output=True, timeout=40).returncode == 0
            except subprocess.TimeoutExpired:
                return False
        try:
            wait_until(answers, limit * self.scale, "an answer by ssh", interval=1)
        except Timeout as problem:
            raise Timeout(f"{problem}; the console's end:\n{self.console()[-1500:]}") from None

    def status(self):
        return json.loads(self.ssh("loamctl --json status"))

    def wait_state(self, state, limit):
        seen = {}

        def there():
            self.running()
            done = self.ssh("loamctl --json status", check=False)
            if done.returncode == 0:
                seen.update(json.loads(done.stdout))
            return seen.get("state") == state
        wait_until(there, limit * self.scale, f"state {state} (seen: {seen})", interval=1)
        return seen


def make_key(directory):
    key = directory / "id_ed25519"
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / "key.lock").open("w") as lock:  # scenarios run side by side
        fcntl.flock(lock, fcntl.LOCK_EX)
        if key.exists():
            return key, key.with_suffix(".pub").read_text().strip()
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "qa", "-f", str(key)], check=True)
    return key, key.with_suffix(".pub").read_text().strip()
