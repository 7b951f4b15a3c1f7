"""The console on the serial line, with keys only: what is drawn is read as a terminal shows it."""

import time

import pytest
from conftest import sha256
from lab.machine import Drive, Machine, make_disk, wait_until
from lab.node import Live, iso_drive, uki

ENTER, DOWN, UP, LEFT, RIGHT, TAB, ESCAPE, F3, F4 = "\r", "\x1b[B", "\x1b[A", "\x1b[D", "\x1b[C", "\t", "\x1b", "\x1b[13~", "\x1b[14~"


def press(machine, key):
    """And see what comes of it."""
    before = machine.shown()
    machine.press(key)
    wait_until(lambda: machine.shown() != before, 20 * machine.scale, f"something new on the screen after {key!r}")
    time.sleep(1)  # the rest of the picture, at the speed of a serial line


def focused(machine):
    """The line that has the keys, and what is typed there."""
    machine.shown()
    return next((" ".join(line[1:].split()) for line in machine.picture.display if line.startswith(">")), "")


def choose(machine, text, key=DOWN, limit=12):
    """Moves until the field that has the keys is the one meant."""
    for _ in range(limit):
        if focused(machine).startswith(text):
            return
        press(machine, key)
    raise AssertionError(f"no field \"{text}\" on the page: {machine.shown()}")


def fill(machine, label, text):
    choose(machine, label)
    machine.press(*text)


@pytest.mark.long
def test_wizard_installs_by_keys_alone(scenario):
    """From the menu to a node that is ready, over a serial line; its loam.yaml installs a second one without a question."""
    disk = Drive(make_disk(scenario.folder / "os.qcow2", "24G"), "nvme", "os", boot=0)
    machine = scenario.keep(Machine(scenario.folder, uki(), drives=[disk, iso_drive()]))
    installed = Live()
    machine.key = installed.key
    machine.start()
    machine.wait_console("waiting for a volume labelled LOAM", 300)
    before = sha256(disk.path)
    machine.press(ENTER)
    machine.wait_console("Set up this machine", 30)
    machine.press(ENTER)
    machine.wait_console("Set up Loam: This machine", 30)
    machine.wait_console("KVM is not there", 10)
    machine.press(ENTER)
    machine.wait_console("Set up Loam: Network", 30)
    choose(machine, "Bond")
    press(machine, RIGHT)
    if "< active-backup >" not in machine.shown():
        press(machine, RIGHT)
    assert "< active-backup >" in focused(machine)
    choose(machine, "Address")
    press(machine, RIGHT)
    fill(machine, "Address/prefix", "10.0.2.50/33")
    machine.wait_console("! ", 10)
    machine.press("\x7f", "\x7f", *"24")
    fill(machine, "Gateway", "10.0.2.2")
    choose(machine, "[ Try it ]")
    machine.press(ENTER)
    machine.wait_console("This network works", 200)
    machine.press(F4)
    machine.wait_console("Set up Loam: Disk of the system", 30)
    assert sha256(disk.path) == before, "nothing was written yet"
    machine.press(F4)
    machine.wait_console("Set up Loam: Disks for storage", 30)
    machine.press(F4)
    machine.wait_console("Set up Loam: Cluster", 30)
    choose(machine, "This node")
    machine.press(LEFT)
    machine.wait_console("< stays alone for now >", 10)
    machine.press(F4)
    machine.wait_console("Set up Loam: Name and services", 30)
    choose(machine, "Name of this node")
    machine.press(*["\x7f"] * 6, *"console-1")
    fill(machine, "DNS servers", "10.0.2.3")
    choose(machine, "Time zone")
    machine.press("\x7f", "\x7f", "\x7f", *"Europe/Berlin", F4)
    machine.wait_console("Set up Loam: Access", 30)
    fill(machine, "SSH key", installed.public_key)
    fill(machine, "Console password", "secret")
    fill(machine, "The same again", "secret")
    machine.press(F4)
    machine.wait_console("Set up Loam: Summary", 30)
    assert sha256(disk.path) == before, "nothing was written yet"
    choose(machine, "[ Install ]")
    machine.press(ENTER)
    machine.wait_console("the disk is bootable", 400)
    machine.wait_ssh(400)
    machine.wait_state("ready", 200)
    made = machine.ssh("cat /loam/loam.yaml")
    assert machine.ssh("loamctl config check /loam/loam.yaml; hostname").endswith("console-1\n")
    assert "active-backup" in made and "$y$" in made and "secret" not in made and "Europe/Berlin" in made, made
    assert "10.0.2.50/24" in machine.ssh("ip -o -4 address show bond0")

    # The dashboard: what changes something asks for the password, and waits longer each time that it is wrong.
    machine.wait_console("Loam 0.1.0 on console-1: ready", 60)
    machine.press(ENTER)
    machine.wait_console("Console password", 30)
    machine.press(TAB, *"wrong", ENTER)
    machine.wait_console("the password is wrong; the next try is possible in 2 s", 60)
    machine.press(ENTER, TAB, *"secret", ENTER)
    machine.wait_console("what failed is tried again", 60)
