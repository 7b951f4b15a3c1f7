"""Releases that were changed after they were signed, or signed by the wrong one: loamctl release verify and the installer refuse each."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
from lab import releases
from lab.node import RELEASE, TRUST, uki

TOP = Path(__file__).resolve().parent.parent.parent
LOAMCTL = TOP / "build/release/initd/loamctl"
VERSION = json.loads(next(RELEASE.glob("loam-*.json")).read_text())["version"]
SUFFIXES = ("json", "json.sig", "efi", "boot.efi", "root", "verity")


def verify(folder, trust=TRUST):
    return subprocess.run([str(LOAMCTL), "release", "verify", str(folder), "--trust", str(trust)], capture_output=True, text=True, timeout=300)


@pytest.fixture
def copy(scenario):
    """Links to the files: one that is to be changed is copied first."""
    folder = scenario.folder / "release"
    folder.mkdir()
    for suffix in SUFFIXES:
        os.link(RELEASE / f"loam-{VERSION}.{suffix}", folder / f"loam-{VERSION}.{suffix}")
    return folder


def change(folder, suffix, how):
    path = folder / f"loam-{VERSION}.{suffix}"
    subprocess.run(["cp", "--reflink=auto", str(path), str(path) + ".changed"], check=True)
    path.unlink()
    Path(str(path) + ".changed").rename(path)
    with path.open("r+b") as file:
        how(file, path.stat().st_size)


def flip(at):
    def how(file, size):
        offset = int(at * (size - 1))
        file.seek(offset)
        byte = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([byte ^ 1]))
    return how


def test_release_is_good_as_built(copy):
    good = verify(copy)
    assert good.returncode == 0 and "signed by" in good.stdout, good


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_release_changed_anywhere_is_refused(copy, suffix):
    changes = {"first byte": flip(0), "last byte": flip(1), "at 1/3": flip(1 / 3), "at 0.7": flip(0.7), "cut off": lambda file, size: file.truncate(size - 2),
               "empty": lambda file, size: file.truncate(0), "longer": lambda file, size: (file.seek(size), file.write(b"x"))}
    original = RELEASE / f"loam-{VERSION}.{suffix}"
    for name, how in changes.items():
        change(copy, suffix, how)
        refused = verify(copy)
        assert refused.returncode == 1 and "loamctl: " in refused.stderr, (name, refused)
        path = copy / original.name
        path.unlink()
        os.link(original, path)
    assert verify(copy).returncode == 0


def test_release_without_signature_or_authority(copy, scenario):
    other = scenario.folder / "other"
    other.mkdir()
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384", "-noenc", "-subj", "/CN=Somebody",
                    "-addext", "basicConstraints=critical,CA:TRUE", "-keyout", str(other / "key"), "-out", str(other / "somebody.pem")], check=True, capture_output=True)
    assert "does not lead to an authority" in verify(copy, other).stderr
    (copy / f"loam-{VERSION}.json.sig").unlink()
    unsigned = verify(copy)
    assert unsigned.returncode == 1 and "a release without a signature is not used" in unsigned.stderr, unsigned


def test_release_of_a_huge_manifest_is_not_read(copy):
    change(copy, "json", lambda file, size: file.truncate(100 << 20))
    refused = verify(copy)
    assert refused.returncode == 1 and "1048576" in refused.stderr, refused


def test_release_revoked_and_replayed(copy, scenario):
    """The node knows a key as revoked; whatever that key signed is refused."""
    trust = scenario.folder / "trust"
    subprocess.run(["cp", "-r", str(TRUST), str(trust)], check=True)
    key = json.loads(subprocess.run([str(LOAMCTL), "--json", "release", "verify", str(copy), "--trust", str(TRUST)], capture_output=True, text=True, check=True).stdout)["key"]
    (trust / "revoked").write_text(f"# lost in a train\n{key}\n")
    refused = verify(copy, trust)
    assert refused.returncode == 1 and "is revoked" in refused.stderr, refused


def test_release_checked_with_openssl_as_the_documentation_says(copy, scenario):
    text = (TOP / "docs/releases.md").read_text()
    commands = re.findall(r"```sh\n(.*?)```", text[text.index("## Checking one"):], re.S)[0].replace("loam-V", f"loam-{VERSION}")
    authority = next(TRUST.glob("*.pem"))
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", commands.replace("authority.pem", str(authority))], cwd=copy, capture_output=True, text=True)
    assert done.returncode == 0 and "Verified OK" in done.stdout and "OK" in done.stdout.splitlines()[-1], done


def test_release_of_a_new_authority_that_an_older_release_brought(copy, scenario):
    """Key rotation: an image that trusts both takes what either signed; one that knows the old one only does not."""
    new = releases.Authority(scenario.folder / "new")
    assert verify(copy, new.trust).returncode == 0, "what the old one signed"
    new.sign(copy)
    good = verify(copy, new.trust)
    assert good.returncode == 0 and "New signer" in good.stdout, good
    assert "does not lead to an authority" in verify(copy).stderr
