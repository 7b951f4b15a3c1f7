"""The firewall that loam-render writes, loaded in a network namespace, against real packets from others: who gets to which port of which
role, on which nodes. What is expected stands here by itself, not by the renderer's own list."""

import re
import selectors
import socket
import struct
import subprocess
import time
from pathlib import Path

import pytest
from lab import netns
from lab.netns import inside

TOP = Path(__file__).resolve().parent.parent.parent
RENDER = TOP / "build/release/initd/loam-render"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJx8xC1cPz1vZxWv6m3tYy5c1i3Nq2d8Jb0mUuYkq0aB admin@site"
LIMIT = 30  # what must be admitted has so long on a busy machine
SETTLE = 0.7  # what is refused is not there yet after that, when all else has been for as long

INTERFACES = """
    - {link: mgmt, roles: [management], addresses: [10.0.1.1/24, "2001:db8:1::1/64"]}
    - {link: bond0, roles: [cluster], addresses: [10.0.2.1/24], ipv6: "off"}
    - {link: sp, roles: [storage-public], addresses: [10.0.3.1/24], ipv6: "off"}
    - {link: sc, roles: [storage-cluster], addresses: [10.0.4.1/24], ipv6: "off"}"""
CONFIG = """version: 1
access: {{ssh_keys: [{keys}]}}
network:
  nics:
    - {{name: mgmt, match: {{mac: "52:54:00:00:00:01"}}}}
    - {{name: nic1, match: {{mac: "52:54:00:00:00:02"}}}}
    - {{name: sp, match: {{mac: "52:54:00:00:00:03"}}}}
    - {{name: sc, match: {{mac: "52:54:00:00:00:04"}}}}
  bonds: [{{name: bond0, members: [nic1], mode: active-backup}}]
  firewall: {{{firewall}}}
  interfaces:{interfaces}
{cluster}"""
MEMBER = "cluster: {{name: c, role: {role}, vip: 10.0.2.100/24{more}}}\n"


def render(folder, role=None, keys=KEY, firewall="", interfaces=INTERFACES, more=""):
    root = folder / "root"
    (root / "loam").mkdir(parents=True, exist_ok=True)
    (root / "etc").mkdir(exist_ok=True)
    cluster = MEMBER.format(role=role, more=more) if role else ""
    (root / "loam/loam.yaml").write_text(CONFIG.format(keys=keys, firewall=firewall, interfaces=interfaces, cluster=cluster))
    done = subprocess.run([str(RENDER), str(root)], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0 and "loam.yaml:" not in done.stderr, done.stderr
    return (root / "etc/loam/firewall.nft").read_text()


class Place:
    """Where somebody asks from: a namespace, an address of it, and the node's address that is asked."""

    def __init__(self, name, source, node):
        self.name, self.source, self.node = name, source, node


PLACES = {
    "admin": Place("admin", "10.0.1.2", "10.0.1.1"),
    "admin6": Place("admin", "2001:db8:1::2", "2001:db8:1::1"),
    "beyond the router of management": Place("admin", "203.0.113.7", "10.0.1.1"),
    "a pod's address on a cable": Place("admin", "10.244.9.9", "10.0.1.1"),
    "another node": Place("peer", "10.0.2.2", "10.0.2.1"),
    "beyond the router of the cluster": Place("peer", "198.51.100.9", "10.0.2.1"),
    "a client of storage": Place("client", "10.0.3.2", "10.0.3.1"),
    "an OSD": Place("osd", "10.0.4.2", "10.0.4.1"),
    "a pod": Place("pod", "10.244.0.5", "10.0.2.1"),
}


@pytest.fixture
def rack():
    names = ("node", "admin", "peer", "client", "osd", "pod")
    try:
        for name in names:
            netns.add(name, ip_forward=int(name == "node"))
        netns.cable("node", "mgmt", ["10.0.1.1/24", "2001:db8:1::1/64"], "admin", "uplink", ["10.0.1.2/24", "2001:db8:1::2/64", "203.0.113.7/32", "10.244.9.9/32"])
        netns.cable("node", "bond0", ["10.0.2.1/24"], "peer", "uplink", ["10.0.2.2/24", "198.51.100.9/32"])
        netns.cable("node", "sp", ["10.0.3.1/24"], "client", "uplink", ["10.0.3.2/24"])
        netns.cable("node", "sc", ["10.0.4.1/24"], "osd", "uplink", ["10.0.4.2/24"])
        netns.cable("node", "cni0", ["10.244.0.1/24"], "pod", "eth0", ["10.244.0.5/24"])
        for to, via in (("203.0.113.0/24", "10.0.1.2"), ("10.244.9.0/24", "10.0.1.2"), ("198.51.100.0/24", "10.0.2.2")):
            netns.ip("route", "add", to, "via", via, within="node")
        for name, via in (("admin", "10.0.1.1"), ("peer", "10.0.2.1"), ("client", "10.0.3.1"), ("osd", "10.0.4.1"), ("pod", "10.244.0.1")):
            netns.ip("route", "add", "default", "via", via, within=name)
        yield
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "delete", name], stderr=subprocess.DEVNULL)


def stream(place, port, to=None):
    family = socket.AF_INET6 if ":" in place.source else socket.AF_INET
    with inside(place.name):
        one = socket.socket(family, socket.SOCK_STREAM)
    one.setblocking(False)
    one.bind((place.source, 0))
    one.connect_ex((to or place.node, port))
    return one


class Listeners:
    """Somebody on each of these ports of a namespace, TCP and UDP."""

    def __init__(self, name, ports):
        self.tcp, self.udp = {}, {}
        with inside(name):
            for port in ports:
                self.tcp[port] = socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True)
                self.udp[port] = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                self.udp[port].bind(("0.0.0.0", port))
                self.udp[port].setblocking(False)

    def close(self):
        for one in [*self.tcp.values(), *self.udp.values()]:
            one.close()


@pytest.fixture
def listeners():
    made = []

    def make(*arguments):
        made.append(Listeners(*arguments))
        return made[-1]
    yield make
    for one in made:
        one.close()


def connects(asked, expected):
    """Which (place, port) get a connection: waits for those that are expected, then a little for those that are not."""
    open_sockets = {key: stream(PLACES[key[0]], key[1]) for key in asked}
    selector = selectors.DefaultSelector()
    for key, one in open_sockets.items():
        selector.register(one, selectors.EVENT_WRITE, key)
    got, begun, settled = set(), time.monotonic(), None
    while time.monotonic() < begun + LIMIT and (settled is None or time.monotonic() < settled + SETTLE):
        for event, _ in selector.select(0.1):
            selector.unregister(event.fileobj)
            if event.fileobj.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0:
                got.add(event.data)
        settled = settled or (time.monotonic() if got >= expected else None)
    for one in open_sockets.values():
        one.close()
    return got


def connects_one(place, port, expected=True):
    return bool(connects({(place, port)}, {(place, port)} if expected else set()))


def counters():
    listing = netns.nft("node", "list counters table inet loam", answer=True)
    return {entry["counter"]["name"]: entry["counter"]["packets"] for entry in listing if "counter" in entry}


API, KUBELET, ETCD, METRICS, CILIUM = {6443}, {10250}, {2379, 2380}, {9100}, {4240}
NODE_PORTS = {30000, 31234, 32767}
MONITORS, CEPH, CEPH_METRICS = {3300, 6789}, {6800, 7000, 7480, 7568}, {9283, 9926}
OBJECTS, MIGRATION = {80, 443, 7480}, {49152, 49215}
NOBODYS = {21, 23, 2378, 2381, 6442, 6799, 7569, 8080, 10249, 10251, 29999, 32768, 49151, 49216, 9101}
PORTS = {22} | API | KUBELET | ETCD | METRICS | CILIUM | NODE_PORTS | MONITORS | CEPH | CEPH_METRICS | OBJECTS | MIGRATION | NOBODYS


def expected_of(role):
    control, storage = role in ("control-plane", "witness"), role in ("control-plane", "worker")
    member = role is not None
    everybodys = (API if control else set()) | (NODE_PORTS if member else set()) | (OBJECTS if storage else set())
    ceph = (MONITORS if member else set()) | (CEPH | CEPH_METRICS if storage else set())
    kubernetes = KUBELET | CILIUM if member else set()
    return {
        "admin": {22} | METRICS,
        "admin6": {22} | METRICS,
        "beyond the router of management": {22},
        "a pod's address on a cable": {22},
        "another node": METRICS | everybodys | ceph | kubernetes | (ETCD if control else set()) | (MIGRATION if storage else set()),
        "beyond the router of the cluster": everybodys,
        "a client of storage": ceph | (OBJECTS if storage else set()),
        "an OSD": CEPH if storage else set(),
        "a pod": METRICS | everybodys | ceph | kubernetes if member else set(),
    }


@pytest.mark.parametrize("role", [None, "control-plane", "worker", "witness"])
def test_who_gets_where(rack, listeners, tmp_path, role):
    netns.nft("node", render(tmp_path, role))
    listeners("node", PORTS)
    expected = {(place, port) for place, ports in expected_of(role).items() for port in ports}
    got = connects({(place, port) for place in PLACES for port in PORTS}, expected)
    assert sorted(expected - got) == [], "refused, though it is needed"
    assert sorted(got - expected) == [], "admitted, though nobody needs it"


def test_the_documentation_has_every_port_that_is_open(tmp_path):
    """docs/network.md, by the rules of a node that has every role."""
    rows = re.findall(r"^\| ([0-9, -]+)( UDP| TCP and UDP)? \|", (TOP / "docs/network.md").read_text(), re.MULTILINE)
    documented = {(protocol, port) for ports, protocols in rows for port in ports.split(", ") for protocol in ("tcp", "udp")
                  if protocol.upper() in (protocols or " TCP")}
    open_ports = set(re.findall(r"(tcp|udp) dport ([0-9-]+) accept", render(tmp_path, "control-plane")))
    assert documented == open_ports - {("udp", "68"), ("udp", "546")}


def sent(listener, place, port, to=None):
    """Whether a datagram arrives."""
    with inside(place.name):
        one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    one.bind((place.source, 0))
    one.sendto(b"x", (to or place.node, port))
    one.close()
    time.sleep(0.05)
    try:
        return listener.udp[port].recv(16) == b"x"
    except BlockingIOError:
        return False


def test_datagrams(rack, listeners, tmp_path):
    """VXLAN believes whoever sends to it: only other nodes may."""
    netns.nft("node", render(tmp_path, "worker"))
    node = listeners("node", {8472, 4789, 53, 30000})
    arrived = {(place, port) for place in ("admin", "another node", "beyond the router of the cluster", "a client of storage", "a pod")
               for port in node.udp if sent(node, PLACES[place], port)}
    assert arrived == {("another node", 8472), ("another node", 30000), ("beyond the router of the cluster", 30000), ("a pod", 30000)}


def test_established_connections_outlive_a_reload(rack, listeners, tmp_path):
    netns.nft("node", render(tmp_path, "worker"))
    node = listeners("node", {22})
    connection = stream(PLACES["admin"], 22)
    other, _ = node.tcp[22].accept()

    def talks():
        connection.setblocking(True)
        for one in (connection, other):
            one.settimeout(LIMIT)
        connection.sendall(b"ping")
        assert other.recv(4) == b"ping"
        other.sendall(b"pong")
        return connection.recv(4) == b"pong"
    assert talks()
    netns.nft("node", render(tmp_path, "worker"))
    assert talks(), "the same rules again"
    netns.nft("node", render(tmp_path, "worker", keys=""))
    assert talks(), "who is in stays in"
    assert not connects_one("admin", 22, expected=False), "without keys there is no ssh"
    connection.close()
    other.close()


def test_a_ruleset_that_is_wrong_leaves_the_one_before(rack, listeners, tmp_path):
    text = render(tmp_path, "worker")
    netns.nft("node", text)
    listeners("node", {22, 23})
    with pytest.raises(AssertionError, match="syntax error|No such"):
        netns.nft("node", text.replace("tcp dport 22 accept", "tcp dport 22 acept"))
    assert connects_one("admin", 22)
    assert not connects_one("admin", 23, expected=False)


def test_refusals_are_counted_by_reason(rack, listeners, tmp_path):
    netns.nft("node", render(tmp_path, "control-plane"))
    listeners("node", {22, 23, 10250})
    assert set(counters().values()) == {0}
    assert not connects_one("admin", 23, expected=False)
    assert not connects_one("beyond the router of the cluster", 10250, expected=False)
    assert not connects_one("another node", 22, expected=False)
    counted = counters()
    assert counted["refused_port"] >= 1 and counted["refused_elsewhere"] >= 2, counted
    assert counted["refused_routed"] == counted["refused_broadcast"] == 0, counted
    with inside("peer"):
        shout = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        shout.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        shout.sendto(b"x", ("10.0.2.255", 137))
        shout.close()
    assert counters()["refused_broadcast"] == 1
    assert counters()["refused_port"] == counted["refused_port"], "what is for everybody is counted apart"


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


def pings(place):
    v6 = ":" in place.source
    kind = 128 if v6 else 8
    body = struct.pack("!HH", 7, 1) + b"12345678"
    packet = struct.pack("!BBH", kind, 0, checksum(struct.pack("!BBH", kind, 0, 0) + body)) + body
    with inside(place.name):
        one = socket.socket(socket.AF_INET6 if v6 else socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMPV6 if v6 else socket.IPPROTO_ICMP)
    one.settimeout(LIMIT)
    one.bind((place.source, 0))
    one.sendto(packet, (place.node, 0))
    while True:
        answer = one.recv(2000)
        answer = answer if v6 else answer[20:]
        if answer[0] == (129 if v6 else 0):
            one.close()
            return answer.endswith(b"12345678")


def test_what_ip_needs(rack, listeners, tmp_path):
    """Echo from everywhere; neighbour discovery, since IPv6 works with nothing known of each other; and answers to the node itself."""
    netns.nft("node", render(tmp_path, "worker"))
    for name in ("node", "admin"):
        netns.ip("neigh", "flush", "all", within=name)
    assert all(pings(place) for place in PLACES.values())
    listeners("client", {7000})
    with inside("node"):
        out = socket.create_connection(("10.0.3.2", 7000), timeout=LIMIT)
    out.close()
    with inside("node"):
        own = socket.create_server(("10.0.2.1", 1234))
        socket.create_connection(("10.0.2.1", 1234), timeout=LIMIT).close()  # to itself
    own.close()


@pytest.mark.parametrize("role,hops,admitted", [("control-plane", 255, True), ("control-plane", 254, False), ("worker", 255, False)])
def test_vrrp_comes_from_the_link_itself(rack, tmp_path, role, hops, admitted):
    netns.nft("node", render(tmp_path, role))
    with inside("node"):
        listener = socket.socket(socket.AF_INET, socket.SOCK_RAW, 112)
    listener.settimeout(LIMIT if admitted else SETTLE)
    with inside("peer"):
        sender = socket.socket(socket.AF_INET, socket.SOCK_RAW, 112)
    sender.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, hops)
    sender.sendto(b"advertisement", ("10.0.2.1", 0))
    try:
        assert listener.recv(2000).endswith(b"advertisement") and admitted
    except TimeoutError:
        assert not admitted
    sender.close()
    listener.close()


def test_pods_and_services_are_forwarded_and_networks_kept_apart(rack, listeners, tmp_path):
    netns.nft("node", render(tmp_path, "worker"))
    # As kube-proxy does: a service of a pod, and one of a pod in the host's network.
    netns.nft("node", "table ip kube-proxy {\nchain nat {\ntype nat hook prerouting priority dstnat\ntcp dport 30080 dnat to 10.244.0.5:8080\n"
              "tcp dport 30090 dnat to 10.0.2.1:9999\n}\n}\n")
    listeners("pod", {8080})
    listeners("client", {7000})
    listeners("node", {9999})
    assert connects_one("beyond the router of the cluster", 30080), "a service"
    assert connects_one("another node", 30090), "a service on the host"
    assert not connects_one("another node", 9999, expected=False), "which is open by its service only"
    pod, admin = PLACES["a pod"], PLACES["admin"]
    out = stream(pod, 7000, to="10.0.3.2")
    through = stream(admin, 7000, to="10.0.3.2")
    time.sleep(SETTLE)
    assert out.getpeername()[0] == "10.0.3.2", "a pod gets out"
    with pytest.raises(OSError):
        through.getpeername()
    assert counters()["refused_routed"] >= 1
    out.close()
    through.close()


def test_more_is_admitted_where_loam_yaml_says_so(rack, listeners, tmp_path):
    allow = "networks: [198.51.100.0/24], allow: [{port: 9000-9001, from: 10.0.1.0/24, roles: [management]}, {port: 5000, protocol: udp}]"
    netns.nft("node", render(tmp_path, "worker", firewall=allow))
    node = listeners("node", {9000, 9001, 9002, 10250, 5000})
    expected = {("admin", 9000), ("admin", 9001), ("another node", 10250), ("beyond the router of the cluster", 10250), ("a pod", 10250)}
    asked = {(place, port) for place in PLACES for port in node.tcp}
    assert connects(asked, expected) == expected
    assert sent(node, PLACES["admin"], 5000) and sent(node, PLACES["an OSD"], 5000)


def test_a_node_that_is_to_be_joined_may_be_elsewhere(rack, listeners, tmp_path):
    netns.nft("node", render(tmp_path, "worker", more=", join: [198.51.100.9]"))
    listeners("node", {10250})
    assert connects_one("beyond the router of the cluster", 10250)


def test_without_the_role_management_every_interface_has_it(rack, listeners, tmp_path):
    netns.nft("node", render(tmp_path, "worker", interfaces=INTERFACES.replace("[management]", "[]")))
    listeners("node", {22})
    expected = {(place, 22) for place in PLACES if place != "a pod"}
    assert connects({(place, 22) for place in PLACES}, expected) == expected


def test_switched_off(rack, listeners, tmp_path):
    netns.nft("node", render(tmp_path, "worker"))
    netns.nft("node", render(tmp_path, "worker", firewall="enabled: false"))
    listeners("node", {23})
    assert connects_one("another node", 23)
    assert [e for e in netns.nft("node", "list ruleset", answer=True) if "table" in e] == []
