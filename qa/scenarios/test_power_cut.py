"""Every write of a real installation and of a real upgrade, cut at many points: what is left starts the old release or the new one,
and is brought to its end."""

import json
import random
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest
from lab import judge, releases, replay
from lab.machine import Drive, Machine, make_config_volume, wait_until
from lab.node import RELEASE, TRUST, Live, config, uki
from lab.release_server import ReleaseServer
from lab.upgrades import NEXT, upgrade_status, url, wait_for_slot

pytestmark = pytest.mark.long
PROGRAMS = Path(__file__).resolve().parent.parent.parent / "build/release/initd"
POINTS = 270    # of each of the two
FINISHED = 20   # of these are brought to their end by the engine
BOOTED = 18     # of an upgrade's are started; of an installation's all that can, which are the last few points
STARTED_AGAIN = 2  # of those are upgraded as a whole machine
MIB, GIB = 1 << 20, 1 << 30
# As src/slots/layout has them: a slot's tree and root lie side by side.
SLOTS = {"a": (2049 * MIB, 64 * MIB + 6 * GIB), "b": (2049 * MIB + 64 * MIB + 6 * GIB, 64 * MIB + 6 * GIB)}


class SlotCheck:
    """veritysetup for a slot only where something of it changed since."""

    def __init__(self, played):
        self.played, self.known = played, {}

    def __call__(self, disk, parts, root_hash, release, work, letter="a"):
        if letter in self.played.torn:
            return judge.slot_is_good(disk, parts, root_hash, release, work, letter)
        if letter in self.played.changed or (letter, root_hash) not in self.known:
            self.known = {key: good for key, good in self.known.items() if key[0] != letter}
            self.known[letter, root_hash] = judge.slot_is_good(disk, parts, root_hash, release, work, letter)
            self.played.changed.discard(letter)
        return self.known[letter, root_hash]


def cut_everywhere(scenario, image, log, verdict, finish, allowed):
    """verdict(check) and, for some of the points, finish(copy of the disk) on what is left; a few of these copies are kept."""
    played = replay.Replay(image, log, SLOTS)
    check, outcomes, kept, done = SlotCheck(played), Counter(), [], Counter()
    chance = random.Random(20261126)

    def judged():
        outcome = verdict(check)
        outcomes[outcome] += 1
        assert outcome in allowed, f"point {sum(outcomes.values())}: {outcome}"
        # Of each outcome as many as there are, spread over all points.
        if chance.random() < 2 * FINISHED / POINTS and done[outcome] < FINISHED / len(allowed):
            done[outcome] += 1
            copy = scenario.folder / f"cut-{sum(done.values())}.img"
            subprocess.run(["cp", "--sparse=always", str(image), str(copy)], check=True)
            if len(kept) < BOOTED and outcome != "nothing":
                kept.append(copy)
                subprocess.run(["cp", "--sparse=always", str(copy), str(copy.with_suffix(".boot.img"))], check=True)
            finish(copy, outcome)
            copy.unlink()
    figures = played.cut_at(POINTS, chance, judged)
    scenario.figures |= {**figures, "outcomes": dict(outcomes), "finished": dict(done)}
    assert figures["points"] == POINTS and set(outcomes) == set(allowed), figures | dict(outcomes)
    return [copy.with_suffix(".boot.img") for copy in kept]


def boot(scenario, image, key, versions, newer=None):
    """It starts from what is left, as a whole machine. newer: this release is installed there then."""
    folder = scenario.folder / f"boot-{image.stem}"
    machine = scenario.keep(Machine(folder, uki(), drives=[Drive(image, "scsi", "os", "raw", boot=0, wwn=0x5000C500000000AA)]))
    machine.key = key
    machine.start()
    machine.wait_ssh(300)
    machine.wait_state("ready", 200)
    version = machine.ssh("loamctl --version").strip()
    assert version in versions, version
    if newer and version != NEXT:
        wait_for_slot(machine, "a", "blessed")
        with ReleaseServer(newer) as server:
            machine.ssh(f"loamctl upgrade start {url(server)}", limit=600)
        assert upgrade_status(machine)["state"] == "pending"
    machine.kill()
    image.unlink()
    return version


def logged_disk(scenario, image):
    log = scenario.folder / "writes.log"
    return Drive(image, "scsi", "os", "raw", boot=0, wwn=0x5000C500000000AA, layer=replay.layer(log)), log


def installed_disk(scenario):
    """A real installation on a disk that notes each write; the disk is off then."""
    image = scenario.folder / "os.img"
    with image.open("wb") as file:
        file.truncate(24 * GIB)
    live = Live()
    text = config(live.public_key, "{bus: scsi, rotational: false}", install_more="  then: poweroff\n")
    disk, log = logged_disk(scenario, image)
    machine = scenario.keep(live.running(scenario.folder / "install"))
    machine.plug(disk)
    machine.plug(Drive(make_config_volume(scenario.folder / "config.img", text), "usb", "config", "raw"))
    machine.wait_for_end(600)
    machine.kill()
    return live.key, text, image, log


def test_power_cut_anywhere_in_an_installation(scenario):
    key, text, image, log = installed_disk(scenario)
    manifest = json.loads(next(RELEASE.glob("loam-*.json")).read_text())
    version = manifest["version"]
    (scenario.folder / "loam.yaml").write_text(text)
    with image.open("wb") as file:  # blank again
        file.truncate(24 * GIB)

    def verdict(check, disk=image):
        return judge.verdict(disk, version, manifest["verity"]["root_hash"], uki(), RELEASE / f"loam-{version}.boot.efi", scenario.folder, text, check=check)

    def finish(disk, outcome):
        again = subprocess.run([str(PROGRAMS / "loam-install"), "--release", str(RELEASE), "--disk", str(disk), "--config", str(scenario.folder / "loam.yaml"),
                                "--trust", str(TRUST), "--journal", str(scenario.folder / "journal")], capture_output=True, text=True, timeout=600)
        assert again.returncode == 0 or "holds a Loam installation already" in again.stdout, again.stdout[-800:]
        assert verdict(judge.slot_is_good, disk) == "boots"
    kept = cut_everywhere(scenario, image, log, verdict, finish, ("nothing", "boots"))
    scenario.figures["booted"] = [boot(scenario, copy, key, [version]) for copy in kept]
    assert len(kept) >= 2


def test_power_cut_anywhere_in_an_upgrade(scenario):
    key, _, image, log = installed_disk(scenario)
    newer = releases.release(NEXT)
    log.unlink()
    before = scenario.folder / "before.img"
    subprocess.run(["cp", "--sparse=always", str(image), str(before)], check=True)
    disk, log = logged_disk(scenario, image)
    machine = scenario.keep(Machine(scenario.folder / "upgrade", uki(), drives=[disk]))
    machine.key = key
    machine.start()
    machine.wait_ssh(300)
    machine.wait_state("ready", 200)
    blessed = lambda: json.loads(machine.ssh("loamctl --json slots"))["slots"][0]["state"] == "blessed"
    wait_until(blessed, 200 * machine.scale, "the first release being blessed", interval=2)
    with ReleaseServer(newer) as server:
        machine.ssh(f"loamctl upgrade start http://10.0.2.2:{server.port}", limit=600)
    machine.ssh("sync; systemctl --no-block poweroff", check=False)
    machine.wait_for_end(200)
    machine.kill()
    root_hash = json.loads(next(RELEASE.glob("loam-*.json")).read_text())["verity"]["root_hash"]
    (scenario.folder / "running.json").write_text(json.dumps({"version": "0.1.0", "kubernetes": "", "config_versions": [1]}))

    def verdict(check, on=before):
        return judge.starts(on, [RELEASE, newer], scenario.folder, check=check)

    def finish(on, outcome):
        state = scenario.folder / "state"
        shutil.rmtree(state, ignore_errors=True)
        state.mkdir()
        judge.state_of(on, state)  # with the journal of what was cut
        again = subprocess.run([str(PROGRAMS / "loam-upgrade"), "apply", str(newer), "--disk", str(on), "--root-hash", root_hash, "--running",
                                str(scenario.folder / "running.json"), "--state", str(state), "--trust", str(TRUST)], capture_output=True, text=True, timeout=600)
        on_trial = "has not proven itself yet" in again.stdout  # cut in its first start, long before the upgrade
        assert again.returncode == 0 or on_trial, again.stdout[-800:]
        assert verdict(judge.slot_is_good, on) == ("0.1.0" if on_trial else NEXT)
    kept = cut_everywhere(scenario, before, log, verdict, finish, ("0.1.0", NEXT))
    assert len(kept) == BOOTED, kept
    scenario.figures["booted"] = [boot(scenario, copy, key, ["0.1.0", NEXT], newer if number < STARTED_AGAIN else None) for number, copy in enumerate(kept)]
