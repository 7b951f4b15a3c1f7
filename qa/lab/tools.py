"""A disk with Debian's storage tools and its real Ceph, for guests that make what Loam has to tell apart."""

import fcntl
import importlib.util
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from lab.machine import Drive
from lab.node import overlay

TOP = Path(__file__).resolve().parent.parent.parent
CACHE = Path(os.environ["LOAM_CACHE"])
RECIPE = TOP / "qa/storage-tools"
SERIAL = "tools"

# In the guest: the tree with a layer in memory over it, and the guest's own devices.
MOUNT = f"""
set -e
modprobe -a erofs overlay raid1 raid456 bcache dm-crypt
mkdir -p /run/tools-ro /run/tools-rw /run/tools
mount -t erofs -o ro $(lsblk -dnpo NAME,SERIAL | awk '$2 == "{SERIAL}" {{print $1}}') /run/tools-ro
mount -t tmpfs -o size=3G none /run/tools-rw
mkdir -p /run/tools-rw/upper /run/tools-rw/work
mount -t overlay -o lowerdir=/run/tools-ro,upperdir=/run/tools-rw/upper,workdir=/run/tools-rw/work none /run/tools
for d in dev proc sys; do mount --rbind /$d /run/tools/$d; done
mkdir -p /run/tools/run/udev /run/tools/run/lock/lvm /run/tools/tmp
mount --bind /run/udev /run/tools/run/udev
"""


def tools_drive(folder):
    """The disk, made once for its list of packages; a copy that nobody else sees."""
    spec = importlib.util.spec_from_file_location("image_build", TOP / "mkosi/build.py")
    recipes = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(recipes)
    image = CACHE / f"storage-tools-{recipes.tree_hash(RECIPE)[:16]}.erofs"
    with (CACHE / "storage-tools.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not image.exists():
            with tempfile.TemporaryDirectory(dir=TOP / "build") as work:
                tree = recipes.mkosi_tree(RECIPE, Path(work), None, cached=False)
                partial = image.with_suffix(".partial")
                subprocess.run(["mkfs.erofs", "-zlz4", "-C65536", str(partial), str(tree)], check=True, stdout=subprocess.DEVNULL)
                partial.rename(image)
                shutil.rmtree(tree)
        os.utime(image)
    for stale in sorted(CACHE.glob("storage-tools-*.erofs"), key=lambda p: p.stat().st_mtime)[:-2]:
        stale.unlink(missing_ok=True)
    for tree in CACHE.glob("tree-storage-tools-*"):
        tree.unlink(missing_ok=True)  # the image is what is kept
    return Drive(overlay(image, folder / "tools.qcow2", "raw"), "scsi", SERIAL, wwn=0x5000C500000000FF)


def mount_tools(machine):
    machine.ssh(MOUNT, limit=120)


def in_tools(machine, script, limit=300, **options):
    """A script of bash inside of the tree, as root, on the guest's devices."""
    return machine.ssh("exec chroot /run/tools bash -euo pipefail -s", limit=limit, input=script, **options)
