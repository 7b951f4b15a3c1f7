"""What a network is for: bridges of virtual machines, routes, addresses from a server, names, time, and the proxy."""

import json
import socket
import struct
import threading
import time

import pytest
from lab.machine import wait_until
from lab.rack import ON_BOND, network


@pytest.mark.long
def test_bridge_with_a_trunk_and_routes(scenario, rack):
    """A virtual machine's port in VLAN 20 of the trunk, the node's own VLAN 10 on the same bridge, and routes by source."""
    pair = rack.pair(scenario)
    pair.channel(vlans=[10, 20, 30])
    links = ('  bridges:\n    - {name: br0, members: [bond0], trunk: ["10", 20-29]}\n'
             "  vlans:\n    - {name: storage, parent: br0, id: 10}\n")
    interfaces = ('    - {link: br0, roles: [cluster, vm], addresses: [192.0.2.50/24], gateway: 192.0.2.1, ipv6: "off", '
                  "routes: [{to: 198.51.100.0/24, via: 192.0.2.7, metric: 50}]}\n"
                  '    - {link: storage, roles: [storage-public], addresses: [192.0.3.50/24], ipv6: "off", '
                  "routes: [{to: 203.0.113.0/24, via: 192.0.3.1, table: 100}], rules: [{from: 192.0.3.0/24, table: 100}]}\n")
    pair.apply(network(links=links, interfaces=interfaces))
    assert pair.condition("NetworkChange")["reason"] == "Confirmed"
    passed = {port["ifname"]: [vlan["vlan"] for vlan in port["vlans"]] for port in json.loads(pair.node.ssh("bridge -j vlan show"))}
    assert passed["bond0"] == [1, 10, *range(20, 30)] and passed["br0"] == [1, 10], passed
    assert pair.node.ssh("ping -n -c 2 192.0.2.1; ping -n -c 2 192.0.3.1")
    route = lambda asked: json.loads(pair.node.ssh(f"ip -j route get {asked}"))[0]
    assert route("198.51.100.9")["gateway"] == "192.0.2.7"
    assert route("203.0.113.9")["gateway"] == "192.0.2.1" and route("203.0.113.9 from 192.0.3.50")["gateway"] == "192.0.3.1"
    pair.node.ssh("ip netns add vm; ip link add vm0 type veth peer name eth0 netns vm; ip link set vm0 master br0 up; bridge vlan del dev vm0 vid 1; "
                  "ip -n vm link set eth0 up; ip -n vm address add 192.0.4.77/24 dev eth0; ip -n vm address add 192.0.5.77/24 dev eth0")
    in_vlan = lambda vlan, address: pair.node.ssh(f"bridge vlan add dev vm0 vid {vlan} pvid untagged; ip netns exec vm ping -n -c 3 -W 2 {address}; "
                                                  f"code=$?; bridge vlan del dev vm0 vid {vlan}; exit $code", check=False).returncode == 0
    assert in_vlan(20, "192.0.4.1"), "VLAN 20 passes"
    assert not in_vlan(30, "192.0.5.1"), "VLAN 30 is not in the trunk"


@pytest.mark.long
def test_addresses_from_a_server(scenario, rack):
    """DHCP with a router and SLAAC, then DHCPv6; the learned routers are asked as those of the file are."""
    pair = rack.pair(scenario)
    pair.channel()
    pair.switch.ssh("ip address add 2001:db8::1/64 dev br0")
    serve = lambda v6: pair.serve("--port=0", "--enable-ra", "--dhcp-range=192.0.2.100,192.0.2.150,1h", "--dhcp-option=option:router,192.0.2.1", f"--dhcp-range={v6}")
    serve("2001:db8::,ra-only,64,1h")
    link = lambda mode: f"    - {{link: bond0, roles: [cluster], dhcp4: true, ipv6: {mode}}}\n"
    addresses = lambda: next(link for link in pair.links()["links"] if link["name"] == "bond0")["addresses"]
    has = lambda start: any(address.startswith(start) for address in addresses())
    pair.apply(network(interfaces=link("slaac")))
    assert pair.condition("NetworkChange")["reason"] == "Confirmed"
    wait_until(lambda: has("192.0.2.1") and has("2001:db8:"), 120 * pair.node.scale, "addresses by DHCP and SLAAC", interval=1)
    pair.node.ssh("loamctl retry")
    good = lambda text: any(probe["good"] and text in probe["text"] for probe in pair.links()["probes"])
    wait_until(lambda: good("gateway 192.0.2.1 answers on bond0") and good("gateway fe80::"), 60 * pair.node.scale, "learned routers", interval=1)
    assert not has("2001:db8::1"), "the server's range, which nobody has asked for"
    pair.switch.ssh("kill $(cat /run/dnsmasq.pid)")
    serve("2001:db8::1000,2001:db8::1fff,64,1h")
    pair.apply(network(interfaces=link("dhcp")))
    wait_until(lambda: has("2001:db8::1"), 120 * pair.node.scale, "an address by DHCPv6", interval=1)
    # The router that DHCP named goes away: that is noticed as with one of the file.
    pair.switch.ssh("ip address del 192.0.2.1/24 dev br0")
    pair.node.ssh("loamctl retry")
    pair.wait_said("gateway 192.0.2.1 does not answer on bond0", 120)


class Clock:
    """An NTP server on the host (RFC 5905), which QEMU's network shows to guests as 10.0.3.2."""

    def __enter__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 123))
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.socket.close()

    def _serve(self):
        try:
            while True:
                asked, who = self.socket.recvfrom(1024)
                now = time.time() + 2208988800
                stamp = struct.pack("!II", int(now), int(now % 1 * 2**32))
                head = struct.pack("!BBbbII4s", 0x24, 2, 6, -20, 0x10, 0x10, b"\x7f\x7f\x01\x01")
                self.socket.sendto(head + stamp + asked[40:48] + stamp + stamp, who)
        except OSError:
            return  # the socket was closed


@pytest.mark.long
def test_names_time_and_proxy(scenario, rack):
    """Servers of names and time are used, and named when they do not answer; what starts from now on has the proxy."""
    pair = rack.pair(scenario)
    pair.channel()
    more = "  dns: {servers: [192.0.2.1], search: [rack.example]}\ntime: {servers: [10.0.3.2]}\n"
    proxy = "proxy: {http: http://192.0.2.9:3128, https: http://user:50%25@192.0.2.9:3128, except: [rack.example]}\n"
    pair.apply(network(interfaces=ON_BOND) + more + proxy)
    assert pair.condition("NetworkChange")["reason"] == "Confirmed", "neither is needed to keep a network"
    pair.wait_said("DNS server 192.0.2.1 does not answer", 60)
    pair.wait_said("the clock is not synchronised", 60)
    assert "DNS server 192.0.2.1 does not answer" in pair.condition("Network")["message"]
    pair.serve("--address=/store.rack.example/198.51.100.9")
    with Clock():
        pair.node.ssh("systemctl restart systemd-timesyncd")
        # It is asked again by itself: a server that comes back tells nobody.
        wait_until(lambda: pair.condition("Network")["reason"] == "Working", 240 * pair.node.scale, "names and time", interval=2)
    assert "198.51.100.9" in pair.node.ssh("getent hosts store")
    assert "10.0.3.2" in pair.node.ssh("timedatectl show-timesync -p ServerName -p ServerAddress -p SystemNTPServers")
    environment = pair.node.ssh("systemd-run --quiet --pipe --wait env").splitlines()
    assert {"http_proxy=http://192.0.2.9:3128", "https_proxy=http://user:50%25@192.0.2.9:3128", "no_proxy=rack.example"} <= set(environment), environment
