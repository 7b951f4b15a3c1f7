"""./dev bench images: what options of the root image cost in size, and what an upgrade then fetches, on the releases of bench delta."""

import hashlib
import shutil
import subprocess

from bench.figure import figure, work
from bench.upgrade_figures import BLOCK, blocks_of, file_of, lower_bound_of_roots, pairs

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


BY_SIZE = "zstd 3, 64 KiB, files by their size"  # and not by their path: a file that grows moves others


def packed(tree, image, options, source=None):
    subprocess.run(["mkfs.erofs", "--quiet", "-T", "1767225600", "-U", "6c6f616d-0010-4a5e-9b3d-5f0c2a8e7d41", f"-b{BLOCK}", *options, str(image), str(source or tree)],
                   check=True, stdout=subprocess.DEVNULL)
    return image


def packed_by_size(tree, image):
    names = sorted((path.lstat().st_size if path.is_file() else 0, str(path.relative_to(tree))) for path in tree.rglob("*"))
    tar = image.with_suffix(".tar")
    subprocess.run(["tar", "-C", str(tree), "--no-recursion", "-T", "-", "-cf", str(tar)], input="".join(f"{name}\n" for _, name in names), text=True, check=True)
    packed(tree, image, ("-zzstd,3", "-C65536", "-E^inline_data", "--tar=f", "--sort=none"), tar)
    tar.unlink()
    return image


def changed_runs(old, new):
    """Ranges that a server is asked for, if each run of changed blocks is one."""
    digest = lambda block: hashlib.sha256(block).digest()
    known = {digest(block) for block in blocks_of(old)} | {digest(bytes(BLOCK))}
    runs, inside = 0, False
    for block in blocks_of(new):
        fresh = digest(block) not in known
        runs += fresh and not inside
        inside = fresh
    return runs


def images():
    folder = work("images")
    found = pairs()
    trees = {}
    for release in {release for pair in found.values() for release in pair}:
        trees[release] = folder / f"tree-{len(trees)}"
        subprocess.run(["fsck.erofs", f"--extract={trees[release]}", str(file_of(release, ".root"))], check=True, stdout=subprocess.DEVNULL)
    figures = []
    for name, options in [*OPTIONS.items(), (BY_SIZE, None)]:
        pack = (lambda tree, image: packed(tree, image, options)) if options else packed_by_size
        made = {release: pack(tree, folder / f"{tree.name}.root") for release, tree in trees.items()}
        runs = {pair: changed_runs(made[old], made[new]) for pair, (old, new) in found.items()}
        changed = {pair: lower_bound_of_roots(made[old], made[new]) for pair, (old, new) in found.items()}
        size = made[found["version only"][1]].stat().st_size
        print(f"{name:32} {size / 2**20:7.1f} MiB; changed blocks: " + ", ".join(f"{pair} {fetched / 2**20:6.2f} MiB in {runs[pair]} runs" for pair, fetched in changed.items()), flush=True)
        # The tree comes along with each upgrade, and grows with the image.
        figures.append(figure(f"{name}: fetched for all pairs, with the trees", (sum(changed.values()) + len(changed) * size / 127) / 2**20, "MiB"))
    shutil.rmtree(folder)
    return figures
