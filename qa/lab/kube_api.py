"""A kube-apiserver and its etcd as processes on this host, from the programs that the payload was built from; no node."""

import base64
import json
import os
import socket
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

CACHE = Path(os.environ["LOAM_CACHE"])
READY_LIMIT = 180  # seconds; busy cores
COMPACTION = "5s"  # so that what is older is gone while a test waits for it


def programs():
    """(kube-apiserver, etcd) as payload/build.py left them last, or None."""
    newest = lambda pattern: max(CACHE.glob(pattern), key=lambda path: path.stat().st_mtime, default=None)
    found = newest("payload-kubernetes-*/kube-apiserver"), newest("payload-etcd-*/server")
    return found if all(found) else None


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


class Authority:
    """A CA, by openssl."""

    def __init__(self, folder, name):
        self.folder, self.name = folder, name
        self.openssl("req", "-x509", *self.new_key(name), "-subj", f"/CN={name}", "-days", "2", "-addext", "basicConstraints=critical,CA:TRUE",
                     "-addext", "keyUsage=critical,keyCertSign,cRLSign", "-out", self.path(name, "crt"))

    def path(self, name, suffix):
        return str(self.folder / f"{name}.{suffix}")

    def new_key(self, name):
        return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", "-keyout", self.path(name, "key")]

    @staticmethod
    def openssl(*argv):
        subprocess.run(["openssl", *argv], check=True, capture_output=True)

    def issue(self, name, subject, *extensions):
        options = [option for extension in extensions for option in ("-addext", extension)]
        self.openssl("req", "-x509", *self.new_key(name), "-subj", subject, "-days", "2", "-CA", self.path(self.name, "crt"), "-CAkey", self.path(self.name, "key"),
                     "-addext", "basicConstraints=critical,CA:FALSE", *options, "-out", self.path(name, "crt"))

    def client(self, name, user, group):
        self.issue(name, f"/O={group}/CN={user}", "extendedKeyUsage=clientAuth")


class KubeApi:
    def __init__(self, folder):
        self.folder = folder
        self.api_port, self.etcd_port, self.peer_port = free_ports(3)
        self.server = f"https://127.0.0.1:{self.api_port}"
        self.processes = []
        self.make_certificates()

    def make_certificates(self):
        self.authority, other = Authority(self.folder, "ca"), Authority(self.folder, "other")
        self.authority.issue("server", "/CN=kube-apiserver", "subjectAltName=IP:127.0.0.1", "extendedKeyUsage=serverAuth")
        Authority.openssl("genrsa", "-out", self.authority.path("accounts", "key"), "2048")
        self.authority.client("admin", "admin", "system:masters")
        for node in ("node-1", "node-2"):
            self.authority.client(node, f"system:node:{node}", "system:nodes")
        other.client("nobody", "admin", "system:masters")
        for name in ("admin", "node-1", "node-2", "nobody"):
            self.write_kubeconfig(name, "ca", name)
        self.write_kubeconfig("impostor", "other", "admin")

    def write_kubeconfig(self, name, authority, client):
        data = lambda file, suffix: base64.b64encode(Path(self.authority.path(file, suffix)).read_bytes()).decode()
        config = {"apiVersion": "v1", "kind": "Config", "current-context": "it", "contexts": [{"name": "it", "context": {"cluster": "it", "user": "me"}}],
                  "clusters": [{"name": "it", "cluster": {"server": self.server, "certificate-authority-data": data(authority, "crt")}}],
                  "users": [{"name": "me", "user": {"client-certificate-data": data(client, "crt"), "client-key-data": data(client, "key")}}]}
        (self.folder / f"{name}.conf").write_text(json.dumps(config, indent=1) + "\n")

    def start(self):
        api, etcd = programs()
        pki = lambda name, suffix: self.authority.path(name, suffix)
        store = f"http://127.0.0.1:{self.etcd_port}"
        peer = f"http://127.0.0.1:{self.peer_port}"
        self.run(etcd, "--name=it", f"--data-dir={self.folder}/etcd", f"--listen-client-urls={store}", f"--advertise-client-urls={store}", f"--listen-peer-urls={peer}",
                 f"--initial-advertise-peer-urls={peer}", f"--initial-cluster=it={peer}", "--unsafe-no-fsync")
        self.run(api, f"--etcd-servers={store}", "--bind-address=127.0.0.1", f"--secure-port={self.api_port}", "--advertise-address=192.0.2.1",  # nobody asks there; it must be no loopback
                 f"--client-ca-file={pki('ca', 'crt')}", f"--tls-cert-file={pki('server', 'crt')}", f"--tls-private-key-file={pki('server', 'key')}",
                 f"--service-account-key-file={pki('accounts', 'key')}", f"--service-account-signing-key-file={pki('accounts', 'key')}",
                 f"--service-account-issuer={self.server}", "--service-cluster-ip-range=10.96.0.0/24", "--authorization-mode=Node,RBAC",
                 # There is no controller that would make the accounts of pods.
                 "--enable-admission-plugins=NodeRestriction", "--disable-admission-plugins=ServiceAccount",
                 f"--etcd-compaction-interval={COMPACTION}", "--watch-cache-sizes=secrets#0")
        self.wait()

    def run(self, program, *arguments):
        with (self.folder / f"{program.name}.log").open("wb") as log:
            # They go with the test, also where that is killed.
            self.processes.append(subprocess.Popen(["setpriv", "--pdeathsig", "KILL", str(program), *arguments], stdout=log, stderr=log, stdin=subprocess.DEVNULL))

    def context(self):
        context = ssl.create_default_context(cafile=self.authority.path("ca", "crt"))
        context.load_cert_chain(self.authority.path("admin", "crt"), self.authority.path("admin", "key"))
        return context

    def wait(self):
        context, until = self.context(), time.monotonic() + READY_LIMIT
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
        while time.monotonic() < until:
            dead = [Path(process.args[3]).name for process in self.processes if process.poll() is not None]
            assert not dead, f"{dead[0]} ended: {self.last_words(dead[0])}"
            try:
                if opener.open(f"{self.server}/readyz", timeout=5).status == 200:
                    return
            except urllib.error.HTTPError as answer:
                missing = answer.read().decode(errors="replace")
            except OSError as problem:
                missing = str(problem)
                assert "CERTIFICATE" not in missing, missing
            time.sleep(0.3)
        raise AssertionError(f"not ready after {READY_LIMIT} s: {missing} {self.last_words('kube-apiserver')}")

    def last_words(self, name):
        return (self.folder / f"{name}.log").read_text(errors="replace")[-2000:]

    def kubectl(self, *arguments):
        return subprocess.run([str(programs()[0].parent / "kubectl"), "--kubeconfig", str(self.folder / "admin.conf"), *arguments],
                              check=True, capture_output=True, text=True, timeout=120).stdout

    def stop(self):
        for process in reversed(self.processes):  # the API server first
            process.terminate()
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
