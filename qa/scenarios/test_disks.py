"""Disks that come, go, hold something, fail: what is claimed for Ceph, what is kept, what is said. Real udev, sysfs and kernel."""

import json
import subprocess
import time

import pytest
from lab.checks import content_hash
from lab.machine import Drive, make_disk, wait_until

STORAGE = "storage:\n  data: [{rotational: true}]\n"
FSID = "4f1e2d3c-1111-4222-8333-444455556666"


class Disks:
    """A node that runs, its disks by serial number."""

    def __init__(self, scenario, installed, machine=None, started=False):
        self.folder = scenario.folder
        self.machine = machine or scenario.keep(installed.running(scenario.folder))
        if machine and not started:
            machine.start()
            machine.wait_ssh(300)
            machine.wait_state("ready", 120)
        self.scale = self.machine.scale
        self.base = self.machine.ssh("cat /loam/loam.yaml")

    def want(self, storage, cluster=""):
        self.machine.ssh("loamctl apply -", input=self.base + storage + cluster)

    def make(self, name, size="10G", kind="scsi", wwn=None, rotational=True, fill=None, **options):
        path = self.folder / f"{name}.img"
        with path.open("wb") as file:
            file.truncate(int(size[:-1]) << 30)
        if fill:
            fill(path)
        if wwn is None:
            wwn = 0x5000C50000001000 + int.from_bytes(name.encode()[-4:], "big")
        return Drive(path, kind, name, "raw", rotational=rotational, wwn=wwn, **options)

    def all(self):
        return {disk.get("serial") or disk["id"]: disk for disk in json.loads(self.machine.ssh("loamctl --json disks"))}

    def get(self, name):
        return self.all().get(name, {"class": "", "use": "", "why": "", "reason": "", "health": {}})

    def wait(self, name, seconds=30, **wanted):
        """Until the disk has these values; what is wanted of `why` and `reason` is a part of it."""
        def there():
            disk = self.get(name)
            return all(value in disk[key] if key in ("why", "reason") else disk[key] == value for key, value in wanted.items()) and disk
        try:
            return wait_until(there, seconds * self.scale, f"{name} with {wanted}")
        except Exception as problem:
            raise AssertionError(f"{problem}: {self.get(name)}") from None

    def storage(self):
        return json.loads(self.machine.ssh("loamctl --json disks plan"))

    def devices(self):
        return {device["name"]: device["config"] for device in self.storage()["node"]["devices"]}

    def condition(self):
        return next(c for c in self.machine.status()["conditions"] if c["type"] == "Disks")

    def wait_said(self, text, seconds=60):
        wait_until(lambda: text in self.condition()["message"], seconds * self.scale, f"\"{text}\" said of the disks")
        return self.condition()


@pytest.fixture
def disks(scenario, installed):
    return Disks(scenario, installed)


def ext4(path):
    subprocess.run(["mke2fs", "-q", "-F", "-t", "ext4", "-L", "photos", str(path)], check=True)


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc


def osd_label(fsid, whoami, uuid="8c2a1f7e-0d2b-4a7e-9a55-0123456789ab"):
    """As Ceph's BlueStore writes it at the start of an OSD."""
    word = lambda text: len(text).to_bytes(4, "little") + text.encode()
    meta = {"ceph_fsid": fsid, "whoami": whoami}
    body = bytes(16) + (10 << 30).to_bytes(8, "little") + bytes(8) + word("main") + len(meta).to_bytes(4, "little")
    body += b"".join(word(key) + word(value) for key, value in meta.items())
    label = f"bluestore block device\n{uuid}\n".encode() + b"\2\1" + len(body).to_bytes(4, "little") + body
    return label + crc32c(label).to_bytes(4, "little")


def put(data, offset=0):
    def fill(path):
        with path.open("r+b") as file:
            file.seek(offset)
            file.write(data)
    return fill


def test_blank_disks_are_claimed_and_others_kept(disks, scenario):
    """Hot-added one by one: blank, with a file system, of 4096-byte sectors, NVMe, two with one WWN; then one is pulled and put back."""
    machine = disks.machine
    disks.want("storage:\n  data: [{rotational: true}, {bus: nvme}]\n")
    photos = disks.make("photos", fill=ext4)
    before = content_hash(photos.path)
    machine.plug(photos)
    kept = disks.wait("photos", **{"class": "foreign"}, reason='ext4 "photos"')
    assert kept["use"] == "none" and kept["content"]["signatures"][0]["offset"] == 1080, kept

    blank = disks.make("blank")
    started = time.monotonic()
    machine.plug(blank)
    disks.wait("blank", use="waiting")
    scenario.figures["seconds from plugging to claimed, seen by ssh"] = round(time.monotonic() - started, 1)
    classed = json.loads(machine.ssh(f"journalctl -b -o json -u loamd LOAM_DISK=wwn-0x{blank.wwn:016x} -g 'is blank' | head -1"))
    # Guests share two emulated processors: what the look itself takes is measured beside it.
    node = disks.get("blank")["node"]
    alone = int(machine.ssh(f"s=$(date +%s%3N); /usr/lib/loam/loam-probe {node} > /dev/null; echo $(($(date +%s%3N) - s))"))
    taken = int(classed["LOAM_MILLISECONDS"])
    scenario.figures["milliseconds from udev's event to the class, and of loam-probe alone"] = [taken, alone]
    assert taken < 1000 * disks.scale + 3 * alone, scenario.figures
    claimed = disks.get("blank")
    link = f"/dev/disk/by-id/wwn-0x{blank.wwn:016x}"
    assert disks.devices()[link] == {"deviceClass": "hdd"}, disks.storage()
    assert "blank; will become an OSD" in machine.ssh("loamctl logs -- -o cat -g claiming")

    large = disks.make("fourk", device_options={"logical_block_size": 4096, "physical_block_size": 4096})
    flash = disks.make("flash", kind="nvme")
    for drive in (large, flash):
        machine.plug(drive)
        disks.wait(drive.name, use="waiting")
    assert disks.get("fourk")["sector_size"] == 4096
    assert {"deviceClass": "nvme"} in disks.devices().values()
    assert disks.get("flash")["slot"].startswith("PCI slot "), disks.get("flash")

    twins = [disks.make(name, wwn=0x5000C500000000EE) for name in ("twin1", "twin2")]
    for twin in twins:
        machine.plug(twin)
    for twin in twins:
        said = disks.wait(twin.name, use="waiting", reason="wwn-0x5000c500000000ee is also the name of another disk")
        assert said["id"] == f"serial-LOAM-HDD-{twin.name}" and "wwn" not in said["link"], said
    assert len(disks.devices()) == 5

    machine.unplug(blank)
    gone = disks.wait_said(f"{claimed['id']} (LOAM-HDD")
    assert gone["status"] == "false" and "is gone" in gone["message"], gone
    assert disks.get(claimed["id"])["class"] == "gone"
    assert "ceph osd purge" in machine.ssh(f"loamctl disks replace {claimed['id']}")
    machine.plug(blank)
    disks.wait("blank", use="waiting")
    wait_until(lambda: disks.condition()["status"] == "true", 30 * disks.scale, "nothing missing")
    for drive in (photos, blank, large, *twins):
        machine.unplug(drive)
    assert content_hash(photos.path) == before
    assert all(content_hash(one.path) == content_hash(twins[0].path) for one in (blank, large, *twins)), "claiming a blank disk writes nothing"


def test_rules_of_loam_yaml(disks):
    """Another host's part, databases of a size, exclusions, the most OSDs, and what a management controller shows as a disk."""
    machine = disks.machine
    never = disks.make("never", fill=ext4)
    before = content_hash(never.path)
    rules = f"""storage:
  wipe: [wwn-0x{never.wwn:016x}]
  data: [{{}}]
  hosts:
    - {{hosts: ["other*"], data: [{{}}]}}
    - hosts: ["nod?-1"]
      data: [{{rotational: true}}]
      exclude: [{{serial: never}}]
      metadata: {{select: [{{bus: nvme}}], size_per_osd: 3000000000}}
      max_osds: 2
"""
    disks.want(rules)
    first = disks.make("hdd1")
    machine.plug(first)
    disks.wait("hdd1", **{"class": "blank"}, use="none", why="waits for a metadata device")
    machine.plug(disks.make("flash", kind="nvme"))
    flash = disks.wait("flash", use="waiting", why="claimed for databases")
    disks.wait("hdd1", use="waiting")
    # In extents of 4 MiB: 716 of them.
    link = lambda drive: f"/dev/disk/by-id/wwn-0x{drive.wwn:016x}"
    with_database = {"deviceClass": "hdd", "metadataDevice": flash["link"], "databaseSizeMB": "2864"}
    assert disks.devices() == {link(first): with_database}, disks.storage()

    machine.plug(never)
    refused = disks.wait("never", **{"class": "foreign"}, use="none", why="it would be of no use: storage.exclude names it")
    assert "! wipe-disk" not in machine.ssh("loamctl disks plan"), refused
    machine.plug(disks.make("flat", rotational=False))
    disks.wait("flat", **{"class": "blank"}, use="none", why="storage.data does not select it")
    second, third = disks.make("hdd2"), disks.make("hdd3")
    machine.plug(second)
    disks.wait("hdd2", use="waiting")
    machine.plug(third)
    disks.wait("hdd3", **{"class": "blank"}, use="none", why="this node has 2 OSDs, storage.max_osds allows 2")
    assert disks.devices() == {link(first): with_database, link(second): with_database}, disks.storage()
    disks.want(rules.replace("max_osds: 2", "max_osds: 3"))
    disks.wait("hdd3", use="waiting")
    assert disks.devices()[link(third)] == with_database

    # As a BMC has it: a disk on USB that does not say that it is removable.
    virtual = disks.make("virtual")
    virtual.device_options = {"bus": "bmc.0", "vendor": "AMI", "product": "Virtual HDisk0"}
    disks.want(rules.replace("[{rotational: true}]", "[{}]").replace("max_osds: 2", "max_osds: 9"))
    machine.qmp.command("device_add", driver="usb-bot", bus="xhci.0", id="bmc", serial="virtual")
    machine.plug(virtual)
    machine.qmp.command("qom-set", path="/machine/peripheral/bmc", property="attached", value=True)
    shown = disks.wait("virtual", 60, **{"class": "removable"}, use="none", reason="virtual medium of a management controller")
    assert shown["bus"] == "usb" and not shown["removable"], shown
    disks.wait("flat", use="waiting")
    assert len(disks.devices()) == 4 and content_hash(virtual.path) == content_hash(first.path), "nothing was written to any of them"
    machine.ssh("sync")
    machine.unplug(never)
    assert content_hash(never.path) == before


def test_a_disk_is_erased_by_consent_and_once(disks):
    machine = disks.machine
    photos = disks.make("photos", fill=ext4)
    disks.want(STORAGE)
    machine.plug(photos)
    name = disks.wait("photos", **{"class": "foreign"})["id"]
    dark = machine.ssh(f"loamctl disks locate {name}", check=False)
    assert dark.returncode == 1 and "serial number photos is on its label" in dark.stderr, dark
    refused = machine.ssh(f"echo wwn-0x1 | loamctl disks wipe {name}", check=False)
    assert refused.returncode == 1 and "nothing was changed" in refused.stderr, refused
    assert "ext4" in disks.get("photos")["reason"]
    said = machine.ssh(f"echo {name} | loamctl disks wipe {name} 2>&1")
    assert "Type its id" in said and f"{name}: erase" in said and "nothing was written" not in said, said
    disks.wait("photos", use="waiting")
    assert machine.ssh("loamctl disks").count("waiting") == 1
    # Found foreign again, it needs consent anew; what loam.yaml lists was for once.
    machine.ssh(f"mkfs.ext4 -q -L again {disks.get('photos')['node']}")
    again = disks.wait("photos", **{"class": "foreign"}, reason="again")
    assert again["use"] == "none", again
    disks.wait_said("was to be an OSD; holds ext4 \"again\"")
    disks.want(STORAGE + f"  wipe: [{name}]\n")
    disks.wait("photos", use="waiting")
    machine.ssh(f"mkfs.ext4 -q -L third {disks.get('photos')['node']}")
    disks.wait("photos", why="the consent in storage.wipe was used up")
    assert f"! wipe-disk" not in machine.ssh("loamctl disks plan")
    # Mounted, it is nobody's to erase.
    machine.ssh(f"mkdir -p /run/m; mount {disks.get('photos')['node']} /run/m; udevadm trigger --settle --subsystem-match=block")
    disks.wait("photos", **{"class": "busy"}, reason="mounted on /run/m")
    busy = machine.ssh(f"loamctl disks wipe {name} --confirm {name}", check=False)
    assert busy.returncode == 1 and "its class is busy" in busy.stderr, busy
    # No event tells that it is free again.
    machine.ssh("umount /run/m")
    disks.wait("photos", **{"class": "foreign"}, reason="third")


def test_a_wipe_goes_on_after_a_power_cut(disks):
    """The disk is slow, the power goes while it is being erased; the next boot ends it, and then it is claimed."""
    machine = disks.machine
    disks.want(STORAGE)
    photos = disks.make("photos", fill=ext4)
    machine.qmp.command("object-add", **{"qom-type": "throttle-group", "id": "slow", "limits": {"bps-write": 3 << 20}})
    photos.layer = {"driver": "throttle", "throttle-group": "slow"}
    machine.plug(photos)
    name = disks.wait("photos", **{"class": "foreign"})["id"]
    machine.ssh(f"loamctl disks wipe {name} --confirm {name} > /tmp/out 2>&1 & timeout 100 sh -c 'until grep -q erase /tmp/out; do sleep 0.1; done'; sync /loam")
    machine.kill()
    photos.layer = {}
    machine.start()
    machine.wait_ssh(300)
    disks.wait("photos", 120, use="waiting")
    assert f"erasing {name}" in machine.ssh("journalctl -b -o cat -u loamd"), "it went on by itself"
    ledger = json.loads(machine.ssh("cat /loam/disks.json"))
    assert ledger["wipes"] == [] and ledger["erased"] == [name] and [claim["id"] for claim in ledger["claims"]] == [name], ledger


def test_disks_of_clusters(disks):
    """OSDs of our cluster are taken up untouched; those of another are refused, with both fsids; a disk of ours that was used again too."""
    machine = disks.machine
    other = "99999999-2222-4333-8444-555566667777"
    copy = lambda path: put(osd_label(FSID, "5", "11111111-0d2b-4a7e-9a55-0123456789ab"), 1 << 30)(path)
    drives = [disks.make("ours", fill=put(osd_label(FSID, "3"))), disks.make("theirs", fill=put(osd_label(other, "7"))),
              disks.make("copy", fill=copy), disks.make("used", fill=lambda path: (ext4(path), put(osd_label(FSID, "4"), 1 << 30)(path)))]
    before = {drive.name: content_hash(drive.path) for drive in drives}
    for drive in drives:
        machine.plug(drive)
    disks.wait("ours", **{"class": "foreign"}, reason="cluster.ceph_fsid does not say that it is ours")
    network = disks.base.index("network:")
    disks.base = disks.base[:network] + f"cluster: {{name: rack, ceph_fsid: {FSID}}}\n" + disks.base[network:]
    disks.want(STORAGE)
    ours = disks.wait("ours", **{"class": "osd"}, use="osd")
    assert ours["content"]["ceph"][0]["osd_id"] == "3", ours
    disks.wait("copy", **{"class": "osd"}, use="osd")
    theirs = disks.wait("theirs", **{"class": "foreign"})
    assert other in theirs["why"] and f"our cluster is {FSID}" in theirs["why"], theirs
    disks.wait("used", **{"class": "foreign"}, reason='ext4 "photos"')
    devices = disks.devices()
    assert len(devices) == 2 and ours["link"] in devices, devices
    machine.unplug(drives[0])
    disks.wait_said("OSD 3 on ")
    machine.plug(drives[0])
    disks.wait("ours", use="osd")
    machine.ssh("sync")
    for drive in drives:
        machine.unplug(drive)
    assert {drive.name: content_hash(drive.path) for drive in drives} == before


def test_disks_that_fail(disks):
    """One whose sectors cannot be read, one too small, and an NVMe disk that says that it is at its end."""
    machine = disks.machine
    disks.want("storage:\n  data: [{}]\n")
    bad = disks.make("bad")
    bad.layer = {"driver": "blkdebug", "inject-error": [{"event": "none", "iotype": "read", "errno": 5, "sector": 0}]}
    machine.plug(bad)
    said = disks.wait("bad", 60, **{"class": "unusable"})
    assert "Input/output error" in said["reason"] or "cannot be read" in said["reason"], said
    assert disks.wait_said("LOAM-HDD")["status"] == "false"
    machine.plug(disks.make("small", "1G"))
    disks.wait("small", **{"class": "unusable"}, reason="too small for an OSD")
    # Events while a disk is being looked at: the looks do not take each other for a program that holds it.
    machine.ssh("for i in $(seq 30); do udevadm trigger --action=change --subsystem-match=block; sleep 0.1; done; udevadm settle --timeout=600", limit=900)
    disks.wait("small", **{"class": "unusable"}, reason="too small for an OSD")
    assert "is busy" not in machine.ssh("journalctl -b -u loamd -o cat")
    flash = disks.make("flash", kind="nvme")
    machine.plug(flash)
    good = disks.wait("flash", 60, use="waiting")
    assert good["health"]["state"] == "good", good
    machine.qmp.command("qom-set", path="/machine/peripheral/dev-flash", property="smart_critical_warning", value=4)
    machine.ssh("loamctl retry")
    disks.wait_said("it is not reliable any more", 90)
    assert disks.get("flash")["health"]["state"] == "failing" and disks.condition()["status"] == "false"
    assert "failing" in machine.ssh("loamctl disks")
    assert "\n" in machine.ssh("journalctl -b -u loamd -o cat LOAM_CONDITION=Disks"), "an event is logged"
    assert machine.ssh("loamctl health") == "ready\n", "the node itself is well"


def test_a_disk_swapped_between_plan_and_apply(disks):
    """Another disk in the place of the one that was shown, under the same names or at the moment of the lock: never written to."""
    machine = disks.machine
    disks.want("storage:\n  data: []\n")
    wwn = 0x5000C500000000AB
    name = f"wwn-0x{wwn:016x}"
    shown = disks.make("shown", wwn=wwn, fill=ext4)
    letters = lambda path: subprocess.run(["mke2fs", "-q", "-F", "-t", "ext4", "-L", "letters", str(path)], check=True)
    other = disks.make("other", wwn=wwn, fill=letters, device_options={"serial": "shown"})
    blank = disks.make("blank", wwn=wwn, device_options={"serial": "shown"})
    machine.plug(shown)
    disks.wait("shown", **{"class": "foreign"}, reason="photos")

    # A person was shown one, and types its id when another answers to it.
    machine.ssh(f"systemd-run --unit typed sh -c '(until [ -e /run/typed ]; do sleep 0.2; done; echo {name}) | loamctl disks wipe {name} > /run/out 2>&1'")
    wait_until(lambda: "Type its id" in machine.ssh("cat /run/out", check=False).stdout, 60 * disks.scale, "the disk being shown")
    expected = json.dumps(disks.get("shown")["content"])
    machine.unplug(shown)
    machine.plug(other)
    disks.wait("shown", **{"class": "foreign"}, reason="letters")
    machine.ssh("touch /run/typed")
    wait_until(lambda: "not what was shown" in machine.ssh("cat /run/out"), 60 * disks.scale, "the refusal")

    # The consent was given for what the first held; loam-claim finds the other one.
    machine.ssh("cat > /run/expected", input=expected)
    claim = f"/usr/lib/loam/loam-claim {name} --expected /run/expected --consent given"
    refused = machine.ssh(claim, check=False)
    assert refused.returncode == 1 and "the consent to erase it was given for" in refused.stderr and "photos" in refused.stderr, refused

    # It waits for the lock; the disk is taken out and one that holds what was expected of a claim, nothing, comes in its place.
    node = disks.get("shown")["node"]
    machine.ssh(f"systemd-run --unit holder flock {node} sh -c 'touch /run/held; sleep 5'; until [ -e /run/held ]; do sleep 0.1; done")
    machine.ssh(f"systemd-run --unit waiter sh -c '{claim} > /run/claimed 2>&1; echo exit $? >> /run/claimed'; until grep -q lock /run/claimed; do sleep 0.1; done")
    machine.unplug(other)
    machine.plug(blank)
    wait_until(lambda: "exit" in machine.ssh("cat /run/claimed"), 60 * disks.scale, "the claim ending")
    said = machine.ssh("cat /run/claimed")
    assert "exit 1" in said and "erase" not in said, said
    disks.wait("shown", **{"class": "blank"})
    machine.unplug(blank)
    assert b"photos" in shown.path.read_bytes()[:4096] and b"letters" in other.path.read_bytes()[:4096]
    assert blank.path.stat().st_blocks == 0, "nothing was written to the third"


def test_two_paths_to_one_disk(disks):
    """One disk on two paths is one OSD; erasing it locks both."""
    machine = disks.machine
    disks.want(STORAGE)
    drive = disks.make("multi", fill=ext4, device_options={"share-rw": True})
    machine.plug(drive)
    disks.wait("multi", **{"class": "foreign"})
    machine.qmp.command("device_add", **{**drive.device(), "id": "second"})
    wait_until(lambda: len(disks.get("multi").get("paths", [])) == 2, 60 * disks.scale, "the second path")
    both = disks.get("multi")
    assert len(disks.all()) == 2 and both["id"] == f"wwn-0x{drive.wwn:016x}", disks.all()
    second = both["paths"][1]
    machine.ssh(f"systemd-run --unit holder flock {second} sh -c 'touch /run/held; sleep infinity'; until [ -e /run/held ]; do sleep 0.1; done")
    machine.ssh(f"loamctl disks wipe {both['id']} --confirm {both['id']}", check=False)
    disks.wait_said("locked by another program")
    assert "ext4" in disks.get("multi")["reason"]
    machine.ssh(f"systemctl stop holder; loamctl disks wipe {both['id']} --confirm {both['id']}")
    disks.wait("multi", 60, use="waiting")
    assert list(disks.devices()) == [both["link"]], disks.devices()
