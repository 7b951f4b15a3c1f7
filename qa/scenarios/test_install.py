"""From the medium to a node that is ready."""

import json
import random
import subprocess

from conftest import sha256
from lab.machine import Drive, Machine, Timeout, make_config_volume, make_key, wait_until
from lab.node import STATES, config, install, iso_drive, uki


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
    assert machine.ssh("touch /usr/x", check=False).returncode != 0
    assert mounts["/var"][1] == "ext4" and mounts["/loam"][1] == "ext4" and mounts["/etc"][1] == "overlay"
    assert machine.ssh("systemctl --failed --no-legend --plain").strip() == ""
    return status


def test_install_from_cd(scenario):
    machine = scenario.keep(install(scenario.folder, hdds=3))
    before = [sha256(d.path) for d in machine.drives if d.name.startswith("hdd")]
    machine.wait_ssh(420)
    check_ready_node(machine)
    assert " s left" in machine.console(), "the installation says how long it takes"

    disks = {d["serial"]: d for d in json.loads(machine.ssh("loamctl --json disks"))}
    assert disks["os"]["class"] == "os"
    for i in range(3):
        assert disks[f"hdd{i}"]["class"] == "blank" and disks[f"hdd{i}"]["rotational"], disks
        assert disks[f"hdd{i}"]["id"].startswith("wwn-0x5000c5")
    links = {link["name"]: link for link in json.loads(machine.ssh("loamctl --json links"))}
    assert links["eth0"]["speed"] == 25000 and links["eth0"]["master"] == "bond0"
    assert links["bond0"]["carrier"] and links["bond0"]["addresses"]
    slots = json.loads(machine.ssh("loamctl --json slots"))
    assert [s["booted"] for s in slots["slots"]] == [True, False]

    # The release was blessed by the gate, and a reboot keeps /var.
    machine.ssh("systemctl is-active boot-complete.target systemd-bless-boot.service")
    assert "+" not in machine.ssh("ls /efi/EFI/Linux")
    machine.ssh("echo kept > /var/lib/loam/witness; sync")
    boot = machine.ssh("cat /proc/sys/kernel/random/boot_id")
    machine.ssh("loamctl reboot", check=False)
    wait_until(lambda: machine.ssh("cat /proc/sys/kernel/random/boot_id", check=False).stdout not in ("", boot), 300 * machine.scale,
               "another boot", interval=2)
    check_ready_node(machine)
    assert machine.ssh("cat /var/lib/loam/witness") == "kept\n"
    machine.kill()
    assert before == [sha256(d.path) for d in machine.drives if d.name.startswith("hdd")], "an HDD was written to"


def test_install_from_usb(scenario):
    machine = scenario.keep(install(scenario.folder, medium="usb", label="CIDATA"))
    machine.wait_ssh(420)
    check_ready_node(machine)


def test_live_from_usb_cd(scenario):
    """A management controller's virtual drive: a CD on USB. Without a configuration it waits and says for what."""
    machine = scenario.keep(Machine(scenario.folder, uki(), drives=[iso_drive("usb-cd", boot=0)]))
    machine.start()
    machine.wait_console("waiting for a volume labelled LOAM", 300)


def data_disk(folder):
    image = folder / "os.raw.img"
    with image.open("wb") as file:
        file.truncate(24 << 30)
    subprocess.run(["mke2fs", "-q", "-F", "-L", "photos", str(image)], check=True)
    return image


def test_disk_with_data_is_refused(scenario):
    key, public = make_key(STATES)
    image = data_disk(scenario.folder)
    before = sha256(image)
    volume = make_config_volume(scenario.folder / "config.img", config(public))
    machine = scenario.keep(Machine(scenario.folder, uki(), drives=[
        Drive(image, "nvme", "os", "raw"), iso_drive(boot=0), Drive(volume, "usb", "config", "raw")]))
    machine.start()
    machine.wait_console("is not blank: it holds ext", 240)
    machine.wait_console("install.wipe", 10)
    # Who may log in on the node may log in here, look at it, and try again with another file.
    machine.key, machine.port = key, machine.live_port
    machine.wait_ssh(120)
    assert "is not blank" in machine.ssh("loamctl status; loamctl retry")
    machine.kill()
    assert sha256(image) == before, "the refused disk was written to"


def test_install_killed_at_random_points(scenario):
    """The power goes twice while it installs; the third start brings it to the end."""
    machine = scenario.keep(install(scenario.folder))
    chance = random.Random()
    scenario.figures = {"killed_after_seconds": []}
    for _ in range(2):
        mark = machine.mark()
        started = lambda: next((text for text in (": installing", " on node-1: ") if text in machine.console(mark)), None)
        if wait_until(started, 300 * machine.scale, "an installation or an installed node") != ": installing":
            break  # the cut came after the boot loader: that is an installed disk
        delay = chance.uniform(0, 10 * machine.scale)
        try:
            machine.wait_console("the disk is bootable", delay / machine.scale, mark)
        except Timeout:
            pass  # the wait was the delay
        machine.kill()
        scenario.figures["killed_after_seconds"].append(round(delay, 2))
        machine.start()
    machine.wait_ssh(420)
    check_ready_node(machine)


def test_consent_is_for_once(scenario):
    """A disk with data, erased by its id in install.wipe. The medium then comes first in the firmware's order for ever, with the
    same loam.yaml: it sends the machine to the disk and changes nothing there."""
    key, public = make_key(STATES)
    wwn = 0x5000C500000000AA
    wipe = f"  wipe: [wwn-{wwn:#x}]\n"
    volume = make_config_volume(scenario.folder / "config.img", config(public, "{bus: scsi, rotational: false}", install_more=wipe))
    machine = scenario.keep(Machine(scenario.folder, uki(), drives=[
        Drive(data_disk(scenario.folder), "scsi", "os", "raw", boot=1, wwn=wwn), iso_drive(boot=0), Drive(volume, "usb", "config", "raw")]))
    machine.key = key
    machine.start()
    machine.wait_console("the disk is bootable", 300)
    mark = machine.mark()
    machine.wait_console("holds a Loam installation already; it was not touched", 240, mark)
    machine.wait_console("booting from the disk in 10 seconds", 10, mark)
    machine.wait_ssh(300)
    check_ready_node(machine)
