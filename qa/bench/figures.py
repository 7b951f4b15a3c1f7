"""./dev bench: boot, install, memory, console, network, disks, sizes, slots, delta, images. Writes build/bench/NAME.json and prints a table."""

import json
import re
import shutil
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from bench import console_figures, image_figures, upgrade_figures
from bench.fake_disks import fake_disks, with_disks
from bench.figure import OUT, figure, work
from lab.machine import wait_until
from lab.node import ISO, RELEASE, TRUST, Installed, install, uki

TOP = Path(__file__).resolve().parent.parent.parent
ENGINE = TOP / "build/release/initd/loam-install"


# ---- boot ----

def multi_user_seconds(machine):
    """Monotonic time at which multi-user.target became active, from the kernel's start."""
    stamp = lambda: int(machine.ssh("systemctl show -P ActiveEnterTimestampMonotonic multi-user.target"))
    return wait_until(stamp, 120 * machine.scale, "multi-user.target", interval=1) / 1e6


def ready_seconds(machine):
    """Monotonic time at which loamd said that it is ready."""
    machine.wait_state("ready", 120)
    entries = machine.ssh("journalctl -b -o json LOAM_STATE=ready").splitlines()
    return int(json.loads(entries[0])["__MONOTONIC_TIMESTAMP"]) / 1e6


def one_boot(installed, folder, masked):
    extra = ["-smbios", "type=11,value=io.systemd.stub.kernel-cmdline-extra=systemd.mask=loamd.service systemd.mask=loam-health.service systemd.mask=loam-health-rack.service"] if masked else []
    machine = installed.machine(folder, extra=extra)
    machine.start()
    try:
        machine.wait_ssh(300)
        assert masked == (machine.ssh("systemctl show -P LoadState loamd.service").strip() == "masked")
        return multi_user_seconds(machine), None if masked else ready_seconds(machine)
    finally:
        machine.kill()


def boot():
    installed = Installed()
    folder = work("boot")
    times = {True: [], False: []}
    ready = []
    for round_number in range(5):
        for masked in (False, True) if round_number % 2 else (True, False):
            multi_user, until_ready = one_boot(installed, folder / f"{round_number}-{masked}", masked)
            times[masked].append(multi_user)
            if until_ready:
                ready.append(until_ready)
    with_loamd, without = statistics.median(times[False]), statistics.median(times[True])
    return [figure("multi-user.target with loamd / without", with_loamd / without, "ratio", 1.10, against="the same boot with loamd masked, medians of 5, alternating"),
            figure("multi-user.target with loamd", with_loamd, "s"), figure("multi-user.target without loamd", without, "s"),
            figure("ready", statistics.median(ready), "s")]


# ---- install ----

def native_install(folder):
    """Seconds that the engine takes for its copy, from its own progress lines."""
    disk = folder / "disk.img"
    disk.unlink(missing_ok=True)
    with disk.open("wb") as file:
        file.truncate(24 << 30)
    # Blocks are there already, as on a disk: allocating them is the host file system's time, not ours.
    subprocess.run(["fallocate", "-l", "9G", str(disk)], check=True)
    (folder / "loam.yaml").write_text("version: 1\ninstall: {disk: {bus: nvme}}\n")
    process = subprocess.Popen([str(ENGINE), "--release", str(RELEASE), "--disk", str(disk), "--config", str(folder / "loam.yaml"), "--trust", str(TRUST), "--journal",
                                str(folder / "journal"), "--wipe"], stdout=subprocess.PIPE, text=True)
    begun = {}
    for line in process.stdout:
        entry = json.loads(line)
        begun.setdefault(entry.get("step"), time.monotonic())
    assert process.wait() == 0
    return begun["make-loam"] - begun["fill-slot"]


def dd_install(folder):
    """The same bytes read through the same verification into dd with direct I/O."""
    target = folder / "dd.img"
    target.unlink(missing_ok=True)
    subprocess.run(["fallocate", "-l", "9G", str(target)], check=True)
    started = time.monotonic()
    reader = subprocess.Popen([str(TOP / "build/release/initd/loam-verified-read"), str(RELEASE)], stdout=subprocess.PIPE)
    subprocess.run(["dd", f"of={target}", "bs=4M", "iflag=fullblock", "oflag=direct", "conv=notrunc,fsync", "status=none"], stdin=reader.stdout, check=True)
    reader.stdout.close()
    assert reader.wait() == 0
    return time.monotonic() - started


def qemu_install():
    folder = work("install-qemu")
    machine = install(folder)
    try:
        machine.wait_console(": installing", 240)
        started = time.monotonic()
        machine.wait_console("the disk is bootable", 240)
        seconds = time.monotonic() - started
        size = next(RELEASE.glob("*.root")).stat().st_size + uki().stat().st_size
        return [figure("whole installation in QEMU", seconds, "s"),
                figure("root and UKI over that time", size / seconds / 2**20, "MiB/s", better="higher")]
    finally:
        machine.kill()


def install_figures():
    folder = work("install")
    native_install(folder), dd_install(folder)  # both once before it counts: caches
    ours, theirs = [], []
    for _ in range(5):
        ours.append(native_install(folder))
        theirs.append(dd_install(folder))
    size = next(RELEASE.glob("*.root")).stat().st_size
    result = [figure("copy and verify, speed of dd / ours", statistics.median(theirs) / statistics.median(ours), "ratio", 0.8, "higher",
                     "dd with direct I/O of the same bytes through the same verification, medians of 5"),
              figure("copy and verify", size / statistics.median(ours) / 2**20, "MiB/s", better="higher"),
              *qemu_install()]
    shutil.rmtree(folder)
    return result


# ---- memory, sizes ----

def memory():
    machine = Installed().running(work("memory"))
    try:
        rollup = machine.ssh("cat /proc/$(systemctl show -P MainPID loamd)/smaps_rollup")
        console = machine.ssh("cat /proc/$(systemctl show -P MainPID loam-console@ttyS0)/smaps_rollup")
    finally:
        machine.kill()
    kib = lambda text, name: int(re.search(rf"^{name}:\s+(\d+)", text, re.M).group(1)) / 1024
    return [figure("loamd PSS", kib(rollup, "Pss"), "MiB", 16, against="limit of the design"), figure("loamd RSS", kib(rollup, "Rss"), "MiB"),
            figure("loam-console PSS", kib(console, "Pss"), "MiB")]


def sizes():
    files = {"root": next(RELEASE.glob("*.root")), "verity": next(RELEASE.glob("*.verity")), "UKI": uki(), "ISO": ISO}
    return [figure(name, path.stat().st_size / 2**20, "MiB") for name, path in files.items()]


# ---- network ----

def network_program(*arguments):
    """Its first word: seconds. In a network namespace of its own, where it makes its links."""
    argv = ["unshare", "-n", str(TOP / "build/release/initd/loam-network-bench"), *map(str, arguments)]
    return float(subprocess.run(argv, capture_output=True, text=True, check=True, timeout=300).stdout.split()[0])


def network():
    planning = statistics.median(network_program("plan", 1000) for _ in range(5))
    few, many = [], []
    for _ in range(5):  # alternating
        few.append(network_program("event", 4))
        many.append(network_program("event", 400))
    few, many = statistics.median(few), statistics.median(many)
    return [figure("planning 1,000 links", planning * 1000, "ms", 50, against="limit of the issue; pins, files, difference, interruptions"),
            figure("one link's event among 400 links / among 4", many / few, "ratio", 1.5, against="the same event with 4 links, medians of 5, alternating"),
            figure("one link's event among 400 links", many * 1e6, "us")]


# ---- disks ----

def disks():
    program = TOP / "build/release/initd/loam-disk-bench"
    seconds = lambda text: float(text.split()[0])
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        few, many = (fake_disks(Path(folder) / str(count), count) for count in (10, 1000))
        observed, listed, pairs = [], [], []
        for _ in range(5):  # alternating
            observed.append(with_disks(many, program, "observe"))
            started = time.monotonic()
            listing = with_disks(many, "lsblk", "-O", "-J")
            listed.append(time.monotonic() - started)
            pairs.append([seconds(with_disks(some, program, "event")) for some in (few, many)])
    assert all("1000 disks, 900 actions" in text for text in observed), observed
    assert len(json.loads(listing)["blockdevices"]) == 1000
    planned = statistics.median(map(seconds, observed))
    of_few, of_many = (statistics.median(values) for values in zip(*pairs))
    return [figure("observe and plan 1,000 disks", planned * 1000, "ms", 100, against="limit of the issue; a fake sysfs"),
            figure("observe and plan / lsblk -O -J", planned / statistics.median(listed), "ratio", against="lsblk's whole run with the same 1,000 disks, medians of 5, alternating"),
            figure("one disk's event among 1,000 / among 10", of_many / of_few, "ratio", 1.5, against="the same event with 10 disks, medians of 5, alternating"),
            figure("one disk's event among 1,000", of_many * 1e6, "us")]


BENCHES = {"sizes": sizes, "slots": upgrade_figures.slots, "delta": upgrade_figures.delta, "images": image_figures.images, "disks": disks, "network": network, "memory": memory, "console": console_figures.console, "install": install_figures, "boot": boot}


def run(names, say):
    OUT.mkdir(parents=True, exist_ok=True)
    good = True
    for name in names or BENCHES:
        if name not in BENCHES:
            raise SystemExit(f"dev: no bench \"{name}\"; there are {', '.join(BENCHES)}")
        say(f"measuring {name}")
        figures = BENCHES[name]()
        (OUT / f"{name}.json").write_text(json.dumps(figures, indent=1) + "\n")
        for item in figures:
            verdict = "" if item["met"] is None else f"  goal {item['goal']}: {'met' if item['met'] else 'NOT MET'}"
            print(f"{name:8} {item['figure']:45} {item['value']:10} {item['unit']}{verdict}", flush=True)
            good = good and item["met"] is not False
    return good
