"""Whatever is put before a live system, it says what is wrong and what to do, writes nothing and can be tried again."""

import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from conftest import sha256
from lab.machine import Drive, Machine, free_port, make_config_volume, make_disk, make_key
from lab.node import ISO, STATES, config, iso_drive, uki

INSTALL = "version: 1\ninstall: {disk: {%s}}\n"
CASES = [  # what is wrong, and what to do
    ("unknown key", "version: 1\nhostnme: a\n", 'LOAM:loam.yaml:2:1: unknown key "hostnme"; did you mean "hostname"?'),
    ("wrong type", "version: 1\nhostname: [a]\n", "LOAM:loam.yaml:2:11: hostname: expected a single value, found a list"),
    ("tab", "version: 1\naccess:\n\tssh_keys: []\n", "LOAM:loam.yaml:3:1: a tab in the indentation; indent with spaces"),
    ("duplicate key", "version: 1\nhostname: a\nhostname: b\n", 'LOAM:loam.yaml:3:1: duplicate key "hostname"; it stands in line 2 already'),
    ("empty file", b"", "the file is empty; loamctl config example prints one to start from"),
    ("blank file", b" \n", "the file is empty; loamctl config example prints one to start from"),
    ("binary file", bytes(range(256)) * 4, "holds the byte 0x00, so this is no text file; is this the right file?"),
    ("no disk matches", INSTALL % "serial: nowhere", "no disk matches install.disk", "change install.disk to match exactly one"),
    ("two match", INSTALL % "bus: scsi", "2 disks match install.disk", "add serial, model or id to install.disk so that exactly one matches"),
    ("disk too small", INSTALL % "serial: small", "too small for the OS disk, 19.1 GiB are needed; choose a larger disk"),
    ("10 MB", b"#" * (10 << 20), "larger than", "put a readable loam.yaml there"),
]


class OneFile(BaseHTTPRequestHandler):
    """A web server with one file; what it has not is a 404."""

    def do_GET(self):
        path, text = self.server.file
        self.send_response(200 if self.path == path else 404)
        self.end_headers()
        if self.path == path:
            self.wfile.write(text.encode())

    def log_message(self, *arguments):
        pass


def serve(port, path, text):
    server = ThreadingHTTPServer(("127.0.0.1", port), OneFile)
    server.file = path, text
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def test_config_by_url(scenario):
    """Nobody answers, then a server without the file does, then it has the file: the machine installs by it."""
    _, public = make_key(STATES)
    port = free_port()
    disk = Drive(make_disk(scenario.folder / "os.qcow2", "24G"), "nvme", "os", boot=0)
    machine = scenario.keep(Machine(scenario.folder, uki(), drives=[disk, iso_drive()], extra=[
        "-smbios", f"type=11,value=io.systemd.stub.kernel-cmdline-extra=loam.config=http://10.0.2.2:{port}/${{mac}}.yaml"]))
    machine.start()
    path = f"/{machine.mac(0)}.yaml"
    machine.wait_console("trying again every 30 s", 300)
    before = sha256(disk.path)
    assert f"http://10.0.2.2:{port}{path}: curl: (7)" in machine.console(), "the URL and what became of it"
    mark = machine.mark()
    server = serve(port, "", "")
    machine.wait_console("returned error: 404", 120, mark)
    assert sha256(disk.path) == before, "the disk was written to"
    server.file = path, config(public)
    machine.wait_console("the disk is bootable", 240, mark)


@pytest.mark.parametrize("damage", ["truncated", pytest.param("read-errors", marks=pytest.mark.long)])
def test_damaged_medium(scenario, damage):
    """Cut off in the middle, or with sectors that cannot be read: said on the console, nothing written."""
    disk = Drive(make_disk(scenario.folder / "os.qcow2", "24G"), "nvme", "os")
    before = sha256(disk.path)
    _, public = make_key(STATES)
    volume = make_config_volume(scenario.folder / "config.img", config(public))
    medium = iso_drive(boot=0)
    if damage == "truncated":
        medium.path = scenario.folder / "medium.iso.img"
        half = ISO.stat().st_size * 6 // 10 // 2048 * 2048
        medium.path.write_bytes(ISO.read_bytes()[:half])
    else:
        rules = scenario.folder / "blkdebug.conf"
        sector = ISO.stat().st_size * 6 // 10 // 512
        rules.write_text(f'[inject-error]\nevent = "read_aio"\nerrno = "5"\nsector = "{sector}"\nonce = "off"\n')
        medium.path = f"blkdebug:{rules}:{ISO}"
    machine = scenario.keep(Machine(scenario.folder, uki(), drives=[disk, medium, Drive(volume, "usb", "config", "raw")], nics=1))
    machine.start()
    machine.wait_console("the medium is damaged; write it again or use another", 300)
    assert sha256(disk.path) == before, "the disk was written to"
    if damage == "truncated":  # another one is put in: it goes on from there
        machine.qmp.command("blockdev-change-medium", device="medium", filename=str(ISO), format="raw", force=True)
        machine.wait_console(": installing", 300)


def test_bad_configurations(scenario, live):
    machine = scenario.keep(live.running(scenario.folder))
    disks = [Drive(make_disk(scenario.folder / f"{name}.qcow2", size), "scsi", name, wwn=0x5000C50000000010 + i)
             for i, (name, size) in enumerate([("small", "2G"), ("other", "24G")])]
    before = [sha256(d.path) for d in disks]
    for disk in disks:
        machine.plug(disk)
    for number, (name, text, *messages) in enumerate(CASES):
        stick = Drive(make_config_volume(scenario.folder / f"stick{number}.img", text), "usb", f"stick{number}", "raw")
        mark = machine.mark()
        machine.plug(stick)
        try:
            for message in messages:
                machine.wait_console(message, 60, mark)
        except Exception as problem:
            raise AssertionError(f"{name}: {problem}") from None
        machine.unplug(stick)
    machine.kill()
    assert before == [sha256(d.path) for d in disks], "a disk was written to"
