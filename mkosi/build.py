#!/usr/bin/env python3
"""Builds the release directory: root (EROFS), verity, UKI, systemd-boot and manifest. Runs in the toolbox.

    build.py OUT --version V --trust DIR [--payload DIR] [--lock FILE | --pins FILE] [--no-cache] [--overlay DIR] [--cmdline TEXT]

Steps, each from the content of its inputs only:
  base trees (mkosi)  ->  root tree (+ overlays, our programs)  ->  EROFS  ->  verity  ->  UKI  ->  manifest
"""

import argparse
import fnmatch
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
CACHE = Path(os.environ["LOAM_CACHE"])
EPOCH = "1767225600"  # every time stamp in the image
SALT = hashlib.sha256(b"loam verity salt 1").hexdigest()  # the same in every release: leaves can be compared
UPGRADE_FROM = "0.1.0"  # the oldest version that can be upgraded to this one
FLOOR = "0"  # nothing older may be installed once this one has proven itself
CONFIG_VERSIONS = [1]  # of loam.yaml
EROFS_UUID = "6c6f616d-0010-4a5e-9b3d-5f0c2a8e7d41"
FRAME_ALIGNMENT = 4096  # of the initrd; as src/slots/uki.hpp has it
MODULES = b"modules"  # their frame
LARGE_FILE = 128 << 10  # bytes from which a file has a frame of its own
VERITY_UUID = "6c6f616d-0011-4a5e-9b3d-5f0c2a8e7d41"
CMDLINE = ("roothash={hash} systemd.gpt_auto=no systemd.verity=no systemd.firstboot=no rd.systemd.gpt_auto=no "
           "console=tty0 console=ttyS0,115200 gpt panic=30 quiet loglevel=4 systemd.show_status=auto "
           # Without bpf: systemd loads a BPF program into it at both of its starts, for RestrictFileSystems=, which no unit here
           # uses; a tenth of the boot went there.
           "lsm=landlock,lockdown,yama,integrity,apparmor "
           "audit=0")  # journald switches it on, nobody reads it, and each login would fill a screen of the journal
PROGRAMS = {"usr/lib/loam": ["loamd", "loam-probe", "loam-claim", "loam-activate", "loam-cluster", "loam-netprobe", "loam-install", "loam-upgrade", "loam-render", "loam-console"], "usr/bin": ["loamctl"]}
INITRD_PROGRAMS = {"usr/lib/loam": ["loam-boot", "loam-render"]}


def say(text):
    print(f"    {text}", file=sys.stderr, flush=True)


def run(*argv, **options):
    return subprocess.run([str(a) for a in argv], check=True, **options)


def tree_hash(*paths):
    """Names, modes and contents of files and folders."""
    digest = hashlib.sha256()
    for path in paths:
        files = sorted(p for p in path.rglob("*")) if path.is_dir() else [path]
        for file in files:
            # Of the mode only whether it is executable: the rest is the umask of whoever cloned.
            digest.update(f"{file.relative_to(path.parent)} {file.lstat().st_mode & 0o170100:o}\0".encode())
            if file.is_symlink():
                digest.update(os.readlink(file).encode())
            elif file.is_file():
                digest.update(file.read_bytes())
    return digest.hexdigest()


def apt_sources(sandbox, lock):
    """mkosi's own list also asks for debian-debug, which a mirror may lack: give it ours, the toolbox's."""
    mirror, security = os.environ["LOAM_HOST_MIRROR"], os.environ["LOAM_HOST_SECURITY"]
    stanza = "Types: deb\nURIs: {}\nSuites: {}\nComponents: main non-free-firmware\n" \
             "Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n"
    target = sandbox / "etc/apt/sources.list.d/mkosi.sources"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(stanza.format(mirror, "trixie trixie-updates") + "\n" +
                      stanza.format(security, "trixie-security"))
    if lock:
        pins = [f"Package: {name}\nPin: version {entry['version']}\nPin-Priority: 1001\n" for name, entry in lock.items()]
        preferences = sandbox / "etc/apt/preferences.d/loam-lock"
        preferences.parent.mkdir(parents=True, exist_ok=True)
        preferences.write_text("\n".join(pins))


def packages_of(tree):
    """name -> version of what dpkg says is installed in a tree."""
    output = run("dpkg-query", f"--admindir={tree}/var/lib/dpkg", "-W", "-f=${Package} ${Version} ${Architecture}\n",
                 capture_output=True, text=True).stdout
    return {line.split()[0]: line.split()[1:] for line in output.splitlines()}


def deb_digests(names):
    """sha256 of the package files that apt fetched and verified."""
    digests = {}
    for deb in (CACHE / "mkosi").rglob("*.deb"):
        name, version, _ = deb.stem.split("_")
        version = version.replace("%3a", ":")
        if names.get(name, [None])[0] == version:
            digests[name] = hashlib.sha256(deb.read_bytes()).hexdigest()
    return digests


def mkosi_tree(recipe, work, lock, cached):
    """The packages of one image, whose recipe is a folder, as a tree of the same name in work, from the cache if its inputs did
    not change."""
    image = recipe.name
    key = hashlib.sha256((tree_hash(recipe) + json.dumps(lock, sort_keys=True) + "3").encode()).hexdigest()[:16]
    saved = CACHE / f"tree-{image}-{key}.tar.zst"
    tree = work / image
    if cached and saved.exists():
        tree.mkdir(parents=True)
        run("tar", "-C", tree, "--zstd", "--xattrs", "--xattrs-include=*", "--numeric-owner", "-xpf", saved)
        os.utime(saved)
        return tree
    say(f"packages of the {image} image (mkosi)")
    sandbox = work / "sandbox"
    apt_sources(sandbox, lock)
    (CACHE / "mkosi").mkdir(exist_ok=True)
    log = work / f"mkosi-{image}.log"
    with log.open("w") as out:
        built = subprocess.run(
            ["mkosi", "--directory", str(recipe), "--sandbox-tree", f"{sandbox}:/", "--output-directory", str(work),
             "--workspace-directory", str(work), "--package-cache-directory", str(CACHE / "mkosi"),
             "--source-date-epoch", EPOCH, "--force", "build"], stdout=out, stderr=subprocess.STDOUT)
    if built.returncode != 0:
        sys.exit(f"mkosi failed for {image}; the end of {log}:\n" + "\n".join(log.read_text().splitlines()[-15:]))
    partial = saved.with_suffix(f".{os.getpid()}")
    run("tar", "-C", tree, "--zstd", "--xattrs", "--xattrs-include=*", "--numeric-owner", "-cpf", partial, ".")
    partial.rename(saved)
    return tree


def write_lock(trees, path):
    names = {}
    for tree in trees:
        names.update(packages_of(tree))
    digests = deb_digests(names)
    lock = {name: {"version": version, "sha256": digests.get(name)} for name, (version, _) in sorted(names.items())}
    path.write_text(json.dumps(lock, indent=1) + "\n")


def check_lock(wanted, found):
    """The very package files, not only their versions."""
    wrong = sorted(name for name in wanted | found if wanted.get(name) != found.get(name) or not wanted[name]["sha256"])
    if wrong:
        sys.exit(f"packages are not those of the lock: {', '.join(wrong[:10])}")


def check_pins(wanted, found):
    wrong = sorted(f"{name} {entry['version']}" for name, entry in wanted.items() if found.get(name, {}).get("version") != entry["version"])
    if wrong:
        sys.exit(f"these packages are pinned, and the mirror or the image has not got them: {', '.join(wrong[:10])}")


def remove(tree, *patterns):
    for pattern in patterns:
        for path in tree.glob(pattern):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()


def copy_overlay(source, tree):
    """With modes of its own: those of a clone are the umask of whoever made it."""
    for path in sorted(source.rglob("*")):
        target = tree / path.relative_to(source)
        if path.is_symlink():
            target.unlink(missing_ok=True)
            target.symlink_to(os.readlink(path))
        elif path.is_dir():
            target.mkdir(exist_ok=True)  # the packages' own modes stay
        else:
            shutil.copyfile(path, target)
            target.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)


def install_programs(tree, programs):
    for folder, names in programs.items():
        (tree / folder).mkdir(parents=True, exist_ok=True)
        for name in names:
            run("strip", "-o", tree / folder / name, TOP / "build/release/initd" / name)
            (tree / folder / name).chmod(0o755)


def kernel_version(tree):
    return next((tree / "usr/lib/modules").iterdir()).name


def install_trust(tree, trust):
    """Whose releases the image takes: certificates of authorities, and the keys that are revoked."""
    target = tree / "usr/lib/loam/trust"
    target.mkdir(parents=True)
    for file in sorted(trust.iterdir()):
        shutil.copyfile(file, target / file.name)
        (target / file.name).chmod(0o644)


def install_keyboards(tree):
    """The layouts of keyboards.list for the kernel's console, made of X's."""
    target = tree / "usr/share/loam/keyboards"
    target.mkdir(parents=True)
    for line in (TOP / "mkosi/keyboards.list").read_text().splitlines():
        if not line.startswith("#"):
            layout = line.split()[0]
            (target / f"{layout}.map").write_bytes(run("ckbcomp", "-layout", layout, capture_output=True).stdout)


def kubernetes_version(payload):
    return json.loads((payload / "root/usr/share/loam/payload.json").read_text())["versions"]["kubernetes"] if payload else ""


def compose_root(tree, version, trust, overlay, payload):
    """Packages, overlays and programs; whatever differs from build to build goes."""
    copy_overlay(TOP / "overlays/root", tree)
    install_programs(tree, PROGRAMS)
    install_trust(tree, trust)
    install_keyboards(tree)
    if payload:
        copy_overlay(payload / "root", tree)
    # kubeadm looks there for what the kernel can.
    kernel = kernel_version(tree)
    (tree / "usr/lib/kernel").mkdir(exist_ok=True)
    shutil.copyfile(tree / f"boot/config-{kernel}", tree / f"usr/lib/kernel/config-{kernel}")
    (tree / "opt/cni").mkdir(parents=True, exist_ok=True)
    (tree / "opt/cni/bin").symlink_to("/var/lib/cni/bin")
    (tree / "usr/share/bash-completion/completions").mkdir(parents=True, exist_ok=True)
    shutil.copy(TOP / "overlays/loamctl.bash", tree / "usr/share/bash-completion/completions/loamctl")
    packages = {name: version for name, (version, _) in sorted(packages_of(tree).items())}
    (tree / "usr/share/loam").mkdir(parents=True, exist_ok=True)
    (tree / "usr/share/loam/packages.json").write_text(json.dumps(packages, indent=1) + "\n")
    run("systemd-sysusers", "--root", tree)
    run("systemctl", "--root", tree, "preset-all", stderr=subprocess.DEVNULL)
    remove(tree, "etc/ssh/ssh_host_*", "etc/machine-id", "var/cache/*", "var/log/*", "var/lib/apt", "var/lib/dpkg",
           "var/lib/systemd/*", "var/lib/dbus", "usr/share/man/*", "usr/share/locale/*", "usr/share/doc/*", "usr/share/info/*",
           "etc/passwd-", "etc/shadow-", "etc/group-", "etc/gshadow-", "etc/.pwd.lock", "boot/*", "efi/*", "etc/resolv.conf",
           "usr/lib/firmware/nvidia", "usr/lib/firmware/TAS2*", "usr/lib/firmware/cirrus", "var/lib/initramfs-tools",
           "etc/init.d/*", "etc/rc?.d/*",  # what runs is named in the preset; scripts without a unit would start by themselves
           "etc/nvme/hostid", "etc/nvme/hostnqn",  # made at random; without them each node has its own, from its firmware
           "etc/apt", "run/*", "tmp/*", "var/tmp/*", "root/.*", "usr/lib/firmware/qat_*",
           "usr/lib/modules/*/vmlinuz")  # the UKI has it
    (tree / "etc/resolv.conf").symlink_to("../run/systemd/resolve/stub-resolv.conf")
    for folder in ("loam", "efi"):
        (tree / folder).mkdir(exist_ok=True)
    leave_out_modules(tree)
    list_initrd_modules(tree)
    os_release = (f'ID=loam\nID_LIKE=debian\nNAME="Loam"\nPRETTY_NAME="Loam {version}"\nVERSION_ID={version}\n'
                  f'IMAGE_ID=loam\nIMAGE_VERSION={version}\nVERSION_CODENAME=trixie\n')
    (tree / "usr/lib/os-release").write_text(os_release)
    facts = {"version": version, "kubernetes": kubernetes_version(payload), "config_versions": CONFIG_VERSIONS}
    (tree / "usr/lib/loam/release.json").write_text(json.dumps(facts, indent=1) + "\n")
    if overlay:
        copy_overlay(overlay, tree)


def patterns_of(listing, known):
    """Of a list of modules; each must be of some use."""
    patterns = [f"kernel/{line}" for line in listing.read_text().splitlines() if line and line[0] != "#"]
    for pattern in patterns:
        if not any(fnmatch.fnmatch(module, pattern) for module in known):
            sys.exit(f"{listing.relative_to(TOP)}: no module of this kernel matches {pattern}")
    return patterns


def module_dependencies(root):
    """Module -> those that it needs, as paths below the modules' folder."""
    lines = (root / "usr/lib/modules" / kernel_version(root) / "modules.dep").read_text().splitlines()
    return {module: needed.split() for module, needed in (line.split(":", 1) for line in lines)}


def leave_out_modules(root):
    """What no server has. What is kept keeps what it needs."""
    version = kernel_version(root)
    depends = module_dependencies(root)
    patterns = patterns_of(TOP / "mkosi/left-out-modules.list", depends)
    kept = {module for module in depends if not any(fnmatch.fnmatch(module, pattern) for pattern in patterns)}
    kept |= {needed for module in kept for needed in depends[module]}
    for module in depends.keys() - kept:
        (root / "usr/lib/modules" / version / module).unlink()
    run("depmod", "-b", root, version)


def initrd_modules(root):
    """Modules that the initrd gets, as paths below the modules' folder, with all that they depend on."""
    version = kernel_version(root)
    modules = root / "usr/lib/modules" / version
    depends = module_dependencies(root)
    patterns = patterns_of(TOP / "mkosi/initrd-modules.list", [*depends, *(modules / "modules.builtin").read_text().splitlines()])
    wanted = {module for module in depends if any(fnmatch.fnmatch(module, pattern) for pattern in patterns)}
    return wanted | {needed for module in wanted for needed in depends[module]}


def list_initrd_modules(root):
    """By name, for the installer, which refuses a disk that the initrd could not find."""
    names = sorted({Path(m).name.split(".ko")[0].replace("-", "_") for m in initrd_modules(root)})
    (root / "usr/lib/loam/initrd-modules").write_text("\n".join(names) + "\n")


def copy_modules(root, initrd):
    version = kernel_version(root)
    modules = root / "usr/lib/modules" / version
    target = initrd / "usr/lib/modules" / version
    for module in sorted(initrd_modules(root)):
        (target / module).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(modules / module, target / module)
    for name in ("modules.builtin", "modules.builtin.modinfo", "modules.order"):
        shutil.copy2(modules / name, target / name)
    run("depmod", "-b", initrd, version)


def compose_initrd(initrd, root, out):
    copy_overlay(TOP / "overlays/initrd", initrd)
    install_programs(initrd, INITRD_PROGRAMS)
    copy_modules(root, initrd)
    remove(initrd, "usr/share/*", "var/*", "usr/lib/x86_64-linux-gnu/perl*", "usr/lib/x86_64-linux-gnu/gconv",
           "usr/lib/udev/hwdb*", "usr/lib/x86_64-linux-gnu/engines-3", "etc/machine-id", "usr/lib/apt", "usr/lib/dpkg", "etc/apt", "etc/dpkg", "usr/bin/perl*",
           "usr/bin/apt*", "usr/bin/dpkg*", "usr/sbin/e4*", "usr/sbin/debugfs", "usr/bin/localedef", "usr/lib/locale",
           "usr/bin/iconv", "boot/*")
    (initrd / "etc/machine-id").write_text("")
    listing = run("find", ".", "-print0", cwd=initrd, capture_output=True).stdout
    names = b"\0".join(sorted(listing.rstrip(b"\0").split(b"\0"))) + b"\0"
    run("xargs", "-0", "touch", "-h", "-d", f"@{EPOCH}", input=names, cwd=initrd)
    with out.open("wb") as file:
        for key, frame in initrd_frames(initrd, names.rstrip(b"\0").split(b"\0")):
            archive = run("cpio", "--null", "-o", "-H", "newc", "--reproducible", "--quiet", "-R", "0:0", input=b"\0".join(frame) + b"\0", cwd=initrd,
                          capture_output=True).stdout
            if key != MODULES:
                archive = run("zstd", "-q", "-15", "-T0", "-c", input=archive, capture_output=True).stdout
            file.write(archive + bytes(-len(archive) % FRAME_ALIGNMENT))


def initrd_frames(initrd, names):
    """The names of each archive of the initrd, which the kernel takes one after the other: folders, the small files of each part of the
    tree, and each large file by itself. So an upgrade fetches those that changed (src/slots/uki.hpp). The modules are packed already, and
    lie there as they do in the root, from which they are taken (src/slots/uki_copies.hpp)."""
    frames = {}
    for name in names:
        path = initrd / os.fsdecode(name)
        if path.is_dir() and not path.is_symlink():
            key = b""  # what is in them comes later
        elif name.endswith(b".ko.xz"):
            key = MODULES
        elif path.is_symlink() or path.stat().st_size < LARGE_FILE:
            key = b"/".join(name.split(b"/")[:-1][:4])
        else:
            key = name
        frames.setdefault(key, []).append(name)
    return sorted(frames.items())


def make_uki(work, root, out, root_hash, more):
    version = kernel_version(root)
    stub = root / "usr/lib/systemd/boot/efi/linuxx64.efi.stub"
    cmdline = f"{CMDLINE.format(hash=root_hash)} {more}".strip()
    live = work / "live.efi"
    quiet = {"stdout": subprocess.DEVNULL}
    addon = stub.with_name("addonx64.efi.stub")
    # systemd-boot sorts by IMAGE_ID first: the live profile must never come before an installed slot.
    live_release = (root / "usr/lib/os-release").read_text().replace("IMAGE_ID=loam", "IMAGE_ID=loam-live")
    (work / "live-release").write_text(live_release)
    run("ukify", "build", "--stub", addon, "--profile", "ID=live\nTITLE=installer, needs its medium", "--os-release",
        f"@{work}/live-release", "--cmdline", cmdline + " loam.live", "--output", live, **quiet)
    run("ukify", "build", "--stub", stub, "--linux", work / "vmlinuz", "--initrd", work / "initrd.img",
        "--os-release", f"@{root}/usr/lib/os-release", "--uname", version, "--cmdline", cmdline, "--profile", "ID=main",
        "--join-profile", live, "--output", out, **quiet)


def make_verity(root_image, hash_image):
    output = run("veritysetup", "format", "--data-block-size=4096", "--hash-block-size=4096", "--hash=sha256", f"--salt={SALT}",
                 f"--uuid={VERITY_UUID}", root_image, hash_image, capture_output=True, text=True).stdout
    return next(line.split()[-1] for line in output.splitlines() if line.startswith("Root hash"))


def write_manifest(out, version, kernel, kubernetes, trust):
    revoked = ["--revoked", trust / "revoked"] if (trust / "revoked").exists() else []
    (out / "latest").write_text(f"loam-{version}.json\n")  # so that its URL can be that of the directory
    run(TOP / "build/release/initd/loamctl", "release", "build", out, "--version", version, "--kernel", kernel, "--kubernetes", kubernetes,
        *(word for known in CONFIG_VERSIONS for word in ("--config-version", str(known))), "--upgrade-from", UPGRADE_FROM, "--floor", FLOOR, *revoked, stdout=subprocess.DEVNULL)


def build(out, version, trust, lock, cached, overlay=None, cmdline="", pins=None, payload=None):
    work = out.with_name(out.name + ".work")
    shutil.rmtree(work, ignore_errors=True)
    shutil.rmtree(out, ignore_errors=True)
    work.mkdir(parents=True)
    out.mkdir(parents=True)
    initrd = mkosi_tree(TOP / "mkosi/initrd", work, lock or pins, cached)
    root = mkosi_tree(TOP / "mkosi/root", work, lock or pins, cached)
    write_lock([root, initrd], out / f"loam-{version}.lock")
    found = json.loads((out / f"loam-{version}.lock").read_text())
    if lock:
        check_lock(lock, found)
    check_pins(pins or {}, found)

    say("root file system (EROFS)")
    shutil.copy(next((root / "boot").glob("vmlinuz-*")), work / "vmlinuz")
    compose_root(root, version, trust, overlay, payload)
    name = out / f"loam-{version}"
    root_image, hash_image = Path(f"{name}.root"), Path(f"{name}.verity")
    run("mkfs.erofs", "--quiet", "-T", EPOCH, "-U", EROFS_UUID, "-b4096", "-zzstd,3", "-C65536", "-E^inline_data",
        root_image, root, stdout=subprocess.DEVNULL)
    root_hash = make_verity(root_image, hash_image)
    hash_image.chmod(0o644)  # cryptsetup makes it for itself only; a web server is to serve it

    say("initrd and unified kernel image")
    compose_initrd(initrd, root, work / "initrd.img")
    make_uki(work, root, f"{name}.efi", root_hash, cmdline)
    shutil.copy(root / "usr/lib/systemd/boot/efi/systemd-bootx64.efi", f"{name}.boot.efi")
    write_manifest(out, version, kernel_version(root), kubernetes_version(payload), trust)
    shutil.rmtree(work)
    return root_hash


def main():
    parser = argparse.ArgumentParser(description="Build the release directory.")
    parser.add_argument("out", type=Path)
    parser.add_argument("--version", required=True)
    parser.add_argument("--trust", type=Path, required=True, help="authorities (*.pem) whose releases the image takes, and \"revoked\"")
    parser.add_argument("--lock", type=Path, help="take exactly the packages of this lock")
    parser.add_argument("--pins", type=Path, help="take these versions of some packages, as {NAME: {\"version\": VERSION}}, and the newest of all others")
    parser.add_argument("--payload", type=Path, help="what payload/build.py made; without it the image carries no Kubernetes")
    parser.add_argument("--no-cache", action="store_true", help="run mkosi even if its inputs did not change")
    parser.add_argument("--overlay", type=Path, help="files that go over all others: what makes a release of a test another one")
    parser.add_argument("--cmdline", default="", help="more arguments for the kernel")
    options = parser.parse_args()
    lock, pins = (json.loads(file.read_text()) if file else None for file in (options.lock, options.pins))
    print(build(options.out.resolve(), options.version, options.trust.resolve(), lock, not options.no_cache, options.overlay, options.cmdline, pins, options.payload))


if __name__ == "__main__":
    os.umask(0o022)
    main()
