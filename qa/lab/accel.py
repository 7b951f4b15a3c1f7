"""KVM where a kernel really boots under it, else TCG. A present /dev/kvm proves nothing."""

import fcntl
import hashlib
import json
import os
import subprocess
import tempfile
from functools import cache
from pathlib import Path

# How long things take under TCG on two cores, against which limits are given; KVM is several times as fast.
SCALE = {"tcg": 1.0, "kvm": 0.34}


def time_scale(kind):
    """Machines side by side take each other's processors."""
    return SCALE[kind] * (1 + 0.7 * (int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")) - 1))


def _boots(uki):
    """The release's own kernel without a root: it must get as far as its panic, which ends QEMU."""
    with tempfile.TemporaryDirectory() as work:
        kernel = Path(work) / "vmlinuz"
        subprocess.run(["objcopy", "-O", "binary", "-j", ".linux", str(uki), str(kernel)], check=True)
        log = Path(work) / "log"
        argv = ["qemu-system-x86_64", "-accel", "kvm", "-cpu", "host", "-m", "512", "-nodefaults", "-no-reboot", "-display", "none",
                "-serial", f"file:{log}", "-kernel", str(kernel), "-append", "console=ttyS0 panic=-1"]
        try:
            subprocess.run(argv, timeout=15, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        except subprocess.TimeoutExpired:
            return False
        return b"Unable to mount root fs" in log.read_bytes()


@cache
def accelerator(uki):
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return "tcg"
    kernel = json.loads(next(Path(uki).parent.glob("loam-*.json")).read_text())["kernel"]
    # For this boot of the host: under the next one it may be another hypervisor's.
    key = hashlib.sha256(kernel.encode() + Path("/proc/sys/kernel/random/boot_id").read_bytes()).hexdigest()[:16]
    cache = Path(os.environ["LOAM_CACHE"])
    with (cache / "accelerator.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        known = cache / f"accelerator-{key}"
        if not known.exists():
            answer = "kvm" if _boots(uki) else "tcg"
            for old in cache.glob("accelerator-*"):
                old.unlink()
            known.write_text(answer)
        return known.read_text()
