"""./dev demo: a server is installed from the ISO before your eyes, then shown, then its console is yours."""

import os
import pty
import re
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

from lab.machine import wait_until
from lab.node import install

TOP = Path(__file__).resolve().parent.parent
FOLDER = TOP / "build/demo"
MILESTONES = [("BdsDxe: starting", "firmware starts the medium"), ("loading the release into memory", "live system reads the medium"),
              (": installing", "installing"), ("the disk is bootable", "installed; restarting from the disk"), (": ready", "the node is ready")]


def follow(machine, say, limit):
    """Says each milestone as the serial line shows it, and the engine's own progress between them."""
    position, shown = 0, ""
    for text, words in MILESTONES:
        def seen():
            nonlocal shown
            if not machine.running():
                sys.exit(f"QEMU ended; see {machine.serial}")
            lines = re.findall(r">> (\S+ [^\r\n]*)", machine.raw_console(position))
            if lines and lines[-1] != shown:
                shown = lines[-1]
                say(f"    {shown}")
            return text in machine.console(position)
        wait_until(seen, limit * machine.scale, words, interval=0.5)
        position = machine.mark() if text != ": installing" else position
        say(words)


def show(machine):
    for command in ("status", "disks", "links", "slots"):
        print(f"\n\033[1m$ loamctl {command}\033[0m\n{machine.ssh(f'loamctl {command}')}", end="", flush=True)


def run(say, exit_after):
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    say("a server: UEFI, one NVMe disk, three hard disks, two 25 Gb/s NICs; the ISO in its drive, loam.yaml on a LOAM volume")
    started = time.monotonic()
    machine = install(FOLDER, hdds=3)
    say(f"accelerator {machine.accel}; its console is also in {machine.serial}")
    try:
        follow(machine, say, 420)
        machine.wait_ssh(120)
        machine.wait_state("ready", 120)
        say(f"from power on to ready in {time.monotonic() - started:.0f} s")
        show(machine)
        machine.screenshot(FOLDER / "console.png")
        print(f"\nssh:     {' '.join(machine.ssh_argv())}\nscreen:  {FOLDER / 'console.png'}")
        if not exit_after:
            print("console: below, drawn anew at each key; Ctrl-] ends the demo\n", flush=True)
            subprocess.run([sys.executable, str(TOP / "qa/lab/attach.py"), str(FOLDER / "serial")])
    finally:
        machine.kill()


def on_a_terminal(limit=1800):
    """./dev demo as a person runs it: at its end the node's console is on the terminal, and Ctrl-] ends it."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(sys.executable, [sys.executable, str(Path(__file__).with_name("steps.py")), "demo"])
    seen, deadline, console = b"", time.monotonic() + limit, None
    while time.monotonic() < deadline:
        if select.select([terminal], [], [], 1)[0]:
            try:
                seen += os.read(terminal, 65536)
            except OSError:  # it has ended
                break
        if console is None and b"Ctrl-] ends the demo" in seen:
            console = len(seen)
        if console and b": ready" in seen[console:]:
            os.write(terminal, b"\x1d")
    print(seen.decode(errors="replace").replace("\r", "")[-6000:])
    ended = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return ended == 0 and console is not None and b": ready" in seen[console:]
