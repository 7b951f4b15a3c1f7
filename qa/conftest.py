"""Every scenario gets a folder of its own, build/qa/NAME, and leaves result.json, serial.log and console.png there."""

import hashlib
import json
import shutil
import subprocess
import time
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parent.parent
REMEMBERED = "it passed before with the same image and tests"


def pytest_addoption(parser):
    parser.addoption("--long", action="store_true", help="also what takes long")
    parser.addoption("--topics", default="", help="of what takes long only test_TOPIC.py, after a comma the next")
    parser.addoption("--remember", type=Path, help="a folder: what passed with the very same image and tests is not run again")


def pytest_configure(config):
    config.addinivalue_line("markers", "long: only in ./dev test --long")


def remembered(item):
    """Where it stands that a test passed: by all that it depends on."""
    folder = item.config.getoption("--remember")
    if folder is None:
        return None
    digest = hashlib.sha256(item.nodeid.encode())
    for path in [TOP / "build/release-dir/.key", TOP / "build/loam.iso.key", *sorted((TOP / "qa").rglob("*.py"))]:
        digest.update(path.read_bytes())
    return folder / digest.hexdigest()[:24]


def pytest_collection_modifyitems(config, items):
    for item in items:
        passed = remembered(item)
        if passed is not None and passed.exists():
            item.add_marker(pytest.mark.skip(reason=REMEMBERED))
    chosen, topics = config.getoption("-k") or "", config.getoption("--topics").split(",")
    in_topic = lambda item: config.getoption("--long") and (topics == [""] or item.path.stem.removeprefix("test_") in topics)
    kept = [item for item in items if item.get_closest_marker("long") is None or in_topic(item) or item.originalname.removeprefix("test_") in chosen]
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = kept


class Scenario:
    def __init__(self, name):
        self.folder = TOP / "build/qa" / name.removeprefix("test_")
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self.machines = []
        self.started = time.monotonic()
        self.figures = {}

    def keep(self, machine):
        self.machines.append(machine)
        return machine

    def finish(self, passed, error):
        for machine in self.machines:
            machine.kill()
        result = {"passed": passed, "seconds": round(time.monotonic() - self.started, 1), "figures": self.figures, "error": error}
        (self.folder / "result.json").write_text(json.dumps(result, indent=1) + "\n")
        if passed:
            for image in [*self.folder.rglob("*.qcow2"), *self.folder.rglob("*.img")]:
                image.unlink()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    if call.when == "call":
        item.report = outcome.get_result()
        if item.report.passed and (passed := remembered(item)) is not None:
            passed.parent.mkdir(exist_ok=True)
            passed.touch()
        if item.report.failed and "scenario" in item.funcargs:  # the folders of a run elsewhere are gone when its report is read
            for machine in item.funcargs["scenario"].machines:
                item.report.sections.append((f"the end of {machine.serial.relative_to(TOP)}", machine.console()[-1500:]))


@pytest.fixture
def scenario(request):
    subject = Scenario(request.node.name.replace("[", "-").rstrip("]"))
    yield subject
    report = getattr(request.node, "report", None)
    subject.finish(report is not None and report.passed, "" if report is None else report.longreprtext[-4000:])


@pytest.fixture(scope="session")
def installed():
    from lab.node import Installed
    return Installed()


@pytest.fixture(scope="session")
def rack():
    from lab.rack import Rack
    return Rack()


@pytest.fixture(scope="session")
def live():
    from lab.node import Live
    return Live()


def sha256(path):
    return subprocess.run(["sha256sum", str(path)], capture_output=True, text=True, check=True).stdout.split()[0]
