"""A node as the upgrade engine sees it, in files: a disk image, and what the node keeps on its loam partition."""

import json
import os
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path

import pytest
from lab import efi, judge, releases
from lab.engine import run_and_kill
from lab.node import RELEASE, TRUST

TOP = Path(__file__).resolve().parent.parent.parent
INSTALL = TOP / "build/release/initd/loam-install"
ENGINE = TOP / "build/release/initd/loam-upgrade"
CONFIG = "version: 1\ninstall: {disk: {bus: nvme}}\n"
NEXT = "0.1.1"
BLOCK = 4096


class Node:
    """A disk image with a release that runs, and what the node keeps on its loam partition, as files."""
    wrapper = ()  # a command that runs the engine

    def __init__(self, folder, release=RELEASE, sector_size=512):
        self.folder, self.disk, self.state, self.sector_size = folder, folder / "disk.img", folder / "state", sector_size
        self.state.mkdir()
        (self.state / "loam.yaml").write_text(CONFIG)
        with self.disk.open("wb") as file:
            file.truncate(24 << 30)
        done = subprocess.run([str(INSTALL), "--release", str(release), "--disk", str(self.disk), "--config", str(self.state / "loam.yaml"), "--trust", str(TRUST),
                               "--journal", str(folder / "install.journal"), "--sector-size", str(sector_size)], capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stdout[-600:]
        self.bless(release)

    def files(self, *command):
        start = judge.partitions(self.disk, self.sector_size)["loam-esp"]["offset"]
        return subprocess.run([command[0], "-i", f"{self.disk}@@{start}", *command[1:]], capture_output=True, text=True, check=True,
                              env=dict(os.environ, MTOOLSRC="/dev/null", MTOOLS_SKIP_CHECK="1")).stdout

    def bless(self, release):
        """It was started, and has proven itself."""
        self.manifest = json.loads(next(release.glob("loam-*.json")).read_text())
        version = self.manifest["version"]
        (self.folder / "running.json").write_text(json.dumps({"version": version, "kubernetes": "", "config_versions": [1]}))
        self.files("mren", f"::/EFI/Linux/loam-{version}+3.efi", f"loam-{version}.efi")

    def argv(self, command, where, *more):
        return [*self.wrapper, str(ENGINE), command, str(where), "--disk", str(self.disk), "--root-hash", self.manifest["verity"]["root_hash"], "--running",
                str(self.folder / "running.json"), "--state", str(self.state), "--trust", str(TRUST), "--sector-size", str(self.sector_size), *more]

    def run(self, command, where, *more, limit=600):
        return subprocess.run(self.argv(command, where, *more), capture_output=True, text=True, timeout=limit)

    def good(self, command, where, *more):
        done = self.run(command, where, *more)
        assert done.returncode == 0, done.stdout[-1000:] + done.stderr
        return json.loads(done.stdout.splitlines()[-1])["result"]

    def refused(self, command, where, *more, limit=600):
        done = self.run(command, where, *more, limit=limit)
        assert done.returncode == 1, done.stdout[-1000:]
        said = json.loads(done.stdout.splitlines()[-1])
        return f"{said['error']}; {said['remedy']}"

    @contextmanager
    def without(self, blocks):
        """These blocks of the running root are damaged meanwhile: an upgrade has to fetch them."""
        start = judge.partitions(self.disk, self.sector_size)["loam-root-a"]["offset"]
        with self.disk.open("r+b") as disk:
            kept = []
            for block in blocks:
                disk.seek(start + block * BLOCK)
                kept.append(disk.read(BLOCK))
                disk.seek(start + block * BLOCK)
                disk.write(os.urandom(BLOCK))
        yield
        with self.disk.open("r+b") as disk:
            for block, content in zip(blocks, kept, strict=True):
                disk.seek(start + block * BLOCK)
                disk.write(content)

    def killed(self, where, step, seconds):
        run_and_kill(self.argv("apply", where), self.disk, step, seconds)

    def loamctl(self, *arguments):
        """With this disk as the one that it runs on, and what is on its ESP where a node has it."""
        run = self.folder / "run"
        run.mkdir(exist_ok=True)
        facts = {"live": False, "root_hash": self.manifest["verity"]["root_hash"], "disk": str(self.disk), "esp": "", "root": "", "verity": "", "loam": "", "state": "",
                 "keeps": True, "problems": []}
        (run / "boot.json").write_text(json.dumps(facts))
        kept = self.folder / "esp"
        shutil.rmtree(kept, ignore_errors=True)
        kept.mkdir()
        self.files("mcopy", "-s", "::/EFI", str(kept))
        mounted = (f"mkdir -p /efi /loam /run/loam && mount --bind {run} /run/loam && mount --bind {self.state} /loam && "
                   f"mount -t tmpfs efi /efi && cp -r {kept}/EFI /efi && exec \"$@\"")
        return subprocess.run(["unshare", "--mount", "sh", "-c", mounted, "sh", str(releases.LOAMCTL), "--json", *arguments], capture_output=True, text=True, timeout=600,
                              env=dict(os.environ, **efi.environment(self.folder)))

    def starts(self, *known):
        return judge.starts(self.disk, known, self.folder, sector_size=self.sector_size)


def spread(release, count):
    """Blocks of its root, too far from each other to be asked for together."""
    blocks = next(release.glob("loam-*.root")).stat().st_size // BLOCK
    assert blocks // count > 32
    return [blocks // count * number for number in range(count)]


# Fixtures, for tests that import them.

@pytest.fixture(scope="module")
def newer():
    return releases.release(NEXT)


@pytest.fixture
def node(scenario):
    return Node(scenario.folder)


@pytest.fixture(scope="module")
def template(tmp_path_factory, request):
    """A node made once; each test has a copy."""
    folder = TOP / "build/qa" / f"upgrade-template-{os.getpid()}-{request.module.__name__}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    made = Node(folder)

    def copy(target):
        node = Node.__new__(Node)
        node.__dict__ |= made.__dict__ | {"folder": target, "disk": target / "disk.img", "state": target / "state"}
        subprocess.run(["cp", "--sparse=always", str(made.disk), str(node.disk)], check=True)
        shutil.copytree(made.state, node.state)
        shutil.copy(folder / "running.json", target)
        return node
    yield copy
    shutil.rmtree(folder)
