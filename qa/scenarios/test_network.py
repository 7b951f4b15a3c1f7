"""The network of a node whose NICs are cabled to a switch that is another guest with a kernel bond, a bridge and VLANs."""

import json
import re

import pytest
from lab.machine import wait_until
from lab.rack import LACP, ON_BOND, Rack, network

NO_PARTNER = "carrier but no LACP partner: the switch port is not in a channel"


@pytest.fixture(scope="session")
def rack():
    return Rack()


def condition(machine, kind):
    return next((c for c in machine.status()["conditions"] if c["type"] == kind), {"reason": "", "message": ""})


def wait_condition(machine, kind, reason, limit):
    wait_until(lambda: condition(machine, kind)["reason"] == reason, limit * machine.scale, f"condition {kind} {reason}", interval=1)
    return condition(machine, kind)["message"]


def lost_seconds(node, event):
    """How long a stream of packets to the switch was interrupted by the event, in seconds of it."""
    interval = 0.02
    node.ssh(f"ping -n -q -i {interval} -c 100000 192.0.2.1 > /tmp/ping 2>&1 & echo $! > /tmp/ping.pid")
    node.ssh("sleep 1")  # the stream runs
    event()
    node.ssh("sleep 6; kill -INT $(cat /tmp/ping.pid); sleep 0.3")
    sent, received = map(int, re.search(r"(\d+) packets transmitted, (\d+) received", node.ssh("cat /tmp/ping")).groups())
    assert received > 100, f"{received} of {sent}"
    return (sent - received) * interval


def test_lacp_and_cables(scenario, rack):
    """A channel of two, confirmed by its probes; each cable out in turn under traffic; a link that dies in silence."""
    pair = rack.pair(scenario)
    pair.channel()
    applied = pair.apply(network())
    assert "bond0 is made anew" in applied, applied
    assert condition(pair.node, "NetworkChange")["reason"] == "Confirmed"
    members = {link["name"]: link for link in pair.links()["links"] if link["master"] == "bond0"}
    assert set(members) == {"nic0", "nic1"}
    for member in members.values():
        assert member["port"]["active"] and "distributing" in member["lacp_partner"]["state"] and member["lacp_partner"]["rate"] == "fast", member
    assert len({member["lacp_partner"]["mac"] for member in members.values()}) == 1
    for nic in (0, 1):
        scenario.figures[f"seconds lost, cable {nic} pulled"] = lost_seconds(pair.node, lambda nic=nic: pair.plug(nic, False))
        pair.wait_said(f"nic{nic}: no carrier", 20)
        pair.plug(nic, True)
        wait_until(lambda: "nic" not in pair.said(), 60 * pair.node.scale, "both members back")
        scenario.figures[f"seconds lost, silent failure {nic}"] = lost_seconds(pair.node, lambda nic=nic: pair.plug(nic, False, node=False))
        pair.plug(nic, True)
        wait_until(lambda: "nic" not in pair.said(), 60 * pair.node.scale, "both members back")
    figures = scenario.figures
    assert all(seconds <= 1.0 for name, seconds in figures.items() if "pulled" in name), figures
    assert all(seconds <= 4.0 for name, seconds in figures.items() if "silent" in name), figures


def test_switch_without_lacp_is_named_and_the_change_goes_back(scenario, rack):
    pair = rack.pair(scenario)
    pair.channel(lacp=False)
    before = pair.node.ssh("cat /loam/loam.yaml")
    text = network().replace("  nics:", "  confirm_timeout: 40s\n  nics:", 1)
    refused = pair.apply(text, check=False)
    assert refused.returncode == 1 and "the change went back" in refused.stderr, refused
    assert f"nic0: {NO_PARTNER}" in refused.stderr or f"nic1: {NO_PARTNER}" in refused.stderr, refused.stderr
    assert pair.node.ssh("cat /loam/loam.yaml") == before
    assert pair.node.ssh("cat /loam/loam.yaml.refused") == rack.node_config(text)
    pair.node.wait_state("ready", 120)
    # As an operator who knows better keeps it.
    pair.apply(text, more="--no-wait")
    pair.wait_said(f"nic0: {NO_PARTNER}", 60)
    pair.node.ssh("loamctl confirm")
    assert condition(pair.node, "NetworkChange")["message"] == "the operator confirmed it"


@pytest.mark.long
def test_fatal_change_goes_back_after_a_power_cut(scenario, rack):
    """A gateway that does not exist; the power goes while it is on trial, and while loamd writes."""
    pair = rack.pair(scenario)
    pair.channel(lacp=False)
    before = pair.node.ssh("cat /loam/loam.yaml")
    fatal = network("mode: active-backup", interfaces=ON_BOND.replace("192.0.2.1,", "192.0.2.99,"))
    pair.apply(fatal, more="--no-wait")
    assert "192.0.2.99" in pair.node.ssh("cat /etc/systemd/network/30-bond0.network; ls /loam/network-trial.json")
    # loamd is killed: the one that follows goes on with the same time.
    pair.node.ssh("kill -9 $(systemctl show -P MainPID loamd)")
    wait_until(lambda: '"OnTrial"' in pair.node.ssh("loamctl --json status", check=False).stdout, 60 * pair.node.scale, "the trial going on", interval=1)
    pair.node.qmp.command("system_reset")
    wait_until(lambda: pair.node.ssh("cat /loam/loam.yaml", check=False).stdout == before, 300 * pair.node.scale, "the confirmed file", interval=2)
    assert "192.0.2.99" not in pair.node.ssh("cat /etc/systemd/network/30-bond0.network")
    assert "the node restarted before the change was confirmed" in wait_condition(pair.node, "NetworkChange", "WentBack", 120)
    pair.node.wait_state("ready", 120)


@pytest.mark.long
def test_vlan_and_large_frames(scenario, rack):
    """MTU 9000 end to end on a VLAN of the bond; then a hop of 1500 is found."""
    pair = rack.pair(scenario)
    pair.channel(mtu=9000, vlans=[10])
    links = "  vlans:\n    - {name: storage, parent: bond0, id: 10, mtu: 9000}\n"
    interfaces = '    - {link: storage, roles: [cluster, storage-public], addresses: [192.0.3.50/24], gateway: 192.0.3.1, ipv6: "off"}\n'
    pair.apply(network(LACP + ", mtu: 9000", links, interfaces))
    wait_until(lambda: any("9000 bytes pass to 192.0.3.1" in p["text"] for p in pair.links()["probes"]), 120 * pair.node.scale, "large frames", interval=2)
    assert pair.node.ssh("ping -n -c 1 -M do -s 8972 192.0.3.1")
    # As a port with a smaller MTU does: larger packets are dropped without a word.
    pair.switch.ssh("tc qdisc add dev br0.10 clsact; "
                    "tc filter add dev br0.10 ingress protocol ip basic match 'cmp(u16 at 2 layer network gt 1500)' action drop")
    pair.node.ssh("loamctl retry")
    pair.wait_said("only 1500 bytes pass to 192.0.3.1 on storage, which has MTU 9000", 180)


def test_nics_in_another_order(scenario, rack):
    """The cards change places: names, addresses and the bond do not."""
    machine = scenario.keep(rack.machine(scenario.folder, macs=["52:54:00:00:10:02", "52:54:00:00:10:01"]))
    machine.start()
    machine.wait_ssh(300)
    links = {link["name"]: link for link in json.loads(machine.ssh("loamctl --json links"))["links"]}
    assert links["nic0"]["permanent_mac"] == "52:54:00:00:10:01" and links["nic1"]["permanent_mac"] == "52:54:00:00:10:02"
    assert links["nic0"]["pci"] > links["nic1"]["pci"], "they did change places"
    assert "10.0.2.50/24" in links["bond0"]["addresses"]
    machine.wait_state("ready", 120)


def test_ipv6_only(scenario, rack):
    pair = rack.pair(scenario)
    pair.channel()
    pair.switch.ssh("ip address add 2001:db8::1/64 dev br0")
    interfaces = '    - {link: bond0, roles: [cluster], addresses: ["2001:db8::50/64"], gateway: "2001:db8::1"}\n'
    pair.apply(network(interfaces=interfaces))
    assert condition(pair.node, "NetworkChange")["reason"] == "Confirmed"
    assert pair.node.ssh("ping -n -c 1 2001:db8::1")


@pytest.mark.long
def test_duplicate_address_is_refused_by_name(scenario, rack):
    pair = rack.pair(scenario)
    pair.channel(lacp=False)
    pair.switch.ssh("ip address add 192.0.2.77/24 dev br0")
    text = network("mode: active-backup", interfaces=ON_BOND.replace("192.0.2.50", "192.0.2.77")).replace("  nics:", "  confirm_timeout: 30s\n  nics:", 1)
    refused = pair.apply(text, check=False)
    assert refused.returncode == 1 and "another host" in refused.stderr, refused
    assert "192.0.2.50" in pair.node.ssh("ip -4 address show bond0"), "the old address is back"


@pytest.mark.long
def test_neighbours_tell_switch_and_port(scenario, rack):
    pair = rack.pair(scenario)
    pair.channel()
    pair.emit_lldp()
    pair.apply(network())
    seen = lambda: {link["name"]: link.get("neighbour", {}) for link in pair.links()["links"]}
    wait_until(lambda: seen().get("nic0", {}).get("port") == "p1" and seen()["nic1"].get("port") == "p2", 120 * pair.node.scale, "LLDP neighbours", interval=2)
    assert re.search(r"nic0 .* p1 ", pair.node.ssh("loamctl links"))


def test_nics_by_driver_and_carrier(scenario, rack):
    """Two NICs of one driver, no carrier on one: which is meant is clear, and stays so when the cables change."""
    pair = rack.pair(scenario)
    pair.channel(lacp=False)
    both = network("mode: active-backup").replace('{mac: "52:54:00:00:10:01"}', "{driver: virtio_net, min_speed: 25000}").replace(
        '    - {name: nic1, match: {mac: "52:54:00:00:10:02"}}\n', "").replace("[nic0, nic1]", "[nic0]").replace("nic0", "up0")
    ambiguous = pair.apply(both, check=False)
    assert ambiguous.returncode == 1 and "2 NICs match" in ambiguous.stderr and "nic1 (52:54:00:00:10:02, virtio_net" in ambiguous.stderr, ambiguous
    pair.plug(1, False)
    wait_until(lambda: "nic1: no carrier" in pair.said(), 60 * pair.node.scale, "nic1 without carrier")
    chosen = both.replace("min_speed: 25000", "carrier: true")
    pair.apply(chosen)
    assert json.loads(pair.node.ssh("cat /loam/nics.json")) == {"oob": "52:54:00:00:10:03", "up0": "52:54:00:00:10:01"}
    pair.plug(0, False)
    pair.plug(1, True)
    pair.node.ssh("loamctl retry")
    assert json.loads(pair.node.ssh("cat /loam/nics.json"))["up0"] == "52:54:00:00:10:01", "pinned, whatever its cable does"
