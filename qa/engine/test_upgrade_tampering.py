"""Releases that were tampered with on their way: refused with a reason, and the running slot stays."""

import hashlib
import json
import random
import shutil
import subprocess
from collections import Counter

import pytest
from lab import releases
from lab.node import RELEASE, TRUST
from lab.release_server import ReleaseServer
from lab.upgrade_node import BLOCK, NEXT, newer, node, template  # noqa: F401 (fixtures)


def needed(newer):
    """File -> byte offsets where a flip must be noticed, because the node has to fetch them: at the start, in the middle, at the end
    and anywhere. Of the root they are blocks that the test takes from the running slot, of the UKI what the running one has not got."""
    chance = random.Random(20261127)
    size = lambda suffix: next(newer.glob(f"loam-*.{suffix}")).stat().st_size if suffix != "efi" else (newer / f"loam-{NEXT}.efi").stat().st_size
    spots = lambda last: [0, last // 2, last, *(chance.randrange(last) for _ in range(3))]
    offsets = {suffix: spots(size(suffix) - 1) for suffix in ("verity", "json", "json.sig")}
    # What is there twice is taken from its other place.
    digests, others = (block_digests(next(release.glob("loam-*.root"))) for release in (newer, RELEASE))
    counts, there = Counter(digests), Counter(others)
    alone = [block for block, digest in enumerate(digests) if counts[digest] == 1 and there[digest] <= 1]
    blocks = sorted({min(alone, key=lambda block, spot=spot: abs(block - spot)) for spot in spots(len(digests) - 1)})
    offsets["root"] = [block * BLOCK + chance.randrange(BLOCK) for block in blocks]
    manifest, running = (json.loads(next(release.glob("loam-*.json")).read_text()) for release in (newer, RELEASE))
    here, at, offsets["efi"] = {section["sha256"] for section in running["uki"]}, 0, []
    from_root = [range(offset, offset + count) for offset, _, count in manifest["uki_in_root"]]
    for section in manifest["uki"]:
        end = at + section["bytes"]
        if section["sha256"] not in here:
            offsets["efi"] += [spot for spot in {at, (at + end) // 2, end - 1} if not any(spot in copy for copy in from_root)]
        at = end
    assert offsets["efi"]
    return offsets


def block_digests(path):
    with path.open("rb") as file:
        return [hashlib.sha256(block).digest() for block in iter(lambda: file.read(BLOCK), b"")]


def tampered(newer, foreign, folder, suffix, offsets):
    """(What was done, the release with it, whether it must be noticed)."""
    size = (newer / f"loam-{NEXT}.{suffix}").stat().st_size
    for offset in offsets:
        yield f"flipped at {offset}", changed(newer, folder / f"flip-{offset}", suffix, lambda file, _, at=offset: flip(file, at)), suffix != "json.sig"
    for left in (0, size // 2, size - 1):
        yield f"cut to {left}", changed(newer, folder / f"cut-{left}", suffix, lambda file, _, left=left: file.truncate(left)), left <= max(offsets) - (suffix == "json.sig")
    swapped = releases.copy(newer, folder / "swapped")
    (swapped / f"loam-{NEXT}.{suffix}").unlink()
    (swapped / f"loam-{NEXT}.{suffix}").symlink_to(foreign / f"loam-0.1.2.{suffix}")
    yield "of another release", swapped, True


def changed(release, folder, suffix, how):
    releases.change(releases.copy(release, folder) / f"loam-{NEXT}.{suffix}", how)
    return folder


def is_noticed(release):
    return subprocess.run([str(releases.LOAMCTL), "release", "verify", str(release), "--trust", str(TRUST)], capture_output=True, text=True, timeout=300).returncode != 0


@pytest.mark.parametrize("suffix", ["root", "json", *(pytest.param(suffix, marks=pytest.mark.long) for suffix in ("verity", "efi", "json.sig"))])
def test_upgrade_of_a_tampered_release(scenario, suffix, newer, template):
    """Flipped in each region, cut off, or of another release: what the node needs of it is never taken, and the running slot stays."""
    offsets = needed(newer)
    blocks = [offset // BLOCK for offset in offsets["root"]] if suffix == "root" else []
    outcomes = Counter()
    for what, release, must in tampered(newer, releases.release("0.1.2"), scenario.folder, suffix, offsets[suffix]):
        shutil.rmtree(scenario.folder / "state", ignore_errors=True)
        node = template(scenario.folder)
        with node.without(blocks):
            done = node.run("apply", release)
        if must:
            assert done.returncode == 1 and json.loads(done.stdout.splitlines()[-1])["error"], (suffix, what, done.stdout[-500:])
            assert is_noticed(release), (suffix, what)
        # The ends of PEM's lines say nothing, and what a slot has is not read there: what is written is right all the same.
        assert node.starts(RELEASE, newer) == ("0.1.0" if done.returncode else NEXT), (suffix, what, done.stdout[-500:])
        outcomes["refused" if done.returncode else "without harm"] += 1
        for file in release.iterdir():
            file.unlink()  # copies of what is large
    scenario.figures = outcomes
    assert outcomes["refused"] >= 5


def test_upgrade_of_a_tampered_boot_loader(scenario, node, newer):
    """An upgrade does not take it; who looks at the whole release refuses it."""
    size = (newer / f"loam-{NEXT}.boot.efi").stat().st_size
    for offset in (0, size // 2, size - 1):
        assert is_noticed(changed(newer, scenario.folder / f"flip-{offset}", "boot.efi", lambda file, _, at=offset: flip(file, at)))
    cut = changed(newer, scenario.folder / "cut", "boot.efi", lambda file, size: file.truncate(size - 1))
    assert is_noticed(cut) and not is_noticed(newer)
    node.good("apply", cut)
    assert node.starts(RELEASE, newer) == NEXT


def test_upgrade_with_a_key_that_was_revoked(scenario, node, newer):
    key = json.loads(subprocess.run([str(releases.LOAMCTL), "--json", "release", "verify", str(newer), "--trust", str(TRUST)], capture_output=True, text=True,
                                    check=True).stdout)["key"]
    (node.state / "trust.json").write_text(json.dumps({"floor": "0", "revoked": [key]}))
    assert "is revoked" in node.refused("apply", newer)
    (node.state / "trust.json").write_text("{")
    assert "trust.json" in node.refused("apply", newer)


@pytest.mark.parametrize("large", ["latest", f"loam-{NEXT}.json", f"loam-{NEXT}.json.sig"])
def test_upgrade_reads_nothing_unsigned_that_is_large(scenario, node, newer, large):
    """Of 100 MB over HTTP no more than a little is taken, and none of it is kept."""
    folder = releases.copy(newer, scenario.folder / "large")
    (folder / large).unlink(missing_ok=True)
    with (folder / large).open("wb") as file:
        file.truncate(100_000_000)
    with ReleaseServer(folder) as server:
        said = node.refused("apply", server.url)
        assert "it was not read" in said, said
        assert server.bytes < 16_000_000, server.bytes  # what was under way
    assert node.starts(RELEASE) == "0.1.0"


def flip(file, offset):
    file.seek(offset)
    byte = file.read(1)[0]
    file.seek(offset)
    file.write(bytes([byte ^ 1]))
