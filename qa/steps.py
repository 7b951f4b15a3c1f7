#!/usr/bin/env python3
"""The steps behind ./dev. Runs in the toolbox, in the work tree."""

import argparse
import hashlib
import json
import os
import re
import runpy
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from fuzz_seeds import fuzz_seeds, longest

TOP = Path(__file__).resolve().parent.parent
BUILD = TOP / "build"
CACHE = Path(os.environ["LOAM_CACHE"])
RELEASE = BUILD / "release-dir"
ISO = BUILD / "loam.iso"
STARTED = time.monotonic()


def say(text):
    print(f"\033[1m==>\033[0m [{time.monotonic() - STARTED:5.0f} s] {text}", file=sys.stderr, flush=True)


def run(*argv, **options):
    return subprocess.run([str(a) for a in argv], check=True, **options)


def hash_files(paths):
    """Names, contents and whether executable: the rest of the mode is the umask of whoever cloned."""
    digest = hashlib.sha256()
    for path in sorted(paths):
        digest.update(f"{path.relative_to(TOP)} {path.lstat().st_mode & 0o170100:o}\0".encode())
        digest.update(os.readlink(path).encode() if path.is_symlink() else path.read_bytes())
    return digest.hexdigest()


def files_in(*folders):
    return [p for folder in folders for p in ([TOP / folder] if (TOP / folder).is_file() else (TOP / folder).rglob("*"))
            if (p.is_file() or p.is_symlink()) and "__pycache__" not in p.parts]


def version():
    line = next(l for l in (TOP / "CMakeLists.txt").read_text().splitlines() if l.startswith("project(loam VERSION"))
    return line.split()[2]


# ---- building ----

def compile_preset(preset, targets=()):
    environment = dict(os.environ, CCACHE_DIR=str(CACHE / "ccache"), CCACHE_BASEDIR=str(TOP), CCACHE_NOHASHDIR="1")
    quiet = {"stdout": subprocess.DEVNULL, "env": environment}
    stamp = BUILD / preset / "presets"
    presets = (TOP / "CMakePresets.json").read_text()
    if not stamp.exists() or stamp.read_text() != presets:
        run("cmake", "--fresh", "--preset", preset, cwd=TOP, **quiet)
        stamp.write_text(presets)
    done = subprocess.run(["ninja", "-C", str(BUILD / preset), *targets], capture_output=True, text=True, env=environment)
    if done.returncode != 0:
        sys.exit(done.stdout[-8000:] + done.stderr[-2000:] + f"\ndev: preset {preset} does not compile")


def build():
    say("compiling")
    compile_preset("release")


def make_key(folder, name, *options):
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384", "-noenc", "-sha384", "-days", "36500",
        "-subj", f"/CN=Loam {name} of {os.uname().nodename}", "-keyout", folder / f"{name}.key", "-out", folder / f"{name}.pem", *options, stderr=subprocess.DEVNULL)
    (folder / f"{name}.key").chmod(0o600)


def keys():
    """The folder with who may sign (trust/) and who does (signer.key, signer.pem): LOAM_KEYS, or one of this machine's own."""
    if given := os.environ.get("LOAM_KEYS"):
        return Path(given)
    folder = CACHE / "keys"
    if not folder.exists():
        partial = CACHE / f"keys.{os.getpid()}"
        (partial / "trust").mkdir(parents=True)
        make_key(partial, "authority", "-addext", "basicConstraints=critical,CA:TRUE")
        make_key(partial, "signer", "-CA", partial / "authority.pem", "-CAkey", partial / "authority.key", "-addext", "basicConstraints=critical,CA:FALSE",
                 "-addext", "keyUsage=critical,digitalSignature", "-addext", "extendedKeyUsage=codeSigning")
        shutil.copy(partial / "authority.pem", partial / "trust")
        partial.rename(folder)
    os.environ["LOAM_KEYS"] = str(folder)  # for scenarios
    return folder


def sign(release):
    run(BUILD / "release/initd/loamctl", "release", "sign", release, "--key", keys() / "signer.key", "--chain", keys() / "signer.pem", "--trust", keys() / "trust",
        stdout=subprocess.DEVNULL)


def payload():
    """What the image carries of Kubernetes: payload/. None without LOAM_PAYLOAD=build: the image is smaller and sooner there, and says so."""
    if os.environ.get("LOAM_PAYLOAD") != "build":
        return None
    key = hashlib.sha256((hash_files([*files_in("payload"), TOP / "mkosi/build.py"]) + os.environ["LOAM_TOOLBOX"]).encode()).hexdigest()[:16]
    made = CACHE / f"payload-{key}"
    if not made.exists():
        say("building what the image carries of Kubernetes")
        run(TOP / "payload/build.py", made)
        forget_old("payload-*", keep=12)  # components are beside it
    return made


def image():
    build()
    recipe = runpy.run_path(str(TOP / "mkosi/build.py"))
    programs = [BUILD / "release/initd" / name for name in sorted({n for names in [*recipe["PROGRAMS"].values(), *recipe["INITRD_PROGRAMS"].values()] for n in names})]
    trusted = "".join(f"{file.name} {file.read_text()}" for file in sorted((keys() / "trust").iterdir()))
    carried = payload()
    key = hashlib.sha256((hash_files(files_in("mkosi", "overlays") + programs) + os.environ["LOAM_TOOLBOX"] + trusted + str(carried)).encode()).hexdigest()[:16]
    stamp = RELEASE / ".key"
    if stamp.exists() and stamp.read_text() == key:
        return
    saved = CACHE / f"release-{key}"
    if not saved.exists():
        say("building the image")
        partial = CACHE / f"release-{key}.{os.getpid()}"
        run(TOP / "mkosi/build.py", partial, "--version", version(), "--trust", keys() / "trust", *(["--payload", carried] if carried else []),
            stdout=subprocess.DEVNULL)
        sign(partial)
        (partial / ".key").write_text(key)
        (partial / ".payload").write_text(str(carried or ""))
        partial.rename(saved)
        forget_old("release-*", keep=3)
        forget_old("tree-root-*", keep=3)
        forget_old("tree-initrd-*", keep=3)
    aside = RELEASE.with_suffix(".new")
    shutil.rmtree(aside, ignore_errors=True)
    run("cp", "-a", "--reflink=auto", saved, aside)
    shutil.rmtree(RELEASE, ignore_errors=True)
    aside.rename(RELEASE)


def release(names):
    """What nodes upgrade to, checked as they check it; named a folder, a copy there, for any static web server or a stick."""
    image()
    run(BUILD / "release/initd/loamctl", "release", "verify", RELEASE, "--trust", keys() / "trust")
    folder = Path(names[0]).resolve() if names else RELEASE
    if names:
        if folder.exists() and any(folder.iterdir()):
            sys.exit(f"dev: {folder} is not empty; name another folder")
        shutil.copytree(RELEASE, folder, ignore=shutil.ignore_patterns(".*"), dirs_exist_ok=True)
    for path in sorted(file for file in folder.iterdir() if not file.name.startswith(".")):
        print(f"{path.stat().st_size:12} {path}")


def forget_old(pattern, keep):
    entries = sorted(CACHE.glob(pattern), key=lambda p: p.stat().st_mtime, reverse=True)
    for entry in entries[keep:]:
        shutil.rmtree(entry, ignore_errors=True) if entry.is_dir() else entry.unlink()


def iso():
    image()
    key = hash_files(files_in("iso")) + (RELEASE / ".key").read_text()
    stamp = BUILD / "loam.iso.key"
    if ISO.exists() and stamp.exists() and stamp.read_text() == key:
        return
    say("making the ISO")
    stamp.unlink(missing_ok=True)
    done = subprocess.run([str(TOP / "iso/build.py"), str(RELEASE), str(ISO)], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{done.stdout[-2000:]}{done.stderr[-4000:]}\ndev: the ISO could not be made")
    stamp.write_text(key)


def reproduce():
    """The image again, from the first one's package lock, without any cache of ours but the package files."""
    image()
    say("building the image a second time, from the lock of the first")
    second = BUILD / "reproduce"
    run(TOP / "mkosi/build.py", second, "--version", version(), "--trust", keys() / "trust", "--lock", next(RELEASE.glob("*.lock")), "--no-cache",
        *(["--payload", carried] if (carried := payload()) else []), stdout=subprocess.DEVNULL)
    first, again = (json.loads(next(d.glob("loam-*.json")).read_text()) for d in (RELEASE, second))
    same = first == again
    print(f"first  {first['verity']['root_hash']}\nsecond {again['verity']['root_hash']}\n"
          f"{'the same, and so are UKI, boot loader and tree' if same else 'NOT THE SAME: ' + json.dumps(differences(first, again))}")
    shutil.rmtree(second)
    return same


def differences(first, second):
    return {name: [first["files"][name]["sha256"], second["files"][name]["sha256"]] for name in first["files"]
            if first["files"][name] != second["files"][name]}


# ---- tests ----

class Tally:
    """What passed and what failed, by name."""

    def __init__(self):
        self.passed, self.failed = [], []

    def add(self, name, good, seconds=None):
        (self.passed if good else self.failed).append(name)
        if not good:
            say(f"FAILED {name}")

    def add_xml(self, group, path):
        if not path.exists():
            self.add(f"{group} (ended without a result)", False)
            return
        for case in ElementTree.parse(path).getroot().iter("testcase"):
            bad = case.find("failure") is not None or case.find("error") is not None
            skipped = case.find("skipped")
            remembered = skipped is not None and "passed before with the same image" in skipped.get("message", "")
            if skipped is None or remembered:
                self.add(f"{group}.{case.get('classname', '')}.{case.get('name')}", not bad)

    def close(self):
        for name in self.failed:
            print(f"failed: {name}")
        print(f"{len(self.passed)} passed, {len(self.failed)} failed", flush=True)
        return bool(self.passed) and not self.failed

    def attempt(self, name, step, *arguments):
        """A step that cannot be done is one that failed; the others still run, and the summary still comes."""
        try:
            return step(*arguments)
        except (SystemExit, subprocess.CalledProcessError, OSError) as problem:
            print(problem, flush=True)
            self.add(name, False)
            return False


def listener(tally):
    """Our test programs as harnesses made for cmocka run them: each format, and a file for each group (%g)."""
    folder = BUILD / "unit/groups"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)

    def output(form, **more):
        return subprocess.run([str(BUILD / "release/src/base_test")], env=dict(os.environ, CMOCKA_MESSAGE_OUTPUT=form, **more),
                              capture_output=True, text=True, timeout=120).stdout
    tally.add("cmocka TAP", "\n1.." in output("TAP") and "\nok 1 - " in output("TAP"))
    tally.add("cmocka SUBUNIT", "\nsuccess: " in output("SUBUNIT"))
    tally.add("cmocka STDOUT", "[  PASSED  ]" in output("STDOUT"))
    output("XML", CMOCKA_XML_FILE=str(folder / "%g.xml"))
    groups = [ElementTree.parse(path).getroot().find("testsuite").get("name") for path in folder.iterdir()]
    tally.add("cmocka XML, a file for each group", len(groups) > 3 and all((folder / f"{name}.xml").exists() for name in groups))


def unit(tally):
    for preset in ("release", "asan"):
        say(f"unit tests ({preset})")
        compile_preset(preset, ["test_programs"])
        for program in sorted((BUILD / preset / "src").glob("*_test")):
            report = BUILD / "unit" / f"{preset}-{program.name}.xml"
            report.parent.mkdir(parents=True, exist_ok=True)
            report.unlink(missing_ok=True)
            environment = dict(os.environ, CMOCKA_MESSAGE_OUTPUT="XML", CMOCKA_XML_FILE=str(report))
            done = subprocess.run([str(program)], env=environment, capture_output=True, text=True, timeout=600)
            tally.add_xml(f"{preset}.{program.name}", report)
            if done.returncode != 0:
                print(done.stdout[-3000:] + done.stderr[-5000:] + (report.read_text()[-3000:] if report.exists() else ""))
                if not any(f.startswith(f"{preset}.{program.name}") for f in tally.failed):
                    tally.add(f"{preset}.{program.name} (exit {done.returncode})", False)
    listener(tally)


def our_headers():
    """The headers of ours that each source includes, as the compiler saw it."""
    listing = subprocess.run(["ninja", "-C", str(BUILD / "release"), "-t", "deps"], capture_output=True, text=True, check=True).stdout
    used = {}
    for entry in listing.split("\n\n"):
        files = [Path(os.path.normpath(BUILD / "release" / line.strip())) for line in entry.splitlines()[1:]]
        if files:
            used[files[0]] = [f for f in files[1:] if TOP in f.parents and f.exists()]
    return used


def lint(tally, tidy=True):
    """Each source once per content: of it, of the headers that it includes and of the rules."""
    say("clang-format and clang-tidy")
    sources = [p for p in files_in("src", "initd", "firstboot") if p.suffix == ".cpp"]
    headers = [p for p in files_in("src", "initd", "firstboot") if p.suffix == ".hpp"]
    formatted = subprocess.run(["clang-format", "--dry-run", "--Werror", *map(str, sources + headers)], capture_output=True, text=True)
    tally.add("clang-format", formatted.returncode == 0)
    print(formatted.stderr[:3000], end="")
    if not tidy:
        return
    compile_preset("release", ["all", "test_programs"])
    rules, included = [TOP / ".clang-tidy", TOP / "cmake/loam.cmake"], our_headers()
    passed = CACHE / "tidy"
    passed.mkdir(exist_ok=True)
    # The fuzzers are of another preset: they may include anything of ours.
    todo = {p: passed / hash_files([p, *included.get(p, headers), *rules])[:24] for p in sources}
    todo = {p: stamp for p, stamp in todo.items() if not stamp.exists()}
    running = {}
    bad = False
    queue = list(todo)
    while queue or running:
        while queue and len(running) < (os.cpu_count() or 1):
            source = queue.pop()
            running[source] = subprocess.Popen(["clang-tidy", "--quiet", "-p", str(BUILD / "release"), str(source)],
                                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        source = next(iter(running))
        output, _ = running[source].communicate()
        if running.pop(source).returncode == 0:
            todo[source].touch()
        else:
            bad = True
            print(output[:4000])
    tally.add("clang-tidy", not bad)


def reference():
    import reference as pages  # beside this file
    build()
    schema = subprocess.run([str(BUILD / "release/initd/loamctl"), "config", "schema"], capture_output=True, check=True).stdout
    return TOP / "docs/loam.yaml.md", pages.markdown(json.loads(schema))


def docs():
    path, text = reference()
    path.write_text(text)


def check_docs(tally):
    path, text = reference()
    tally.add("docs/loam.yaml.md is what ./dev docs makes", path.exists() and path.read_text() == text)
    for page in ("network.md", "disks.md", "kubernetes.md"):
        for number, recipe in enumerate(re.findall(r"^```yaml\n(.*?)^```", (TOP / "docs" / page).read_text(), re.DOTALL | re.MULTILINE), 1):
            done = subprocess.run([str(BUILD / "release/initd/loamctl"), "config", "check", "-"], input="version: 1\n" + recipe, capture_output=True, text=True)
            tally.add(f"docs/{page} recipe {number}", done.returncode == 0)
            print(done.stderr, end="")


def pytest(tally, folder, names=(), long=False, workers=1, topics=()):
    report = BUILD / f"{folder}.xml"
    report.unlink(missing_ok=True)
    argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=short", f"--junitxml={report}", f"qa/{folder}"]
    if workers > 1:
        argv += ["-n", str(workers), "--dist", "worksteal"]
    if folder == "scenarios":
        argv += ["--reruns", "1", "--only-rerun", "EmulatorHang"]
    if names:
        argv += ["-k", " or ".join(names)]
    if long:
        argv += ["--long", "--topics", ",".join(topics)]
        # All of them take longer than a working session: a run that was broken off goes on where it was.
        if folder == "scenarios":
            argv += ["--remember", str(CACHE / "passed")]
    done = subprocess.run(argv, cwd=TOP, env=dict(os.environ, PYTHONPATH=str(TOP / "qa"), PYTHONDONTWRITEBYTECODE="1"))
    tally.add_xml(folder, report)
    if done.returncode not in (0, 1):  # none was chosen, or it was broken off: what is in the report is not all
        tally.add(f"{folder} (pytest ended with {done.returncode})", False)


def fuzz(tally, names=(), seconds=60, keep=False):
    """Each parser of bytes from outside against libFuzzer; with keep, what it learned goes to qa/corpus/."""
    image()
    all_seeds = fuzz_seeds(BUILD, RELEASE)
    if unknown := set(names) - set(all_seeds):
        sys.exit(f"dev: no fuzzer {', '.join(unknown)}; there are {', '.join(all_seeds)}")
    compile_preset("fuzz", ["fuzzers"])
    for name, seeds in all_seeds.items():
        if names and name not in names:
            continue
        say(f"{name}, {seconds} s")
        corpus = CACHE / "fuzz" / name
        corpus.mkdir(parents=True, exist_ok=True)
        for number, seed in enumerate(seeds):
            (corpus / f"seed-{number}").write_bytes(seed)
        kept = TOP / "qa/corpus" / f"{name}.zip"
        if kept.exists():
            zipfile.ZipFile(kept).extractall(corpus)
        found = BUILD / "fuzz-found"
        found.mkdir(exist_ok=True)
        done = subprocess.run([str(BUILD / "fuzz/src" / name), f"-max_total_time={seconds}", f"-max_len={longest(seeds)}", f"-artifact_prefix={found}/{name}-",
                               "-timeout=10", str(corpus)], capture_output=True, text=True, timeout=seconds + 120)
        tally.add(f"fuzz.{name}", done.returncode == 0)
        print("\n".join(done.stderr.splitlines()[-1:] if done.returncode == 0 else done.stderr.splitlines()[-40:]))
        if keep and done.returncode == 0:
            keep_corpus(name, corpus, kept, longest(seeds))


def keep_corpus(name, corpus, kept, most_bytes):
    """The fewest inputs that reach all that the corpus reaches; the same bytes for the same inputs."""
    with tempfile.TemporaryDirectory() as folder:
        run(str(BUILD / "fuzz/src" / name), "-merge=1", f"-max_len={most_bytes}", folder, str(corpus), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        kept.parent.mkdir(exist_ok=True)
        with zipfile.ZipFile(kept, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(Path(folder).iterdir()):
                archive.writestr(zipfile.ZipInfo(path.name), path.read_bytes(), zipfile.ZIP_DEFLATED)


def bus(tally):
    say("loamd on a private D-Bus")
    build()
    pytest(tally, "bus")


def firewall(tally, names=()):
    say("the firewall in network namespaces")
    build()
    pytest(tally, "firewall", names)


def engine(tally, names=(), long=False):
    image()
    say("the engines on image files")
    pytest(tally, "engine", names, long, workers=2)


def qa(tally, names=(), long=False, topics=()):
    iso()
    say("scenarios on virtual servers")
    pytest(tally, "scenarios", names, long, workers=3, topics=topics)  # one of them mostly waits for something


def list_scenarios():
    for file in sorted((TOP / "qa/scenarios").glob("test_*.py")):
        for line in file.read_text().splitlines():
            if line.startswith("def test_"):
                print(line.split("(")[0].removeprefix("def test_"))


def test(long, topics):
    if topics and not long:
        raise SystemExit("dev: topics are for the long scenarios: ./dev test --long " + " ".join(topics))
    for topic in topics:
        if not (TOP / f"qa/scenarios/test_{topic}.py").exists():
            raise SystemExit(f"dev: no topic \"{topic}\": there is no qa/scenarios/test_{topic}.py")
    tally = Tally()
    say(f"building with {os.cpu_count()} cores")
    tally.attempt("build", build)
    tally.attempt("lint", lint, tally, long)
    tally.attempt("docs", check_docs, tally)
    tally.attempt("unit", unit, tally)
    tally.attempt("bus", bus, tally)
    tally.attempt("firewall", firewall, tally)
    tally.attempt("engine", engine, tally, (), long)
    if long:
        tally.add("reproduce", tally.attempt("image of the lock", reproduce) is True)
        tally.attempt("fuzz", fuzz, tally)
        tally.add("demo", tally.attempt("demo on a terminal", demo_on_a_terminal) is True)
    tally.attempt("qa", qa, tally, (), long, topics)
    return tally.close()


def bench(names):
    iso()
    sys.path.insert(0, str(TOP / "qa"))
    from bench import figures  # what it needs exists only now
    return figures.run(names, say)


def demo(exit_after):
    demo_scene().run(say, exit_after)


def demo_on_a_terminal():
    return demo_scene().on_a_terminal()


def demo_scene():
    iso()
    sys.path.insert(0, str(TOP / "qa"))
    import demo as scene
    return scene


def tallied(step, *arguments):
    tally = Tally()
    tally.attempt(step.__name__, step, tally, *arguments)
    return tally.close()


def main():
    parser = argparse.ArgumentParser(prog="./dev")
    parser.add_argument("command")
    parser.add_argument("names", nargs="*")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--long", action="store_true")
    parser.add_argument("--exit", action="store_true")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    sys.stdout.reconfigure(line_buffering=True)  # a run that is ended early leaves its figures in the log
    BUILD.mkdir(exist_ok=True)
    steps = {"build": build, "image": image, "release": lambda: release(options.names), "iso": iso, "reproduce": reproduce,
             "unit": lambda: tallied(unit), "bus": lambda: tallied(bus), "firewall": lambda: tallied(firewall, options.names), "engine": lambda: tallied(engine, options.names, options.long),
             "fuzz": lambda: tallied(fuzz, options.names, options.seconds, options.keep), "docs": docs,
             "lint": lambda: (build(), tallied(lint))[1],
             "qa": lambda: list_scenarios() if options.list else tallied(qa, options.names, options.long),
             "bench": lambda: bench(options.names), "demo": lambda: demo(options.exit), "test": lambda: test(options.long, options.names)}
    sys.exit(0 if steps[options.command]() in (None, True) else 1)


if __name__ == "__main__":
    os.umask(0o022)
    main()
