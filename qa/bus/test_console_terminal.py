"""The console in a terminal of any size, and a user who types: tmux, and loamd on a private bus."""

import signal
import subprocess

from lab.machine import wait_until
from test_node_service import LIMIT, PROGRAMS, TOP, bus, facts  # noqa: F401 (a fixture)


class Terminal:
    def __init__(self, node, kind, columns=80, rows=24):
        self.socket = node.folder / "tmux"
        environment = [f"DBUS_SYSTEM_BUS_ADDRESS=unix:path={node.socket}", f"LOAM_CONSOLE={kind}", "LANG=C.UTF-8"]
        self.tmux("-u", "-f", "/dev/null", "new-session", "-d", "-x", str(columns), "-y", str(rows), "env", *environment, str(PROGRAMS / "loam-console"))

    def tmux(self, *arguments):
        return subprocess.run(["tmux", "-S", str(self.socket), *arguments], capture_output=True, text=True, check=True, timeout=LIMIT).stdout

    def shown(self):
        return self.tmux("capture-pane", "-p")

    def press(self, *keys):
        self.tmux("send-keys", *keys)

    def type(self, text):
        self.tmux("send-keys", "-l", text)

    def wait(self, text):
        wait_until(lambda: text in self.shown(), LIMIT, f"\"{text}\" on the terminal", interval=0.05)

    def resize(self, columns, rows):
        self.tmux("resize-window", "-x", str(columns), "-y", str(rows))
        # All of it is drawn for the new size: its last line is at the bottom.
        wait_until(lambda: self.shown().splitlines()[-1].strip(), LIMIT, f"a picture of {columns} x {rows}", interval=0.05)
        assert max(len(line) for line in self.shown().splitlines()) <= columns

    def close(self):
        self.tmux("kill-server")


def test_a_user_with_a_terminal_that_changes_its_size(bus):  # noqa: F811
    node = bus(facts(live=True))
    terminal = Terminal(node, "plain")
    try:
        terminal.wait("waiting for a volume labelled LOAM")
        terminal.press("Enter")
        terminal.wait("Set up this machine")
        terminal.press("Enter")
        terminal.wait("Set up Loam: This machine")
        for columns, rows in ((240, 67), (80, 24), (132, 43), (60, 15)):
            terminal.resize(columns, rows)
            assert "Set up Loam: This machine" in terminal.shown(), terminal.shown()
            assert terminal.shown().isascii(), terminal.shown()
        terminal.resize(80, 24)
        terminal.press("F4")
        terminal.wait("Set up Loam: Network")
        terminal.press("Down")
        terminal.press("F3")
        terminal.wait("Set up Loam: This machine")
        terminal.press("F3")
        terminal.wait("[1 Overview]")
    finally:
        terminal.close()


def test_the_size_is_what_the_terminal_answers(bus):  # noqa: F811
    """On a serial line nobody tells the kernel of another terminal: Ctrl-L asks, and what is answered goes before what it believes."""
    node = bus(facts(live=True))
    terminal = Terminal(node, "plain", 120, 40)
    try:
        terminal.wait("waiting for a volume labelled LOAM")
        name = terminal.tmux("display-message", "-p", "#{pane_tty}").strip()
        subprocess.run(["stty", "-F", name, "columns", "80", "rows", "24"], check=True)  # as somebody left it
        wait_until(lambda: not terminal.shown().splitlines()[-1].strip(), LIMIT, "a picture for 80 x 24", interval=0.05)
        terminal.press("C-l")
        wait_until(lambda: terminal.shown().splitlines()[-1].strip(), LIMIT, "a picture for all of the terminal", interval=0.05)
    finally:
        terminal.close()


def test_the_lines_that_have_a_console(tmp_path):
    """By name on the command line too: of several lines of one driver the kernel writes to the first only."""
    (tmp_path / "cmdline").write_text("quiet console=tty0 console=ttyS0,115200\tconsole=ttyS1,9600n8 console=../x xconsole=ttyS3 console=hvc0\n")
    (tmp_path / "active").write_text("tty0 ttyS0 ttyAMA0\n")
    environment = {"PATH": "/usr/bin:/bin", "LOAM_CMDLINE": str(tmp_path / "cmdline"), "LOAM_ACTIVE": str(tmp_path / "active")}
    generator = TOP / "overlays/root/usr/lib/systemd/system-generators/loam-console-lines"
    subprocess.run([generator, tmp_path / "units", tmp_path / "early", tmp_path / "late"], check=True, env=environment)
    made = sorted((tmp_path / "units/multi-user.target.wants").iterdir())
    assert [unit.name for unit in made] == [f"loam-console@{line}.service" for line in ("hvc0", "ttyAMA0", "ttyS0", "ttyS1")]
    unit = made[0].readlink()
    assert (TOP / "overlays/root" / unit.relative_to("/")).exists()


def test_letters_of_all_kinds(bus):  # noqa: F811
    """What is typed in UTF-8 is shown so where the terminal can, and is refused by loam.yaml's own rules."""
    node = bus(facts(live=True))
    terminal = Terminal(node, "utf8", 100, 30)
    try:
        terminal.wait("waiting for a volume labelled LOAM")
        terminal.press("Enter")
        terminal.wait("Set up this machine")
        terminal.press("Enter")
        terminal.wait("Fill in from")
        terminal.press("Down", "Down")
        terminal.type("http://k\u00fcche/\u6f22")
        terminal.wait("http://k\u00fcche/\u6f22")
        terminal.press("Down", "Enter")
        terminal.wait("such as https:")
    finally:
        terminal.close()


def test_keys_go_on_while_loamd_is_busy(bus):  # noqa: F811
    node = bus(facts(live=True))
    node.loamd.send_signal(signal.SIGSTOP)
    terminal = Terminal(node, "plain")
    try:
        terminal.wait("loamd has not answered yet")
        terminal.press("2")
        terminal.wait("[2 Network]")
        terminal.press("Enter")
        terminal.wait("What to do")
        terminal.press("Escape")
        terminal.wait("[2 Network]")
        terminal.press("1")
        node.loamd.send_signal(signal.SIGCONT)
        terminal.wait("waiting for a volume labelled LOAM")
    finally:
        terminal.close()


def test_a_document_that_cannot_be_had_takes_nothing_else_away(bus):  # noqa: F811
    """Without its disk there is no list of slots; and a loamd that ends is missed at once."""
    node = bus(facts(disk="/dev/gone", esp="/dev/gone1"), "version: 1\n")
    assert node.ctl("slots").returncode == 1
    terminal = Terminal(node, "plain")
    try:
        terminal.wait(f": {node.status()['state']}")
        terminal.wait("The configuration could not be applied")
        node.loamd.terminate()
        terminal.wait("loamd does not run")
        assert "could not be applied" in terminal.shown(), terminal.shown()
    finally:
        terminal.close()
