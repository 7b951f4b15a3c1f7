"""Whatever is put before a live system, it says what is wrong and what to do, writes nothing and can be tried again."""

import subprocess

import pytest
from conftest import sha256
from lab.machine import Drive, Machine, make_config_volume, make_disk, make_key, wait_until
from lab.node import ISO, STATES, config, iso_drive, uki

INSTALL = "version: 1\ninstall: {disk: {%s}}\n"
CASES = [
    ("unknown key", "version: 1\nhostnme: a\n", "unknown key"),
    ("wrong type", "version: 1\nhostname: [a]\n", "expected a single value, found a"),
    ("tab", "version: 1\naccess:\n\tssh_keys: []\n", "a tab in the indentation"),
    ("duplicate key", "version: 1\nhostname: a\nhostname: b\n", "duplicate key"),
    ("empty file", b" \n", "the file is empty"),
    ("binary file", bytes(range(256)) * 4, "holds the byte 0x00"),
    ("no disk matches", INSTALL % "serial: nowhere", "no disk matches install.disk"),
    ("two match", INSTALL % "bus: scsi", "2 disks match install.disk"),
    ("disk too small", INSTALL % "serial: small", "too small for the OS disk"),
]


def replug(machine, path, number):
    """The stick out, another one in."""
    if number:
        machine.qmp.command("device_del", id=f"stick{number - 1}")
        wait_until(lambda: any(e["event"] == "DEVICE_DELETED" and e["data"].get("device") == f"stick{number - 1}"
                               for e in drained(machine)), 60 * machine.scale, "the stick going away")
        machine.qmp.command("blockdev-del", **{"node-name": f"file{number - 1}"})
    machine.qmp.command("blockdev-add", **{"node-name": f"file{number}", "driver": "file", "filename": str(path)})
    machine.qmp.command("device_add", driver="usb-storage", id=f"stick{number}", drive=f"file{number}", bus="xhci.0", removable=True)


def drained(machine):
    machine.qmp.command("query-status")
    return machine.qmp.events


def test_bad_configurations(scenario):
    disks = [Drive(make_disk(scenario.folder / f"{name}.qcow2", size), "scsi", name, wwn=0x5000C50000000010 + i)
             for i, (name, size) in enumerate([("small", "2G"), ("other", "24G")])]
    before = [sha256(d.path) for d in disks]
    machine = scenario.keep(Machine(scenario.folder, uki(), drives=[iso_drive(boot=0), *disks], nics=1))
    machine.start()
    machine.wait_console("waiting for a volume labelled LOAM", 240)
    for number, (name, text, message) in enumerate(CASES + [("10 MB", None, "has 10485760 bytes")]):
        path = scenario.folder / f"stick{number}.img"
        if text is None:
            with path.open("wb") as file:
                file.truncate(32 << 20)
            subprocess.run(["mkfs.fat", "-n", "LOAM", str(path)], check=True, stdout=subprocess.DEVNULL)
            subprocess.run(["mcopy", "-i", str(path), "-", "::loam.yaml"], input=b"#" * (10 << 20), check=True)
            message = "larger than"
        else:
            make_config_volume(path, text)
        mark = machine.mark()
        replug(machine, path, number)
        try:
            machine.wait_console(message, 60, mark)
        except Exception as problem:
            raise AssertionError(f"{name}: {problem}") from None
    machine.kill()
    assert before == [sha256(d.path) for d in disks], "a disk was written to"


def test_unreachable_config_url(scenario):
    machine = scenario.keep(Machine(scenario.folder, uki(), drives=[iso_drive(boot=0)], nics=1, extra=[
        "-smbios", "type=11,value=io.systemd.stub.kernel-cmdline-extra=loam.config=http://10.0.2.2:9/${mac}.yaml"]))
    machine.start()
    machine.wait_console("trying again every 30 s", 300)
    assert f"http://10.0.2.2:9/{machine.mac(0)}.yaml" in machine.console()


@pytest.mark.parametrize("damage", ["truncated", "read-errors"])
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
    if damage == "truncated":  # another one is put in: it goes on from there
        machine.qmp.command("blockdev-change-medium", device="medium", filename=str(ISO), format="raw", force=True)
        machine.wait_console(": installing", 300)
        machine.kill()
        return
    machine.kill()
    assert sha256(disk.path) == before
