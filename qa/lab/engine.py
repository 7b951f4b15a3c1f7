"""An engine that works on an image file, killed somewhere."""

import json
import os
import signal
import subprocess
import time


def run_and_kill(argv, disk, step, seconds):
    """So long after the start (step 0), or after a step of this number began."""
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True)
    while step and (line := process.stdout.readline()):
        if json.loads(line).get("index") == step:
            break
    time.sleep(seconds)  # the point of the cut, not a wait for anything
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    process.stdout.close()
    subprocess.run(["pkill", "-KILL", "-f", str(disk)])  # mkfs, mtools and sfdisk have groups of their own
