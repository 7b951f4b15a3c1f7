"""src/cluster against a real kube-apiserver: kube_api_test, as one test for each of its own."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from lab import kube_api

TOP = Path(__file__).resolve().parent.parent.parent
TESTS = TOP / "build/release/src/kube_api_test"


@pytest.fixture(scope="module")
def api(tmp_path_factory):
    server = kube_api.KubeApi(tmp_path_factory.mktemp("kube-api"))
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.mark.skipif(kube_api.programs() is None, reason="kube-apiserver and etcd are not built here: LOAM_PAYLOAD=build ./dev image builds them")
def test_kube_api(api, record_property):
    done = subprocess.run([str(TESTS)], env=dict(os.environ, LOAM_KUBE_API=str(api.folder / "admin.conf")), capture_output=True, text=True, timeout=600)
    print(done.stdout)
    passed = re.findall(r"\[       OK \] (\S+)", done.stdout)
    record_property("passed", " ".join(passed))
    assert done.returncode == 0, done.stdout[-6000:] + api.last_words("kube-apiserver")
    assert len(passed) >= 16 and "SKIPPED" not in done.stdout, done.stdout
    shown = api.kubectl("get", "machines").splitlines()
    assert [line.split()[:-1] for line in shown] == [  # the last word is the age
        ["NAME", "RELEASE", "SLOT", "STATE", "DISKS", "BOND"],
        ["node-1", "0.1.0", "a", "degraded", "os", "1,", "osd", "24", "bond0", "1/2"]], shown
