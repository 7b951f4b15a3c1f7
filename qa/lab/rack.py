"""A node whose two NICs are cabled to a switch, which is another guest: a kernel bond, a bridge and VLANs, so that the partner is
the kernel's own. Both are also reached past those cables, so that a test can look while they are out."""

import hashlib
import json
import subprocess
import time
from pathlib import Path

from lab.machine import OOB_ADDRESS, Machine, wait_until
from lab.node import Installed, config, uki

PORTS = 4
# States of this file's making: an edit makes only these anew.
KEY = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:8]
SWITCH_MACS = ["52:54:00:00:10:01", *[f"52:54:00:00:20:{i + 1:02x}" for i in range(PORTS)]]
OOB_MAC = "52:54:00:00:10:03"

NETWORK = """network:
  nics:
    - {{name: nic0, match: {{mac: "52:54:00:00:10:01"}}}}
    - {{name: nic1, match: {{mac: "52:54:00:00:10:02"}}}}
    - {{name: oob, match: {{mac: "52:54:00:00:10:03"}}}}
  bonds:
    - {{name: bond0, members: [nic0, nic1], {bond}}}
{links}  interfaces:
    - {{link: oob, roles: [management], addresses: [10.0.3.50/24], ipv6: "off"}}
{interfaces}"""

LACP = "mode: 802.3ad"
ON_BOND = '    - {link: bond0, roles: [cluster], addresses: [192.0.2.50/24], gateway: 192.0.2.1, ipv6: "off"}\n'


def network(bond=LACP, links="", interfaces=ON_BOND):
    return NETWORK.format(bond=bond, links=links, interfaces=interfaces)


class Rack(Installed):
    """Saved states of a node and of a switch, and running pairs of them."""

    def _node_machine(self, directory, disk, cables=()):
        machine = Machine(directory, uki(), drives=[disk], cables=dict(enumerate(cables)), oob_mac=OOB_MAC)
        machine.key = self.key
        return machine

    def node_config(self, text):
        """loam.yaml of the node with another network."""
        whole = config(self.public_key, "{bus: scsi, rotational: false}")
        return whole[:whole.index("network:")] + text

    def _make_node(self, folder):
        self._start_from_base(folder)
        machine = self._node_machine(folder, self._disk(folder / "os.qcow2"))
        machine.start()
        try:
            machine.wait_ssh(300)
            # As a unit of its own: this connection ends with the address that it came to.
            machine.ssh("cat > /var/rack.yaml; systemd-run --quiet --no-block sh -c 'loamctl apply --no-wait /var/rack.yaml; loamctl confirm'",
                        input=self.node_config(network("mode: active-backup")))
            machine.address = OOB_ADDRESS
            machine.wait_ssh(120)
            wait_until(lambda: "192.0.2.50/24" in machine.ssh("cat /loam/loam.yaml.confirmed"), 60 * machine.scale, "the confirmed network")
            machine.human("savevm rack")
        finally:
            machine.kill()

    def _make_switch(self, folder):
        self._start_from_base(folder)
        machine = self._switch_machine(folder, {})
        machine.start()
        try:
            machine.wait_ssh(300)
            names = {link["address"]: link["ifname"] for link in json.loads(machine.ssh("ip -j link"))}
            renames = "; ".join(f"ip link set {names[mac]} down; ip link set {names[mac]} name p{i + 1}" for i, mac in enumerate(SWITCH_MACS[1:]))
            # A switch that serves DHCP and DNS to whoever asks has no firewall.
            machine.ssh(f"systemctl stop loamd; nft delete table inet loam; hostnamectl hostname --transient sw1; {renames}; modprobe bonding; modprobe 8021q; modprobe bridge")
            machine.human("savevm switch")
        finally:
            machine.kill()

    def _start_from_base(self, folder):
        base = self.base()
        self._copies(base, folder, "os.qcow2", "vars.qcow2")

    def _switch_machine(self, directory, cables):
        machine = Machine(directory, uki(), drives=[self._disk(directory / "os.qcow2")], memory=1536, nics=1 + PORTS,
                          macs=SWITCH_MACS, cables={i + 1: cable for i, cable in cables.items()})
        machine.key = self.key
        return machine

    def running_switch(self, directory, cables):
        self._copies(self._once(f"switch-{KEY}", self._make_switch), directory, "os.qcow2", "vars.qcow2")
        machine = self._switch_machine(directory, cables).start("switch")
        return self._awake(machine)

    def running_node(self, directory, cables):
        self._copies(self._once(f"rack-{KEY}", self._make_node), directory, "os.qcow2", "vars.qcow2")
        machine = self._node_machine(directory, self._disk(directory / "os.qcow2"), cables)
        machine.start("rack")
        machine.address = OOB_ADDRESS
        return self._awake(machine)

    def _awake(self, machine):
        try:
            machine.wait_ssh(60)
            machine.ssh(f"date -s @{time.time():.0f}")
        except BaseException:
            machine.kill()
            raise
        return machine

    def pair(self, scenario):
        """Node and switch; cable i goes from the node's NIC i to the switch's port i+1."""
        paths = [scenario.folder / f"cable{i}" for i in range(2)]
        switch = scenario.keep(self.running_switch(scenario.folder / "switch", {i: (p, True) for i, p in enumerate(paths)}))
        node = scenario.keep(self.running_node(scenario.folder, [(p, False) for p in paths]))
        return Pair(self, node, switch)


class Pair:
    def __init__(self, rack, node, switch):
        self.rack, self.node, self.switch = rack, node, switch

    def apply(self, text, check=True, more="", limit=400):
        return self.node.ssh(f"cat > /tmp/new.yaml; loamctl apply {more} /tmp/new.yaml", input=self.rack.node_config(text), check=check, limit=limit)

    def channel(self, lacp=True, mtu=1500, vlans=()):
        """The two ports as one LACP channel, or each for itself; the switch is 192.0.2.1, and 192.0.2+n.1 in VLAN n*10."""
        commands = ["ip link add br0 type bridge vlan_filtering 1 mcast_snooping 0", f"ip link set br0 mtu {mtu} up"]
        ports = ["p1", "p2"]
        if lacp:
            commands += ["ip link add po1 type bond mode 802.3ad lacp_rate fast miimon 100 xmit_hash_policy layer3+4"]
            commands += [f"ip link set {p} down; ip link set {p} master po1" for p in ports]
            commands += [f"ip link set po1 mtu {mtu} up", "ip link set po1 master br0"]
            members = ["po1"]
        else:
            commands += [f"ip link set {p} mtu {mtu} master br0" for p in ports]
            members = ports
        commands += [f"ip link set {p} up" for p in ports]
        commands += ["ip address add 192.0.2.1/24 dev br0"]
        for number, vlan in enumerate(vlans, 1):
            commands += [f"bridge vlan add dev {m} vid {vlan}" for m in members] + [f"bridge vlan add dev br0 vid {vlan} self",
                         f"ip link add br0.{vlan} link br0 type vlan id {vlan}", f"ip link set br0.{vlan} mtu {mtu} up",
                         f"ip address add 192.0.{2 + number}.1/24 dev br0.{vlan}"]
        self.switch.ssh("set -e; " + "; ".join(commands))

    def serve(self, *options):
        """dnsmasq on the switch, which has no such program: it goes there with its libraries."""
        top, program = "/var/dnsmasq", "/usr/sbin/dnsmasq"
        needed = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
        files = [program, *[word for word in needed.split() if word.startswith("/")]]
        packed = subprocess.run(["tar", "-chf", "-", *files], capture_output=True, check=True).stdout
        subprocess.run(self.switch.ssh_argv(f"mkdir -p {top}; tar -xf - -C {top}"), input=packed, check=True, timeout=120)
        self.switch.ssh(f"{top}/lib64/ld-linux-x86-64.so.2 --library-path {top}/lib/x86_64-linux-gnu {top}{program} --user=root --conf-file=/dev/null "
                        f"--leasefile-ro --no-resolv --no-hosts --bind-interfaces --interface=br0 --pid-file=/run/dnsmasq.pid " + " ".join(options))

    def emit_lldp(self):
        """As switches do: name and port."""
        files = "; ".join(f"printf '[Match]\\nName={p}\\n[Network]\\nKeepMaster=yes\\nEmitLLDP=yes\\nLinkLocalAddressing=no\\n' > /etc/systemd/network/40-{p}.network"
                          for p in ("p1", "p2"))
        self.switch.ssh(f"{files}; networkctl reload; networkctl reconfigure p1 p2")

    def condition(self, kind):
        """As it is now; empty as long as loamd, which may be starting again, has none of the kind."""
        done = self.node.ssh("loamctl --json status", check=False)
        conditions = json.loads(done.stdout)["conditions"] if done.returncode == 0 else []
        return next((c for c in conditions if c["type"] == kind), {"reason": "", "message": ""})

    def wait_condition(self, kind, reason, limit):
        wait_until(lambda: self.condition(kind)["reason"] == reason, limit * self.node.scale, f"condition {kind} {reason}", interval=1)
        return self.condition(kind)["message"]

    def links(self):
        return json.loads(self.node.ssh("loamctl --json links"))

    def said(self):
        """All that loamd says about the network, as one text."""
        document = self.links()
        return "\n".join(entry["text"] for entry in document["findings"] + document["probes"] if not entry.get("good"))

    def wait_said(self, text, limit):
        seen = [""]

        def there():
            seen[0] = self.said()
            return text in seen[0]
        wait_until(there, limit * self.node.scale, f"\"{text}\" in loamctl links", interval=1)
        return seen[0]

    def plug(self, nic, up, node=True, switch=True):
        """The cable of a NIC, at the node's end, the switch's, or both."""
        if node:
            self.node.qmp.command("set_link", name=f"nic{nic}", up=up)
        if switch:
            self.switch.qmp.command("set_link", name=f"nic{nic + 1}", up=up)
