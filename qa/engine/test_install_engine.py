"""The install engine on image files: killed at many points, judged offline each time, and always brought to the end."""

import json
import random
import subprocess
import time
from collections import Counter
from pathlib import Path

import pytest
from conftest import sha256
from lab import judge
from lab.engine import run_and_kill
from lab.node import RELEASE, TRUST, uki

TOP = Path(__file__).resolve().parent.parent.parent
ENGINE = TOP / "build/release/initd/loam-install"
ROUNDS = 5
POINTS = 10  # in each round
STEPS = 9


class Bench:
    """One disk image, one configuration, one release."""

    def __init__(self, folder):
        self.folder = folder
        self.disk = folder / "disk.img"
        self.config = folder / "loam.yaml"
        self.config.write_text("version: 1\ninstall: {disk: {bus: nvme}}\n")
        self.manifest = json.loads(next(RELEASE.glob("loam-*.json")).read_text())
        self.fresh()

    def fresh(self):
        self.disk.unlink(missing_ok=True)
        with self.disk.open("wb") as file:
            file.truncate(24 << 30)

    def argv(self, *more):
        return [str(ENGINE), "--release", str(RELEASE), "--disk", str(self.disk), "--config", str(self.config), "--trust", str(TRUST),
                "--journal", str(self.folder / "journal"), *more]

    def install(self, *more):
        return subprocess.run(self.argv(*more), capture_output=True, text=True, timeout=300)

    def killed(self, step, seconds):
        run_and_kill(self.argv(), self.disk, step, seconds)

    def verdict(self):
        version = self.manifest["version"]
        return judge.verdict(self.disk, version, self.manifest["verity"]["root_hash"], uki(), RELEASE / f"loam-{version}.boot.efi",
                             self.folder, self.config.read_text())


@pytest.fixture
def bench(scenario):
    return Bench(scenario.folder)


@pytest.mark.parametrize("round_number", [pytest.param(number, marks=[pytest.mark.long] if number > 1 else []) for number in range(ROUNDS)])
def test_engine_killed_at_many_points(scenario, bench, round_number):
    started = time.monotonic()
    assert bench.install().returncode == 0
    whole = time.monotonic() - started
    assert bench.verdict() == "boots"
    chance = random.Random(20261122 + round_number)
    outcomes = Counter()
    for number in range(round_number * POINTS, (round_number + 1) * POINTS):
        bench.fresh()
        # Half of them anywhere in time, half right after a step began: most steps are short.
        step = 0 if number % 2 else number // 2 % STEPS + 1
        seconds = chance.uniform(0.0, 0.02) if step else chance.uniform(0.01, whole * 1.05)
        cut = f"{seconds:.3f} s after step {step}"
        bench.killed(step, seconds)
        outcome = bench.verdict()
        outcomes[outcome] += 1
        assert outcome in ("nothing", "boots"), f"killed {cut}: {outcome}"
        again = bench.install()
        finished = again.returncode == 0 or "holds a Loam installation already" in again.stdout
        assert finished, f"killed {cut}, started again: {again.stdout[-600:]}"
        assert bench.verdict() == "boots", f"killed {cut}, then finished"
    scenario.figures = {"points": POINTS, "outcomes": outcomes, "seconds_of_a_whole_install": round(whole, 2)}


def test_engine_refuses_data_and_asks_for_nothing_twice(bench):
    subprocess.run(["mke2fs", "-q", "-F", "-L", "photos", str(bench.disk), "100M"], check=True)
    before = sha256(bench.disk)
    refused = bench.install()
    assert refused.returncode == 1 and "is not blank" in refused.stdout and "install.wipe" in refused.stdout
    assert sha256(bench.disk) == before
    assert bench.install("--wipe").returncode == 0
    assert bench.verdict() == "boots"
    assert "holds a Loam installation already" in bench.install().stdout


def test_engine_with_a_broken_esp(bench):
    """An installed disk whose EFI system partition is broken: nothing is done to it unasked, and it is not lost for ever."""
    assert bench.install().returncode == 0
    start = judge.partitions(bench.disk)["loam-esp"]["start"] * 512
    with bench.disk.open("r+b") as file:
        file.seek(start)
        file.write(b"\x5a" * 510)  # and the signature of a boot sector stays
    refused = bench.install()
    assert refused.returncode == 1 and "install.wipe" in refused.stdout, refused.stdout
    assert bench.verdict() == "the EFI system partition cannot be read"
    assert bench.install("--wipe").returncode == 0
    assert bench.verdict() == "boots"


def test_engine_wants_the_very_disk(bench):
    done = bench.install("--id", "wwn-0x5000c50000000001")
    assert done.returncode == 1 and "wwn-0x5000c50000000001 was expected; nothing was written" in done.stdout
    assert bench.verdict() == "nothing"


def test_engine_with_4096_byte_sectors(bench):
    done = bench.install("--sector-size", "4096")
    assert done.returncode == 0, done.stdout[-600:]
    table = json.loads(subprocess.run(["sfdisk", "--sector-size=4096", "--json", str(bench.disk)], capture_output=True, text=True, check=True).stdout)
    assert table["partitiontable"]["sectorsize"] == 4096 and len(table["partitiontable"]["partitions"]) == 7


@pytest.mark.parametrize("name,change", [("root", "flip"), ("verity", "flip"), ("efi", "flip"), ("boot.efi", "flip"), ("root", "cut"), ("efi", "cut")])
def test_engine_refuses_a_damaged_release(scenario, bench, name, change):
    damaged = scenario.folder / "release"
    subprocess.run(["cp", "-a", str(RELEASE), str(damaged)], check=True)
    file = damaged / f"loam-{bench.manifest['version']}.{name}"
    data = bytearray(file.read_bytes())
    if change == "flip":
        data[len(data) // 2] ^= 1
    else:
        del data[len(data) // 2:]
    file.write_bytes(data)
    done = subprocess.run([a if a != str(RELEASE) else str(damaged) for a in bench.argv()],
                          capture_output=True, text=True, timeout=300)
    assert done.returncode == 1 and json.loads(done.stdout.splitlines()[-1])["error"], done.stdout
    assert bench.verdict() == "nothing"
    subprocess.run(["rm", "-rf", str(damaged)], check=True)
