"""From the medium to a node that is ready."""

import base64
import json
import random
import re
import subprocess

import pytest
from conftest import sha256
from lab import judge
from lab.checks import check_ready_node
from lab.machine import LIVE_ADDRESS, Drive, Machine, make_config_volume, make_disk, make_key, wait_until
from lab.node import RELEASE, STATES, config, install, iso_drive, uki


def test_install_from_cd(scenario):
    machine = scenario.keep(install(scenario.folder, hdds=3))
    before = [sha256(d.path) for d in machine.drives if d.name.startswith("hdd")]
    machine.wait_ssh(420)
    check_ready_node(machine)
    assert machine.was_ever_shown(r"into slot a: \S+ MiB of \S+ MiB \(\d+ %\), \S+ [KMG]iB/s, \d+ s left"), "how far it is and how long it takes"

    disks = {d["serial"]: d for d in json.loads(machine.ssh("loamctl --json disks"))}
    assert disks["os"]["class"] == "os"
    for i in range(3):
        assert disks[f"hdd{i}"]["class"] == "blank" and disks[f"hdd{i}"]["rotational"], disks
        assert disks[f"hdd{i}"]["id"].startswith("wwn-0x5000c5")
    links = {link["name"]: link for link in json.loads(machine.ssh("loamctl --json links"))["links"]}
    assert links["nic0"]["speed"] == 25000 and links["nic0"]["master"] == "bond0"
    assert links["bond0"]["carrier"] and links["bond0"]["addresses"]
    slots = json.loads(machine.ssh("loamctl --json slots"))
    assert [s["booted"] for s in slots["slots"]] == [True, False]

    # The release was blessed by the gate, and a reboot keeps /var.
    machine.ssh("systemctl is-active boot-complete.target systemd-bless-boot.service")
    assert "+" not in machine.ssh("ls /efi/EFI/Linux")
    machine.ssh("echo kept > /var/lib/loam/witness; sync")
    boot = machine.ssh("cat /proc/sys/kernel/random/boot_id")
    assert '"requested": "Reboot"' in machine.ssh("loamctl --json reboot", check=False).stdout
    wait_until(lambda: machine.ssh("cat /proc/sys/kernel/random/boot_id", check=False).stdout not in ("", boot), 300 * machine.scale,
               "another boot", interval=2)
    check_ready_node(machine)
    assert machine.ssh("cat /var/lib/loam/witness") == "kept\n"
    machine.kill()
    assert before == [sha256(d.path) for d in machine.drives if d.name.startswith("hdd")], "an HDD was written to"


@pytest.mark.long
def test_install_from_usb(scenario):
    """From a stick, and with the other label; what is installed is the same as from a CD."""
    machine = scenario.keep(install(scenario.folder, medium="usb", label="CIDATA"))
    machine.wait_console("CIDATA:loam.yaml", 300)
    machine.wait_console("the disk is bootable", 240)


@pytest.mark.long
def test_live_from_usb_cd(scenario):
    """A management controller's virtual drive: a CD on USB, on a machine with too little memory to load the release: it runs from
    the medium. The configuration comes as a credential and asks for nothing but access."""
    key, public = make_key(STATES)
    text = base64.b64encode(f"version: 1\naccess: {{ssh_keys: [{public}]}}\n".encode()).decode()
    machine = scenario.keep(Machine(scenario.folder, uki(), memory=1280, drives=[iso_drive("usb-cd", boot=0)], extra=[
        "-smbios", f"type=11,value=io.systemd.credential.binary:loam.config={text}"]))
    machine.start()
    machine.key, machine.address = key, LIVE_ADDRESS
    machine.wait_console("loam.yaml has no install section; nothing is installed", 300)
    machine.wait_ssh(120)
    conditions = {c["type"]: c for c in machine.status()["conditions"]}
    assert conditions["Config"]["message"] == "credential loam.config"
    assert "iso9660" in machine.ssh("findmnt -no FSTYPE /run/loam/release")


def plug_config(machine, folder, text):
    machine.plug(Drive(make_config_volume(folder / "config.img", text), "usb", "config", "raw"))


def data_disk(folder):
    """One with a file system, as qcow2: that is small enough to be compared byte for byte in no time."""
    raw, image = folder / "data.raw.img", folder / "os.qcow2"
    with raw.open("wb") as file:
        file.truncate(24 << 30)
    subprocess.run(["mke2fs", "-q", "-F", "-L", "photos", str(raw)], check=True)
    subprocess.run(["qemu-img", "convert", "-O", "qcow2", str(raw), str(image)], check=True)
    raw.unlink()
    return image


def test_disk_with_data_is_refused(scenario, live):
    machine = scenario.keep(live.running(scenario.folder))
    image = data_disk(scenario.folder)
    before = sha256(image)
    machine.plug(Drive(image, "nvme", "os"))
    plug_config(machine, scenario.folder, config(live.public_key))
    machine.wait_console("is not blank: it holds ext", 120)
    machine.wait_console("install.wipe", 10)
    # Who may log in on the node may log in here, look at it, and try again with another file.
    machine.address = LIVE_ADDRESS
    machine.wait_ssh(120)
    assert "is not blank" in machine.ssh("loamctl status; loamctl retry")
    screen = lambda: " ".join(machine.ssh("fold -w $(stty -F /dev/tty1 size | cut -d' ' -f2) /dev/vcs1").split())
    wait_until(lambda: "is not blank" in screen(), 120 * machine.scale, "the refusal of the second try on the screen of tty1")
    machine.kill()
    assert sha256(image) == before, "the refused disk was written to"


@pytest.mark.long
def test_install_killed_at_random_points(scenario, live):
    """The power goes twice while it installs, at one of its steps; the third start brings it to the end."""
    machine = scenario.keep(live.running(scenario.folder))
    mark = machine.mark()
    machine.plug(Drive(make_disk(scenario.folder / "os.qcow2", "24G"), "nvme", "os", boot=0))
    plug_config(machine, scenario.folder, config(live.public_key))
    chance = random.Random()
    scenario.figures = {"killed_at_steps": []}
    for _ in range(2):
        started = lambda: next((text for text in (": installing", " on node-1: ") if text in machine.console(mark)), None)
        if wait_until(started, 300 * machine.scale, "an installation or an installed node") != ": installing":
            break  # the cut came after the boot loader: that is an installed disk
        step = chance.randint(1, 9)
        steps = lambda: [int(n) for n in re.findall(r">> (\d+)/9 ", machine.console(mark))]
        wait_until(lambda: max(steps(), default=0) >= step or "the disk is bootable" in machine.console(mark), 240 * machine.scale,
                   f"step {step} of the installation", interval=0.05)
        assert machine.running()
        machine.kill()
        scenario.figures["killed_at_steps"].append(max(steps(), default=0))
        mark = machine.mark()
        machine.start()
    machine.wait_ssh(420)
    check_ready_node(machine)


@pytest.mark.long
def test_supervisor_killed_while_installing(scenario, live):
    """loamd dies, and with it its children: the next one brings the installation to its end."""
    machine = scenario.keep(live.running(scenario.folder))
    machine.plug(Drive(make_disk(scenario.folder / "os.qcow2", "24G"), "nvme", "os", boot=0))
    # A slow disk, so that there is time to log in.
    machine.qmp.command("block_set_io_throttle", id="dev-os", bps=0, bps_rd=0, bps_wr=4 << 20, iops=0, iops_rd=0, iops_wr=0)
    plug_config(machine, scenario.folder, config(live.public_key, install_more="  then: wait\n"))
    machine.wait_console("into slot a: ", 120)
    machine.address = LIVE_ADDRESS
    machine.wait_ssh(120)
    status = machine.status()
    progress = status["progress"]
    assert status["state"] == "installing" and progress["step"] == "fill-slot", status
    assert 0 < progress["done"] < progress["total"] and progress["seconds_left"] > 0, progress
    first = machine.ssh("systemctl show -P MainPID loamd")
    mark = machine.mark()
    machine.ssh("kill -9 $(systemctl show -P MainPID loamd)")
    at_once = machine.ssh("for i in $(seq 50); do pgrep -c loam-install; sleep 0.1; done; true").split()
    assert set(at_once) <= {"0", "1"}, "never two at once"
    machine.qmp.command("block_set_io_throttle", id="dev-os", bps=0, bps_rd=0, bps_wr=0, iops=0, iops_rd=0, iops_wr=0)
    machine.wait_console("the disk is bootable", 240, mark)
    assert machine.ssh("systemctl show -P MainPID loamd") not in (first, "0\n")
    machine.ssh("sync")
    machine.kill()
    raw = scenario.folder / "os.raw.img"
    subprocess.run(["qemu-img", "convert", "-O", "raw", str(scenario.folder / "os.qcow2"), str(raw)], check=True)
    manifest = json.loads(next(RELEASE.glob("loam-*.json")).read_text())
    loader = RELEASE / f"loam-{manifest['version']}.boot.efi"
    assert judge.verdict(raw, manifest["version"], manifest["verity"]["root_hash"], uki(), loader, scenario.folder) == "boots"


@pytest.mark.long
def test_consent_is_for_once(scenario, live):
    """A disk with data, erased by its id in install.wipe. The medium then comes first in the firmware's order for ever, with the
    same loam.yaml: it sends the machine to the disk and changes nothing there."""
    machine = scenario.keep(live.running(scenario.folder))
    wwn = 0x5000C500000000AA
    machine.plug(Drive(data_disk(scenario.folder), "scsi", "os", boot=2, wwn=wwn))
    wipe = f"  wipe: [wwn-{wwn:#x}]\n"
    plug_config(machine, scenario.folder, config(live.public_key, "{bus: scsi, rotational: false}", install_more=wipe))
    machine.wait_console("the disk is bootable", 300)
    mark = machine.mark()
    machine.wait_console("holds a Loam installation already; it was not touched", 240, mark)
    machine.wait_console("booting from the disk in 10 seconds", 10, mark)
    machine.wait_ssh(300)
    check_ready_node(machine)
