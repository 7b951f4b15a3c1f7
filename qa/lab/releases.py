"""Releases besides the one that is tested: the same image with another version, and with what a test wants changed in it."""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from lab.node import RELEASE

TOP = Path(__file__).resolve().parent.parent.parent
CACHE = Path(os.environ["LOAM_CACHE"])
KEYS = Path(os.environ["LOAM_KEYS"])
LOAMCTL = TOP / "build/release/initd/loamctl"
KEPT = 16


def sign(release, *more):
    sign_by(release, KEYS / "signer.key", KEYS / "signer.pem", KEYS / "trust", *more)


def sign_by(release, key, chain, trust, *more):
    subprocess.run([str(LOAMCTL), "release", "sign", str(release), "--key", str(key), "--chain", str(chain), "--trust", str(trust), *more],
                   check=True, stdout=subprocess.DEVNULL)


class Authority:
    """A new one, with somebody who signs for it: ca.pem, key, chain.pem; trust is the present ones and this."""

    def __init__(self, folder):
        self.folder, self.trust = folder, folder / "trust"
        shutil.copytree(KEYS / "trust", self.trust)
        self.make("New authority", "ca.key", "ca.pem", "-addext", "basicConstraints=critical,CA:TRUE")
        self.make("New signer", "key", "chain.pem", "-CA", str(folder / "ca.pem"), "-CAkey", str(folder / "ca.key"), "-addext", "basicConstraints=critical,CA:FALSE",
                  "-addext", "keyUsage=critical,digitalSignature", "-addext", "extendedKeyUsage=codeSigning")
        shutil.copy(folder / "ca.pem", self.trust / "new.pem")

    def make(self, name, key, certificate, *more):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384", "-noenc", "-sha384", "-subj", f"/CN={name}", *more,
                        "-keyout", str(self.folder / key), "-out", str(self.folder / certificate)], check=True, capture_output=True)

    def sign(self, release):
        """In place of who signed it."""
        next(release.glob("*.json.sig")).unlink()
        sign_by(release, self.folder / "key", self.folder / "chain.pem", self.trust)


def other_versions():
    """Package of the image -> a version of it that Debian's mirror has besides the one that is in the image."""
    lock = json.loads(next(RELEASE.glob("*.lock")).read_text())
    listed = subprocess.run(["apt-cache", "madison", *lock], capture_output=True, text=True, check=True).stdout
    found = {}
    for line in listed.splitlines():
        name, version, source = (word.strip() for word in line.split("|"))
        if "Sources" not in source and "backports" not in source and version != lock[name]["version"]:
            found[name] = version
    return found


def release(version, files=None, cmdline="", packages=None):
    """Its directory. files: path in the image -> text; one whose text begins with #! can be run. packages: name -> version, of those
    that are to be of another one."""
    files, packages = files or {}, packages or {}
    what = json.dumps([version, files, cmdline, packages, (RELEASE / ".key").read_text()], sort_keys=True)
    folder = CACHE / f"made-{hashlib.sha256(what.encode()).hexdigest()[:16]}"
    with (CACHE / "made.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            make(folder, version, files, cmdline, packages)
        os.utime(folder)
        for stale in sorted(CACHE.glob("made-*"), key=lambda p: p.stat().st_mtime)[:-KEPT]:
            shutil.rmtree(stale)
    return folder


def make(folder, version, files, cmdline, packages):
    partial = folder.with_name(f"partial-{folder.name}")
    with tempfile.TemporaryDirectory(dir=TOP / "build") as overlay:
        for name, text in files.items():
            path = Path(overlay) / name.lstrip("/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            path.chmod(0o755 if text.startswith("#!") else 0o644)
        pins = Path(f"{overlay}.pins")
        pins.write_text(json.dumps({name: {"version": wanted} for name, wanted in packages.items()}))
        payload = (RELEASE / ".payload").read_text()
        subprocess.run([str(TOP / "mkosi/build.py"), str(partial), "--version", version, "--trust", str(KEYS / "trust"), "--overlay", overlay,
                        f"--cmdline={cmdline}", *(["--pins", str(pins)] if packages else []), *(["--payload", payload] if payload else [])], check=True, stdout=subprocess.DEVNULL)
        pins.unlink()
    sign(partial)
    partial.rename(folder)


def copy(release, folder):
    """Links to the files: one that is to be changed is copied first."""
    folder.mkdir()
    for file in release.iterdir():
        if file.is_file():
            (folder / file.name).symlink_to(file)
    return folder


def change(path, how):
    """how(file, size) on a copy in the place of a link."""
    aside = path.with_name(path.name + ".changed")
    subprocess.run(["cp", "--reflink=auto", str(path), str(aside)], check=True)
    aside.rename(path)
    with path.open("r+b") as file:
        how(file, path.stat().st_size)


def resigned(release, folder, **members):
    """The release with other words in its manifest, signed again."""
    copy(release, folder)
    path = next(folder.glob("loam-*.json"))
    manifest = json.loads(path.read_text()) | members
    path.unlink()
    path.write_text(json.dumps(manifest))
    (folder / f"{path.name}.sig").unlink()
    sign(folder)
    return folder
