"""The console on a node that is ready, over its serial line: how soon a key shows, and what it costs while nobody is there."""

import statistics
import time

from bench.figure import figure, work
from lab.machine import wait_until
from lab.node import Installed

IDLE = 60  # seconds
KEYS = 60


def seconds_to_picture(machine, key):
    """From the key to the first byte that comes of it. In this emulation, which is some twenty times slower than a server."""
    before = machine.mark()
    machine.line.sendall(key.encode())
    begun = time.monotonic()
    while machine.mark() == before:
        if time.monotonic() - begun > 10:
            raise AssertionError(f"nothing came of the key {key!r}")
        time.sleep(0.001)
    took = time.monotonic() - begun
    time.sleep(0.4)  # the rest of the picture
    return took


def processor_ticks(machine):
    """Of both consoles, from /proc/PID/stat: 14 and 15 are user and system time."""
    pids = machine.ssh("for t in tty1 ttyS0; do systemctl show -P MainPID loam-console@$t; done").split()
    fields = [machine.ssh(f"cat /proc/{pid}/stat").rsplit(")", 1)[1].split() for pid in pids]
    return sum(int(f[11]) + int(f[12]) for f in fields), pids


def console():
    machine = Installed().running(work("console"))
    try:
        machine.wait_state("ready", 200)
        machine.press("1")
        wait_until(lambda: "ready" in machine.shown(), 60 * machine.scale, "the console")
        latencies = sorted(seconds_to_picture(machine, "21"[i % 2]) for i in range(KEYS))
        time.sleep(5)
        (before, pids), sent, begun = processor_ticks(machine), machine.mark(), time.monotonic()
        time.sleep(IDLE)
        sent, seconds, ticks = machine.mark() - sent, time.monotonic() - begun, processor_ticks(machine)[0] - before
        per_second = int(machine.ssh("getconf CLK_TCK"))
        resident = [int(machine.ssh(f"grep VmRSS /proc/{pid}/status").split()[1]) / 1024 for pid in pids]
    finally:
        machine.kill()
    return [figure("key to screen, 95th percentile", 1000 * latencies[int(0.95 * KEYS)], "ms", 50, against="the design; in this emulation"),
            figure("key to screen, median", 1000 * statistics.median(latencies), "ms"),
            figure("processor time of both consoles, idle", 100 * ticks / per_second / seconds, "%", 0.2, against="the design"),
            figure("resident memory of one console", max(resident), "MiB", 12, against="the design"),
            figure("idle serial line", sent / seconds, "bytes/s")]
