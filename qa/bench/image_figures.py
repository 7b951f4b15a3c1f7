"""./dev bench images: what options of the root image cost in size, and what an upgrade then fetches, on the releases of bench delta."""

import shutil
import subprocess

from bench.figure import figure, work
from bench.upgrade_figures import BLOCK, file_of, lower_bound_of_roots, pairs

# As mkosi/build.py has them first.
OPTIONS = {
    "zstd 3, 64 KiB, no inline data": ("-zzstd,3", "-C65536", "-E^inline_data"),
    "the same, inline data": ("-zzstd,3", "-C65536"),
    "zstd 3, 16 KiB": ("-zzstd,3", "-C16384", "-E^inline_data"),
    "zstd 3, 256 KiB": ("-zzstd,3", "-C262144", "-E^inline_data"),
    "zstd 15, 64 KiB": ("-zzstd,15", "-C65536", "-E^inline_data"),
    "lz4hc 12, 64 KiB": ("-zlz4hc,12", "-C65536", "-E^inline_data"),
    "lz4hc 12, 4 KiB": ("-zlz4hc,12", "-C4096", "-E^inline_data"),
    "fragments, dedupe": ("-zzstd,3", "-C65536", "-Efragments,dedupe"),
    "not compressed": ("-E^inline_data",),
}


def packed(tree, image, options):
    subprocess.run(["mkfs.erofs", "--quiet", "-T", "1767225600", "-U", "6c6f616d-0010-4a5e-9b3d-5f0c2a8e7d41", f"-b{BLOCK}", *options, str(image), str(tree)],
                   check=True, stdout=subprocess.DEVNULL)
    return image


def images():
    folder = work("images")
    found = pairs()
    trees = {}
    for release in {release for pair in found.values() for release in pair}:
        trees[release] = folder / f"tree-{len(trees)}"
        subprocess.run(["fsck.erofs", f"--extract={trees[release]}", str(file_of(release, ".root"))], check=True, stdout=subprocess.DEVNULL)
    figures = []
    for name, options in OPTIONS.items():
        made = {release: packed(tree, folder / f"{tree.name}.root", options) for release, tree in trees.items()}
        changed = {pair: lower_bound_of_roots(made[old], made[new]) for pair, (old, new) in found.items()}
        size = made[found["version only"][1]].stat().st_size
        print(f"{name:32} {size / 2**20:7.1f} MiB; changed blocks: " + ", ".join(f"{pair} {fetched / 2**20:6.2f} MiB" for pair, fetched in changed.items()), flush=True)
        # The tree comes along with each upgrade, and grows with the image.
        figures.append(figure(f"{name}: fetched for all pairs, with the trees", (sum(changed.values()) + len(changed) * size / 127) / 2**20, "MiB"))
    shutil.rmtree(folder)
    return figures
