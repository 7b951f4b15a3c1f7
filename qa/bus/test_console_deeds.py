"""What the console may ask of loamd, on a private bus."""

import http.server
import subprocess
import threading
from pathlib import Path

from test_node_service import bus, facts  # noqa: F401 (a fixture)

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
