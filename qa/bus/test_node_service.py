"""loamd itself on a private D-Bus with the policy of the image. The toolbox's /run and /loam are this test's own."""

import json
import os
import shutil
import signal
import subprocess

from pathlib import Path

import jsonschema
import pytest
import yaml
from lab import efi
from lab.machine import wait_until

TOP = Path(__file__).resolve().parent.parent.parent
PROGRAMS = TOP / "build/release/initd"
POLICY = TOP / "overlays/root/usr/share/dbus-1/system.d/io.loam.Node1.conf"
METRICS = Path("/run/loam/metrics/loam.prom")
LEASE = Path("/run/loam/console-lease")
FIREWALL = Path("/etc/loam/firewall.nft")
LIMIT = 20


class Bus:
    def __init__(self, folder, facts, config=None, confirmed=None):
        self.folder = folder
        assert Path("/.loam-key").exists(), "only in the toolbox: /loam and parts of /etc are overwritten here"
        # pytest's own folders are root's alone, and nobody must get at the socket.
        Path("/run/loam-test").mkdir(mode=0o755, exist_ok=True)
        self.socket = Path("/run/loam-test/bus")
        self.socket.unlink(missing_ok=True)
        (folder / "bus.conf").write_text(
            f'<busconfig><type>system</type><listen>unix:path={self.socket}</listen><auth>EXTERNAL</auth>'
            f'<policy context="default"><allow user="*"/><deny own="*"/><deny send_type="method_call"/>'
            f'<allow send_destination="org.freedesktop.DBus"/><allow send_type="signal"/><allow send_requested_reply="true" send_type="method_return"/>'
            f'<allow send_requested_reply="true" send_type="error"/><allow receive_type="method_call"/><allow receive_type="method_return"/>'
            f'<allow receive_type="error"/><allow receive_type="signal"/></policy><include>{POLICY}</include></busconfig>')
        self.daemon = subprocess.Popen(["dbus-daemon", f"--config-file={folder}/bus.conf", "--nofork", "--nopidfile"])
        wait_until(self.socket.exists, LIMIT, "the bus socket")
        self.environment = dict(os.environ, DBUS_SYSTEM_BUS_ADDRESS=f"unix:path={self.socket}")
        Path("/run/loam").mkdir(exist_ok=True)
        Path("/run/loam/boot.json").write_text(json.dumps(facts))
        shutil.rmtree("/loam", ignore_errors=True)
        Path("/loam").mkdir()
        Path("/etc/hostname").write_text("before\n")  # the toolbox's /etc outlives a test
        shutil.rmtree("/etc/systemd/network", ignore_errors=True)
        if config:
            Path("/loam/loam.yaml").write_text(config)
        if confirmed:
            Path("/loam/loam.yaml.confirmed").write_text(confirmed)
        METRICS.unlink(missing_ok=True)
        LEASE.unlink(missing_ok=True)
        # What systemd would hand over: a loam.yaml for live media, and a test's way to bring one.
        self.credential = folder / "credentials/loam.config"
        self.credential.parent.mkdir(exist_ok=True)
        self.environment["CREDENTIALS_DIRECTORY"] = str(self.credential.parent)
        self.loamd = None

    def start(self):
        self.log = (self.folder / "loamd.log").open("ab")
        self.loamd = subprocess.Popen([str(PROGRAMS / "loamd")], env=self.environment, stderr=self.log)
        wait_until(lambda: '"Config"' in self.ctl("--json", "status").stdout, LIMIT, "loamd on the bus, with the configuration looked for")

    def ctl(self, *arguments, text=None, user=None):
        argv = [str(PROGRAMS / "loamctl"), *arguments]
        if user:
            argv = ["setpriv", f"--reuid={user}", "--regid=65534", "--clear-groups", *argv]
        return subprocess.run(argv, env=self.environment, capture_output=True, text=True, input=text, timeout=60)

    def status(self):
        return json.loads(self.ctl("--json", "status").stdout)

    def condition(self, kind):
        return next(c for c in self.status()["conditions"] if c["type"] == kind)

    def close(self):
        for process in (self.loamd, self.daemon):
            if process:
                process.kill()
                process.wait()


def facts(**changes):
    return {"live": False, "root_hash": "ab" * 32, "disk": "", "esp": "", "root": "", "verity": "", "loam": "", "state": "",
            "keeps": "problems" not in changes, "problems": [], **changes}


@pytest.fixture
def bus(tmp_path):
    made = []

    def make(*arguments, **options):
        made.append(Bus(tmp_path, *arguments, **options))
        made[-1].start()
        return made[-1]
    yield make
    for one in made:
        one.close()


@pytest.fixture
def esp(tmp_path, monkeypatch):
    """With a UKI of what runs, blessed. Ask for it before the bus."""
    for name, value in efi.environment(tmp_path).items():
        monkeypatch.setenv(name, value)
    made = efi.Efi(tmp_path / "esp")
    made.version = subprocess.run([str(PROGRAMS / "loamctl"), "--version"], capture_output=True, text=True, check=True).stdout.strip()
    (made.kept / "EFI/Linux").mkdir(parents=True)
    (made.kept / f"EFI/Linux/loam-{made.version}.efi").write_bytes(b"its UKI")
    made.mount()
    yield made
    made.unmount()


def upgrade_reason(node):
    return next((c["reason"] for c in node.status()["conditions"] if c["type"] == "Upgrade"), "")


def test_an_esp_that_comes_back_is_good_again(esp, bus):
    """As after a repair by hand; it is looked at each minute."""
    node = bus(facts(), "version: 1\n")
    assert upgrade_reason(node) == ""
    esp.unmount()
    wait_until(lambda: upgrade_reason(node) == "EspUnusable", LIMIT, "loamd missing the ESP")
    esp.mount()
    wait_until(lambda: upgrade_reason(node) == "", 60 + LIMIT, "loamd seeing that the ESP is back")
    Path(f"/efi/EFI/Linux/loam-{esp.version}.efi").rename(f"/efi/EFI/Linux/loam-{esp.version}+0.efi")
    esp.unmount()
    wait_until(lambda: upgrade_reason(node) == "EspUnusable", LIMIT, "the ESP being watched again")
    esp.mount()


def test_an_upgrade_that_was_cut_off_is_not_forgotten(esp, bus):
    node = bus(facts(), "version: 1\n")
    assert json.loads(node.ctl("--json", "upgrade", "status").stdout)["state"] == "none"
    node.loamd.kill()
    node.loamd.wait()
    action = {"kind": "retire-slot", "target": "slot b", "summary": "s", "destroys": False, "arguments": {"root-hash": "cd" * 32}}
    plan = {"title": "upgrade Loam 1 to 2 in slot b", "actions": [action]}
    Path("/loam/upgrade.journal").write_text(json.dumps({"plan": json.dumps(plan)}) + '\n{"begin":0}\n')
    node.start()
    wait_until(lambda: upgrade_reason(node) == "Interrupted", LIMIT, "loamd seeing what was cut off")
    told = json.loads(node.ctl("--json", "upgrade", "status").stdout)
    assert told["state"] == "interrupted" and "upgrade Loam 1 to 2 in slot b" in told["message"], told
    assert "loamctl upgrade start" in node.ctl("upgrade", "status").stdout


def test_verifying_no_slot_is_no_success(esp, bus, tmp_path):
    disk = tmp_path / "disk.img"
    with disk.open("wb") as file:
        file.truncate(64 << 20)
    subprocess.run(["sfdisk", "--quiet", str(disk)], input="label: gpt\n,32M\n", text=True, check=True)
    node = bus(facts(disk=str(disk)), "version: 1\n")
    done = node.ctl("slots", "verify")
    assert done.returncode == 1 and "no slot holds a release that is known" in done.stderr, done
    assert node.ctl("slots").stdout.splitlines()[0].split() == ["SLOT", "VERSION", "RUNS", "STATE", "VERIFIED", "PARTITION"]


def test_unreadable_configuration_is_degraded_and_says_where(bus):
    node = bus(facts(), "version: 1\nhostnme: x\n")
    assert node.status()["state"] == "degraded"
    assert "loam.yaml:2:1: unknown key" in node.condition("Config")["message"]


def test_missing_partitions_change_nothing(bus):
    node = bus(facts(problems=["the loam partition cannot be used: gone"]))
    assert node.status()["state"] == "degraded"
    refused = node.ctl("apply", "-", text="version: 1\n")
    assert refused.returncode == 1 and "changes nothing" in refused.stderr
    assert not Path("/loam/loam.yaml").exists()


def test_anyone_may_look_only_root_may_change(bus):
    node = bus(facts(), "version: 1\n")
    assert node.ctl("status", user="nobody").returncode == 0
    for command in ("reboot", "poweroff", "retry"):
        refused = node.ctl(command, user="nobody")
        assert refused.returncode == 1 and "only root may do this" in refused.stderr, command
    refused = node.ctl("apply", "-", text="version: 1\nhostname: evil\n", user="nobody")
    assert refused.returncode == 1 and "only root" in refused.stderr
    assert "evil" not in Path("/loam/loam.yaml").read_text()


def test_apply_is_idempotent_and_survives_a_kill(bus):
    node = bus(facts(), "version: 1\n")
    wanted = "version: 1\nhostname: changed\n"
    # Without hostnamed on this bus its reload fails: the wish is kept, and said to be unfinished.
    applied = node.ctl("apply", "-", text=wanted)
    assert applied.returncode == 1 and "systemd-hostnamed.service" in applied.stderr, applied
    assert Path("/loam/loam.yaml").read_text() == wanted
    assert Path("/etc/hostname").read_text() == "changed\n"
    node.loamd.send_signal(signal.SIGKILL)
    node.loamd.wait()
    node.start()
    plan = node.ctl("plan", "-", text=wanted).stdout
    assert "/etc/hostname" not in plan and "owed by an apply that did not end" in plan, plan
    assert node.condition("Config")["reason"] == "ApplyFailed", "what is owed is not forgotten"


def test_a_change_of_the_firewall_goes_back_with_the_network(bus):
    before = "version: 1\nhostname: before\n"
    node = bus(facts(), before, confirmed=before)
    wait_until(lambda: FIREWALL.exists() and "9000" not in FIREWALL.read_text(), LIMIT, "the firewall of loam.yaml")
    # Nobody on this bus reloads anything, so that the change cannot be applied.
    applied = node.ctl("apply", "-", text=before + "network: {firewall: {allow: [{port: 9000}]}}\n")
    assert applied.returncode == 1
    wait_until(lambda: node.condition("NetworkChange")["reason"] == "WentBack", LIMIT, "the way back")
    assert Path("/loam/loam.yaml").read_text() == before
    assert "9000" not in FIREWALL.read_text()
    assert "9000" in Path("/loam/loam.yaml.refused").read_text()


def metrics():
    """Samples by series."""
    return dict(line.rsplit(" ", 1) for line in METRICS.read_text().splitlines() if not line.startswith("#"))


def test_metrics_follow_the_node(bus):
    node = bus(facts(), "version: 1\nhostnme: x\n")
    wait_until(lambda: METRICS.exists() and 'loam_condition{type="Config",status="false",reason="Invalid"}' in metrics(), LIMIT, "the metrics")
    assert metrics()['loam_node_state{state="degraded"}'] == "1" and metrics()['loam_node_state{state="ready"}'] == "0"
    assert METRICS.stat().st_mode & 0o777 == 0o644, "node exporter is not root"
    starts = int(metrics()["loam_supervisor_starts_total"])
    node.loamd.kill()
    node.loamd.wait()
    METRICS.unlink()
    Path("/loam/loam.yaml").write_text("version: 1\n")
    node.start()
    wait_until(METRICS.exists, LIMIT, "the metrics of the next loamd")
    wait_until(lambda: 'loam_condition{type="Config",status="false",reason="Invalid"}' not in metrics(), LIMIT, "the file that was mended")
    assert int(metrics()["loam_supervisor_starts_total"]) == starts + 1


def test_live_without_configuration_waits(bus):
    node = bus(facts(live=True))
    assert node.status()["state"] == "unconfigured"
    assert "LOAM" in node.condition("Config")["message"]
    assert node.ctl("health").returncode == 0


def test_terminated_in_order(bus):
    node = bus(facts(live=True))
    node.loamd.send_signal(signal.SIGTERM)
    assert node.loamd.wait(timeout=LIMIT) == 0
    stopped = node.ctl("status")
    assert stopped.returncode == 1 and "loamd does not run" in stopped.stderr


def test_schema_and_example_agree(bus):
    """The schema that editors get accepts the example, and refuses what the parser refuses."""
    node = bus(facts(live=True))
    schema = json.loads(node.ctl("config", "schema").stdout)
    validator = jsonschema.Draft202012Validator(schema)
    example = yaml.safe_load(node.ctl("config", "example").stdout)
    assert list(validator.iter_errors(example)) == []
    for bad in ({**example, "hostnme": "x"}, {**example, "hostname": ["a"]}, {**example, "version": "1"}):
        assert list(validator.iter_errors(bad)) != []


def test_documents_are_json(bus):
    node = bus(facts(live=True))
    for command in ("disks", "links", "slots"):
        done = node.ctl("--json", command)
        assert done.returncode == 0, done.stderr
        json.loads(done.stdout)
    assert node.ctl("config", "check", "-", text="version: 1\n").stdout == "-: good\n"


def test_figures_stay_small(bus):
    """Steady state: proportional set size of the supervisor, as the kernel counts it."""
    node = bus(facts(), "version: 1\n")
    for _ in range(20):
        node.status()
    rollup = Path(f"/proc/{node.loamd.pid}/smaps_rollup").read_text()
    kib = next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
    assert kib < 16 * 1024, f"{kib} KiB"
