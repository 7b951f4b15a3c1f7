"""What scenarios ask a node about its releases."""

import json

from lab.machine import wait_until

HOST = "10.0.2.2"  # this machine, as QEMU's own network shows it
NEXT = "0.1.1"


def url(server):
    return f"http://{HOST}:{server.port}"


def slots(machine):
    return {slot["slot"]: slot for slot in json.loads(machine.ssh("loamctl --json slots"))["slots"]}


def upgrade_status(machine):
    return json.loads(machine.ssh("loamctl --json upgrade status"))


def boot_id(machine):
    done = machine.ssh("cat /proc/sys/kernel/random/boot_id", check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def wait_for_version(machine, version, limit=400):
    """Up again, running this release."""
    def runs():
        machine.running()
        done = machine.ssh("loamctl --version", check=False)
        return done.returncode == 0 and done.stdout.strip() == version
    wait_until(runs, limit * machine.scale, f"Loam {version} running", interval=2)


def wait_for_slot(machine, slot, state, limit=120):
    wait_until(lambda: slots(machine)[slot]["state"] == state, limit * machine.scale, f"slot {slot} being {state}", interval=1)
