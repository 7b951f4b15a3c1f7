"""The offline judge: what would this disk do if a machine were started from it now? It trusts nothing of ours: GPT by sfdisk,
FAT by mtools, the tree by veritysetup."""

import json
import os
import re
import subprocess
from pathlib import Path

MIB = 1 << 20


def _run(*argv, **options):
    environment = dict(os.environ, MTOOLS_SKIP_CHECK="1", MTOOLSRC="/dev/null")
    return subprocess.run([str(a) for a in argv], capture_output=True, text=True, env=environment, **options)


def partitions(disk, sector_size=512):
    listed = _run("sfdisk", f"--sector-size={sector_size}", "--json", disk)
    if listed.returncode != 0:
        return {}
    table = json.loads(listed.stdout)["partitiontable"]
    if table["label"] != "gpt":
        return {}
    found = {p.get("name", ""): p for p in table.get("partitions", [])}
    for partition in found.values():
        partition["offset"] = partition["start"] * sector_size  # in bytes
    return found


def _esp(disk, parts):
    return f"{disk}@@{parts['loam-esp']['offset']}"


def esp_files(disk, parts):
    listed = _run("mdir", "-i", _esp(disk, parts), "-/", "-b", "::")
    # Before it is formatted nothing boots from it; one that is and cannot be read is for the verdict.
    if listed.returncode != 0 and disk_bytes(disk, parts["loam-esp"]["offset"] + 510, 2) == b"\x55\xaa":
        return None
    return {line.strip().removeprefix("::") for line in listed.stdout.splitlines() if not line.strip().endswith("/")}


def disk_bytes(disk, offset, count):
    with Path(disk).open("rb") as file:
        file.seek(offset)
        return file.read(count)


def slot_is_good(disk, parts, root_hash, release, work, letter="a"):
    """The whole slot against its tree, by veritysetup, on copies of what the release has in the two partitions."""
    copies = {}
    for name, suffix in ((f"loam-root-{letter}", "root"), (f"loam-verity-{letter}", "verity")):
        copies[name] = Path(work) / name
        start, size = parts[name]["offset"], next(release.glob(f"*.{suffix}")).stat().st_size
        _run("dd", f"if={disk}", f"of={copies[name]}", "bs=1M", f"skip={start // MIB}", f"count={-(-size // MIB)}", check=True)
    good = _run("veritysetup", "verify", *copies.values(), root_hash).returncode == 0
    for copy in copies.values():
        copy.unlink()
    return good


def loam_yaml(disk, start):
    """loam.yaml on the loam partition, by debugfs."""
    return _run("debugfs", "-R", "cat /loam.yaml", f"{disk}?offset={start}").stdout


def state_of(disk, folder):
    """What a node that starts from this disk keeps on its loam partition: the file system repaired, as the initrd does it, and copied."""
    start = partitions(disk)["loam"]["offset"]
    assert _run("e2fsck", "-p", f"{disk}?offset={start}").returncode in (0, 1)
    _run("debugfs", "-R", f"rdump / {folder}", f"{disk}?offset={start}", check=True)


def verdict(disk, version, root_hash, uki, loader, work, config=None, check=slot_is_good):
    """"nothing": firmware finds no boot loader. "boots": everything on the way to a verified root is there and right.
    Anything else is a sentence about a disk that would start and fail."""
    parts = partitions(disk)
    if "loam-esp" not in parts:
        return "nothing"
    files = esp_files(disk, parts)
    if files is None:
        return "the EFI system partition cannot be read"
    if "/EFI/BOOT/BOOTX64.EFI" not in files:
        return "nothing"
    name = f"/EFI/Linux/loam-{version}+3.efi"
    if name not in files:
        return f"a boot loader without {name}: {sorted(files)}"
    for path, wanted in ((name, uki), ("/EFI/BOOT/BOOTX64.EFI", loader)):
        copy = Path(work) / "copy"
        _run("mcopy", "-n", "-o", "-i", _esp(disk, parts), f"::{path}", copy, check=True)
        if copy.read_bytes() != Path(wanted).read_bytes():
            return f"{path} is not whole"
    if parts["loam-root-a"]["uuid"].replace("-", "").lower() != root_hash[:32]:
        return "the root partition has not the UUID that the UKI looks for"
    if parts["loam-verity-a"]["uuid"].replace("-", "").lower() != root_hash[32:]:
        return "the verity partition has not the UUID that the UKI looks for"
    loam = "loam" if "loam" in parts else "loam-installing"  # a cut right before the last step, which the first start makes up for
    for partition in (loam, "loam-state"):
        start = parts[partition]["offset"]
        if _run("e2fsck", "-fn", f"{disk}?offset={start}").returncode != 0:
            return f"the file system of {partition} is not whole"
    if config is not None and loam_yaml(disk, parts[loam]["offset"]) != config:
        return "loam.yaml is not the one that it was installed by"
    return "boots" if check(disk, parts, root_hash, Path(uki).parent, work) else "the root does not match its tree"


def _version(text):
    return [int(word) for word in text.split(".")]


def boot_order(files):
    """Names in EFI/Linux as systemd-boot sorts those of one image: newest first, those without a try left at the end."""
    entries = []
    for path in files:
        found = re.fullmatch(r"/EFI/Linux/loam-([0-9.]+?)(?:\+(\d+)(?:-\d+)?)?\.efi", path)
        if found:
            entries.append((found[2] is None or int(found[2]) > 0, _version(found[1]), found[1], path))
    return [(version, path) for _, _, version, path in sorted(entries, reverse=True)]


def _entry_problem(disk, parts, path, release, work, check):
    """Why an entry would not start, or nothing; None for an empty file, which systemd-boot does not take for an entry: vfat renames
    by writing the new name first and what is behind it later."""
    manifest = json.loads(next(release.glob("loam-*.json")).read_text())
    copy = Path(work) / "copy"
    _run("mcopy", "-n", "-o", "-i", _esp(disk, parts), f"::{path}", copy, check=True)
    if copy.stat().st_size == 0:
        return None
    if copy.read_bytes() != (release / f"loam-{manifest['version']}.efi").read_bytes():
        return f"{path} is not whole"
    root_hash = manifest["verity"]["root_hash"]
    for letter in "ab":
        root, verity = parts[f"loam-root-{letter}"], parts[f"loam-verity-{letter}"]
        if root["uuid"].replace("-", "").lower() == root_hash[:32] and verity["uuid"].replace("-", "").lower() == root_hash[32:]:
            return "" if check(disk, parts, root_hash, release, work, letter) else f"slot {letter} does not match the tree of {path}"
    return f"no slot has the UUIDs that {path} looks for"


def starts(disk, releases, work, check=slot_is_good, sector_size=512):
    """The version that a start from this disk ends in, or a sentence on why it ends in nothing. Every entry that could be chosen
    must be whole, not only the first."""
    parts = partitions(disk, sector_size)
    if len(parts) != 7:
        return f"the partition table is damaged: {sorted(parts)}"
    files = esp_files(disk, parts)
    if files is None:
        return "the EFI system partition cannot be read"
    order = boot_order(files)
    if not order or "/EFI/BOOT/BOOTX64.EFI" not in files:
        return f"nothing to start: {sorted(files)}"
    by_version = {version_in(release): release for release in releases}
    whole = []
    for version, path in order:
        problem = _entry_problem(disk, parts, path, by_version[version], work, check)
        if problem:
            return problem
        if problem is not None:
            whole.append(version)
    return whole[0] if whole else f"nothing whole to start: {sorted(files)}"


def version_in(release):
    return json.loads(next(release.glob("loam-*.json")).read_text())["version"]
