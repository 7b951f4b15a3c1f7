#include "example_facts.hpp"

namespace loam::console::example {

namespace {

constexpr const char* links = R"({"links": [
 {"name": "nic0", "kind": "nic", "mac": "52:54:00:00:10:01", "permanent_mac": "52:54:00:00:10:01", "driver": "mlx5_core", "pci": "0000:3b:00.0",
  "master": "bond0", "up": true, "carrier": true, "speed": 25000, "mtu": 1500, "addresses": [], "port": {"active": true, "working": true, "aggregator": 1},
  "neighbour": {"system": "leaf1", "port": "Ethernet12", "port_description": ""},
  "lacp_partner": {"mac": "00:1c:73:aa:bb:01", "key": 7, "rate": "fast", "state": "activity"}},
 {"name": "nic1", "kind": "nic", "mac": "52:54:00:00:10:01", "permanent_mac": "52:54:00:00:10:02", "driver": "mlx5_core", "pci": "0000:3b:00.1",
  "master": "bond0", "up": true, "carrier": true, "speed": 25000, "mtu": 1500, "addresses": [], "port": {"active": true, "working": true, "aggregator": 1},
  "neighbour": {"system": "leaf2", "port": "Ethernet12", "port_description": ""},
  "lacp_partner": {"mac": "00:1c:73:aa:bb:01", "key": 7, "rate": "fast", "state": "activity"}},
 {"name": "bond0", "kind": "bond", "mac": "52:54:00:00:10:01", "permanent_mac": "", "driver": "", "pci": "", "master": "", "up": true, "carrier": true,
  "speed": 50000, "mtu": 1500, "addresses": ["192.0.2.30/24", "192.0.2.5/24", "fe80::1/64"]}],
 "findings": [], "probes": [{"good": true, "needed": true, "text": "gateway 192.0.2.1 answers on bond0"}]})";

constexpr const char* disks = R"([
 {"id": "nvme-eui.0025385b91b00001", "node": "/dev/nvme0n1", "slot": "PCI slot 4", "model": "SAMSUNG PM9A3", "serial": "S1", "bus": "nvme", "bytes": 960197124096,
  "rotational": false, "class": "os", "reason": "the disk of the system", "use": "os", "why": "the disk of the system", "health": {"state": "good"}},
 {"id": "wwn-0x5000c500a1b2c3d4", "node": "/dev/sda", "slot": "1:0", "model": "ST16000NM001G", "serial": "Z1", "bus": "sas", "bytes": 16000900661248,
  "rotational": true, "class": "osd", "reason": "Ceph OSD 0 of cluster 2c1f3a5e", "use": "osd", "why": "OSD 0", "health": {"state": "good"}},
 {"id": "wwn-0x5000c500a1b2c3d5", "node": "/dev/sdb", "slot": "1:1", "model": "ST16000NM001G", "serial": "Z2", "bus": "sas", "bytes": 16000900661248,
  "rotational": true, "class": "foreign", "reason": "ext4 \"photos\"", "use": "none", "why": "holds ext4 \"photos\"", "health": {"state": "good"}}])";

constexpr const char* slots = R"({"live": false, "root_hash": "ab", "slots": [
 {"slot": "a", "booted": true, "version": "0.1.0", "state": "blessed", "text": "blessed", "verified": {"at": 1795770720, "good": true, "problem": ""},
  "verified_text": "2026-11-27 09:12 UTC", "uuid": "11111111-2222"},
 {"slot": "b", "booted": false, "version": "", "state": "empty", "text": "empty", "uuid": "00000000-0000"}]})";

constexpr const char* upgrade =
    R"({"running": "0.1.0", "state": "none", "meant": "", "message": "", "offered": "0.2.0", "error": "", "check_error": "",
 "automatic": false, "step": "", "summary": "", "done": 0, "total": 0, "seconds_left": 0})";

constexpr const char* machine =
    R"({"live": false, "console": "password", "vip": "192.0.2.5/24", "product": "Dell Inc. PowerEdge R740xd", "serial": "ABC1234", "processors": 32, "memory": 274877906944, "kvm": true})";

constexpr const char* blank_machine_facts =
    R"({"live": true, "console": "open", "product": "Dell Inc. PowerEdge R740xd", "serial": "ABC1234", "processors": 32, "memory": 274877906944, "kvm": true})";

constexpr const char* blank_links = R"({"links": [
 {"name": "ens1f0", "kind": "nic", "permanent_mac": "52:54:00:00:10:01", "driver": "mlx5_core", "pci": "0000:3b:00.0", "carrier": true, "speed": 25000,
  "neighbour": {"system": "leaf1", "port": "Ethernet12"}, "addresses": ["198.51.100.7/24"]},
 {"name": "ens1f1", "kind": "nic", "permanent_mac": "52:54:00:00:10:02", "driver": "mlx5_core", "pci": "0000:3b:00.1", "carrier": true, "speed": 25000, "addresses": []},
 {"name": "eno1", "kind": "nic", "permanent_mac": "52:54:00:00:10:03", "driver": "tg3", "pci": "0000:01:00.0", "carrier": false, "speed": 0, "addresses": []}],
 "findings": [], "probes": []})";

constexpr const char* blank_disks = R"([
 {"id": "nvme-eui.0025385b91b00001", "slot": "PCI slot 4", "wwn": "eui.0025385b91b00001", "health": {"state": "good", "why": ""}, "model": "SAMSUNG PM9A3", "serial": "S1", "bus": "nvme", "bytes": 960197124096, "rotational": false, "class": "blank",
  "reason": "nothing", "use": "none", "why": ""},
 {"id": "nvme-eui.0025385b91b00002", "model": "SAMSUNG PM9A3", "serial": "S2", "bus": "nvme", "bytes": 960197124096, "rotational": false, "class": "foreign",
  "reason": "ntfs \"Windows\"", "use": "none", "why": ""},
 {"id": "wwn-0x5000c500a1b2c3d4", "model": "ST16000NM001G", "serial": "Z1", "bus": "sas", "bytes": 16000900661248, "rotational": true, "class": "blank",
  "reason": "nothing", "use": "none", "why": ""},
 {"id": "wwn-0x5000c500a1b2c3d5", "model": "ST16000NM001G", "serial": "Z2", "bus": "sas", "bytes": 16000900661248, "rotational": true, "class": "foreign",
  "reason": "ext4 \"photos\"", "use": "none", "why": ""},
 {"id": "usb-AMI_Virtual_HDisk0_BBBB", "model": "Virtual HDisk0", "serial": "BBBB", "bus": "usb", "bytes": 68719476736, "rotational": false, "class": "removable",
  "removable": true, "reason": "virtual medium of a management controller", "use": "none", "why": ""}])";

}  // namespace

Facts running_node() {
  Facts facts{.hostname = "node-1",
              .view = {},
              .machine = machine,
              .links = links,
              .disks = disks,
              .slots = slots,
              .upgrade = upgrade,
              .problem = {},
              .log = {},
              .seconds_of_boot = 1000};
  facts.view.version = "0.1.0";
  facts.view.state = "ready";
  facts.view.conditions = {{"Network", "true", "Working", "bond0 has 192.0.2.30/24; the gateway 192.0.2.1 answers"},
                           {"Partitions", "true", "Mounted", "loam and state are mounted"},
                           {"Config", "true", "Applied", "nothing to change"},
                           {"Disks", "true", "Good", "1 disks are Ceph's or claimed for it"}};
  return facts;
}

Facts blank_machine() {
  Facts facts{.hostname = "loam",
              .view = {},
              .machine = blank_machine_facts,
              .links = blank_links,
              .disks = blank_disks,
              .slots = R"({"live": true})",
              .upgrade = "",
              .problem = {},
              .log = {},
              .seconds_of_boot = 1000};
  facts.view.version = "0.1.0";
  facts.view.state = "unconfigured";
  facts.view.conditions = {
      {"Partitions", "true", "Live", "runs from the medium"},
      {"Network", "true", "Routable", "an interface has an address that reaches further than its link"},
      {"Config", "unknown", "None",
       "waiting for a volume labelled LOAM with a loam.yaml (loamctl config example prints one)"}};
  return facts;
}

}  // namespace loam::console::example
