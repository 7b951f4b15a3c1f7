"""./dev bench slots and delta: what an upgrade costs, beside other ways to the same bytes, on the same releases and server."""

import hashlib
import json
import os
import re
import shutil
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from bench.figure import figure, work
from bench.rauc import rauc
from lab import judge, releases
from lab.node import RELEASE, TRUST
from lab.release_server import ReleaseServer

TOP = Path(__file__).resolve().parent.parent.parent
PROGRAMS = TOP / "build/release/initd"
BLOCK = 4096
NEXT = "0.1.1"
LARGEST = 6 << 30  # bytes of a slot's root
SALT = "ab" * 32
SUFFIXES = (".root", ".verity", ".efi")


def measured(argv, **options):
    """Seconds, CPU seconds and the largest resident size (MiB) of a program."""
    started = time.monotonic()
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen([str(word) for word in argv], stdout=output, text=True, **options)
        largest = 0
        while os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            largest = max(largest, high_water(process.pid))
            time.sleep(0.005)  # of a program that has ended nobody can ask
        _, status, usage = os.wait4(process.pid, 0)
        output.seek(0)
        assert status == 0, f"{argv}: {output.read()[-1500:]}"
    return {"wall_s": time.monotonic() - started, "cpu_s": usage.ru_utime + usage.ru_stime, "rss_mib": largest / 1024}


def high_water(pid):
    """KiB. rusage would count what Python had before it became the program."""
    try:
        return int(re.search(r"^VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text(), re.M)[1])
    except (OSError, TypeError):  # it has ended
        return 0


class Disk:
    """An image file with a release installed and blessed."""

    def __init__(self, folder, release):
        self.folder, self.image = folder, folder / "disk.img"
        self.state = folder / "state"
        self.state.mkdir(parents=True)
        (self.state / "loam.yaml").write_text("version: 1\ninstall: {disk: {bus: nvme}}\n")
        with self.image.open("wb") as file:
            file.truncate(24 << 30)
        measured([PROGRAMS / "loam-install", "--release", release, "--disk", self.image, "--config", self.state / "loam.yaml", "--trust", TRUST,
                  "--journal", folder / "journal"])
        manifest = json.loads(next(release.glob("loam-*.json")).read_text())
        self.version, self.root_hash = manifest["version"], manifest["verity"]["root_hash"]
        (folder / "running.json").write_text(json.dumps({"version": self.version, "kubernetes": "", "config_versions": [1]}))
        subprocess.run(["mren", "-i", f"{self.image}@@{1 << 20}", f"::/EFI/Linux/loam-{self.version}+3.efi", f"loam-{self.version}.efi"], check=True,
                       env=dict(os.environ, MTOOLSRC="/dev/null", MTOOLS_SKIP_CHECK="1"))

    def upgrade(self, where):
        return measured([PROGRAMS / "loam-upgrade", "apply", where, "--disk", self.image, "--root-hash", self.root_hash, "--running",
                         self.folder / "running.json", "--state", self.state, "--trust", TRUST])


def file_of(release, suffix):
    return next(path for path in release.glob(f"loam-*{suffix}") if ".boot." not in path.name)


# ---- delta ----

def blocks_of(path):
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            yield block


def lower_bound_of_roots(old, new):
    digest = lambda block: hashlib.sha256(block).digest()
    known = {digest(block) for block in blocks_of(old)} | {digest(bytes(BLOCK))}
    return len({digest(block) for block in blocks_of(new)} - known) * BLOCK


def lower_bound(old, new):
    """Bytes that nobody can do without who takes blocks of 4 KiB: those that the old root does not have, the tree, and the sections
    and frames of the UKI that changed, without what the new root has of them."""
    of = lambda release: json.loads(next(release.glob("loam-*.json")).read_text())
    had = {section["sha256"] for section in of(old)["uki"]}
    copies, uki, at = of(new)["uki_in_root"], 0, 0
    for section in of(new)["uki"]:
        end = at + section["bytes"]
        if section["sha256"] not in had:
            uki += section["bytes"] - sum(max(0, min(end, offset + size) - max(at, offset)) for offset, _, size in copies)
        at = end
    return lower_bound_of_roots(file_of(old, ".root"), file_of(new, ".root")) + file_of(new, ".verity").stat().st_size + uki


def ours(folder, old, new):
    disk = Disk(folder, old)
    with ReleaseServer(new) as server:
        cost = disk.upgrade(server.url)
        return {**cost, "fetched": server.bytes, "requests": server.requests}


def plain_copy(folder, old, new):
    with ReleaseServer(new) as server:
        costs = [measured(["curl", "-sS", "-o", folder / suffix.strip("."), f"{server.url}/{file_of(new, suffix).name}"]) for suffix in SUFFIXES]
        return {**summed(costs), "fetched": server.bytes, "requests": server.requests}


def zsync(folder, old, new):
    shared = releases.copy(new, folder / "served")
    for suffix in (".root", ".efi"):
        path = file_of(shared, suffix)
        subprocess.run(["zsyncmake", "-b", str(BLOCK), "-u", path.name, "-o", f"{path}.zsync", str(path)], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    costs = []
    with ReleaseServer(shared) as server:
        for suffix in (".root", ".efi"):
            name = file_of(shared, suffix).name
            costs.append(measured(["zsync", "-q", "-i", file_of(old, suffix), "-o", folder / name, f"{server.url}/{name}.zsync"], cwd=folder))
            assert (folder / name).read_bytes() == file_of(new, suffix).read_bytes()
        costs.append(measured(["curl", "-sS", "-o", folder / "tree", f"{server.url}/{file_of(new, '.verity').name}"]))
        return {**summed(costs), "fetched": server.bytes, "requests": server.requests}


def casync(folder, old, new):
    served = folder / "served"
    served.mkdir()
    costs = []
    for suffix in (".root", ".efi"):
        subprocess.run(["casync", "make", f"--store={served}/store.castr", str(served / f"image{suffix}.caibx"), str(file_of(new, suffix))], check=True, stdout=subprocess.DEVNULL)
    with ReleaseServer(served) as server:
        for suffix in (".root", ".efi"):
            out = folder / f"out{suffix}"
            costs.append(measured(["casync", "extract", f"--store={server.url}/store.castr", f"--seed={file_of(old, suffix)}", f"{server.url}/image{suffix}.caibx", out]))
            assert out.read_bytes() == file_of(new, suffix).read_bytes()
        tree = file_of(new, ".verity")
        return {**summed(costs), "fetched": server.bytes + tree.stat().st_size, "requests": server.requests}


def zchunk(folder, old, new):
    served = folder / "served"
    served.mkdir()
    costs = []
    for suffix in (".root", ".efi"):
        for release, where in ((old, folder), (new, served)):
            subprocess.run(["zck", "-o", str(where / f"image{suffix}.zck"), str(file_of(release, suffix))], check=True)
    with ReleaseServer(served) as server:
        for suffix in (".root", ".efi"):
            (folder / suffix.strip(".")).mkdir()
            costs.append(measured(["zckdl", "-s", folder / f"image{suffix}.zck", f"{server.url}/image{suffix}.zck"], cwd=folder / suffix.strip(".")))
        tree = file_of(new, ".verity")
        return {**summed(costs), "fetched": server.bytes + tree.stat().st_size, "requests": server.requests}


def summed(costs):
    return {"wall_s": sum(c["wall_s"] for c in costs), "cpu_s": sum(c["cpu_s"] for c in costs), "rss_mib": max(c["rss_mib"] for c in costs)}


def rauc_way(folder, old, new):
    return rauc(folder, lambda suffix: (file_of(old, suffix), file_of(new, suffix)))


WAYS = {"loam": ours, "full copy": plain_copy, "zsync": zsync, "casync": casync, "zchunk": zchunk, "RAUC": rauc_way}


SECURITY_FIX = ("libgssapi-krb5-2", "libk5crypto3", "libkrb5-3", "libkrb5support0")  # of one source package


def pairs():
    """What is between the two: only the version; the libraries of one security fix; all that Debian's mirror has in another version,
    which after a point release is the kernel, OpenSSL, OpenSSH and some libraries."""
    new, others = releases.release(NEXT), releases.other_versions()
    older = {"security fix": {name: others[name] for name in SECURITY_FIX if name in others}, "point release": others}
    found = {"version only": (RELEASE, new)}
    for name, packages in older.items():
        if packages:
            print(f"{name}: {', '.join(f'{package} {version}' for package, version in packages.items())}", flush=True)
            found[name] = (releases.release("0.1.0", packages=packages), new)
        else:
            print(f"{name}: not measured, the mirror has no other version of these packages", flush=True)
    return found


def delta():
    figures = []
    for pair, (old, new) in pairs().items():
        bound = lower_bound(old, new)
        fetched = {}
        for name, way in WAYS.items():
            folder = work(f"delta-{name.replace(' ', '-')}")
            cost = way(folder, old, new)
            shutil.rmtree(folder)
            fetched[name] = cost["fetched"]
            print(f"{pair:14} {name:10} fetched {cost['fetched'] / 2**20:8.2f} MiB in {cost['requests']:5} requests, CPU {cost['cpu_s']:6.2f} s, "
                  f"RSS {cost['rss_mib']:6.1f} MiB, wall {cost['wall_s']:6.2f} s", flush=True)
        least = min(value for name, value in fetched.items() if name != "loam")
        figures += [figure(f"{pair}: fetched / lower bound", fetched["loam"] / bound, "ratio", 1.10, against="changed 4 KiB blocks, the tree, changed frames of the UKI that the root has not"),
                    figure(f"{pair}: fetched / the least of the others", fetched["loam"] / least, "ratio", 1.0, against=", ".join(name for name in WAYS if name != "loam")),
                    figure(f"{pair}: lower bound", bound / 2**20, "MiB")]
    return figures


# ---- slots ----

def step_seconds(argv):
    """When each step of the engine began, by its lines; the last is its end."""
    process = subprocess.Popen([str(word) for word in argv], stdout=subprocess.PIPE, text=True)
    begun = {}
    for line in process.stdout:
        begun.setdefault(json.loads(line).get("step", "end"), time.monotonic())
    assert process.wait() == 0
    return begun


def uncached(path):
    subprocess.run(["dd", f"if={path}", "of=/dev/null", "iflag=nocache", "count=0", "status=none"], check=True)


def old_tree(disk, release):
    """A tree in slot b: it held a release once, so the engine looks through it for what it can use."""
    parts = judge.partitions(disk.image)
    subprocess.run(["dd", f"if={file_of(release, '.verity')}", f"of={disk.image}", "bs=512", f"seek={parts['loam-verity-b']['start']}", "conv=notrunc", "status=none"], check=True)


def engine_times(folder, new, used):
    """Seconds of writing and of reading back a whole slot: the running one's tree is gone, so that nothing is copied from it.
    used: the slot held another release, of which nothing is of use."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    disk = Disk(folder, RELEASE)
    parts = judge.partitions(disk.image)
    subprocess.run(["fallocate", "-o", str(parts["loam-root-b"]["start"] * 512), "-l", str(parts["loam-root-b"]["size"] * 512 // 8), str(disk.image)], check=True)
    if used:
        old_tree(disk, RELEASE)
        subprocess.run(["dd", "if=/dev/urandom", f"of={disk.image}", "bs=1M", "oflag=seek_bytes", f"seek={parts['loam-root-b']['start'] * 512}", f"count={file_of(new, '.root').stat().st_size >> 20}",
                        "conv=notrunc,fsync", "status=none"], check=True)
    subprocess.run(["dd", "if=/dev/zero", f"of={disk.image}", "bs=512", f"seek={parts['loam-verity-a']['start']}", "count=64", "conv=notrunc", "status=none"], check=True)
    begun = step_seconds([PROGRAMS / "loam-upgrade", "apply", new, "--disk", disk.image, "--root-hash", disk.root_hash, "--running", folder / "running.json", "--state",
                          disk.state, "--trust", TRUST])
    return begun["verify-slot"] - begun["fill-slot"], begun["name-slot"] - begun["verify-slot"]


def dd_seconds(source, target):
    subprocess.run(["fallocate", "-l", str(source.stat().st_size), str(target)], check=True)
    started = time.monotonic()
    subprocess.run(["dd", f"if={source}", f"of={target}", "bs=4M", "oflag=direct", "conv=notrunc,fsync", "status=none"], check=True)
    return time.monotonic() - started


def veritysetup_seconds(new):
    manifest = json.loads(next(new.glob("loam-*.json")).read_text())
    uncached(file_of(new, ".root"))
    started = time.monotonic()
    subprocess.run(["veritysetup", "verify", str(file_of(new, ".root")), str(file_of(new, ".verity")), manifest["verity"]["root_hash"]], check=True)
    return time.monotonic() - started


def large_release(folder, version, write_root):
    """A release with the largest root that a slot takes; nothing starts from it."""
    releases.copy(RELEASE, folder)
    for path in [*folder.glob("*.json"), *folder.glob("*.sig"), *folder.glob("*.root"), *folder.glob("*.verity"), *folder.glob("*.lock"), folder / "latest"]:
        path.unlink()
    for path in list(folder.iterdir()):
        path.rename(folder / path.name.replace("loam-0.1.0", f"loam-{version}"))
    root = folder / f"loam-{version}.root"
    write_root(root)
    subprocess.run(["veritysetup", "format", "--data-block-size=4096", "--hash-block-size=4096", f"--salt={SALT}", str(root), str(root.with_suffix(".verity"))],
                   check=True, stdout=subprocess.DEVNULL)
    subprocess.run([PROGRAMS / "loamctl", "release", "build", folder, "--version", version, "--kernel", "6.12", "--config-version", "1", "--upgrade-from", "0.1.0", "--floor", "0"],
                   check=True, stdout=subprocess.DEVNULL)
    (folder / "latest").write_text(f"loam-{version}.json\n")
    releases.sign(folder)
    return folder


def random_root(path, seed, offset=0):
    """Blocks of which no two are the same."""
    stream = subprocess.Popen(["openssl", "enc", "-aes-256-ctr", "-K", f"{seed:064x}", "-iv", "0" * 32, "-in", "/dev/zero"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    subprocess.run(["dd", f"of={path}", "bs=1M", "iflag=fullblock", f"count={LARGEST >> 20}", f"seek={offset >> 20}", "status=none", "conv=notrunc"], stdin=stream.stdout, check=True)
    stream.kill()
    stream.wait()


def largest_slot_memory():
    """Both slots full of blocks of their own, and the new release differs in each 64th block: as much to remember as there can be."""
    folder = work("largest")
    old = large_release(folder / "old", "0.1.0", lambda root: random_root(root, 1))

    def changed(root):
        subprocess.run(["cp", "--reflink=auto", str(old / "loam-0.1.0.root"), str(root)], check=True)
        with root.open("r+b") as file:
            for block in range(0, LARGEST // BLOCK, 64):
                file.seek(block * BLOCK)
                file.write(b"changed")
    new = large_release(folder / "new", NEXT, changed)
    disk = Disk(folder / "node", old)
    (old / "loam-0.1.0.root").unlink()
    random_root(disk.image, 2, judge.partitions(disk.image)["loam-root-b"]["start"] * 512)
    old_tree(disk, old)
    with ReleaseServer(new) as server:
        cost = disk.upgrade(server.url)
        print(f"slot of 6 GiB: fetched {server.bytes / 2**20:.1f} MiB in {server.requests} requests, CPU {cost['cpu_s']:.1f} s, wall {cost['wall_s']:.1f} s", flush=True)
    shutil.rmtree(folder)
    return cost["rss_mib"]


def slots():
    new = releases.release(NEXT)
    folder = work("slots")
    wrote, over, read, dd, verity = [], [], [], [], []
    for _ in range(5):  # alternating
        seconds = engine_times(folder / "node", new, used=False)
        wrote.append(seconds[0])
        read.append(seconds[1])
        over.append(engine_times(folder / "node", new, used=True)[0])
        dd.append(dd_seconds(file_of(new, ".root"), folder / "dd.img"))
        (folder / "dd.img").unlink()
        verity.append(veritysetup_seconds(new))
    shutil.rmtree(folder)
    median = statistics.median
    return [figure("slot verify, speed / veritysetup verify", median(verity) / median(read), "ratio", 1.0, "higher", "the same root and tree, medians of 5, alternating"),
            figure("slot write, speed / dd", median(dd) / median(wrote), "ratio", 0.9, "higher", "dd with direct I/O of the same root, medians of 5, alternating"),
            figure("slot write over another release, speed / dd", median(dd) / median(over), "ratio", better="higher"),
            figure("engine, peak RSS with slots of 6 GiB", largest_slot_memory(), "MiB", 64),
            figure("slot verify", file_of(new, ".root").stat().st_size / 2**20 / median(read), "MiB/s", better="higher"),
            figure("slot write", file_of(new, ".root").stat().st_size / 2**20 / median(wrote), "MiB/s", better="higher")]
