"""The upgrade engine on image files: to and fro between slots, killed, lied to, and refusing what does not fit."""

import json
import random
import subprocess
import time
from collections import Counter

import pytest
from lab import judge, releases
from lab.node import RELEASE
from lab.release_server import ReleaseServer
from lab.upgrade_node import CONFIG, NEXT, Node, newer, node, spread, template  # noqa: F401 (fixtures)

CLUSTER = "cluster: {name: rack, pod_network: 10.244.0.0/16, service_network: 10.96.0.0/16}\n"
ROUNDS, POINTS, STEPS = 4, 6, 7


def test_upgrade_plan_writes_nothing_and_says_what_is_fetched(scenario, node, newer):
    table = node.files("mdir", "-b", "::/EFI/Linux")
    with ReleaseServer(newer) as server:
        offer = node.good("check", server.url)
        assert offer["version"] == NEXT and offer["newer"] and not offer["installed"], offer
        checked = server.bytes
        plan = node.good("plan", server.url)
        planned = plan["bytes"]
        assert "fill-slot" in plan["plan"] and "three tries" in plan["remarks"][0] and planned["fetch"] < planned["release"] / 4, plan
        assert "it reads loam.yaml of version 1, this node's has version 1" in plan["remarks"], plan
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
    for kubernetes, words in (("1.35.0", "one minor version at a time"), ("1.32.9", "does not go back"), ("", "carries no Kubernetes, 1.33.2 runs")):
        folder = scenario.folder / f"kubernetes-{kubernetes}"
        assert words in node.refused("apply", releases.resigned(newer, folder, kubernetes=kubernetes))
    (node.state / "loam.yaml").write_text(CONFIG + CLUSTER)
    assert "this node is one of a cluster" in node.refused("apply", scenario.folder / "kubernetes-", "--force")
    (node.state / "loam.yaml").write_text(CONFIG)
    (node.folder / "running.json").write_text(json.dumps({"version": "0.1.0", "kubernetes": "", "config_versions": [1]}))
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


def test_slots_are_verified_with_their_ukis(scenario, node, newer):
    """By the engine after it wrote one, and by a person later; what came of it is remembered."""
    node.good("apply", newer)
    hashes = [json.loads(next(release.glob("loam-*.json")).read_text())["verity"]["root_hash"] for release in (RELEASE, newer)]
    checks = lambda: json.loads((node.state / "slot-checks.json").read_text())
    assert list(checks()) == hashes[1:] and time.time() - checks()[hashes[1]]["when"] < 600
    done = node.loamctl("slots", "verify")
    assert done.returncode == 0, done
    told = {slot["slot"]: slot for slot in json.loads(done.stdout)}
    assert told["a"]["verified"] and told["b"]["verified"], done
    assert told["b"]["uki"] and not told["a"]["uki"], (done, "of the running one no manifest is kept here")
    assert set(checks()) == set(hashes)
    uki = scenario.folder / "uki"
    on_esp = f"::/EFI/Linux/loam-{NEXT}+3.efi"
    node.files("mcopy", on_esp, str(uki))
    good = uki.read_bytes()
    uki.write_bytes(good[:5_000_000] + bytes([good[5_000_000] ^ 1]) + good[5_000_001:])
    node.files("mcopy", "-o", str(uki), on_esp)
    done = node.loamctl("slots", "verify")
    assert done.returncode == 1 and "its SHA-256 is" in done.stderr, done
    assert "SHA-256" in checks()[hashes[1]]["problem"] and not checks()[hashes[0]]["problem"]
    uki.write_bytes(good)
    node.files("mcopy", "-o", str(uki), on_esp)
    with node.without([7]):
        done = node.loamctl("slots", "verify")
        assert done.returncode == 1 and "slot a" in done.stderr and checks()[hashes[0]]["problem"], done
    assert node.loamctl("slots", "verify").returncode == 0 and not any(check["problem"] for check in checks().values())


def test_upgrade_from_a_server_without_ranges_is_no_surprise(scenario, node, newer):
    """The plan says what it costs; by itself it is done only where loam.yaml allows it."""
    root = next(newer.glob("loam-*.root")).stat().st_size
    order = scenario.folder / "order.json"
    by_itself = ("--order", str(order))
    with ReleaseServer(newer) as server:
        planned = node.good("plan", server.url)
        assert planned["bytes"]["fetch"] < root / 4 and "of which only what no slot has" in planned["plan"], planned
    with node.without(spread(newer, 60)), ReleaseServer(newer, "plain") as server:
        order.write_text(json.dumps({"where": server.url, "by_itself": True}))
        planned = node.good("plan", server.url)
        assert planned["bytes"]["root"] == root and "no parts of files" in planned["plan"] + planned["remarks"][-1], planned
        assert server.bytes < root / 2, "it was only asked"
        said = node.refused("apply", "", *by_itself)
        assert "update.full_download" in said and server.bytes < root / 2, said
        assert len(node.files("mdir", "-b", "::/EFI/Linux").split()) == 1, "nothing was written"
        (node.state / "loam.yaml").write_text(CONFIG + "update: {full_download: true}\n")
        node.good("apply", "", *by_itself)
        assert server.bytes > 0.9 * root
    assert node.starts(RELEASE, newer) == NEXT


def test_upgrade_while_the_network_drops(scenario, node, newer):
    """So slowly that the tree alone takes several periods."""
    with node.without(spread(newer, 60)), ReleaseServer(newer, drop_every=3, pace=150_000) as server:
        node.good("apply", server.url)
    assert server.drops >= 2, server.drops
    assert node.starts(RELEASE, newer) == NEXT
    scenario.figures = {"connections that were dropped": server.drops}


def test_upgrade_keeps_to_a_rate_limit_over_many_small_ranges(scenario, node, newer):
    """Neither much more, nor so many ranges a second."""
    rate = 400 << 10
    (node.state / "loam.yaml").write_text(CONFIG + "update: {rate_limit: 400K}\n")
    with node.without(spread(newer, 300)), ReleaseServer(newer) as server:
        node.good("apply", server.url)
    assert node.starts(RELEASE, newer) == NEXT
    last_of_tree = max(when for when, name, _ in server.log if name.endswith(".verity"))
    ranges = [(when, sent) for when, name, sent in server.log if name.endswith(".root") and when > last_of_tree]
    seconds, came = ranges[-1][0] - ranges[0][0], sum(sent for _, sent in ranges[1:])
    scenario.figures = {"ranges": len(ranges), "bytes": came, "seconds": round(seconds, 2), "of the limit": round(came / seconds / rate, 3)}
    # On an idle machine it is 0.66 and more, on a busy one less; five ranges a second are 0.05.
    assert len(ranges) > 200 and 0.15 <= came / seconds / rate <= 1.15, scenario.figures
