#!/usr/bin/env python3
"""Makes the ISO of a release: bootable by UEFI as CD or virtual medium and, the same file, from a USB stick.

    build.py RELEASE-DIR OUT.iso

The EFI system partition is a file near the front of the ISO 9660 volume and, by the GPT, a partition too. What is large
comes behind it, so that a truncated copy still boots far enough to say that it is truncated.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

VOLUME = "LOAM-LIVE"  # loam-boot looks for it
EPOCH = "1767225600"
LOADER_CONF = "timeout 3\nconsole-mode keep\neditor no\n"
# "@1" makes the stub take the UKI's second profile, the live one. The UKI is not in EFI/Linux, where systemd-boot would
# also offer its first profile, which waits for an installed disk.
ENTRY = "title Loam {version} from this medium\nefi /EFI/loam/loam-{version}.efi\noptions @1\n"


def run(*argv, **options):
    environment = dict(os.environ, SOURCE_DATE_EPOCH=EPOCH, MTOOLSRC="/dev/null", TZ="UTC")
    subprocess.run([str(a) for a in argv], check=True, env=environment, **options)


def make_esp(release, version, image):
    uki, loader = release / f"loam-{version}.efi", release / f"loam-{version}.boot.efi"
    megabytes = (uki.stat().st_size >> 20) + 8
    with image.open("wb") as file:
        file.truncate(megabytes << 20)
    run("mkfs.fat", "--invariant", "-i", "10a00001", "-n", "LOAM-BOOT", image, stdout=subprocess.DEVNULL)
    run("mmd", "-i", image, "::/EFI", "::/EFI/BOOT", "::/EFI/loam", "::/loader", "::/loader/entries")
    for source, target in ((loader, "EFI/BOOT/BOOTX64.EFI"), (uki, f"EFI/loam/loam-{version}.efi")):
        run("mcopy", "-i", image, source, f"::/{target}")
    for text, target in ((LOADER_CONF, "loader.conf"), (ENTRY.format(version=version), "entries/live.conf")):
        run("mcopy", "-i", image, "-", f"::/loader/{target}", input=text.encode())


def main():
    release, out = Path(sys.argv[1]), Path(sys.argv[2])
    version = json.loads(next(release.glob("loam-*.json")).read_text())["version"]
    with tempfile.TemporaryDirectory(dir=out.parent) as work:
        esp = Path(work) / "esp.img"
        make_esp(release, version, esp)
        maps = ["--sort-weight", "10", "/esp.img", "--sort-weight", "5", f"/loam/loam-{version}.json",
                "-graft-points", f"/esp.img={esp}"]
        maps += [f"/loam/{file.name}={file}" for file in sorted(release.glob("loam-*")) if file.suffix != ".lock"]
        run("xorriso", "-as", "mkisofs", "-quiet", "-V", VOLUME, "-R", "-J", "-e", "esp.img", "-no-emul-boot", "--efi-boot-part",
            "--efi-boot-image", "--protective-msdos-label", "-o", out, *maps)


if __name__ == "__main__":
    main()
