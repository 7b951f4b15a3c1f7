"""The network of a node whose NICs are cabled to a switch that is another guest with a kernel bond, a bridge and VLANs."""

import json
import re

import pytest
from lab.machine import wait_until
from lab.rack import LACP, ON_BOND, network

NO_PARTNER = "carrier but no LACP partner: the switch port is not in a channel"


def carrier(machine, interfaces):
    """Which of two interfaces a stream goes out on."""
    look = "; ".join(f"cat /sys/class/net/{name}/statistics/tx_packets" for name in interfaces)
    first, second, first_later, second_later = map(int, machine.ssh(f"{look}; sleep 1; {look}").split())
    return 0 if first_later - first > second_later - second else 1


def lost_seconds(pair, sender, cut):
    """How long a stream of pings was interrupted when the cable that carries the sender's packets was cut."""
    interval = 0.02
    pair.node.ssh(f"ping -n -q -i {interval} -c 100000 192.0.2.1 > /tmp/ping 2>&1 & echo $! > /tmp/ping.pid")
    nic = carrier(pair.switch, ["p1", "p2"]) if sender == "switch" else carrier(pair.node, ["nic0", "nic1"])
    cut(nic)
    pair.node.ssh("sleep 6; kill -INT $(cat /tmp/ping.pid); sleep 0.3")
    sent, received = map(int, re.search(r"(\d+) packets transmitted, (\d+) received", pair.node.ssh("cat /tmp/ping")).groups())
    assert received > 100, f"{received} of {sent}"
    pair.plug(nic, True)
    wait_until(lambda: "nic" not in pair.said(), 60 * pair.node.scale, "both members back")
    return (sent - received) * interval


def test_lacp_and_cables(scenario, rack):
    """A channel of two, confirmed by its probes; under traffic, the cable that carries it is pulled, or dies in silence."""
    pair = rack.pair(scenario)
    pair.channel()
    applied = pair.apply(network())
    assert "bond0 is made anew" in applied, applied
    assert pair.condition("NetworkChange")["reason"] == "Confirmed"
    members = {link["name"]: link for link in pair.links()["links"] if link["master"] == "bond0"}
    assert set(members) == {"nic0", "nic1"}
    for member in members.values():
        assert member["port"]["active"] and "distributing" in member["lacp_partner"]["state"] and member["lacp_partner"]["rate"] == "fast", member
    assert len({member["lacp_partner"]["mac"] for member in members.values()}) == 1
    pair.node.ssh("loamctl links --watch > /tmp/watch 2>&1 & echo $! > /tmp/watch.pid")
    pulled = {sender: lost_seconds(pair, sender, lambda nic: pair.plug(nic, False)) for sender in ("node", "switch")}
    # Only the other end sees that the link is down: what is sent into it is lost until LACP says so.
    silent = {"node": lost_seconds(pair, "node", lambda nic: pair.plug(nic, False, node=False)),
              "switch": lost_seconds(pair, "switch", lambda nic: pair.plug(nic, False, switch=False))}
    scenario.figures["seconds lost, carrying cable pulled, by sender"] = pulled
    scenario.figures["seconds lost, carrying link dead in silence, by sender"] = silent
    assert max(pulled.values()) <= 1.0 and max(silent.values()) <= 4.0, scenario.figures
    assert re.search(r"nic[01]: no carrier", pair.node.ssh("kill $(cat /tmp/watch.pid); cat /tmp/watch")), "links --watch shows what happens"


def bonding(pair, *names):
    return [value.split()[0] for value in pair.node.ssh(" ".join(["cat", *[f"/sys/class/net/bond0/bonding/{name}" for name in names]])).splitlines()]


@pytest.mark.long
def test_lacp_settings_and_min_links(scenario, rack):
    pair = rack.pair(scenario)
    pair.channel()
    pair.apply(network("mode: 802.3ad, min_links: 2, lacp_rate: slow, ad_select: bandwidth, hash_policy: layer2+3, miimon_ms: 50"))
    assert bonding(pair, "min_links", "lacp_rate", "ad_select", "xmit_hash_policy", "miimon") == ["2", "slow", "bandwidth", "layer2+3", "50"]
    pair.plug(0, False)
    pair.wait_said("bond0: no carrier: 1 of its members work, min_links wants 2", 60)
    pair.plug(0, True)
    wait_until(lambda: not re.search("nic|bond0", pair.said()), 120 * pair.node.scale, "the bond working again", interval=1)


@pytest.mark.long
def test_other_bond_modes(scenario, rack):
    """Each is confirmed by its probes, has the settings of the file, and loses or gains members while it runs."""
    pair = rack.pair(scenario)
    pair.channel(lacp=False)
    pair.apply(network("mode: active-backup, primary: nic1, primary_reselect: better, arp_targets: [192.0.2.1], arp_interval_ms: 200"))
    assert bonding(pair, "mode", "primary", "primary_reselect", "arp_interval", "arp_ip_target", "active_slave") == [
        "active-backup", "nic1", "better", "200", "192.0.2.1", "nic1"]
    one = pair.apply(network("mode: active-backup").replace("[nic0, nic1]", "[nic0]"))
    assert "bond0 is made anew" in one and "nic1 leaves bond0" in one, one
    # A NIC that the file no longer has keeps nothing of what it was.
    alone = network("mode: active-backup", interfaces=ON_BOND + '    - {link: nic1, addresses: [198.51.100.60/24], ipv6: "off"}\n').replace("[nic0, nic1]", "[nic0]")
    pair.apply(alone)
    gone = pair.apply(network("mode: active-backup").replace("[nic0, nic1]", "[nic0]").replace('    - {name: nic1, match: {mac: "52:54:00:00:10:02"}}\n', ""))
    assert "198.51.100.60/24 leaves nic1: connections to it end" in gone, gone
    assert "198.51.100.60" not in pair.node.ssh("ip address; ip route"), "the address went with the file"
    # A cable that is out is said, and holds up no change of the rest.
    pair.plug(1, False)
    two = pair.apply(network("mode: active-backup"))
    pair.wait_said("nic1: no carrier: no cable, or the switch port is off; bond0 works without it", 60)
    pair.node.wait_state("ready", 60)
    pair.plug(1, True)
    assert "nic1 joins bond0" in two and "made anew" not in two, two
    assert sorted(pair.node.ssh("cat /sys/class/net/bond0/bonding/slaves").split()) == ["nic0", "nic1"]
    # Two cards change their names with each other.
    permanent = lambda: {link["name"]: link["permanent_mac"] for link in pair.links()["links"] if link["name"] in ("nic0", "nic1")}
    pair.apply(network("mode: active-backup").replace("10:01", "10:0x").replace("10:02", "10:01").replace("10:0x", "10:02"))
    assert permanent() == {"nic0": "52:54:00:00:10:02", "nic1": "52:54:00:00:10:01"}
    for mode in ("balance-alb", "balance-tlb", "balance-xor", "balance-rr", "broadcast"):
        if mode == "balance-xor":  # from here on the switch must have a channel, without LACP
            pair.switch.ssh("set -e; ip link add po1 type bond mode balance-xor miimon 100; ip link set po1 up master br0; "
                            "for p in p1 p2; do ip link set $p nomaster down; ip link set $p master po1; done")
        pair.apply(network(f"mode: {mode}"))
        assert bonding(pair, "mode", "miimon") == [mode, "100"] and pair.condition("NetworkChange")["reason"] == "Confirmed"
        assert pair.node.ssh("ping -n -c 2 192.0.2.1")


@pytest.mark.long
def test_switch_without_lacp_is_named_and_the_change_goes_back(scenario, rack):
    pair = rack.pair(scenario)
    pair.channel(lacp=False)
    # What has nothing to do with the network stays when it goes back, also if it changed while a cable was out.
    pair.plug(1, False)
    pair.wait_said("nic1: no carrier", 60)
    pair.node.ssh("sed 's/^hostname: .*/hostname: renamed/' /loam/loam.yaml > /tmp/renamed.yaml; loamctl apply /tmp/renamed.yaml")
    pair.plug(1, True)
    before = pair.node.ssh("cat /loam/loam.yaml")
    assert "hostname: renamed" in before
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
    assert pair.condition("NetworkChange")["message"] == "the operator confirmed it"


def test_fatal_change_goes_back_after_kills_and_a_power_cut(scenario, rack):
    """A gateway that does not exist: loamd is killed while it writes that, and the power goes while it is on trial."""
    pair = rack.pair(scenario)
    node = pair.node
    pair.channel(lacp=False)
    state = "cat /loam/loam.yaml; cd /etc/systemd/network; sha256sum *"
    before = node.ssh(state)
    fatal = network("mode: active-backup", interfaces=ON_BOND.replace("192.0.2.1,", "192.0.2.99,"))
    on_trial = lambda: '"OnTrial"' in node.ssh("loamctl --json status", check=False).stdout
    node.ssh("cat > /tmp/fatal.yaml", input=rack.node_config(fatal))
    hits = 0
    for moment in (0.05, 0.2, 0.5, 1, 2):
        node.ssh(f"loamctl apply --no-wait /tmp/fatal.yaml & sleep {moment}; kill -9 $(systemctl show -P MainPID loamd); wait", check=False)
        node.wait_state("ready" if "192.0.2.99" not in node.ssh("cat /loam/loam.yaml") else "configuring", 120)
        if on_trial():
            wait_until(lambda: "192.0.2.99" in node.ssh("cat /etc/systemd/network/30-bond0.network"), 60 * node.scale, "what follows a kill going on with it")
            node.ssh("loamctl revert")
            hits += 1
        assert node.ssh(state) == before, f"killed after {moment} s"
    assert hits, "a kill fell into the change"
    # By itself, over a crash of loamd.
    pair.apply(fatal.replace("  nics:", "  confirm_timeout: 30s\n  nics:", 1), more="--no-wait")
    wait_until(on_trial, 60 * node.scale, "the trial")
    node.ssh("kill -9 $(systemctl show -P MainPID loamd)")
    assert "gateway 192.0.2.99 does not answer on bond0" in pair.wait_condition("NetworkChange", "WentBack", 120)
    node.wait_state("ready", 120)
    assert node.ssh(state) == before
    pair.apply(fatal, more="--no-wait")
    wait_until(on_trial, 60 * node.scale, "the trial")
    node.qmp.command("system_reset")
    wait_until(lambda: node.ssh(state, check=False).stdout == before, 300 * node.scale, "the confirmed file", interval=2)
    assert "the node restarted before the change was confirmed" in pair.wait_condition("NetworkChange", "WentBack", 120)
    node.wait_state("ready", 120)


@pytest.mark.long
def test_lost_management_goes_back(scenario, rack):
    """Nobody can say that the node is still reached where management moves and has no gateway: only a person keeps that."""
    pair = rack.pair(scenario)
    pair.channel(lacp=False)
    before = pair.node.ssh("cat /loam/loam.yaml")
    lost = network("mode: active-backup").replace("  nics:", "  confirm_timeout: 30s\n  nics:", 1).replace("10.0.3.50", "10.0.3.60")
    pair.node.ssh("cat > /tmp/lost.yaml", input=rack.node_config(lost))
    assert "oob: management changes and has no gateway that could be asked; it goes back unless loamctl confirm keeps it" in pair.node.ssh("loamctl plan /tmp/lost.yaml")
    pair.node.ssh("systemd-run loamctl apply --no-wait /tmp/lost.yaml")  # this connection ends with the address
    wait_until(lambda: pair.node.ssh("true", check=False).returncode != 0, 60 * pair.node.scale, "the node out of reach")
    wait_until(lambda: pair.node.ssh("true", check=False).returncode == 0, 120 * pair.node.scale, "the node back")
    assert "loamctl confirm did not say that it is good" in pair.wait_condition("NetworkChange", "WentBack", 60)
    assert pair.node.ssh("cat /loam/loam.yaml") == before


@pytest.mark.long
def test_bond_that_selects_keeps_its_names_over_a_boot(scenario, rack):
    """Whatever matches joins; a person confirms it; the next boot names all NICs before anybody could rename them."""
    pair = rack.pair(scenario)
    pair.channel()
    nics = [f'    - {{name: nic{i}, match: {{mac: "52:54:00:00:10:0{i + 1}"}}}}\n' for i in range(2)]
    text = network().replace("members: [nic0, nic1]", "select: {driver: virtio_net, min_speed: 25000, carrier: true}").replace("  nics:", "  confirm: operator\n  nics:", 1)
    for nic in nics:
        text = text.replace(nic, "")
    pair.apply(text, more="--no-wait")
    wait_until(lambda: pair.condition("Network")["status"] == "true", 120 * pair.node.scale, "the new network", interval=1)
    assert pair.condition("NetworkChange")["reason"] == "OnTrial", "probes alone do not confirm it"
    pair.node.ssh("loamctl confirm")
    pinned = {"bond0p0": "52:54:00:00:10:01", "bond0p1": "52:54:00:00:10:02", "oob": "52:54:00:00:10:03"}
    assert json.loads(pair.node.ssh("cat /loam/nics.json")) == pinned
    pair.node.qmp.command("system_reset")
    pair.node.wait_state("ready", 400)
    assert pair.condition("Config")["message"] == "nothing to change"
    assert {link["name"]: link["permanent_mac"] for link in pair.links()["links"] if link["kind"] == "nic"} == pinned
    assert sorted(pair.node.ssh("cat /sys/class/net/bond0/bonding/slaves").split()) == ["bond0p0", "bond0p1"]


@pytest.mark.long
def test_boot_with_a_bad_network_falls_back(scenario, installed):
    """A file that was edited by hand: its network does not come up, or it cannot be read at all."""
    machine = scenario.keep(installed.running(scenario.folder))
    good = machine.ssh("cat /loam/loam.yaml")
    bad = good.replace("gateway: 10.0.2.2", "gateway: 10.0.2.99").replace("network:", "network:\n  confirm_timeout: 30s", 1)
    machine.ssh("cat > /loam/loam.yaml; sync", input=bad)
    machine.qmp.command("system_reset")
    change = lambda: next((c for c in json.loads(machine.ssh("loamctl --json status", check=False).stdout or '{"conditions": []}')["conditions"]
                           if c["type"] == "NetworkChange"), {"reason": "", "message": ""})
    wait_until(lambda: change()["reason"] == "WentBack", 400 * machine.scale, "the network going back", interval=2)
    assert "gateway 10.0.2.99 does not answer on bond0" in change()["message"], change()
    assert machine.ssh("cat /loam/loam.yaml") == good and machine.ssh("cat /loam/loam.yaml.refused") == bad
    machine.wait_state("ready", 120)
    machine.ssh("echo 'network: [' > /loam/loam.yaml; sync")
    machine.qmp.command("system_reset")
    seen = machine.wait_state("degraded", 400)
    assert any(c["type"] == "Config" and c["reason"] == "Invalid" for c in seen["conditions"]), seen
    assert "10.0.2.50" in machine.ssh("ip address show bond0"), "the confirmed network is up"
    # No cable, and neither file can be read: the console is there, and as soon as there is a cable, so is DHCP.
    machine.ssh("echo 'network: [' > /loam/loam.yaml.confirmed; echo 0 > /loam/boots; sync")  # these ends are not the release's fault
    for nic in range(machine.nics):
        machine.qmp.command("set_link", name=f"nic{nic}", up=False)
    machine.qmp.command("system_reset")
    start = len(machine.console())
    machine.wait_console(": degraded", 400, start)
    machine.wait_console("no interface has an address yet", 60, start)
    for nic in range(machine.nics):
        machine.qmp.command("set_link", name=f"nic{nic}", up=True)
    machine.wait_console("10.0.2.15", 120, start)


@pytest.mark.long
def test_vlan_and_large_frames(scenario, rack):
    """MTU 9000 end to end on a VLAN of the bond; a hop of 1500 is found, and undoes a change where a node is behind it."""
    pair = rack.pair(scenario)
    pair.channel(mtu=9000, vlans=[10, 20])
    def config(vlan, address, peer=""):
        links = f"  vlans:\n    - {{name: storage, parent: bond0, id: {vlan}, mtu: 9000}}\n"
        interfaces = f'    - {{link: storage, roles: [cluster, storage-public], addresses: [{address}.50/24], gateway: {address}.1, ipv6: "off"}}\n'
        return network(LACP + ", mtu: 9000", links, interfaces) + (f"cluster: {{name: rack, join: [{peer}]}}\n" if peer else "")
    pair.apply(config(20, "192.0.4"))
    assert "storage is made anew" in pair.apply(config(10, "192.0.3"))
    wait_until(lambda: any("9000 bytes pass to 192.0.3.1" in p["text"] for p in pair.links()["probes"]), 120 * pair.node.scale, "large frames", interval=2)
    assert pair.node.ssh("ping -n -c 1 -M do -s 8972 192.0.3.1")
    # In the right order at boot too: a VLAN and a bridge come up only when what is below them carries as much.
    bridge = config(10, "192.0.3").replace("  vlans:", "  bridges:\n    - {name: br9, members: [bond0], mtu: 9000}\n  vlans:", 1)
    pair.apply(bridge.replace("mtu: 9000", "mtu: 9216"))
    mtus = "cd /sys/class/net; cat nic0/mtu nic1/mtu bond0/mtu br9/mtu storage/mtu"
    assert pair.node.ssh(mtus).split() == ["9216"] * 5
    pair.apply(bridge)
    pair.node.qmp.command("system_reset")
    pair.node.wait_state("ready", 400)
    assert pair.node.ssh(mtus).split() == ["9000"] * 5
    assert pair.node.ssh("ping -n -c 1 -M do -s 8972 192.0.3.1")
    # As a port with a smaller MTU does: larger packets are dropped without a word. 14 bytes are Ethernet's header.
    pair.switch.ssh("tc qdisc add dev br0.10 clsact; "
                    "tc filter add dev br0.10 ingress matchall action police rate 100gbit burst 10m mtu 1514 conform-exceed drop/pipe")
    pair.node.ssh("loamctl retry")
    said = "only 1500 bytes pass to 192.0.3.1 on storage, which has MTU 9000"
    pair.wait_said(said, 180)
    assert pair.condition("Network")["reason"] == "WorkingWithWarnings"
    # A node of the cluster behind such a hop: Ceph would stand still.
    as_node = config(10, "192.0.3", "192.0.3.1").replace("192.0.3.50/24", "192.0.3.51/24").replace("  nics:", "  confirm_timeout: 60s\n  nics:", 1)
    refused = pair.apply(as_node, check=False)
    assert refused.returncode == 1 and said in refused.stderr, refused
    # A file that says nothing of it means 1500, whatever the links had.
    pair.apply(network())
    assert pair.node.ssh("cd /sys/class/net; cat nic0/mtu nic1/mtu bond0/mtu").split() == ["1500"] * 3


@pytest.mark.long
def test_nics_in_another_order(scenario, rack):
    """The cards change places: names, addresses and the bond do not."""
    slow = ["-set", "device.nic1.speed=10000"]
    machine = scenario.keep(rack.machine(scenario.folder, macs=["52:54:00:00:10:02", "52:54:00:00:10:01"], extra=slow))
    machine.start()
    machine.wait_ssh(300)
    links = {link["name"]: link for link in json.loads(machine.ssh("loamctl --json links"))["links"]}
    assert links["nic0"]["permanent_mac"] == "52:54:00:00:10:01" and links["nic1"]["permanent_mac"] == "52:54:00:00:10:02"
    assert links["nic0"]["pci"] > links["nic1"]["pci"], "they did change places"
    assert "10.0.2.50/24" in links["bond0"]["addresses"]
    plan = machine.ssh("sed s/active-backup/802.3ad/ /loam/loam.yaml > /tmp/new.yaml; loamctl plan /tmp/new.yaml")
    assert "warning: bond0: members of different speeds: nic0 has 10 Gb/s, nic1 has 25 Gb/s; 802.3ad uses only those of one speed" in plan, plan
    machine.wait_state("ready", 120)


@pytest.mark.long
def test_ipv6_only(scenario, rack):
    pair = rack.pair(scenario)
    pair.channel()
    pair.switch.ssh("ip address add 2001:db8::1/64 dev br0; ip address add 2001:db8::50/64 dev br0 nodad")
    interfaces = '    - {link: bond0, roles: [cluster], addresses: ["2001:db8::50/64"], gateway: "2001:db8::1"}\n'
    taken = pair.apply(network(interfaces=interfaces).replace("  nics:", "  confirm_timeout: 30s\n  nics:", 1), check=False)
    assert taken.returncode == 1 and "2001:db8::50/64 is another host's too" in taken.stderr, taken
    pair.switch.ssh("ip address del 2001:db8::50/64 dev br0")
    pair.apply(network(interfaces=interfaces))
    assert pair.condition("NetworkChange")["reason"] == "Confirmed"
    assert pair.node.ssh("ping -n -c 1 2001:db8::1")


@pytest.mark.long
def test_duplicate_address_is_refused_by_name(scenario, rack):
    pair = rack.pair(scenario)
    pair.channel(lacp=False)
    pair.switch.ssh("ip address add 192.0.2.77/24 dev br0")
    names = pair.node.ssh("cat /loam/nics.json")
    text = network("mode: active-backup", interfaces=ON_BOND.replace("192.0.2.50", "192.0.2.77")).replace("  nics:", "  confirm_timeout: 30s\n  nics:", 1).replace("nic0", "cable0")
    refused = pair.apply(text, check=False)
    assert refused.returncode == 1 and "192.0.2.77 is also the address of the host " + pair.switch.ssh("cat /sys/class/net/br0/address").strip() in refused.stderr, refused
    wait_until(lambda: "192.0.2.50" in pair.node.ssh("ip -4 address show bond0"), 60 * pair.node.scale, "the old address", interval=1)
    assert pair.node.ssh("cat /loam/nics.json") == names
    assert sorted(pair.node.ssh("cat /sys/class/net/bond0/bonding/slaves").split()) == ["nic0", "nic1"]
    # Somebody takes the node's address for a while: when he is gone, the node has it again.
    pair.switch.ssh("ip address add 192.0.2.50/24 dev br0; for i in 1 2 3 4 5; do arping -U -c 1 -I br0 192.0.2.50; done", check=False)
    has = lambda: "192.0.2.50" in pair.node.ssh("ip -4 address show bond0")
    wait_until(lambda: not has(), 60 * pair.node.scale, "the address lost", interval=1)
    pair.wait_said("does not have its address 192.0.2.50/24 yet", 60)
    pair.switch.ssh("ip address del 192.0.2.50/24 dev br0")
    wait_until(has, 180 * pair.node.scale, "the address back", interval=1)


@pytest.mark.long
def test_neighbours_tell_switch_and_port(scenario, rack):
    pair = rack.pair(scenario)
    pair.channel()
    pair.emit_lldp()
    pair.apply(network())
    seen = lambda: {link["name"]: link.get("neighbour", {}) for link in pair.links()["links"]}
    wait_until(lambda: seen().get("nic0", {}).get("port") == "p1" and seen()["nic1"].get("port") == "p2", 120 * pair.node.scale, "LLDP neighbours", interval=2)
    assert re.search(r"nic0 .* p1 ", pair.node.ssh("loamctl links"))


@pytest.mark.long
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
    pair.wait_said("up0: no carrier", 60)
    pair.node.ssh("loamctl retry")
    assert json.loads(pair.node.ssh("cat /loam/nics.json"))["up0"] == "52:54:00:00:10:01", "pinned, whatever its cable does"
