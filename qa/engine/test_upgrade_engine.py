"""The upgrade engine on image files: to and fro between slots, killed, lied to, and refusing what does not fit."""

import json
import os
import random
import re
import shutil
import subprocess
import time
from collections import Counter
from pathlib import Path

import pytest
from lab import judge, releases
from lab.engine import run_and_kill
from lab.node import RELEASE, TRUST
from lab.release_server import ReleaseServer

TOP = Path(__file__).resolve().parent.parent.parent
INSTALL = TOP / "build/release/initd/loam-install"
ENGINE = TOP / "build/release/initd/loam-upgrade"
CONFIG = "version: 1\ninstall: {disk: {bus: nvme}}\n"
NEXT = "0.1.1"
ROUNDS, POINTS, STEPS = 4, 6, 7


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

    def killed(self, where, step, seconds):
        run_and_kill(self.argv("apply", where), self.disk, step, seconds)

    def starts(self, *known):
        return judge.starts(self.disk, known, self.folder, sector_size=self.sector_size)


@pytest.fixture(scope="module")
def newer():
    return releases.release(NEXT)


@pytest.fixture
def node(scenario):
    return Node(scenario.folder)


def test_upgrade_plan_writes_nothing_and_says_what_is_fetched(scenario, node, newer):
    table = node.files("mdir", "-b", "::/EFI/Linux")
    with ReleaseServer(newer) as server:
        offer = node.good("check", server.url)
        assert offer["version"] == NEXT and offer["newer"] and not offer["installed"], offer
        checked = server.bytes
        plan = node.good("plan", server.url)
        planned = plan["bytes"]
        assert "fill-slot" in plan["plan"] and "three tries" in plan["remarks"][0] and planned["fetch"] < planned["release"] / 4, plan
        assert node.files("mdir", "-b", "::/EFI/Linux") == table and node.starts(RELEASE) == "0.1.0"
        measured = server.bytes
        done = node.good("apply", server.url)
        fetched = server.bytes - measured
    assert done["installed"] and node.starts(RELEASE, newer) == NEXT
    assert json.loads((node.state / "upgrade.json").read_text())["meant"] == NEXT
    assert planned["fetch"] <= fetched <= planned["fetch"] * 1.5 + 100_000, (planned, fetched)
    assert node.good("plan", newer)["plan"].endswith("nothing to do\n")
    scenario.figures = {"release": planned["release"], "check": checked, "planned": planned["fetch"], "fetched": fetched}


@pytest.mark.long
def test_upgrade_chain_of_five_in_alternating_slots(scenario, node):
    """The last of them has to leave the floor in peace; each time the other slot is still whole."""
    before, fetched = RELEASE, []
    for number in range(1, 6):
        release = releases.release(f"0.1.{number}")
        with ReleaseServer(release) as server:
            node.good("apply", server.url)
            fetched.append(server.bytes)
        assert node.starts(before, release) == f"0.1.{number}"
        node.bless(release)
        before = release
    assert len(list((node.state / "releases").glob("*.json"))) == 2
    scenario.figures = {"fetched": fetched}


def test_upgrade_goes_back_to_an_older_release(scenario, newer):
    """Forced below the floor, and it is the older one that starts then."""
    node = Node(scenario.folder, newer)
    (node.state / "trust.json").write_text(json.dumps({"floor": NEXT, "revoked": []}))
    assert f"older than {NEXT}" in node.refused("apply", RELEASE)
    (node.state / "trust.json").unlink()
    assert "is offered as the latest, and is older" in node.refused("apply", RELEASE)
    (node.state / "trust.json").write_text(json.dumps({"floor": NEXT, "revoked": []}))
    node.good("apply", RELEASE, "--force")
    assert node.starts(RELEASE, newer) == "0.1.0"
    assert f"loam-{NEXT}+0.efi" in node.files("mdir", "-b", "::/EFI/Linux")


@pytest.mark.parametrize("sector_size", [4096])
def test_upgrade_with_other_sectors(scenario, newer, sector_size):
    node = Node(scenario.folder, sector_size=sector_size)
    node.good("apply", newer)
    assert node.starts(RELEASE, newer) == NEXT
    assert f"loam-{NEXT}+3.efi" in node.files("mdir", "-b", "::/EFI/Linux")


@pytest.mark.parametrize("round_number", [pytest.param(number, marks=[pytest.mark.long] if number else []) for number in range(ROUNDS)])
def test_upgrade_killed_at_many_points(scenario, node, newer, round_number):
    chance = random.Random(20261126 + round_number)
    started = time.monotonic()
    pristine = scenario.folder / "pristine.img"
    subprocess.run(["cp", "--sparse=always", str(node.disk), str(pristine)], check=True)
    node.good("apply", newer)
    whole = time.monotonic() - started
    outcomes = Counter()
    for number in range(round_number * POINTS, (round_number + 1) * POINTS):
        subprocess.run(["cp", "--sparse=always", str(pristine), str(node.disk)], check=True)
        (node.state / "upgrade.journal").unlink(missing_ok=True)
        step = 0 if number % 2 else number // 2 % STEPS + 1
        seconds = chance.uniform(0.0, 0.03) if step else chance.uniform(0.01, whole)
        cut = f"{seconds:.3f} s after step {step}"
        node.killed(newer, step, seconds)
        outcome = node.starts(RELEASE, newer)
        outcomes[outcome] += 1
        assert outcome in ("0.1.0", NEXT), f"killed {cut}: {outcome}"
        node.good("apply", newer)
        assert node.starts(RELEASE, newer) == NEXT, f"killed {cut}, then finished"
    scenario.figures = {"points": POINTS, "outcomes": outcomes, "seconds_of_a_whole_upgrade": round(whole, 2)}


def test_upgrade_refuses_what_does_not_fit(scenario, node, newer):
    """Each before the first write."""
    wrong = {
        "machine": ({"machine": "aarch64"}, "is for aarch64, this machine is x86_64"),
        "old": ({"upgrade_from": "0.1.1"}, "upgrade to 0.1.1 first"),
        "config": ({"config_versions": [2, 3]}, "reads loam.yaml of version 2, 3, this node's has version 1"),
    }
    for name, (members, words) in wrong.items():
        assert words in node.refused("apply", releases.resigned(newer, scenario.folder / name, **members)), name
    (node.folder / "running.json").write_text(json.dumps({"version": "0.1.0", "kubernetes": "1.33.2", "config_versions": [1]}))
    for kubernetes, words in (("1.35.0", "one minor version at a time"), ("1.32.9", "does not go back")):
        folder = scenario.folder / kubernetes
        assert words in node.refused("apply", releases.resigned(newer, folder, kubernetes=kubernetes))
    assert "is what runs" in node.refused("apply", RELEASE)
    with (scenario.folder / "filler").open("wb") as file:
        file.truncate(1990 << 20)
    node.files("mcopy", str(scenario.folder / "filler"), "::/filler")
    assert "EFI system partition has" in node.refused("apply", newer)
    node.files("mdel", "::/filler")
    node.files("mren", "::/EFI/Linux/loam-0.1.0.efi", "loam-0.1.0+2-1.efi")
    node.files("mcopy", str(node.folder / "running.json"), "::/EFI/Linux/loam-0.0.9.efi")
    assert "has not proven itself yet" in node.refused("apply", newer)
    node.files("mdel", "::/EFI/Linux/loam-0.0.9.efi")
    node.files("mren", "::/EFI/Linux/loam-0.1.0+2-1.efi", "loam-0.1.0.efi")
    assert node.starts(RELEASE) == "0.1.0"
    assert not judge.partitions(node.disk)["loam-root-b"]["uuid"].startswith("0000")


# What a server does, for which file, and what is said of it. None: the upgrade gets through all the same.
LIES = {
    "plain": ("plain", "", None), "busy": ("busy", ".root", None),
    "shifted": ("shifted", ".root", "were asked for"), "lying": ("lying", ".root", "is not the release's"),
    "garbled-root": ("garbled", ".root", "is not the release's"), "garbled-tree": ("garbled", ".verity", "SHA-256"),
    "garbled-uki": ("garbled", "0.1.1.efi", "SHA-256"), "garbled-manifest": ("garbled", ".json", "signature"),
    "garbled-signature": ("garbled", ".sig", ""), "html": ("html", ".root", "text/html"), "html-manifest": ("html", ".json", ""),
    "redirect": ("redirect", ".root", "rotocol"), "redirect-manifest": ("redirect", ".json", "rotocol"), "large": ("large", ".root", "more came than was asked for"),
    "encoded": ("encoded", ".root", "comes encoded as gzip"), "replaced": ("replaced", ".root", "was replaced while"),
    "multipart": ("multipart", ".root", "Content-Range"), "gone": ("gone", ".root", "status 404"), "gone-latest": ("gone", "latest", "status 404"),
    "endless": ("endless", ".root", ""),
}


SHORT = ("plain", "lying", "garbled-manifest", "html", "redirect", "replaced")


@pytest.mark.parametrize("lie", [pytest.param(lie, marks=[] if lie in SHORT else [pytest.mark.long]) for lie in LIES])
def test_upgrade_from_a_lying_server(scenario, lie, newer, template):
    behaviour, only, words = LIES[lie]
    node = template(scenario.folder)
    with ReleaseServer(newer, behaviour, only, busy=2) as server:
        if words is None:
            node.good("apply", server.url)
            assert node.starts(RELEASE, newer) == NEXT
            return
        assert words in (said := node.refused("apply", server.url)), said
    assert node.starts(RELEASE, newer) == "0.1.0"
    # What came is kept, and what is missing comes from whoever is honest.
    node.good("apply", newer)
    assert node.starts(RELEASE, newer) == NEXT


@pytest.mark.parametrize("behaviour", ["short", *(pytest.param(how, marks=pytest.mark.long) for how in ("reset", "stall"))])
def test_upgrade_from_a_server_that_breaks_off(scenario, behaviour, newer, template):
    """It begins again where it stopped; where nothing ever comes it ends, and says so."""
    node = template(scenario.folder)
    with ReleaseServer(newer, behaviour, ".root") as server:
        if behaviour == "short":
            node.good("apply", server.url)
            assert node.starts(RELEASE, newer) == NEXT
            return
        said = node.refused("apply", server.url, "--stall", "3", "--patience", "10", limit=120)
    assert "start again when the server can be reached" in said, said
    assert node.starts(RELEASE, newer) == "0.1.0"


def test_upgrade_takes_modules_from_the_new_root(scenario, node, newer):
    """As after a new kernel: the running UKI's modules are of no use, and the slot that was just filled has the new ones."""
    at, frame = 0, None
    copies = json.loads(next(newer.glob("loam-*.json")).read_text())["uki_in_root"]
    for section in json.loads(next(RELEASE.glob("loam-*.json")).read_text())["uki"]:
        if sum(at <= offset < at + section["bytes"] for offset, _, _ in copies) > len(copies) / 2:
            frame = (at, section["bytes"])
        at += section["bytes"]
    assert frame and sum(copy[2] for copy in copies) > frame[1] / 2, "the modules are in one frame, as they are in the root"
    uki = scenario.folder / "uki"
    node.files("mcopy", "::/EFI/Linux/loam-0.1.0.efi", str(uki))
    with uki.open("r+b") as file:
        file.seek(frame[0] + frame[1] // 2)
        file.write(b"another")
    node.files("mcopy", "-o", str(uki), "::/EFI/Linux/loam-0.1.0.efi")
    with ReleaseServer(newer) as server:
        planned = node.good("plan", server.url)["bytes"]["uki"]
        assert planned < frame[1] / 4, (planned, frame)
        node.good("apply", server.url)
        assert server.bytes < frame[1], "the whole upgrade is less than the modules"
    node.files("mcopy", "-o", "::/EFI/Linux/loam-0.1.1+3.efi", str(uki))
    assert uki.read_bytes() == next(newer.glob("loam-0.1.1.efi")).read_bytes()


def test_upgrade_by_https(scenario, node, newer):
    """From a server whose authority the system knows; from no other, and never on to one without encryption."""
    certificate, key = scenario.folder / "server.pem", scenario.folder / "server.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", "-subj", "/CN=releases", "-addext", "subjectAltName=IP:127.0.0.1",
                    "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
    with ReleaseServer(newer, certificate=(certificate, key)) as server, ReleaseServer(newer) as plain:
        assert "certificate" in node.refused("apply", server.url).lower()
        trusted = f"mount --bind {certificate} /etc/ssl/certs/ca-certificates.crt"
        node.wrapper = ("unshare", "--mount", "sh", "-c", f'{trusted} && exec "$@"', "sh")
        with ReleaseServer(newer, "elsewhere", ".root", certificate=(certificate, key), elsewhere=plain.url) as leaving:
            assert "rotocol" in node.refused("apply", leaving.url)
        assert plain.requests == 0
        node.good("apply", server.url)
    assert node.starts(RELEASE, newer) == NEXT


def test_upgrade_while_the_network_drops(scenario, node, newer):
    with ReleaseServer(newer, drop_every=3) as server:
        node.good("apply", server.url)
    assert node.starts(RELEASE, newer) == NEXT


def test_upgrade_of_a_tampered_release(scenario, newer, template):
    """Every file: flipped, cut off, or of another release; and a key that a newer release revoked."""
    node = template(scenario.folder)
    foreign = releases.release("0.1.2")
    size = {"root": 0.5, "verity": 0.9, "efi": 0.4, "json": 0.3, "json.sig": 0.5}
    outcomes = scenario.figures
    for suffix, at in size.items():
        for how in ("flipped", "cut", "swapped"):
            folder = releases.copy(newer, scenario.folder / f"{suffix}-{how}")
            path = folder / f"loam-{NEXT}.{suffix}"
            if how == "swapped":
                path.unlink()
                path.symlink_to(foreign / f"loam-0.1.2.{suffix}")
            else:
                releases.change(path, lambda file, size: file.truncate(size // 2) if how == "cut" else flip(file, int(size * at)))
            shutil.rmtree(node.state)
            node = template(scenario.folder)
            done = node.run("apply", folder)
            # What is not needed, because a slot has it, may be damaged: what is written is right all the same.
            assert node.starts(RELEASE, newer) == ("0.1.0" if done.returncode else NEXT), (suffix, how, done.stdout[-500:])
            assert done.returncode == 0 or json.loads(done.stdout.splitlines()[-1])["error"], (suffix, how, done)
            outcomes[f"{suffix} {how}"] = "refused" if done.returncode else "what was damaged was not needed"
    key = json.loads(subprocess.run([str(releases.LOAMCTL), "--json", "release", "verify", str(newer), "--trust", str(TRUST)], capture_output=True, text=True,
                                    check=True).stdout)["key"]
    (node.state / "trust.json").write_text(json.dumps({"floor": "0", "revoked": [key]}))
    assert "is revoked" in node.refused("apply", newer)
    (node.state / "trust.json").write_text("{")
    assert "trust.json" in node.refused("apply", newer)


def flip(file, offset):
    file.seek(offset)
    byte = file.read(1)[0]
    file.seek(offset)
    file.write(bytes([byte ^ 1]))


@pytest.fixture(scope="module")
def template(tmp_path_factory, request):
    """A node made once; each test has a copy."""
    folder = TOP / "build/qa" / f"upgrade-template-{os.getpid()}"
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
