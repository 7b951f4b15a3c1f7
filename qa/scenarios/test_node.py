"""An installed node, mostly from a saved state of it."""

import json
import os
import re
import subprocess
import time

import pytest
from lab.machine import Drive, make_disk, make_key, wait_until
from lab.node import RELEASE, overlay

PID = "systemctl show -P MainPID loamd"


def test_commands_and_json(scenario, installed):
    machine = scenario.keep(installed.running(scenario.folder))
    for command in ("status", "disks", "links", "slots"):
        json.loads(machine.ssh(f"loamctl --json {command}"))
        assert machine.ssh(f"loamctl {command}").strip()
    for command in ("health", "retry", "slots verify", "slots fall-back", "config example", "plan /loam/loam.yaml", "apply /loam/loam.yaml"):
        json.loads(machine.ssh(f"loamctl --json {command}", limit=300))
    assert json.loads(machine.ssh("loamctl --json config schema"))["title"] == "loam.yaml"
    assert machine.ssh("loamctl config example | loamctl config check -") == "-: good\n"
    checked = machine.ssh("echo 'hostnme: x' | loamctl --json config check -", check=False)
    assert checked.returncode == 1 and not json.loads(checked.stdout)["valid"]
    assert "loamd" in machine.ssh("loamctl logs -- -n 50")
    assert json.loads(machine.ssh("loamctl --json logs -- -n 1"))["MESSAGE"]
    bundle = json.loads(machine.ssh("loamctl --json support 2>/dev/null"))["bundle"]
    listing = machine.ssh(f"tar -tzf {bundle}; stat -c %a {bundle}")
    assert "support/status.json" in listing and listing.strip().endswith("600")
    assert "ssh-" not in machine.ssh(f"tar -xzOf {bundle} support/loam.yaml")
    assert '"requested": "PowerOff"' in machine.ssh("loamctl --json poweroff", check=False).stdout
    machine.wait_for_end(180)


def test_nobody_gets_in_without_a_key(scenario, installed):
    """No login on any console, no password at all, and no ssh once loam.yaml names no key."""
    machine = scenario.keep(installed.running(scenario.folder))
    assert machine.ssh("systemctl list-units --plain --no-legend --type=service --state=active '*getty*'; pgrep -ax 'agetty|login'; true") == ""
    assert all(field[:1] in ("!", "*") for field in machine.ssh("cut -d: -f2 /etc/shadow").splitlines()), "a password that is empty or known"
    another, _ = make_key(scenario.folder)
    machine.key, own = another, machine.key
    refused = machine.ssh("true", check=False)
    assert refused.returncode == 255 and "Permission denied" in refused.stderr, refused
    machine.key = own
    listening = "ss -ltnH 'sport = :22' | grep -q ."
    # In one session, which outlives the server: afterwards nobody could log in.
    machine.ssh("cp /loam/loam.yaml /tmp/keys.yaml; sed '/^access:/,/ssh-ed25519/d' /loam/loam.yaml > /tmp/none.yaml; set -e; "
                f"loamctl apply /tmp/none.yaml; timeout 200 sh -c \"while {listening}; do sleep 0.2; done\"; "
                f"loamctl apply /tmp/keys.yaml; timeout 200 sh -c \"until {listening}; do sleep 0.2; done\"")
    machine.wait_ssh(60)


def test_journal_is_kept_and_capped(scenario, installed):
    machine = scenario.keep(installed.running(scenario.folder))
    assert len(json.loads(machine.ssh("journalctl --list-boots -o json"))) >= 2, "this boot and the one before"
    assert "max 1G" in machine.ssh("journalctl -b -t systemd-journald -o cat -g '^System Journal'")
    # A copy of a saved state has the time of now, and will be another machine.
    assert abs(int(machine.ssh("date +%s")) - time.time()) < 120
    assert machine.ssh("cat /loam/machine-id") != machine.ssh("cat /etc/machine-id")


def test_drivers_and_firmware_of_real_servers(scenario, installed):
    """Storage and NIC drivers are there, and for those that load firmware the files that they name."""
    machine = scenario.keep(installed.running(scenario.folder))
    storage = "mpt3sas megaraid_sas smartpqi mpi3mr nvme ahci virtio_blk virtio_scsi".split()
    network = "mlx5_core ice i40e ixgbe bnxt_en tg3 igb virtio_net".split()
    # What Ceph, virtual machines, Kubernetes' networks, remote disks, consoles and enclosures want is not left out with what nobody does.
    others = ("rbd ceph kvm_intel kvm_amd vhost_net vfio_pci vxlan geneve wireguard openvswitch ip_vs iscsi_tcp nvme_tcp nvme_rdma nvme_fc "
              "ipmi_si ses ast mgag200 cdc_ether usbhid hid_generic sctp nbd xfs btrfs").split()
    lacking = machine.ssh("for m in " + " ".join(storage + network + others) + "; do modinfo -n $m >/dev/null 2>&1 || echo $m; done")
    assert lacking == "", lacking
    assert machine.ssh("modinfo -n snd_hda_intel cfg80211 bluetooth", check=False).returncode != 0
    listed = set(machine.ssh("cat /usr/lib/loam/initrd-modules").split())
    assert listed >= set(storage), set(storage) - listed
    missing = machine.ssh("for f in $(for m in " + " ".join(storage + network) + "; do modinfo -F firmware $m; done); do "
                          "ls /usr/lib/firmware/$f* >/dev/null 2>&1 || echo $f; done")
    assert missing == "", missing


def test_only_root_changes_things(scenario, installed):
    machine = scenario.keep(installed.running(scenario.folder))
    as_nobody = "setpriv --reuid=nobody --regid=nogroup --clear-groups "
    assert "ready" in machine.ssh(as_nobody + "loamctl status")
    refused = machine.ssh(as_nobody + "loamctl reboot", check=False)
    assert refused.returncode == 1 and "only root may do this" in refused.stderr


def test_supervisor_killed_or_hung(scenario, installed):
    machine = scenario.keep(installed.running(scenario.folder))
    machine.ssh("mkdir -p /run/systemd/system/loamd.service.d; printf '[Service]\nWatchdogSec=10\n' > /run/systemd/system/loamd.service.d/short.conf;"
                "systemctl daemon-reload; systemctl restart loamd")
    for signal in ("KILL", "STOP"):
        first = machine.ssh(PID)
        machine.ssh(f"kill -{signal} {first}")
        wait_until(lambda: machine.ssh(PID) not in (first, "0\n"), 120 * machine.scale, f"a new loamd after SIG{signal}", interval=1)
        machine.wait_state("ready", 60)
    assert "Watchdog timeout" in machine.ssh("journalctl -b -u loamd -o cat")


def test_apply_cut_in_the_middle_goes_on(scenario, installed):
    """A service does not answer; loamd is killed while it waits for it, starts again, says what is owed, and retry does it."""
    machine = scenario.keep(installed.running(scenario.folder))
    machine.ssh("sed 's/^hostname: .*/hostname: other-name/' /loam/loam.yaml > /tmp/new.yaml; hostnamectl > /dev/null;"
                "kill -STOP $(systemctl show -P MainPID systemd-hostnamed)")
    first = machine.ssh(PID)
    machine.ssh("loamctl apply /tmp/new.yaml > /tmp/out 2>&1 & timeout 200 sh -c 'until grep -q begin..2 /loam/apply.journal; do sleep 0.1; done';"
                "kill -9 $(systemctl show -P MainPID loamd); wait")
    assert machine.ssh("cat /etc/hostname; uname -n") == "other-name\nnode-1\n", "the file was written, the kernel not told yet"
    wait_until(lambda: machine.ssh(PID) not in (first, "0\n"), 60 * machine.scale, "a new loamd")
    status = machine.wait_state("degraded", 120)
    config = next(c for c in status["conditions"] if c["type"] == "Config")
    assert config["reason"] == "ApplyFailed" and "systemd-hostnamed.service" in config["message"], config
    machine.ssh("kill -CONT $(systemctl show -P MainPID systemd-hostnamed); loamctl retry")
    machine.wait_state("ready", 60)
    assert machine.ssh("uname -n") == "other-name\n"


@pytest.mark.long
def test_cables_pulled_and_put_back(scenario, installed):
    """The kernel tells, nobody polls: the state follows the cables."""
    machine = scenario.keep(installed.running(scenario.folder))
    for up in (False, True):
        for nic in range(machine.nics):
            machine.qmp.command("set_link", name=f"nic{nic}", up=up)
        if not up:
            machine.wait_console(": degraded", 120)
            machine.wait_console("no carrier: no cable, or the switch port is off", 10)
    machine.wait_state("ready", 60)
    # Outside of its bond, as where networkd could not make the bond in time: it is brought back.
    machine.ssh("ip link set nic1 nomaster")
    # A new networkd may take the address away for a moment.
    wait_until(lambda: "master bond0" in machine.ssh("ip -o link show nic1", check=False).stdout, 120 * machine.scale, "nic1 in bond0 again", interval=1)
    machine.wait_state("ready", 60)


def test_disk_that_does_not_answer_holds_nobody_up(scenario, installed):
    machine = scenario.keep(installed.running(scenario.folder))
    disks = lambda: json.loads(machine.ssh("loamctl --json disks"))
    assert [disk["class"] for disk in disks()] == ["os"]
    # As if reading hung: the program that reads is another one.
    machine.ssh("printf '#!/bin/sh\nexec sleep 1000\n' > /var/tmp/hang; chmod +x /var/tmp/hang; mount --bind /var/tmp/hang /usr/lib/loam/loam-probe")
    machine.plug(Drive(make_disk(scenario.folder / "late.qcow2", "8G"), "scsi", "late", rotational=True, wwn=0x5000C500000000CC))
    late = lambda: next((d for d in disks() if d["serial"] == "late"), {"class": "", "reason": ""})
    wait_until(lambda: late()["class"] == "unread", 60 * machine.scale, "the new disk")
    wait_until(lambda: "did not answer in time" in late()["reason"], 180 * machine.scale, "the time limit", interval=1)
    machine.wait_state("ready", 10)
    machine.ssh("umount /usr/lib/loam/loam-probe; udevadm trigger --subsystem-match=block")
    wait_until(lambda: late()["class"] == "blank", 60 * machine.scale, "the disk answering again", interval=1)


def test_apply_changes_the_node(scenario, installed):
    machine = scenario.keep(installed.running(scenario.folder))
    machine.ssh("sed 's/^hostname: .*/hostname: other-name\\ntime: {zone: Europe\\/Berlin}/' /loam/loam.yaml > /tmp/new.yaml")
    plan = machine.ssh("loamctl plan /tmp/new.yaml")
    assert "write-file  /etc/hostname" in plan.replace("   ", "  "), plan
    assert machine.ssh("cat /etc/hostname") == "node-1\n", "a plan changes nothing"
    machine.ssh("loamctl apply /tmp/new.yaml")
    assert machine.ssh("cat /etc/hostname; uname -n; timedatectl show -P Timezone") == "other-name\nother-name\nEurope/Berlin\n"
    assert "nothing to do" in machine.ssh("loamctl plan /tmp/new.yaml"), "applied twice, nothing is left to do"
    bad = machine.ssh("echo 'hostnme: x' | loamctl apply -", check=False)
    assert bad.returncode == 1 and "did you mean \"hostname\"?" in bad.stderr
    assert "other-name" in machine.ssh("cat /loam/loam.yaml"), "a refused file is not kept"
    assert machine.ssh("stat -c %a /loam/loam.yaml") == "600\n"


def root_partition(machine):
    facts = json.loads(machine.ssh("cat /run/loam/boot.json"))
    name = facts["root"].rsplit("/", 1)[1]
    return int(machine.ssh(f"cat /sys/class/block/{name}/start")) * 512


def test_flipped_byte_is_caught(scenario, installed):
    machine = scenario.keep(installed.machine(scenario.folder))
    disk = machine.drives[0].path
    root = partition_start(first_megabytes(disk, scenario.folder), 3)
    inside, byte = block_of("/usr/lib/loam/loam-install")  # which nobody reads on an installed node
    subprocess.run(["qemu-io", "-c", f"write -P {byte ^ 1:#x} {root + inside} 1", str(disk)], check=True,
                   stdout=subprocess.DEVNULL)
    machine.start()
    machine.wait_ssh(300)
    verified = machine.ssh("loamctl slots verify", check=False, limit=300)
    assert verified.returncode == 1 and f"block {inside // 4096} " in verified.stderr, verified.stderr
    read = machine.ssh("dd if=/dev/mapper/root of=/dev/null bs=4096 skip=" + f"{inside // 4096} count=1", check=False)
    assert read.returncode != 0 and "Input/output error" in read.stderr
    assert machine.ssh("dmesg | grep -c 'verity.*corrupted'").strip() != "0"


def block_of(path):
    """Where in the root image a file's data begins, and the byte there."""
    image = next(RELEASE.glob("*.root"))
    dump = subprocess.run(["dump.erofs", f"--path={path}", "-e", str(image)], capture_output=True, text=True, check=True).stdout
    offset = int(re.search(r"^ *0: .*: +(\d+)\.\. +\d+ +\|", dump, re.M).group(1))
    with image.open("rb") as file:
        file.seek(offset)
        return offset, file.read(1)[0]


def partition_start(raw, number):
    table = json.loads(subprocess.run(["sfdisk", "--json", str(raw)], capture_output=True, text=True, check=True).stdout)
    return table["partitiontable"]["partitions"][number - 1]["start"] * 512


def first_megabytes(disk, folder):
    """The partition table as a sparse raw copy, for sfdisk."""
    raw = folder / "table.img"
    subprocess.run(["qemu-img", "convert", "-O", "raw", str(disk), str(raw)], check=True)
    return raw


NEVER_WELL = "[Service]\nExecStart=\nExecStart=/usr/bin/loamctl health --trial --wait 5\n"
HANGS = "[Unit]\nJobTimeoutSec=10\n"  # as 20 minutes would, for a loamd that never says that it is up


@pytest.mark.parametrize("gate,loamd", [pytest.param(NEVER_WELL, "exit 1", id="fails"), pytest.param(HANGS, "exec sleep 1000", id="hangs", marks=pytest.mark.long)])
def test_failed_gate_falls_back_only_to_what_can_boot(scenario, installed, gate, loamd):
    machine = scenario.keep(installed.running(scenario.folder))
    assert "is not on trial" in machine.ssh("loamctl slots fall-back"), "a release that has proven itself is never left"
    boot = machine.ssh("cat /proc/sys/kernel/random/boot_id")
    machine.ssh("cd /efi/EFI/Linux; mv loam-?.?.?.efi $(basename loam-?.?.?.efi .efi)+1-2.efi; touch loam-0.0.9+0-3.efi")
    assert "no other release can boot" in machine.ssh("loamctl slots fall-back")
    # The gate itself: a node without loamd is not well.
    machine.ssh("mv /efi/EFI/Linux/loam-0.0.9+0-3.efi /efi/EFI/Linux/loam-0.0.9.efi; systemctl stop loam-health loamd;"
                f"mkdir -p /run/systemd/system/loam-health.service.d; printf '{gate}' > /run/systemd/system/loam-health.service.d/short.conf;"
                f"printf '#!/bin/sh\n{loamd}\n' > /var/tmp/loamd; chmod +x /var/tmp/loamd; mount --bind /var/tmp/loamd /usr/lib/loam/loamd;"
                "systemctl daemon-reload; systemctl --no-block start loam-health")
    wait_until(lambda: machine.ssh("cat /proc/sys/kernel/random/boot_id", check=False).stdout not in ("", boot), 300 * machine.scale,
               "another boot", interval=2)


@pytest.mark.long
def test_two_disks_with_one_release(scenario, installed):
    """Both hold the same slots; the one that the firmware starts is the one that is used."""
    base = installed.base()
    second = Drive(overlay(base / "os.qcow2", scenario.folder / "second.qcow2"), "scsi", "second", boot=0, wwn=0x5000C500000000BB)
    # A clone has the same ESP UUID as well: give it another, as an installation of its own would have.
    raw = first_megabytes(second.path, scenario.folder)
    subprocess.run(["sfdisk", "-q", "--part-uuid", str(raw), "1", "11111111-2222-3333-4444-555555555555"], check=True)
    # As if the power had gone right before the last step of its installation.
    subprocess.run(["sfdisk", "-q", "--part-label", str(raw), "6", "loam-installing"], check=True)
    second.path, second.format = raw, "raw"
    machine = scenario.keep(installed.machine(scenario.folder, drives=[second]))
    machine.drives[0].boot = 1
    machine.start()
    machine.wait_ssh(300)
    disk = json.loads(machine.ssh("cat /run/loam/boot.json"))["disk"].rsplit("/", 1)[1]
    used = machine.ssh("ls /sys/block/dm-0/slaves; findmnt -no SOURCE /loam; findmnt -no SOURCE /var; findmnt -no SOURCE /efi").split()
    assert len(used) == 5 and all(name.removeprefix("/dev/").startswith(disk) for name in used), (disk, used)
    assert "second" in machine.ssh(f"udevadm info -q property /dev/{disk}")
    machine.wait_state("ready", 120)
    assert machine.ssh(f"sfdisk --part-label /dev/{disk} 6") == "loam\n", "what boots is whole: the mark goes"


def damage(machine, scenario, missing, broken):
    """Removes partitions, and destroys the file systems of others."""
    raw = first_megabytes(machine.drives[0].path, scenario.folder)
    for number in broken:
        subprocess.run(["dd", "if=/dev/zero", f"of={raw}", "bs=1M", f"seek={partition_start(raw, number) >> 20}", "count=200", "conv=notrunc", "status=none"], check=True)
    for number in missing:
        subprocess.run(["sfdisk", "-q", "--delete", str(raw), str(number)], check=True)
    machine.drives[0].path, machine.drives[0].format = raw, "raw"
    return raw


@pytest.mark.long
def test_initrd_reboots_while_a_counter_runs(scenario, installed):
    """Without a root there is nothing to wait for while another try, or another release, is left."""
    machine = scenario.keep(installed.machine(scenario.folder))
    raw = damage(machine, scenario, [3], [])
    esp, release = f"{raw}@@{partition_start(raw, 1)}", next(RELEASE.glob("loam-*.json")).stem
    files = lambda *command: subprocess.run([command[0], "-i", esp, *command[1:]], capture_output=True, text=True, check=True,
                                            env=dict(os.environ, MTOOLSRC="/dev/null")).stdout
    # It was saved shortly before or after it was blessed.
    entry = next(name for name in files("mdir", "-b", "::/EFI/Linux").split() if name.endswith(".efi"))
    files("mren", entry, f"{release}+3.efi")
    machine.start()
    machine.wait_console("rebooting in 10 seconds", 300)
    machine.wait_console("BdsDxe: starting", 60, machine.mark())
    machine.kill()
    assert f"{release}+" in files("mdir", "-b", "::/EFI/Linux") and f"{release}+3.efi" not in files("mdir", "-b", "::/EFI/Linux")


LOAM, STATE = ("loam", 6), ("state", 7)
DAMAGES = {"both": ([LOAM], [STATE]), "state-missing": ([STATE], []), "loam-broken": ([], [LOAM]),
           "loam-missing": ([LOAM], []), "state-broken": ([], [STATE])}


@pytest.mark.parametrize("missing,broken", [pytest.param(*damages, id=name, marks=[pytest.mark.long] if name != "both" else [])
                                            for name, damages in DAMAGES.items()])
def test_damaged_partition_leads_to_the_console(scenario, installed, missing, broken):
    machine = scenario.keep(installed.machine(scenario.folder))
    damage(machine, scenario, [number for _, number in missing], [number for _, number in broken])
    machine.start()
    for name, _ in missing:
        machine.wait_console(f"the OS disk has no {name} partition", 240)
    for name, _ in broken:
        machine.wait_console(f"the {name} partition cannot be used", 240)
    machine.wait_console(": degraded", 120)
    if LOAM not in missing + broken:
        machine.wait_ssh(120)  # keys and network come from the loam partition, which is whole
