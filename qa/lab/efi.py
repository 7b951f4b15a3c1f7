"""An EFI system partition for our programs outside of a machine: a tmpfs at /efi that they take for one."""

import shutil
import subprocess
from pathlib import Path

SHIM = Path(__file__).with_name("efi_shim.c")


def environment(folder):
    """Of programs that are to take it for one."""
    library = folder / "efi_shim.so"
    subprocess.run(["gcc", "-shared", "-fPIC", "-O2", "-o", str(library), str(SHIM), "-ldl"], check=True)
    return {"LD_PRELOAD": str(library)}


class Efi:
    """kept: a folder with its files while it is not mounted."""

    def __init__(self, kept):
        self.kept = kept
        self.kept.mkdir()
        Path("/efi").mkdir(exist_ok=True)

    def mount(self):
        subprocess.run(["mount", "-t", "tmpfs", "efi", "/efi"], check=True)
        shutil.copytree(self.kept, "/efi", dirs_exist_ok=True)

    def unmount(self):
        shutil.rmtree(self.kept)
        shutil.copytree("/efi", self.kept)
        subprocess.run(["umount", "/efi"], check=True)
