"""Real Ceph on the disks that a node claimed: Debian's mon, mgr, OSDs and ceph-volume, in a tree beside the appliance's."""

import json

import pytest
from lab.machine import Drive, Machine, make_config_volume, make_disk, make_key, wait_until
from lab.node import STATES, config, iso_drive, uki
from lab.tools import in_tools, mount_tools, tools_drive
from test_disks import FSID, Disks

NAMES = ("hdd0", "hdd1", "solid", "flash")  # the last holds the databases of the first two

NODE = f"""storage:
  data: [{{max_size: 11G}}]
  metadata: {{select: [{{model: "LOAM-SSD", min_size: 11G, max_size: 13G}}], osds_per_device: 2}}
cluster: {{name: rack, ceph_fsid: {FSID}}}
"""

MON = f"""
mkdir -p /etc/ceph /run/ceph /var/lib/ceph/{{mon/ceph-a,mgr/ceph-x,osd,bootstrap-osd}} /var/log/ceph
cat > /etc/ceph/ceph.conf <<EOF
[global]
fsid = {FSID}
mon_host = 127.0.0.1
osd_crush_chooseleaf_type = 0
osd_pool_default_size = 2
osd_memory_target = 939524096
mon_allow_pool_delete = true
EOF
A=ceph-authtool
$A --create-keyring /tmp/mon.keyring --gen-key -n mon. --cap mon 'allow *'
$A --create-keyring /etc/ceph/ceph.client.admin.keyring --gen-key -n client.admin --cap mon 'allow *' --cap osd 'allow *' --cap mgr 'allow *'
$A --create-keyring /var/lib/ceph/bootstrap-osd/ceph.keyring --gen-key -n client.bootstrap-osd --cap mon 'profile bootstrap-osd' --cap mgr 'allow r'
$A /tmp/mon.keyring --import-keyring /etc/ceph/ceph.client.admin.keyring
$A /tmp/mon.keyring --import-keyring /var/lib/ceph/bootstrap-osd/ceph.keyring
monmaptool --create --clobber --fsid {FSID} --add a 127.0.0.1 /tmp/monmap
ceph-mon --mkfs -i a --monmap /tmp/monmap --keyring /tmp/mon.keyring
"""
DAEMONS = """
mkdir -p /run/ceph /var/log/ceph /var/lib/ceph/osd /var/lib/ceph/mgr/ceph-x
ceph-mon -i a
timeout 300 ceph mon stat
ceph auth get-or-create mgr.x mon 'allow profile mgr' osd 'allow *' mds 'allow *' -o /var/lib/ceph/mgr/ceph-x/keyring
ceph-mgr -i x
"""
ACTIVATE = """
ceph-volume raw activate --device {raw} --no-systemd
ceph-volume lvm activate --all --no-systemd
for i in 0 1 2; do ceph-osd -i $i; done
"""


def osds(machine):
    stat = json.loads(in_tools(machine, "timeout 60 ceph osd stat --format json", limit=120))
    return stat["num_up_osds"], stat["num_in_osds"]


def wait_osds(machine):
    wait_until(lambda: osds(machine) == (3, 3), 300 * machine.scale, "three OSDs up and in", interval=3)


def facts(disks):
    return {name: (disk["class"], [part["osd_uuid"] for part in disk["content"]["ceph"]]) for name, disk in disks.all().items() if name in NAMES}


@pytest.mark.long
def test_osds_on_claimed_disks_and_after_a_reinstallation(scenario, installed):
    drives = [Drive(make_disk(scenario.folder / f"{name}.qcow2", size), "scsi", name, rotational=name.startswith("hdd"), wwn=0x5000C50000003000 + i)
              for i, (name, size) in enumerate([("hdd0", "10G"), ("hdd1", "10G"), ("solid", "10G"), ("flash", "12G")])]
    tools = tools_drive(scenario.folder)
    disks = Disks(scenario, installed, scenario.keep(installed.machine(scenario.folder, drives=[*drives, tools], memory=6144)))
    machine = disks.machine
    disks.want(NODE)
    for drive in drives:
        disks.wait(drive.name, 60, use="waiting")
    devices = disks.devices()
    flash = disks.get("flash")
    assert len(devices) == 3 and [c.get("metadataDevice") for c in devices.values()].count(flash["link"]) == 2, devices
    size = next(c["databaseSizeMB"] for c in devices.values() if "databaseSizeMB" in c)
    mount_tools(machine)
    node = {name: disks.get(name)["node"] for name in NAMES}
    assert disks.get("hdd0")["metadata"] == disks.get("hdd1")["metadata"] == flash["id"] and not disks.get("solid")["metadata"]
    in_tools(machine, MON + DAEMONS, limit=600)
    in_tools(machine, f"ceph-volume raw prepare --bluestore --data {node['solid']}", limit=600)
    in_tools(machine, f"ceph-volume lvm batch --bluestore --yes --prepare {node['hdd0']} {node['hdd1']} --db-devices {node['flash']} --block-db-size {size}M", limit=900)
    in_tools(machine, ACTIVATE.format(raw=node['solid']), limit=600)
    wait_osds(machine)
    in_tools(machine, "ceph osd pool create data 8; echo precious > /tmp/o; timeout 300 rados -p data put object /tmp/o", limit=600)
    for name in NAMES[:3]:
        assert disks.wait(name, 60, use="osd")["class"] == "osd"
    metadata = disks.wait("flash", 60, **{"class": "metadata"})
    assert len(metadata["content"]["ceph"]) == 2 and "database of Ceph OSD" in metadata["reason"], metadata
    before = facts(disks)
    ledger = json.loads(machine.ssh("cat /loam/disks.json"))
    assert sorted(claim["osd_id"] for claim in ledger["claims"] if claim["purpose"] == "data") == ["0", "1", "2"], ledger
    # An OSD that runs is nobody's to erase.
    name = disks.get("hdd0")["id"]
    refused = machine.ssh(f"loamctl disks wipe {name} --confirm {name}", check=False)
    assert refused.returncode == 1 and "its class is osd" in refused.stderr, refused
    in_tools(machine, "pkill ceph-osd; while pgrep -x ceph-osd >/dev/null; do sleep 0.5; done; pkill ceph-mgr; pkill ceph-mon; while pgrep -x ceph-mon >/dev/null; do sleep 0.5; done")
    mon = scenario.folder / "mon.tar"
    mon.write_bytes(machine.fetch("tar -C /run/tools -cf - etc/ceph var/lib/ceph/mon var/lib/ceph/bootstrap-osd"))
    machine.ssh("vgchange -an; sync; systemctl --no-block poweroff", check=False)
    machine.wait_for_end(180)

    # The node is installed anew on another disk; its OSDs' disks are in it all the while.
    key, public = make_key(STATES)
    text = config(public, "{model: LOAM-SSD, min_size: 20G}") + NODE
    volume = make_config_volume(scenario.folder / "config.img", text)
    fresh = Drive(make_disk(scenario.folder / "new.qcow2", "24G"), "scsi", "new", boot=0, wwn=0x5000C500000000BB)
    again = Machine(scenario.folder / "again", uki(), memory=6144, drives=[fresh, *drives, tools_drive(scenario.folder), iso_drive(), Drive(volume, "usb", "config", "raw")])
    again.key = key
    scenario.keep(again).start()
    again.wait_ssh(600)
    disks = Disks(scenario, installed, again, started=True)
    for drive in drives:
        disks.wait(drive.name, 120, use="osd")
    assert facts(disks) == before
    wait_until(lambda: again.ssh("ls /dev/mapper | grep -c osd", check=False).stdout.strip() == "4", 120 * again.scale, "volumes and databases of two OSDs, active")
    mount_tools(again)
    again.send("tar -C /run/tools -xf -", mon.read_bytes())
    in_tools(again, DAEMONS, limit=600)
    in_tools(again, ACTIVATE.format(raw=disks.get("solid")["node"]), limit=600)
    wait_osds(again)
    assert in_tools(again, "timeout 300 rados -p data get object -", limit=400) == "precious\n"
    assert in_tools(again, "ceph fsid").strip() == FSID
    a_disk_fails_for_good(disks, drives[0])


def a_disk_fails_for_good(disks, drive):
    """It comes back once, and its OSD goes on. Then the OSD is purged, its part of the metadata device freed, and the next disk gets it."""
    machine = disks.machine
    lost = disks.get(drive.name)
    osd = lost["content"]["ceph"][0]["osd_id"]
    stop = f"pkill -f '^ceph-osd -i {osd}$'; while pgrep -f '^ceph-osd -i {osd}$' >/dev/null; do sleep 0.5; done"
    in_tools(machine, stop)
    machine.qmp.command("device_del", id=f"dev-{drive.name}")
    disks.wait_said(f"OSD {osd} on ")
    machine.plug(drive)
    node = disks.wait(drive.name, 60, use="osd")["node"].removeprefix("/dev/")
    wait_until(lambda: machine.ssh(f"ls /sys/block/{node}/holders").strip(), 120 * machine.scale, "its volumes, active again")
    in_tools(machine, f"ceph-osd -i {osd}")
    wait_osds(machine)
    in_tools(machine, f"{stop}; timeout 100 ceph osd purge {osd} --yes-i-really-mean-it --force")
    machine.unplug(drive)
    disks.wait_said(f"OSD {osd} on ")
    machine.plug(disks.make("hdd2"))
    disks.wait("hdd2", 60, use="none", why="none has room for its database")
    assert f"ceph osd purge {osd}" in machine.ssh(f"loamctl disks replace {lost['id']}")
    machine.ssh(f"loamctl disks replace {lost['id']} --forget")
    fresh = disks.wait("hdd2", 60, use="waiting")
    flash = disks.get("flash")
    assert fresh["metadata"] == flash["id"] and len(flash["content"]["ceph"]) == 1, flash
