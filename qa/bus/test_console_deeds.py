"""What the console may ask of loamd, on a private bus."""

import http.server
import json
import subprocess
import threading
import time
from pathlib import Path

import pytest
from lab.machine import wait_until
from test_node_service import LEASE, LIMIT, bus, facts  # noqa: F401 (a fixture)

INSTALL = "version: 1\ninstall: {disk: {id: nvme-that-is-not-here}}\n"


def ask(node, deed, argument="", password=""):
    argv = ["busctl", f"--address=unix:path={node.socket}", "--json=short", "call", "io.loam.Node1", "/io/loam/Node1", "io.loam.Node1.Console", "Do", "sss",
            deed, argument, password]
    return subprocess.run(argv, capture_output=True, text=True, timeout=60)


def refusal(node, *arguments):
    done = ask(node, *arguments)
    assert done.returncode != 0, done.stdout
    return done.stderr


def installed(bus, more=""):  # noqa: F811
    hashed = subprocess.run(["openssl", "passwd", "-6", "secret"], capture_output=True, text=True, check=True).stdout.strip()
    return bus(facts(), f"# rack 3\nversion: 1\nhostname: before  # on its label\naccess: {{console_password_hash: {hashed}{more}}}\n")


def test_what_a_medium_refuses_it_says(bus):  # noqa: F811
    node = bus(facts(live=True))
    assert "no volume labelled LOAM" in refusal(node, "load")
    assert "begins with http" in refusal(node, "load", "ftp://10.0.0.1/loam.yaml")
    assert "no layout" in refusal(node, "keyboard", "klingon")
    assert "no disk matches install.disk" in refusal(node, "plan", INSTALL)
    assert "no disk was chosen" in refusal(node, "plan", "version: 1\n")
    assert "a medium has no shell" in refusal(node, "shell", "tty1")
    assert "nothing that the console does" in refusal(node, "dance")


def restarted(node):
    node.loamd.kill()
    node.loamd.wait()
    node.start()


def test_nothing_installs_while_somebody_is_in_the_wizard(bus):  # noqa: F811
    """A stick to save on, or to read from, may hold an older loam.yaml that says install."""
    node = bus(facts(live=True))
    assert ask(node, "wizard").returncode == 0
    node.credential.write_text(INSTALL)
    restarted(node)  # a loamd that starts anew looks for one at once, and knows who is there
    held = node.condition("Config")
    assert held["reason"] == "Held" and "10 minutes after the last key" in held["message"], held
    assert all(c["type"] != "Install" for c in node.status()["conditions"]), node.status()
    assert "hostname" not in ask(node, "load").stdout and "nvme-that-is-not-here" in ask(node, "load").stdout, "it can be read into the wizard"
    assert "no disk matches" in refusal(node, "setup", INSTALL), "what the wizard itself asks for is done"
    assert ask(node, "retry").returncode == 0, "by hand it goes on"
    assert "no disk matches" in node.condition("Install")["message"]
    assert node.condition("Config")["reason"] == "Valid"


def test_a_wizard_that_was_forgotten_holds_up_nobody_for_long(bus):  # noqa: F811
    node = bus(facts(live=True))
    ask(node, "wizard")
    left = int(LEASE.read_text()) - time.clock_gettime(time.CLOCK_BOOTTIME)
    assert 590 <= left <= 601, left
    node.credential.write_text(INSTALL)
    LEASE.write_text(str(int(time.clock_gettime(time.CLOCK_BOOTTIME)) + 3))
    restarted(node)
    assert node.condition("Config")["reason"] == "Held"
    wait_until(lambda: node.condition("Config")["reason"] == "Valid", LIMIT, "the file that waited")
    LEASE.write_text("99999999999")
    restarted(node)
    assert "Held" in node.condition("Config")["reason"]
    ask(node, "wizard")
    assert int(LEASE.read_text()) < 99999999999


def door(node):
    printed = subprocess.run(["busctl", f"--address=unix:path={node.socket}", "--json=short", "get-property", "io.loam.Node1", "/io/loam/Node1", "io.loam.Node1",
                              "Machine"], capture_output=True, text=True, check=True, timeout=60).stdout
    return json.loads(json.loads(printed)["data"])["console"]


def test_a_file_demands_no_password_that_it_lacks(bus):  # noqa: F811
    """One without install: and one that is refused leave the machine to who stands before it."""
    node = bus(facts(live=True))
    for text in ("version: 1\nhostname: named\n", INSTALL):
        node.credential.write_text(text)
        node.ctl("retry")
        assert door(node) == "open", text
        assert "no layout" in refusal(node, "keyboard", "klingon"), text
        assert "version: 1" in ask(node, "load").stdout, text


def test_a_password_goes_with_the_volume_that_brought_it(bus):  # noqa: F811
    hashed = subprocess.run(["openssl", "passwd", "-6", "secret"], capture_output=True, text=True, check=True).stdout.strip()
    node = bus(facts(live=True))
    node.credential.write_text(f"version: 1\naccess: {{console_password_hash: {hashed}}}\n")
    node.ctl("retry")
    assert door(node) == "password"
    assert "needs the console's password" in refusal(node, "load")
    assert "version: 1" in ask(node, "load", "", "secret").stdout
    node.credential.unlink()
    node.ctl("retry")
    assert door(node) == "open"
    assert "no volume labelled LOAM" in refusal(node, "load")
    assert all(c["type"] != "Install" for c in node.status()["conditions"]), "nor does it say that it asked for no installation"


@pytest.mark.parametrize("text", [None, "version: 1\nhostnme: x\n"])
def test_a_node_without_its_file_can_be_restarted(bus, text):  # noqa: F811
    node = bus(facts(), text)
    assert door(node) == "lost"
    # Nor do restart and power off ask for one; but nobody switches off what runs this test.
    assert "no password" not in ask(node, "support").stderr
    for deed in ("network-now", "retry", "shell", "confirm"):
        assert "no password" in refusal(node, deed), deed
    Path("/loam/loam.yaml").write_text("version: 1\n")
    restarted(node)
    assert door(node) == "closed"
    assert "no password" in refusal(node, "support"), "an owner who wants nothing done here is obeyed"


class Slow(http.server.BaseHTTPRequestHandler):
    text = "version: 1\nhostname: by-url\n"
    release = threading.Event()

    def do_GET(self):
        self.release.wait(30)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.text.encode())

    def log_message(self, *_):
        pass


def test_a_file_by_url_holds_up_nobody(bus):  # noqa: F811
    node = bus(facts(live=True))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Slow) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/loam.yaml"
        first = []
        asked = threading.Thread(target=lambda: first.append(ask(node, "load", url)))
        asked.start()
        assert node.status()["state"] == "unconfigured", "it answers others meanwhile"
        assert "has not ended yet" in refusal(node, "load", url)
        Slow.release.set()
        asked.join(30)
        assert "hostname: by-url" in first[0].stdout, first[0]
        server.shutdown()
    assert "Failed to connect" in refusal(node, "load", url) or "Could not connect" in refusal(node, "load", url)


def test_an_installed_node_asks_for_the_password(bus):  # noqa: F811
    node = installed(bus)
    assert "needs the console's password" in refusal(node, "network-now")
    assert "runs from its disk" in refusal(node, "load", "", "secret")
    assert "runs from its disk" in refusal(node, "keyboard", "de", "secret")
    assert "console_shell: true" in refusal(node, "shell", "tty1", "secret")
    assert "the password is wrong" in refusal(node, "network-now", "", "wrong")


def test_a_shell_is_on_a_terminal_only(bus):  # noqa: F811
    node = installed(bus, ", console_shell: true")
    for terminal in ("", "../tty1", "tty1;reboot", "pts/0"):
        assert "no terminal" in refusal(node, "shell", terminal, "secret"), terminal


def test_a_changed_network_leaves_the_rest_of_the_file(bus):  # noqa: F811
    node = installed(bus)
    assert "version: 1" in ask(node, "network-now", "", "secret").stdout
    network = 'network:\n  nics: [{name: nic0, match: {mac: "52:54:00:12:34:56"}}]\n  interfaces: [{link: nic0, dhcp4: true}]\n'
    ask(node, "network", "version: 1\n" + network, "secret")  # its NIC is not here, which is said; the wish is kept
    text = Path("/loam/loam.yaml").read_text()
    assert text.startswith("# rack 3\nversion: 1\nhostname: before  # on its label\n") and "52:54:00:12:34:56" in text, text
    ask(node, "network", "version: 1\nhostname: evil\n" + network.replace("34:56", "34:57"), "secret")
    text = Path("/loam/loam.yaml").read_text()
    assert "52:54:00:12:34:57" in text and "evil" not in text, "of what it is given only the network is taken"
