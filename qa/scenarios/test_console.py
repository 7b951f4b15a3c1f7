"""The console on the serial line, with keys only: what is drawn is read as a terminal shows it."""

import json
import shlex
import subprocess
import time

import pytest
from conftest import sha256
from lab.machine import Drive, Machine, make_config_volume, make_disk, make_key, wait_until
from lab.node import Live, config, iso_drive, uki
from lab.rack import Pair

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


def wait_shown(machine, text):
    """On the screen as it is now, whenever it came there."""
    wait_until(lambda: text in machine.shown(), 60 * machine.scale, f"\"{text}\" on the screen")


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


class Server(Machine):
    """Two NICs on cables to the switch, a blank disk for the system, one hard disk, and the medium."""

    def __init__(self, scenario, name):
        folder = scenario.folder / name
        folder.mkdir()
        disks = [Drive(make_disk(folder / "os.qcow2", "24G"), "nvme", "os", boot=0),
                 Drive(make_disk(folder / "hdd.qcow2", "8G"), "scsi", "hdd", rotational=True, wwn=0x5000C50000000077)]
        super().__init__(folder, uki(), drives=[*disks, iso_drive()], cables={i: (scenario.folder / f"cable{i}", False) for i in range(2)})
        scenario.keep(self)


class Through:
    """ssh to a node that only the switch reaches."""

    def __init__(self, switch, key, address):
        self.switch, self.address, self.key = switch, address, f"/run/key-of-{key.parent.name}"
        switch.send(f"umask 077; cat > {self.key}", key.read_bytes())

    def ssh(self, command, check=True):
        return self.switch.ssh(f"ssh -i {self.key} -o IdentitiesOnly=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR -o BatchMode=yes "
                               f"-o ConnectTimeout=20 root@{self.address} {shlex.quote(command)}", check=check)

    def wait_ready(self, limit):
        def ready():
            done = self.ssh("loamctl --json status", check=False)
            return done.returncode == 0 and json.loads(done.stdout)["state"] == "ready"
        wait_until(ready, limit * self.switch.scale, f"{self.address} being ready", interval=2)


def blank_stick(path):
    with path.open("wb") as file:
        file.truncate(32 << 20)
    subprocess.run(["mkfs.fat", "-n", "LOAM", str(path)], check=True, stdout=subprocess.DEVNULL)
    return Drive(path, "usb", "stick", "raw")


def go_on(machine, title):
    machine.press(F4)
    machine.wait_console(f"Set up Loam: {title}", 60)


def fill_network(machine):
    choose(machine, "Bond")
    choose(machine, "Bond < LACP", RIGHT)
    fill(machine, "VLAN", "30")
    fill(machine, "MTU", "9000")
    choose(machine, "Address")
    press(machine, RIGHT)
    fill(machine, "Address/prefix", "192.0.3.50/33")
    machine.wait_console("! ", 10)
    machine.press("\x7f", "\x7f", *"24")
    fill(machine, "Gateway", "192.0.3.1")
    choose(machine, "[ Try it ]")
    machine.press(ENTER)
    machine.wait_console("This network works", 200)


def fill_the_rest(machine, public_key):
    go_on(machine, "Disks for storage")
    machine.wait_console("-> storage", 10)
    go_on(machine, "Cluster")
    choose(machine, "Name of the cluster")
    machine.press(*["\x7f"] * 4, *"rack7")
    fill(machine, "Virtual address", "192.0.3.5/24")
    go_on(machine, "Name and services")
    choose(machine, "Name of this node")
    machine.press("\x15", *"console-1")
    fill(machine, "DNS servers", "192.0.3.1")
    fill(machine, "DNS search domains", "rack.example")
    fill(machine, "Time servers", "192.0.3.1")
    choose(machine, "Time zone")
    machine.press("\x7f", "\x7f", "\x7f", *"Europe/Berlin")
    fill(machine, "HTTP proxy", "http://192.0.3.1:3128")
    fill(machine, "HTTPS proxy", "http://192.0.3.1:3129")
    fill(machine, "Not by the proxy", "internal.example")
    go_on(machine, "Access")
    fill(machine, "SSH key", public_key)
    fill(machine, "Console password", "secret")
    fill(machine, "The same again", "secret")
    choose(machine, "Root shell")
    press(machine, " ")
    go_on(machine, "Summary")


# What was typed -> where it took effect, by name: a command on the node, and what it says then.
EFFECTS = {
    "keyboard": ("cat /etc/loam/keyboard.conf; dumpkeys --keys-only | grep 'keycode  21'", ["KEYMAP=de", "+z"]),
    "bond": ("cat /proc/net/bonding/bond0", ["IEEE 802.3ad", "Number of ports: 2"]),
    "vlan and mtu": ("ip -d link show vlan30", ["id 30", "mtu 9000"]),
    "address": ("ip -o -4 address show vlan30", ["192.0.3.50/24"]),
    "gateway": ("ip route show default", ["via 192.0.3.1 dev vlan30"]),
    "storage": ("loamctl disks", ["waiting"]),
    "cluster": ("cat /loam/loam.yaml", ["rack7", "192.0.3.5/24"]),
    "hostname": ("hostname", ["console-1"]),
    "dns": ("resolvectl", ["192.0.3.1", "rack.example"]),
    "ntp": ("cat /etc/systemd/timesyncd.conf.d/*", ["NTP=192.0.3.1"]),
    "zone": ("date +%Z; readlink /etc/localtime", ["CE", "Europe/Berlin"]),
    "proxy": ("systemctl show-environment", ["http_proxy=http://192.0.3.1:3128", "https_proxy=http://192.0.3.1:3129", "no_proxy=internal.example"]),
    "password and shell": ("cat /loam/loam.yaml", ["$y$", "console_shell: true"]),
}


def effects(node):
    return {name: (node.ssh(command), wanted) for name, (command, wanted) in EFFECTS.items()}


@pytest.mark.long
def test_wizard_installs_by_keys_alone(scenario, rack):
    """From the menu to a node that is ready, over a serial line, with every field filled in; its loam.yaml installs a second one without
    a question, and both are what was typed."""
    live = Live()
    cables = {i: (scenario.folder / f"cable{i}", True) for i in range(2)}
    switch = scenario.keep(rack.running_switch(scenario.folder / "switch", cables))
    Pair(rack, None, switch).channel(mtu=9000, vlans=[30])
    machine = Server(scenario, "first")
    disk = machine.drives[0]
    machine.start()
    machine.wait_console("waiting for a volume labelled LOAM", 300)
    before = sha256(disk.path)
    machine.press(ENTER)
    machine.wait_console("Set up this machine", 30)
    machine.press(ENTER)
    machine.wait_console("Set up Loam: This machine", 30)
    machine.wait_console("KVM is not there", 10)
    choose(machine, "Keyboard")
    choose(machine, "Keyboard < German", RIGHT)
    go_on(machine, "Network")
    fill_network(machine)
    go_on(machine, "Disk of the system")
    fill_the_rest(machine, live.public_key)
    machine.wait_console("fill-slot", 60)  # of the plan
    stick = blank_stick(scenario.folder / "stick.img")
    machine.plug(stick)
    choose(machine, "[ Save loam.yaml")

    def saved():
        machine.press(ENTER)
        time.sleep(3)
        return "saved as loam.yaml on LOAM" in machine.shown()
    wait_until(saved, 60 * machine.scale, "the file on the stick")
    machine.unplug(stick)
    assert sha256(disk.path) == before, "nothing was written yet"
    choose(machine, "[ Install ]")
    machine.press(ENTER)
    machine.wait_console("the disk is bootable", 400)
    node = Through(switch, live.key, "192.0.3.50")
    node.wait_ready(600)
    for name, (seen, wanted) in effects(node).items():
        assert all(word in seen for word in wanted), f"{name}: {seen}"
    made = node.ssh("loamctl config check /loam/loam.yaml >&2; cat /loam/loam.yaml")
    assert "secret" not in made

    # The dashboard: what changes something asks for the password, and waits longer each time that it is wrong.
    machine.wait_console("Loam 0.1.0 on console-1: ready", 60)
    machine.press(ENTER)
    machine.wait_console("Console password", 30)
    machine.press(TAB, *"wrong", ENTER)
    machine.wait_console("the password is wrong; the next try is possible in 2 s", 60)
    machine.press(ENTER, TAB, *"secret", ENTER)
    machine.wait_console("what failed is tried again", 60)
    machine.press("5")
    machine.wait_console("on the console: retry", 30)
    machine.kill()

    # The same file and a machine like the first: no key is pressed.
    second = Server(scenario, "second")
    second.drives.append(stick)
    second.start()
    second.wait_console("the disk is bootable", 900)
    node.wait_ready(600)
    assert node.ssh("cat /loam/loam.yaml") == made
    for name, (seen, wanted) in effects(node).items():
        assert all(word in seen for word in wanted), f"{name}: {seen}"


ROUTER = "fd00:2::1"
# As EFFECTS, of the other choices.
OTHER_EFFECTS = {
    "bond": ("cat /proc/net/bonding/bond0", ["fault-tolerance (active-backup)", "Slave Interface"]),
    "address": ("ip -o -6 address show dev bond0 scope global", ["fd00:2::50/64"]),
    "gateway": ("ip -6 route show default", [f"via {ROUTER} dev bond0"]),
    "no cluster": ("systemctl is-active kubelet; loamctl --json status", ["inactive", '"Network"']),
    "no storage": ("loamctl --json disks", ['"use": "none"']),
    "hostname": ("hostname", ["console-2"]),
    "dns": ("resolvectl dns; resolvectl domain", [ROUTER, "rack.example"]),
    "ntp": ("timedatectl show-timesync --property=SystemNTPServers", [ROUTER]),
    "zone": ("date -d 2026-01-01 +%z", ["+0100"]),
    "no keyboard but by hand": ("systemctl show --property=LoadState ctrl-alt-del.target; busctl get-property org.freedesktop.login1 /org/freedesktop/login1 "
                                "org.freedesktop.login1.Manager NAutoVTs", ["LoadState=masked", "u 0"]),
}


def serve_keys(switch, *keys):
    """An HTTP server for one small file: the switch has none."""
    text = "".join(key + "\n" for key in keys)
    switch.send("cat > /run/keys.http", f"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {len(text)}\r\n\r\n{text}".encode())
    switch.ssh(f"systemd-run --quiet --unit=keys systemd-socket-activate --accept --inetd --listen=[{ROUTER}]:8000 sh -c 'read line; cat /run/keys.http; sleep 2'")


def fill_other_network(machine):
    choose(machine, "Bond")
    choose(machine, "Bond < active-backup", RIGHT)
    choose(machine, "Address")
    press(machine, RIGHT)
    fill(machine, "Address/prefix", "fd00:2::50/64")
    fill(machine, "Gateway", ROUTER)
    choose(machine, "[ Try it ]")
    machine.press(ENTER)
    machine.wait_console("This network works", 200)


def fill_other_disks(machine):
    """The only flash holds something: it is named letter by letter."""
    choose(machine, "Disk")
    press(machine, RIGHT)
    machine.wait_console("It is not blank", 30)
    machine.press(F4)
    wait_shown(machine, "it is not blank: type wwn-0x5000c50000000078")
    fill(machine, "Type its id", "wwn-0x5000c50000000078")
    go_on(machine, "Disks for storage")
    choose(machine, "Take for storage < none", RIGHT)


def fill_other_pages(machine):
    go_on(machine, "Cluster")
    choose(machine, "This node < stays alone", RIGHT)
    go_on(machine, "Name and services")
    choose(machine, "Name of this node")
    machine.press("\x15", *"console-2")
    fill(machine, "DNS servers", ROUTER)
    fill(machine, "DNS search domains", "rack.example")
    fill(machine, "Time servers", ROUTER)
    choose(machine, "Time zone")
    machine.press("\x15", *"Europe/Berlin")
    go_on(machine, "Access")
    fill(machine, "SSH keys from", f"http://[{ROUTER}]:8000/who.keys")
    choose(machine, "[ Fetch")
    machine.press(ENTER)
    wait_shown(machine, "2 keys are there")
    fill(machine, "Console password", "secret")
    fill(machine, "The same again", "secret")
    go_on(machine, "Summary")


def disk_with_data(path):
    raw = path.with_suffix(".raw")
    with raw.open("wb") as file:
        file.truncate(24 << 30)
    subprocess.run(["mkfs.ext4", "-q", "-L", "photos", str(raw)], check=True)
    subprocess.run(["qemu-img", "convert", "-O", "qcow2", str(raw), str(path)], check=True)
    raw.unlink()
    return Drive(path, "scsi", "os", boot=0, wwn=0x5000C50000000078)


@pytest.mark.long
def test_wizard_takes_the_other_choices(scenario, rack):
    """By keys alone: active-backup, IPv6, a disk with data, no cluster, keys by URL. Each is looked at where it took effect."""
    live = Live()
    (scenario.folder / "second").mkdir()
    second, second_public = make_key(scenario.folder / "second")
    cables = {i: (scenario.folder / f"cable{i}", True) for i in range(2)}
    switch = scenario.keep(rack.running_switch(scenario.folder / "switch", cables))
    Pair(rack, None, switch).channel(lacp=False)
    switch.ssh(f"ip -6 address add {ROUTER}/64 dev br0 nodad")
    serve_keys(switch, live.public_key, second_public)
    disks = [disk_with_data(scenario.folder / "os.qcow2"),
             Drive(make_disk(scenario.folder / "hdd.qcow2", "8G"), "scsi", "hdd", rotational=True, wwn=0x5000C50000000077)]
    machine = scenario.keep(Machine(scenario.folder, uki(), drives=[*disks, iso_drive()], cables={i: (scenario.folder / f"cable{i}", False) for i in range(2)}))
    machine.start()
    machine.wait_console("waiting for a volume labelled LOAM", 300)
    before = sha256(disks[0].path)
    machine.press(ENTER)
    machine.wait_console("Set up this machine", 30)
    machine.press(ENTER)
    machine.wait_console("Set up Loam: This machine", 30)
    go_on(machine, "Network")
    fill_other_network(machine)
    go_on(machine, "Disk of the system")
    fill_other_disks(machine)
    fill_other_pages(machine)
    machine.wait_console("fill-slot", 60)  # of the plan
    # A stick that comes now may hold anything: it waits, whatever it says.
    stick = Drive(make_config_volume(scenario.folder / "old.img", config(live.public_key, "{serial: os}", hostname="older")), "usb", "stick", "raw")
    machine.plug(stick)
    time.sleep(5 * machine.scale)
    assert "Set up Loam: Summary" in machine.shown() and sha256(disks[0].path) == before, "nothing was written yet"
    choose(machine, "[ Install ]")
    machine.press(ENTER)
    machine.wait_console("the disk is bootable", 400)
    node = Through(switch, second, "fd00:2::50")
    node.wait_ready(600)
    for name, (command, wanted) in OTHER_EFFECTS.items():
        seen = node.ssh(command)
        assert all(word in seen for word in wanted), f"{name}: {seen}"
    assert "photos" not in node.ssh("lsblk --noheadings --output LABEL"), "what was on the disk"
    assert '"Cluster"' not in node.ssh("loamctl --json status"), "a node that stays alone"
    assert Through(switch, live.key, "fd00:2::50").ssh("hostname").strip() == "console-2", "both keys of the URL"
    on_the_console(machine, "Try again")
    machine.wait_console("what failed is tried again", 60)


def on_the_console(machine, deed):
    """Something that can be done, with the password."""
    machine.press("1", ENTER)
    wait_shown(machine, "Console password")
    choose(machine, f"What to do < {deed}")
    machine.press(TAB, *"secret", ENTER)


@pytest.mark.long
def test_console_of_a_node_that_runs(scenario, installed):
    """A root shell and back; a network that does not work goes back by itself, counted down, and one that works stays."""
    machine = scenario.keep(installed.running(scenario.folder))
    hashed = subprocess.run(["openssl", "passwd", "-6", "secret"], capture_output=True, text=True, check=True).stdout.strip()
    text = machine.ssh("cat /loam/loam.yaml").replace("access:\n", f"# who may\naccess:\n  console_password_hash: {hashed}\n  console_shell: true\n")
    machine.ssh("cat > /run/new.yaml; loamctl apply /run/new.yaml", input=text)
    wait_shown(machine, "Loam 0.1.0 on node-1: ready")
    # An error that the kernel tells of would be written over the picture (here in the lab it is): not with the image's own setting.
    say = lambda text: machine.ssh(f"echo '<3>{text}' > /dev/kmsg; sleep 3")
    say("heard")
    assert "heard" in machine.console()
    machine.ssh("/usr/lib/systemd/systemd-sysctl /usr/lib/sysctl.d/50-loam.conf")
    say("unheard")
    assert "unheard" not in machine.console()
    on_the_console(machine, "Root shell")
    wait_shown(machine, "root@node-1")
    machine.press(*"echo shell-of-$((40 + 2)); false", ENTER)
    wait_shown(machine, "shell-of-42")
    machine.press(*"exit", ENTER)
    wait_shown(machine, "Loam 0.1.0 on node-1: ready")
    assert machine.ssh("systemctl --failed --no-legend --plain").strip() == ""

    on_the_console(machine, "Change the network")
    wait_shown(machine, "How this node is reached. What is applied")
    assert "more than this page shows" not in machine.shown()
    fill(machine, "Gateway", "\x7f99")  # 10.0.2.99, which nobody has
    choose(machine, "[ Apply it ]")
    machine.press(ENTER)
    wait_shown(machine, "The network goes back in")
    scenario.figures["countdown"] = machine.shown()[:200]
    wait_until(lambda: "it was not confirmed in time" in machine.shown(), 200 * machine.scale, "the network before")
    on_the_console(machine, "Change the network")
    wait_shown(machine, "How this node is reached. What is applied")
    fill(machine, "MTU", "1400")
    choose(machine, "[ Apply it ]")
    machine.press(ENTER)
    wait_until(lambda: "1400" in machine.ssh("cat /loam/loam.yaml.confirmed"), 200 * machine.scale, "the changed network being kept", interval=2)
    assert "mtu 1400" in machine.ssh("ip link show bond0")
    assert "# who may\naccess:" in machine.ssh("cat /loam/loam.yaml"), "all else is as it was written"


@pytest.mark.long
def test_screens_of_a_crash_cart(scenario):
    """The screen and the keyboard at 1024x768: pictures of the pages, for people to look at (docs/ has some of them)."""
    machine = scenario.keep(Machine(scenario.folder, uki(), extra=["-global", "VGA.xres=1024", "-global", "VGA.yres=768"], drives=[
        Drive(make_disk(scenario.folder / "os.qcow2", "960G"), "nvme", "os"),
        *[Drive(make_disk(scenario.folder / f"hdd{i}.qcow2", "16T"), "scsi", f"ZL2{i}", rotational=True, wwn=0x5000C500000000A0 + i) for i in range(4)],
        iso_drive(boot=0)]))
    machine.start()
    machine.wait_console("waiting for a volume labelled LOAM", 300)
    machine.wait_console("an interface has an address that reaches further than its link", 120)
    wait_shown(machine, "5 disks: 5 blank")
    seen = set()

    def keys(*names, to=None):
        for name in names:
            machine.qmp.command("send-key", keys=[{"type": "qcode", "data": name}])
            time.sleep(1.5)
        if to:
            picture = scenario.folder / f"{to}.png"
            machine.screenshot(picture)
            data = picture.read_bytes()
            assert (int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")) == (1024, 768)
            assert data not in seen, f"{to}: the screen did not change"
            seen.add(data)
    keys(to="waiting")
    keys("ret", to="menu")
    keys("ret", to="machine")
    keys("ret", to="network")
    keys("f4", to="disk")
    keys("f4", to="data")
    keys("f4", to="cluster")
    keys("f4", to="node")
    keys("f4", to="access")
    keys("down", "down", "down", "down", "down", "a", "down", "a", "f4")
    wait_shown(machine, "5 disks: 5 blank")
    keys(to="summary")
