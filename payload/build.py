#!/usr/bin/env python3
"""Builds what the image carries to run a cluster. Runs in the toolbox.

    build.py OUT [COMPONENT ...] [--lock FILE] [--no-cache]

Steps, each from the content of its inputs only:
  programs of the components (go, gcc)  +  a Debian tree (mkosi)  ->  OCI images (buildah)  ->  SBOM
OUT/root goes over the image's root; OUT/payload.spdx.json says what is in it, OUT/payload.lock which Debian packages to take to
make it again. With components named, only they and the images that need no other.
"""

import argparse
import fnmatch
import hashlib
import importlib.util
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

from sbom import DOCUMENT, Sbom, modules_in

TOP = Path(__file__).resolve().parent.parent
HERE = TOP / "payload"
GO = "/usr/lib/go-1.26/bin/go"
BUILD = ["build", "-trimpath", "-buildvcs=false"]
IMAGES = "usr/share/loam/images"  # an OCI layout, in the node's root
FACTS = "usr/share/loam/payload.json"
PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin"


def load_image_build():
    spec = importlib.util.spec_from_file_location("image_build", TOP / "mkosi/build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


image_build = load_image_build()
CACHE, EPOCH, run, say, tree_hash = (getattr(image_build, name) for name in ("CACHE", "EPOCH", "run", "say", "tree_hash"))


def output(*argv, **options):
    return run(*argv, capture_output=True, text=True, **options).stdout


# ---- programs ----

def go_environment(cgo=False):
    """Nothing of the caller's Go settings: they could switch off the checksum database."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GO", "CGO"))}
    return kept | {"GOENV": "off", "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly", "GOMODCACHE": str(CACHE / "go-mod"),
                   "GOCACHE": str(CACHE / "go-build"), "CGO_ENABLED": "1" if cgo else "0"}


def compilers():
    return output(GO, "version", env=go_environment()) + output("gcc", "--version")


def version_of(component, entry):
    """Without the v; "" for what has no module."""
    if "module" not in entry:
        return ""
    required = json.loads(output(GO, "mod", "edit", "-json", cwd=HERE / component, env=go_environment()))["Require"]
    return next(module["Version"] for module in required if module["Path"] == entry["module"]).removeprefix("v")


def link_flags(entry, version):
    numbers = dict(zip(("major", "minor"), version.split(".")), version=version)
    return " ".join(["-s -w", *(f"-X '{name}={value.format(**numbers)}'" for name, value in entry.get("variables", {}).items())])


def compile_go(component, entry, version, out):
    folder = HERE / component
    tools = output(GO, "list", "tool", cwd=folder, env=go_environment()).split()
    with_cgo = [tool for tool in tools if Path(tool).name in entry.get("cgo", [])]
    for packages, cgo in ((sorted(set(tools) - set(with_cgo)), False), (with_cgo, True)):
        if packages:
            run(GO, *BUILD, "-tags", ",".join(entry.get("tags", [])), "-ldflags", link_flags(entry, version), "-o", f"{out}/", *packages,
                cwd=folder, env=go_environment(cgo))


def compile_c(component, out):
    run("gcc", "-Wall", "-Wextra", "-Werror", "-Os", "-s", "-static", "-o", out / component, HERE / component / f"{component}.c")


def build_component(component, entry, version, cached):
    """The folder with its programs."""
    inputs = tree_hash(HERE / component) + json.dumps([entry, BUILD]) + compilers()
    saved = CACHE / f"payload-{component}-{hashlib.sha256(inputs.encode()).hexdigest()[:16]}"
    if cached and saved.exists():
        os.utime(saved)
        return saved
    say(f"compiling {component} {version}".rstrip())
    with tempfile.TemporaryDirectory(dir=CACHE, prefix="payload.") as work:
        made = Path(work) / component
        made.mkdir()
        if "module" in entry:
            compile_go(component, entry, version, made)
        else:
            compile_c(component, made)
        shutil.rmtree(saved, ignore_errors=True)
        made.rename(saved)
    return saved


def programs_named(patterns, programs):
    """Of those that were built, component/name -> file for names such as cni-plugins/*."""
    found = {f"{component}/{file.name}": file for component, folder in programs.items() for file in sorted(folder.iterdir())}
    return {name: file for name, file in found.items() if any(fnmatch.fnmatch(name, pattern) for pattern in patterns)}


# ---- images ----

class Images:
    """An OCI layout, written by buildah, which alone of Debian's tools leaves layers uncompressed: they are compared block by block
    between releases, and imported without work. Everything has one time stamp, so the same files make the same digests."""

    def __init__(self, work, layout):
        self.layout = layout
        self.storage = ["--storage-driver", "vfs", "--root", str(work / "containers"), "--runroot", str(work / "containers-run")]

    def buildah(self, command, *arguments):
        return output("buildah", *self.storage, command, *arguments).strip()

    def commit(self, container, target):
        self.buildah("commit", "--quiet", "--rm", "--disable-compression", "--identity-label=false", "--timestamp", EPOCH, container, target)

    def add_base(self, name, tree):
        container = self.buildah("from", "scratch")
        self.buildah("copy", "--quiet", container, f"{tree}/", "/")
        self.buildah("config", "--created-by", f"loam payload: {name}", container)
        self.commit(container, f"localhost/{name}")

    def add(self, name, entry, tree):
        base = entry["base"] if entry["base"] == "scratch" else f"localhost/{entry['base']}"
        container = self.buildah("from", "--pull-never", base)
        self.buildah("copy", "--quiet", container, f"{tree}/", "/")
        self.buildah("config", "--created-by", f"loam payload: {name}", "--env", PATH, "--user", entry.get("user", "0:0"),
                     "--entrypoint", json.dumps(entry.get("entrypoint", [])), "--cmd", "", container)
        self.commit(container, f"oci:{self.layout}:{name}")

    def finish(self):
        """In an order of its own, with the names where containerd looks for them. Name -> digest."""
        index = json.loads((self.layout / "index.json").read_text())
        index["manifests"].sort(key=lambda manifest: manifest["annotations"]["org.opencontainers.image.ref.name"])
        for manifest in index["manifests"]:
            annotations = manifest["annotations"]
            annotations["io.containerd.image.name"] = annotations["org.opencontainers.image.ref.name"]
        (self.layout / "index.json").write_text(json.dumps(index) + "\n")
        for file in self.layout.rglob("*"):
            file.chmod(0o755 if file.is_dir() else 0o644)
        return {manifest["annotations"]["io.containerd.image.name"]: manifest["digest"] for manifest in index["manifests"]}


def installed(*packages, database="/var/lib/dpkg"):
    """What dpkg says of Debian packages."""
    names = ("name", "version", "architecture", "source", "source_version")
    listed = output("dpkg-query", f"--admindir={database}", "-W", "-f=${Package} ${Version} ${Architecture} ${source:Package} ${source:Version}\\n", *packages)
    return [dict(zip(names, line.split())) for line in sorted(listed.splitlines())]


def debian_tree(work, lock, cached, written):
    """The tree and what dpkg says is in it; the lock that makes it again is written."""
    tree = image_build.mkosi_tree(HERE / "debian", work, lock, cached)
    image_build.write_lock([tree], written)
    found = json.loads(written.read_text())
    if lock:
        image_build.check_lock(lock, found)
    debs = [deb | {"sha256": found[deb["name"]]["sha256"]} for deb in installed(*found, database=tree / "var/lib/dpkg")]
    # What tells scanners which packages there are stays; all else of dpkg and apt goes.
    image_build.remove(tree, "var/lib/dpkg/[!s]*", "var/lib/dpkg/status-old", "var/lib/dpkg/statoverride", "var/lib/apt", "var/lib/pam",
                       "var/lib/systemd", "var/lib/shells.state", "var/cache/*", "var/log/*", "etc/apt", "etc/machine-id", "etc/passwd-", "etc/shadow-",
                       "etc/group-", "etc/gshadow-", "etc/.pwd.lock", "etc/resolv.conf", "usr/share/doc/*", "usr/share/man/*", "usr/share/info/*",
                       "usr/share/locale/*", "usr/lib/x86_64-linux-gnu/gconv", "run/*", "tmp/*", "var/tmp/*", "root/.*", "boot", "efi")
    return tree, debs


def base_tree(name, paths, debian, work):
    tree = work / f"base-{name}"
    tree.mkdir()
    for path in paths:
        run("cp", "-a", "--parents", path, tree, cwd=debian)
    return tree


def image_tree(entry, programs, work):
    """The files that an image has over its base."""
    tree = Path(tempfile.mkdtemp(dir=work))
    tree.chmod(0o755)
    for path, program in entry["files"].items():
        component, name = program.split("/")
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(programs[component] / name, tree / path)
        (tree / path).chmod(0o755)
    for path, capabilities in entry.get("capabilities", {}).items():
        run("setcap", capabilities, tree / path)
    return tree


def build_images(recipe, wanted, programs, debian, work, layout):
    images = Images(work, layout)
    for base in sorted({entry["base"] for entry in wanted.values()} - {"scratch"}):
        images.add_base(base, base_tree(base, recipe["bases"][base]["paths"], debian, work))
    for name, entry in wanted.items():
        say(f"image {name}")
        images.add(name, entry, image_tree(entry, programs, work))
    return images.finish() if wanted else {}


# ---- SBOM ----

def sbom(recipe, versions, programs, debs, images, wanted):
    bill = Sbom(int(EPOCH))
    debian = {deb["name"]: bill.add_debian("deb", deb) for deb in debs}
    built = {}
    for component, folder in programs.items():
        for program in sorted(folder.iterdir()):
            key = bill.add_program(component, program.name, versions[component], hashlib.sha256(program.read_bytes()).hexdigest())
            built[f"{component}/{program.name}"] = key
            if "module" in recipe["components"][component]:
                linked = [bill.add_module(*module) for module in modules_in(output(GO, "version", "-m", program, env=go_environment()))]
            else:
                linked = [bill.add_debian("toolbox", deb) for deb in installed("libc6-dev")]
            for part in linked:
                bill.relate(key, "STATIC_LINK", part)
    for name, digest in images.items():
        key = bill.add_image(name, digest)
        bill.relate(DOCUMENT, "DESCRIBES", key)
        base = recipe["bases"].get(wanted[name]["base"], {"packages": []})
        for part in [built[program] for program in wanted[name]["files"].values()] + [debian[deb] for deb in base.get("packages", debian)]:
            bill.relate(key, "CONTAINS", part)
    for patterns in recipe["node"].values():
        for program in programs_named(patterns, programs):
            bill.relate(DOCUMENT, "DESCRIBES", built[program])
    return bill.document()


# ---- all of it ----

def needs(recipe):
    """What the node and each image take of the components."""
    node = {pattern.split("/")[0] for patterns in recipe["node"].values() for pattern in patterns}
    images = {name: {program.split("/")[0] for program in entry["files"].values()} for name, entry in recipe["images"].items()}
    return node, images


def build(out, chosen, lock, cached):
    recipe = yaml.safe_load((HERE / "components.yaml").read_text())
    node, images = needs(recipe)
    components = [name for name in recipe["components"] if name in node.union(*images.values()) and (not chosen or name in chosen)]
    versions = {name: version_of(name, entry) for name, entry in recipe["components"].items()}
    programs = {name: build_component(name, recipe["components"][name], versions[name], cached) for name in components}
    wanted = {name.format(**versions): entry for name, entry in recipe["images"].items() if images[name] <= programs.keys()}

    partial = out.with_suffix(".new")
    shutil.rmtree(partial, ignore_errors=True)
    (partial / "root" / IMAGES).mkdir(parents=True)
    for folder, patterns in recipe["node"].items():
        (partial / "root" / folder).mkdir(parents=True, exist_ok=True)
        for program in programs_named(patterns, programs).values():
            shutil.copy(program, partial / "root" / folder)
    with tempfile.TemporaryDirectory(dir=out.parent) as work:
        debian, debs = debian_tree(Path(work), lock, cached, partial / "payload.lock")
        digests = build_images(recipe, wanted, programs, debian, Path(work), partial / "root" / IMAGES)
    facts = {"versions": {name: versions[name] for name in components if versions[name]}, "images": digests}
    (partial / "root" / FACTS).write_text(json.dumps(facts, indent=1) + "\n")
    (partial / "payload.spdx.json").write_text(json.dumps(sbom(recipe, versions, programs, debs, digests, wanted), indent=1) + "\n")
    shutil.rmtree(out, ignore_errors=True)
    partial.rename(out)


def main():
    parser = argparse.ArgumentParser(description="Build what the image carries to run a cluster.")
    parser.add_argument("out", type=Path)
    parser.add_argument("component", nargs="*", help="only these")
    parser.add_argument("--lock", type=Path, help="take exactly the Debian packages of this lock")
    parser.add_argument("--no-cache", action="store_true", help="compile and install packages even if nothing changed")
    options = parser.parse_args()
    lock = json.loads(options.lock.read_text()) if options.lock else None
    try:
        build(options.out.resolve(), options.component, lock, not options.no_cache)
    except subprocess.CalledProcessError as failure:
        sys.exit(f"{shlex.join(failure.cmd)}\nended with {failure.returncode}. {failure.stderr or ''}")


if __name__ == "__main__":
    os.umask(0o022)
    main()
