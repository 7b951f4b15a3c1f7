"""What may stand on a disk, made by the real tools: each is told apart, none is claimed, none is changed."""

import hashlib
import os

import pytest
from lab.checks import content_hash
from lab.tools import in_tools, mount_tools, tools_drive
from test_disks import FSID, Disks, osd_label, put

UUID = "8c2a1f7e-0d2b-4a7e-9a55-0123456789ab"
OTHER = "99999999-2222-4333-8444-555566667777"

# In bash, as root, in Debian's tools; $D is the disk, $N its name.
LUKS = "echo -n secret | cryptsetup luksFormat --batch-mode --type {} --pbkdf pbkdf2 --pbkdf-force-iterations 1000 $D -"
RAID = "export MDADM_NO_UDEV=1; mdadm --create /dev/md10 --run --metadata={metadata} --level={level} --raid-devices=2 --assume-clean $D missing; mdadm --stop /dev/md10"
CONTAINER = "export MDADM_NO_UDEV=1 IMSM_NO_PLATFORM=1; mdadm --create /dev/md11 --run --force -e {} -n 1 $D; mdadm --stop /dev/md11"
OSD = """
mkdir -p /etc/ceph /run/ceph; printf '[global]\\nfsid = {fsid}\\nosd_objectstore = bluestore\\nlog_to_file = false\\n' > /etc/ceph/ceph.conf
monmaptool --create --clobber --fsid {fsid} --add a 127.0.0.1:6789 /tmp/monmap >/dev/null
rm -rf /tmp/osd; mkdir /tmp/osd; ln -s {block} /tmp/osd/block; {more}
ceph-osd --mkfs -i {id} --osd-data /tmp/osd --osd-uuid {uuid} --fsid {fsid} --monmap /tmp/monmap --mkkey --no-mon-config 2>&1 | tail -3
"""
TAGS = "lvchange $(for t in {tags}; do echo --addtag $t; done) {volume} >/dev/null"


def osd(fsid=FSID, block="$D", number=3, uuid=UUID, more=""):
    return OSD.format(fsid=fsid, block=block, id=number, uuid=uuid, more=more)


def tagged(volume, role, number=4, uuid=UUID, fsid=FSID):
    return TAGS.format(volume=volume, tags=f"ceph.osd_id={number} ceph.osd_fsid={uuid} ceph.cluster_fsid={fsid} ceph.type={role} ceph.encrypted=0")


FOREIGN = {
    "ext2": ("mkfs.ext2 -qF -L photos $D", 'ext2 "photos"'),
    "ext3": ("mkfs.ext3 -qF $D", "ext3"),
    "ext4": ("mkfs.ext4 -qF $D", "ext4"),
    "xfs": ("mkfs.xfs -qf -L photos $D", 'xfs "photos"'),
    "btrfs": ("mkfs.btrfs -qf -L photos $D", 'btrfs "photos"'),
    "vfat": ("mkfs.vfat -I -n PHOTOS $D", 'vfat "PHOTOS"'),
    "exfat": ("mkfs.exfat -L photos $D", 'exfat "photos"'),
    "ntfs": ("mkfs.ntfs -QFq -L photos $D", 'ntfs "photos"'),
    "f2fs": ("mkfs.f2fs -fq -l photos $D", 'f2fs "photos"'),
    "udf": ("mkfs.udf --label=photos $D", "udf"),
    "jfs": ("mkfs.jfs -q $D", "jfs"),
    "nilfs2": ("mkfs.nilfs2 -qf $D", "nilfs2"),
    "minix": ("mkfs.minix $D", "minix"),
    "swap": ("mkswap -L photos $D", 'swap "photos"'),
    "erofs": ("mkdir -p /tmp/e; cp /etc/debian_version /tmp/e; mkfs.erofs --quiet /tmp/e.img /tmp/e; dd if=/tmp/e.img of=$D status=none", "erofs"),
    "squashfs": ("mkdir -p /tmp/e; mksquashfs /tmp/e /tmp/s.img -noappend -quiet -no-progress; dd if=/tmp/s.img of=$D status=none", "squashfs"),
    "iso": ("mkdir -p /tmp/e; xorriso -as mkisofs -quiet -V PHOTOS -o /tmp/i.iso /tmp/e; dd if=/tmp/i.iso of=$D status=none", 'iso9660 "PHOTOS"'),
    "lvm-pv": ("pvcreate -qqy $D", "LVM2_member"),
    "lvm-vg": ("vgcreate -qqy empty $D", 'LVM2_member "empty"'),
    "lvm-lv": ("vgcreate -qqy photos $D; lvcreate -qqy -n album -L 100M photos; mkfs.ext4 -qF /dev/photos/album; vgchange -qan photos", "LVM volume photos/album"),
    "md-0.90": (RAID.format(metadata="0.90", level=1), "linux_raid_member"),
    "md-1.0": (RAID.format(metadata="1.0", level=1), "linux_raid_member"),
    "md-1.1": (RAID.format(metadata="1.1", level=1), "linux_raid_member"),
    "md-1.2": (RAID.format(metadata="1.2", level=5), "linux_raid_member"),
    "imsm": (CONTAINER.format("imsm"), "isw_raid_member"),
    "ddf": (CONTAINER.format("ddf"), "ddf_raid_member"),
    "luks1": (LUKS.format("luks1"), "crypto_LUKS"),
    "luks2": (LUKS.format("luks2") + "; cryptsetup config --label photos $D", 'crypto_LUKS "photos"'),
    "bcache": ("make-bcache -B $D", "bcache"),
    "gpt": ("sgdisk -n 1:0:0 $D >/dev/null; partx -u $D; mkfs.ext4 -qF -L photos ${D}1", 'ext4 in partition 1 "photos"'),
    "gpt-empty": ("sgdisk -o $D >/dev/null", "gpt partition table"),
    "gpt-zeroed": ("sgdisk -n 1:0:+500M -n 2:0:0 $D >/dev/null", "gpt partition table"),
    "gpt-backup": ("sgdisk -n 1:0:0 $D >/dev/null; dd if=/dev/zero of=$D bs=512 count=34 conv=notrunc status=none", "gpt partition table"),
    "gpt-half": ("sgdisk -n 1:0:0 $D >/dev/null; dd if=/dev/zero of=$D bs=512 seek=2 count=32 conv=notrunc status=none;"
                 "dd if=/dev/zero of=$D bs=512 seek=$(($(blockdev --getsz $D) - 33)) count=33 conv=notrunc status=none", ""),
    "mbr": ("printf 'label: dos\\n,\\n' | sfdisk -q $D; partx -u $D; mkfs.xfs -qf ${D}1", "xfs in partition 1"),
    "mbr-empty": ("printf 'label: dos\\n' | sfdisk -q $D", "dos partition table"),
    "osd-raw-theirs": (osd(OTHER), f"Ceph OSD 3 of cluster {OTHER}"),
    "osd-damaged": (osd() + "printf x | dd of=$D bs=1 seek=100 conv=notrunc status=none", "a Ceph OSD with a damaged label"),
    "osd-and-lvm": ("vgcreate -qqy mixed $D; lvcreate -qqy -n osd -L 200M mixed; lvcreate -qqy -n album -L 100M mixed;" + tagged("mixed/osd", "block")
                    + ";vgchange -qan mixed", "LVM volume mixed/album"),
}

OURS = {
    "osd-raw": (osd(), "osd", f"Ceph OSD 3 of cluster {FSID}"),
    "osd-copy": (osd(number=5, uuid=UUID.replace("8c", "5c")) + "dd if=$D of=$D bs=4096 count=1 seek=$((1 << 18)) conv=notrunc status=none; dd if=/dev/zero of=$D bs=1M count=1 conv=notrunc status=none",
                 "osd", f"Ceph OSD 5 of cluster {FSID}"),
    "osd-lvm": ("vgcreate -qqy ceph-lvm $D; lvcreate -qqy -n osd-block -l 100%FREE ceph-lvm;" + osd(block="/dev/ceph-lvm/osd-block", number=4, uuid=UUID.replace("8c", "4c"))
                + tagged("ceph-lvm/osd-block", "block", 4, UUID.replace("8c", "4c")) + "; vgchange -qan ceph-lvm", "osd", f"Ceph OSD 4 of cluster {FSID}"),
    "osd-luks": ("vgcreate -qqy ceph-luks $D; lvcreate -qqy -n osd-block -l 100%FREE ceph-luks;" + tagged("ceph-luks/osd-block", "block", 6, UUID.replace("8c", "6c")).replace("encrypted=0", "encrypted=1")
                 + ";" + LUKS.format("luks2").replace("$D", "/dev/ceph-luks/osd-block") + "; vgchange -qan ceph-luks", "osd", "Ceph OSD 6 of cluster " + FSID + ", encrypted"),
    "osd-luks-raw": (LUKS.format("luks2") + f"; cryptsetup config --subsystem ceph_fsid={FSID} $D", "osd", f"a Ceph OSD of cluster {FSID}, encrypted"),
    "osd-db": ("vgcreate -qqy ceph-db $D; for i in 8 9; do lvcreate -qqy -n db-$i -L 400M ceph-db; done;" + tagged("ceph-db/db-8", "db", 8, UUID.replace("8c", "88")) + ";"
               + tagged("ceph-db/db-9", "db", 9, UUID.replace("8c", "99")) + "; vgchange -qan ceph-db", "metadata", "database of Ceph OSD 8"),
}


def nvlist(**values):
    """As ZFS keeps a pool's configuration in a label: XDR, with a header of four bytes."""
    word = lambda value: value.to_bytes(4, "big")
    padded = lambda data: data + bytes(-len(data) % 4)
    text = b"\1\1\0\0" + word(0) + word(1)
    for name, value in values.items():
        one = word(len(name)) + padded(name.encode())
        one += word(9) + word(1) + word(len(value)) + padded(value.encode()) if isinstance(value, str) else word(8) + word(1) + value.to_bytes(8, "big")
        text += 2 * word(len(one) + 8) + one
    return text + bytes(8)


def zfs_label(path, ends):
    """Configuration and uberblocks of ZFS, as OpenZFS's vdev_impl.h has them; a pool's disk has four labels, two at each end."""
    for start in ends(os.path.getsize(path)):
        put(nvlist(version=5000, name="tank", state=0, txg=4, pool_guid=1234567, guid=7654321), start + (16 << 10))(path)
        for number in range(128):
            uberblock = (0x00BAB10C).to_bytes(8, "little") + (5000).to_bytes(8, "little") + (number + 1).to_bytes(8, "little") + bytes(16)
            put(uberblock, start + (128 << 10) + number * 1024)(path)


BY_HAND = {
    "zfs": (lambda path: zfs_label(path, lambda size: (0, 256 << 10, size - (512 << 10), size - (256 << 10))), 'zfs_member "tank"'),
    "zfs-end": (lambda path: zfs_label(path, lambda size: (size - (512 << 10), size - (256 << 10))), 'zfs_member "tank"'),
    "random": (put(os.urandom(1 << 20)), "data of an unknown kind"),
    "last-byte": (put(b"x", (2 << 30) - 1), "data of an unknown kind"),
    "middle": (put(os.urandom(64 << 20), 1 << 30), "data of an unknown kind between its ends"),
    "osd-copies": (lambda path: [put(osd_label(OTHER, "1"), offset)(path) for offset in (0, 1 << 30)], f"Ceph OSD 1 of cluster {OTHER}"),
}


@pytest.mark.long
def test_contents_are_told_apart_and_kept(scenario, installed):
    disks = Disks(scenario, installed)
    machine = disks.machine
    network = disks.base.index("network:")
    disks.base = disks.base[:network] + f"cluster: {{name: rack, ceph_fsid: {FSID}}}\n" + disks.base[network:]
    machine.plug(tools_drive(scenario.folder))
    disks.wait("tools", **{"class": "foreign"})
    mount_tools(machine)
    made = {**{name: recipe for name, (recipe, _) in FOREIGN.items()}, **{name: recipe for name, (recipe, _, _) in OURS.items()}}
    drives = [disks.make(name, "2G", wwn=0x5000C50000002000 + number) for number, name in enumerate([*made, *BY_HAND])]
    failed = []
    for drive in drives:
        if drive.name in BY_HAND:
            BY_HAND[drive.name][0](drive.path)
            continue
        machine.plug(drive)
        node = disks.wait(drive.name, **{"class": "unusable"}, reason="too small for an OSD")["node"]
        done = in_tools(machine, f"D={node}; N={drive.name.replace('.', '')}\n{made[drive.name]}\nsync; blockdev --flushbufs $D", limit=300, check=False)
        if done.returncode != 0:
            failed.append(f"{drive.name}: {done.stdout[-300:]}{done.stderr[-300:]}")
        machine.unplug(drive)
    assert not failed, "\n".join(failed)
    before = {drive.name: content_hash(drive.path) for drive in drives}
    assert all(value != hashlib.sha256().hexdigest() for value in before.values()), before
    scenario.figures["contents"] = len(drives)
    disks.want("storage:\n  data: [{}]\n")
    wrong = []
    for drive in drives:
        machine.plug(drive)
    for drive in drives:
        _, *expected = OURS.get(drive.name) or FOREIGN.get(drive.name) or BY_HAND[drive.name]
        cls, text = expected if len(expected) == 2 else ("foreign", expected[0])
        try:
            seen = disks.wait(drive.name, **{"class": cls}, reason=text)
        except AssertionError as problem:
            wrong.append(str(problem))
            continue
        if seen["use"] != ("none" if cls == "foreign" else "osd"):
            wrong.append(f"{drive.name}: {seen['use']}: {seen['why']}")
    assert not wrong, "\n".join(wrong)
    assert "claiming" not in machine.ssh("loamctl logs -- -o cat") and disks.storage()["plan"].endswith("nothing to do\n")
    machine.ssh("sync")
    for drive in drives:
        machine.unplug(drive)
    changed = [drive.name for drive in drives if content_hash(drive.path) != before[drive.name]]
    assert not changed


def test_content_hash_sees_a_byte(tmp_path):
    """The comparison that the scenarios stand on."""
    path = tmp_path / "disk"
    with path.open("wb") as file:
        file.truncate(64 << 20)
    empty = content_hash(path)
    with path.open("r+b") as file:
        file.seek(33 << 20)
        file.write(bytes(4096))
    assert content_hash(path) == empty
    with path.open("r+b") as file:
        file.seek((33 << 20) + 5)
        file.write(b"x")
    assert content_hash(path) != empty
