"""Upgrades of a running node: into the other slot, proven or undone."""

import json
import subprocess
import time

import pytest
from lab import releases
from lab.machine import Drive, make_config_volume, make_disk, wait_until
from lab.node import Live, config
from lab.release_server import ReleaseServer
from lab.upgrades import NEXT, boot_id, slots, upgrade_status, url, wait_for_slot, wait_for_version


def fill_var(machine):
    """Blocks are reserved, not written: gigabytes take minutes on an emulator."""
    machine.ssh("mkdir /var/filler; for size in 1G 64M 4M 64K 4K; do n=0; while fallocate -l $size /var/filler/$size-$n; do n=$((n + 1)); done; done 2> /dev/null; true", limit=120)
    more = machine.ssh("head -c 64K /dev/zero > /var/filler/more", check=False)
    assert more.returncode != 0 and "No space left on device" in more.stderr, more


def test_upgrade_proves_itself_and_is_rolled_back(scenario, installed):
    """With /var full. The new release is blessed, both slots verify, and the older one gets back its own loam.yaml."""
    newer = releases.release(NEXT)
    machine = scenario.keep(installed.running(scenario.folder))
    wait_for_slot(machine, "a", "blessed")
    with ReleaseServer(newer) as server:
        offered = machine.ssh(f"loamctl upgrade check {url(server)}")
        assert f"Loam {NEXT} is offered" in offered, offered
        plan = machine.ssh(f"loamctl upgrade plan {url(server)}", limit=300)
        assert f"upgrade Loam 0.1.0 to {NEXT} in slot b" in plan and "three tries" in plan and "fetches" in plan, plan
        assert slots(machine)["b"]["state"] == "empty"
        fill_var(machine)
        before = server.bytes
        said = machine.ssh(f"loamctl upgrade start {url(server)}", limit=600)
        scenario.figures["fetched"] = server.bytes - before
    assert f"Loam {NEXT} is installed; a reboot starts it" in said, said
    machine.ssh("rm -rf /var/filler")
    now = slots(machine)
    assert now["b"]["state"] == "trial" and now["b"]["tries_left"] == 3 and now["a"]["state"] == "blessed", now
    assert upgrade_status(machine)["state"] == "pending"
    machine.ssh("loamctl reboot")
    wait_for_version(machine, NEXT)
    machine.wait_state("ready", 120)
    wait_for_slot(machine, "b", "blessed")
    wait_until(lambda: upgrade_status(machine)["state"] == "proven", 60 * machine.scale, "loamd knowing it")
    verified = machine.ssh("loamctl slots verify", limit=600)
    assert "slot a is good: Loam 0.1.0" in verified and f"slot b is good: Loam {NEXT}" in verified, verified
    # What is changed now belongs to the newer release.
    machine.ssh("sed 's/^hostname: .*/hostname: later/' /loam/loam.yaml > /run/new.yaml; loamctl apply /run/new.yaml")
    assert machine.ssh("uname -n") == "later\n"
    said = machine.ssh("loamctl upgrade rollback --reboot")
    assert "Loam 0.1.0 starts at the next reboot" in said, said
    wait_for_version(machine, "0.1.0")
    machine.wait_state("ready", 120)
    assert machine.ssh("uname -n") == "node-1\n", "the loam.yaml that this release last used"
    assert slots(machine)["b"]["state"] == "retired"
    wait_for_slot(machine, "a", "blessed")  # it had to prove itself, as one that comes anew
    assert "later" in machine.ssh(f"cat /loam/config-of/{NEXT}/loam.yaml")
    # And there again: what was put back is wanted once more.
    assert f"Loam {NEXT} starts at the next reboot" in machine.ssh("loamctl upgrade rollback")
    assert slots(machine)["b"]["tries_left"] == 3


def drop_in(unit, text):
    return {f"/usr/lib/systemd/system/{unit}.d/90-qa.conf": text}


# Ten minutes are long on an emulator. What the gate does with its time is what the releases differ in.
SHORT_GATE = drop_in("loam-health.service", "[Unit]\nJobTimeoutSec=90\n[Service]\nExecStart=\nExecStart=/usr/bin/loamctl health --trial --wait 30\nTimeoutStartSec=60\n")
HANG = {**drop_in("ssh.service", "[Unit]\nAfter=loam-softdog.service\n[Service]\nExecStartPre=/usr/lib/loam/qa-hang\n"),
        "/usr/lib/loam/qa-hang": "#!/bin/sh\necho -1 > /proc/sys/kernel/sched_rt_runtime_us\nmountpoint -q /sys/kernel/debug || mount -t debugfs none /sys/kernel/debug\n"
                                 "for server in /sys/kernel/debug/sched/fair_server/cpu*; do echo 0 > $server/runtime; done\nfor cpu in 1 2; do chrt -f 99 sh -c 'while :; do :; done' & done\nwait\n"}
FAILING = {
    "panics": ({}, "rdinit=/none", "without a word"),
    "initrd-gives-up": ({}, "roothash=" + "0" * 64, "its initrd gave up"),
    "crash-loop": ({**SHORT_GATE, "/usr/lib/loam/loamd": "#!/bin/sh\nexit 1\n"}, "", "loamd"),
    "gate-fails": (drop_in("loam-health.service", "[Service]\nExecStart=\nExecStart=/bin/false\n"), "", "its health gate did not pass"),
    "gate-hangs": (drop_in("loam-health.service", "[Service]\nExecStart=\nExecStart=/bin/sleep infinity\nTimeoutStartSec=20\n"), "", "its health gate did not pass"),
    "hangs": (HANG, "", "without a word"),
    "hangs-without-watchdog": (HANG, "", "without a word"),
    "loses-disks": (SHORT_GATE, "module_blacklist=ahci", "is gone"),
    "gate-never-reached": ({**drop_in("loam-health.service", "[Unit]\nJobTimeoutSec=60\n"),
                            **drop_in("loamd.service", "[Service]\nTimeoutStartSec=infinity\nExecStartPre=/bin/sleep infinity\n")}, "", "its health gate did not pass"),
}


def running_node(scenario, installed, how):
    """With what the failure needs."""
    if how == "hangs":
        machine = installed.machine(scenario.folder, extra=["-device", "i6300esb", "-action", "watchdog=reset"])
    elif how == "loses-disks":
        disk = Drive(make_disk(scenario.folder / "sata.qcow2", "8G"), "sata", "sata", wwn=0x5000C50000000051)
        machine = installed.machine(scenario.folder, drives=[disk])
    else:
        return installed.running(scenario.folder)
    machine.start()
    machine.wait_ssh(300)
    if how == "loses-disks":
        wait_until(lambda: "1 disks are Ceph's or claimed" in machine.ssh("loamctl status"), 200 * machine.scale, "the disk being claimed", interval=2)
    return machine


@pytest.mark.long
@pytest.mark.parametrize("how", FAILING)
def test_release_that_fails_falls_back_by_itself(scenario, installed, how):
    files, cmdline, words = FAILING[how]
    bad = releases.release("0.2.0", files, cmdline)
    machine = scenario.keep(running_node(scenario, installed, how))
    wait_for_slot(machine, "a", "blessed")
    with ReleaseServer(bad) as server:
        machine.ssh(f"loamctl upgrade start {url(server)} --reboot", limit=600, check=False)
    before = boot_id(machine)

    def back():
        machine.running()
        done = machine.ssh("loamctl --json upgrade status", check=False)
        if done.returncode != 0 or boot_id(machine) in ("", before):
            return None
        status = json.loads(done.stdout)
        return status if status["state"] == "fell-back" else None
    status = wait_until(back, 1500 * machine.scale, "the older release", interval=5)
    assert status["message"].startswith("booted 0.1.0, meant 0.2.0: ") and words in status["message"], status
    assert "FellBack" in machine.ssh("loamctl --json status")
    now = slots(machine)
    assert now["b"]["state"] == "failed" and now["a"]["state"] == "blessed" and now["a"]["booted"], now
    machine.wait_state("ready", 120)
    scenario.figures["said"] = status["message"]
    # It is said again after another boot, and a good release ends it.
    with ReleaseServer(releases.release(NEXT)) as server:
        machine.ssh(f"loamctl upgrade start {url(server)}", limit=600)
    assert upgrade_status(machine)["state"] == "pending"


DOWN, ENTER = "\x1b[B", "\r"


@pytest.mark.long
def test_three_unclean_starts_lead_to_the_boot_menu(scenario, installed):
    """For a person to choose, on the serial line too. It goes on where nobody does; after three more it stays."""
    machine = scenario.keep(installed.running(scenario.folder))
    wait_for_slot(machine, "a", "blessed")  # until then systemd-boot counts
    machine.ssh("echo 3 > /loam/boots; sync /loam/boots")
    machine.kill()
    machine.start()
    machine.wait_console("three starts in a row ended within 15 minutes", 300, machine.power_on)
    mark = machine.mark()
    machine.wait_console("BdsDxe: starting", 120, mark)
    machine.wait_console("Loam 0.1.0", 60, mark)
    machine.wait_console("Boot in 29", 120, mark)
    time.sleep(20)  # the menu of every start would be gone by then
    assert "Linux version" not in machine.raw_console(mark) and "loamd" not in machine.console(mark)
    machine.press(ENTER)
    machine.wait_ssh(300)
    machine.wait_state("ready", 120)
    assert machine.ssh("cat /loam/boots") == "5\n", "the menu counts, too, and the start after it"
    machine.ssh("loamctl reboot")
    wait_until(lambda: boot_id(machine) == "", 120 * machine.scale, "the shutdown", interval=1)
    machine.wait_ssh(300)
    assert machine.ssh("cat /loam/boots") == "1\n", "what was shut down in order does not count"
    machine.ssh("echo 3 > /loam/boots; sync /loam/boots")
    machine.kill()
    machine.start()
    machine.wait_console("the boot menu comes next, for 5min", 300, machine.power_on)
    machine.wait_ssh(600)
    assert machine.ssh("cat /loam/boots") == "5\n"
    machine.ssh("echo 7 > /loam/boots; sync /loam/boots")
    machine.kill()
    machine.start()
    machine.wait_console("the boot menu comes next and stays", 300, machine.power_on)
    mark = machine.mark()
    machine.wait_console("Loam 0.1.0", 120, mark)
    time.sleep(20)
    assert "Boot in" not in machine.console(mark) and "Linux version" not in machine.raw_console(mark)
    machine.press(ENTER)
    machine.wait_ssh(300)


@pytest.mark.long
def test_proven_release_whose_root_rots_leads_to_the_boot_menu(scenario, installed):
    """The older release is chosen there, over serial, and runs."""
    machine = scenario.keep(installed.running(scenario.folder))
    wait_for_slot(machine, "a", "blessed")
    with ReleaseServer(releases.release(NEXT)) as server:
        machine.ssh(f"loamctl upgrade start {url(server)} --reboot", limit=600, check=False)
    wait_for_version(machine, NEXT)
    wait_for_slot(machine, "b", "blessed", limit=300)
    start = int(machine.ssh("cat /sys/class/block/$(basename $(readlink -f /dev/disk/by-partlabel/loam-root-b))/start")) * 512
    machine.ssh("sync; systemctl --no-block poweroff", check=False)
    machine.wait_for_end(200)
    machine.kill()
    subprocess.run(["qemu-io", "-c", f"write -P 0xaa {start} 1M", str(machine.drives[0].path)], check=True, stdout=subprocess.DEVNULL)
    machine.start()
    machine.wait_console("cannot boot: ", 400, machine.power_on)
    machine.wait_console("rebooting in 1 minute; the boot menu comes next, for 5min: choose a slot there", 60, machine.power_on)
    mark = machine.mark()
    machine.wait_console("BdsDxe: starting", 200, mark)
    machine.wait_console("Boot in 29", 120, mark)
    machine.press(DOWN, ENTER)
    wait_for_version(machine, "0.1.0")
    machine.wait_state("ready", 120)
    # What is bad is fetched anew, and the count is taken back.
    assert "LoamEarlyStarts" not in machine.ssh("ls /sys/firmware/efi/efivars")
    said = machine.ssh("loamctl slots verify", limit=600, check=False)
    assert said.returncode != 0 and "slot a is good" in said.stdout + said.stderr, said


@pytest.mark.long
def test_upgrade_of_a_disk_with_4096_byte_sectors(scenario):
    """A whole installation, and an upgrade that is started and proves itself."""
    live = Live()
    machine = scenario.keep(live.running(scenario.folder))
    sectors = {"logical_block_size": 4096, "physical_block_size": 4096}
    machine.plug(Drive(make_disk(scenario.folder / "os.qcow2", "24G"), "scsi", "os", boot=0, wwn=0x5000C500000000AA, device_options=sectors))
    text = config(live.public_key, "{bus: scsi, rotational: false}")
    machine.plug(Drive(make_config_volume(scenario.folder / "config.img", text), "usb", "config", "raw"))
    machine.wait_ssh(600)
    machine.wait_state("ready", 120)
    wait_for_slot(machine, "a", "blessed")
    disk = json.loads(machine.ssh("cat /run/loam/boot.json"))["disk"]
    assert machine.ssh(f"blockdev --getss {disk}") == "4096\n"
    with ReleaseServer(releases.release(NEXT)) as server:
        machine.ssh(f"loamctl upgrade start {url(server)} --reboot", limit=600, check=False)
        scenario.figures["fetched"] = server.bytes
    wait_for_version(machine, NEXT)
    wait_for_slot(machine, "b", "blessed", limit=300)
    verified = machine.ssh("loamctl slots verify", limit=600)
    assert "slot a is good" in verified and "slot b is good" in verified, verified


@pytest.mark.long
def test_upgrade_from_a_stick_and_the_old_slot_chosen_over_serial(scenario, installed):
    machine = scenario.keep(installed.running(scenario.folder))
    stick = scenario.folder / "stick.img"
    with stick.open("wb") as file:
        file.truncate(512 << 20)
    subprocess.run(["mke2fs", "-q", "-t", "ext4", "-L", "NEWER", "-d", str(releases.release(NEXT)), str(stick)], check=True)
    machine.plug(Drive(stick, "usb", "stick", "raw"))
    node = "/dev/disk/by-label/NEWER"
    wait_until(lambda: machine.ssh(f"test -b {node}", check=False).returncode == 0, 60 * machine.scale, "the stick", interval=1)
    said = machine.ssh(f"loamctl upgrade start {node}", limit=600)
    assert "a reboot starts it" in said and "upgrade-medium" not in machine.ssh("cat /proc/mounts"), said
    machine.unplug(machine.drives[-1])
    mark = machine.mark()
    machine.ssh("loamctl reboot")
    machine.wait_console("BdsDxe: starting", 300, mark)
    machine.wait_console(f"Loam {NEXT}", 60, machine.serial.read_bytes().rfind(b"BdsDxe: starting"))  # what the old system said of it came before
    machine.press(DOWN, ENTER)
    wait_for_version(machine, "0.1.0")
    now = slots(machine)
    assert now["b"]["state"] == "trial" and now["b"]["tries_left"] == 3, now
    assert upgrade_status(machine)["state"] == "pending"
