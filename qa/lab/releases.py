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
KEPT = 8


def sign(release, *more):
    subprocess.run([str(LOAMCTL), "release", "sign", str(release), "--key", str(KEYS / "signer.key"), "--chain", str(KEYS / "signer.pem"),
                    "--trust", str(KEYS / "trust"), *more], check=True, stdout=subprocess.DEVNULL)


def release(version, files=None, cmdline=""):
    """Its directory. files: path in the image -> text; one whose text begins with #! can be run."""
    files = files or {}
    what = json.dumps([version, files, cmdline, (RELEASE / ".key").read_text()], sort_keys=True)
    folder = CACHE / f"made-{hashlib.sha256(what.encode()).hexdigest()[:16]}"
    with (CACHE / "made.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            make(folder, version, files, cmdline)
        os.utime(folder)
        for stale in sorted(CACHE.glob("made-*"), key=lambda p: p.stat().st_mtime)[:-KEPT]:
            shutil.rmtree(stale)
    return folder


def make(folder, version, files, cmdline):
    partial = folder.with_name(f"partial-{folder.name}")
    with tempfile.TemporaryDirectory(dir=TOP / "build") as overlay:
        for name, text in files.items():
            path = Path(overlay) / name.lstrip("/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            path.chmod(0o755 if text.startswith("#!") else 0o644)
        subprocess.run([str(TOP / "mkosi/build.py"), str(partial), "--version", version, "--trust", str(KEYS / "trust"), "--overlay", overlay,
                        f"--cmdline={cmdline}"], check=True, stdout=subprocess.DEVNULL)
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
