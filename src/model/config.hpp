// loam.yaml as types: what a node shall be. One struct a section; describe() beside each says every key, its type,
// default and meaning once, and the parser, the JSON Schema, the example and the reference are made from that.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/scalar.hpp"

namespace loam::model {

// The newest version of the document that this release reads and writes.
inline constexpr int config_version = 1;

// ---- disks ----

enum class Bus { nvme, sata, sas, scsi, virtio, usb };

// Which disks are meant: all of the given facts must hold.
struct DiskSelector {
  std::optional<DiskId> id;
  std::optional<Line> serial;
  std::optional<Glob> vendor;
  std::optional<Glob> model;
  std::optional<Glob> slot;
  std::optional<Bus> bus;
  std::optional<bool> rotational;
  std::optional<ByteSize> min_size;
  std::optional<ByteSize> max_size;
  bool operator==(const DiskSelector&) const = default;
};

enum class AfterInstall { reboot, poweroff, wait };
enum class Encryption { none, tpm2, recovery_key };

struct Install {
  DiskSelector disk;
  std::optional<DiskSelector> mirror;
  std::vector<DiskId> wipe;
  AfterInstall then = AfterInstall::reboot;
  Encryption encryption = Encryption::none;
  bool operator==(const Install&) const = default;
};

struct MetadataDevices {
  std::vector<DiskSelector> select;
  std::optional<std::int64_t> osds_per_device;
  std::optional<ByteSize> size_per_osd;
  bool operator==(const MetadataDevices&) const = default;
};

// What becomes of a node's disks.
struct StorageRules {
  std::vector<DiskSelector> data;
  std::vector<DiskSelector> exclude;
  std::optional<MetadataDevices> metadata;
  std::optional<std::int64_t> max_osds;
  bool operator==(const StorageRules&) const = default;
};

struct HostStorage {
  std::vector<Glob> hosts;
  StorageRules rules;
  bool operator==(const HostStorage&) const = default;
};

struct Storage {
  StorageRules rules;
  std::vector<DiskId> wipe;
  std::vector<HostStorage> hosts;
  bool operator==(const Storage&) const = default;
};

// ---- access ----

struct Access {
  std::vector<SshKey> ssh_keys;
  std::optional<PasswordHash> console_password_hash;
  bool console_shell = false;
  bool operator==(const Access&) const = default;
};

// ---- network ----

// Which NIC is meant: all of the given facts must hold.
struct NicSelector {
  std::optional<MacAddress> mac;
  std::optional<PciAddress> pci;
  std::optional<Glob> driver;
  std::optional<std::int64_t> min_speed;  // Mb/s
  std::optional<bool> carrier;
  bool operator==(const NicSelector&) const = default;
};

struct Nic {
  LinkName name;
  NicSelector match;
  std::optional<std::int64_t> mtu;
  bool operator==(const Nic&) const = default;
};

enum class BondMode { lacp, active_backup, balance_rr, balance_xor, broadcast, balance_tlb, balance_alb };
enum class LacpRate { slow, fast };
enum class HashPolicy { layer2, layer2_3, layer3_4, encap2_3, encap3_4 };
enum class AdSelect { stable, bandwidth, count };
enum class PrimaryReselect { always, better, failure };

struct Bond {
  LinkName name;
  std::vector<LinkName> members;
  std::optional<NicSelector> select;
  BondMode mode = BondMode::lacp;
  LacpRate lacp_rate = LacpRate::fast;
  HashPolicy hash_policy = HashPolicy::layer3_4;
  AdSelect ad_select = AdSelect::bandwidth;
  PrimaryReselect primary_reselect = PrimaryReselect::always;
  std::optional<LinkName> primary;
  std::int64_t min_links = 1;
  std::int64_t miimon_ms = 100;
  std::vector<IpAddress> arp_targets;
  std::int64_t arp_interval_ms = 500;
  std::optional<std::int64_t> mtu;
  bool operator==(const Bond&) const = default;
};

struct Vlan {
  LinkName name;
  LinkName parent;
  std::int64_t id = 1;
  std::optional<std::int64_t> mtu;
  bool operator==(const Vlan&) const = default;
};

struct Bridge {
  LinkName name;
  std::vector<LinkName> members;
  bool vlan_filtering = true;
  std::vector<VlanRange> trunk;
  std::optional<std::int64_t> mtu;
  bool operator==(const Bridge&) const = default;
};

enum class Role { management, cluster, storage_public, storage_cluster, vm };
enum class Ipv6Mode { off, slaac, dhcp };

struct Route {
  IpPrefix to;
  std::optional<IpAddress> via;
  std::optional<std::int64_t> metric;
  std::optional<std::int64_t> table;
  bool operator==(const Route&) const = default;
};

struct Rule {
  std::optional<IpPrefix> from;
  std::optional<IpPrefix> to;
  std::int64_t table = 254;
  bool operator==(const Rule&) const = default;
};

struct Interface {
  LinkName link;
  std::vector<Role> roles;
  bool dhcp4 = false;
  Ipv6Mode ipv6 = Ipv6Mode::slaac;
  std::vector<IpPrefix> addresses;
  std::optional<IpAddress> gateway;
  std::optional<IpAddress> gateway6;
  std::vector<Route> routes;
  std::vector<Rule> rules;
  bool operator==(const Interface&) const = default;
};

struct Dns {
  std::vector<IpAddress> servers;
  std::vector<Hostname> search;
  bool operator==(const Dns&) const = default;
};

enum class Confirm { probes, operator_only };

enum class Protocol { tcp, udp };

// What the firewall admits beside what the roles need.
struct Allow {
  PortRange port;
  Protocol protocol = Protocol::tcp;
  std::optional<IpPrefix> from;
  std::vector<Role> roles;
  bool operator==(const Allow&) const = default;
};

struct Firewall {
  bool enabled = true;
  std::vector<IpPrefix> networks;
  std::vector<Allow> allow;
  bool operator==(const Firewall&) const = default;
};

struct Network {
  std::vector<Nic> nics;
  std::vector<Bond> bonds;
  std::vector<Vlan> vlans;
  std::vector<Bridge> bridges;
  std::vector<Interface> interfaces;
  Dns dns;
  Firewall firewall;
  Confirm confirm = Confirm::probes;
  Duration confirm_timeout{std::chrono::seconds(120)};
  bool operator==(const Network&) const = default;
};

// ---- cluster, updates and the rest ----

enum class NodeRole { control_plane, worker, witness };

struct Cluster {
  Hostname name;
  NodeRole role = NodeRole::control_plane;
  std::optional<IpPrefix> vip;
  std::vector<HostOrAddress> join;
  std::optional<JoinString> join_string;
  IpPrefix pod_network;
  IpPrefix service_network;
  std::optional<Uuid> ceph_fsid;
  bool operator==(const Cluster&) const = default;
  Cluster();
  bool founds() const { return join.empty() && !join_string; }
};

struct Update {
  std::optional<Url> url;
  bool automatic = false;
  std::vector<Window> windows;
  std::optional<ByteSize> rate_limit;  // bytes per second
  bool full_download = false;
  bool operator==(const Update&) const = default;
};

struct Time {
  TimeZone zone;
  std::vector<HostOrAddress> servers;
  bool operator==(const Time&) const = default;
  Time();
};

struct Proxy {
  std::optional<Url> http;
  std::optional<Url> https;
  std::vector<HostOrAddress> except;
  bool operator==(const Proxy&) const = default;
};

struct Config {
  std::int64_t version = config_version;
  std::optional<Hostname> hostname;
  std::optional<KeyboardLayout> keyboard;
  std::optional<Install> install;
  Access access;
  Network network;
  Storage storage;
  std::optional<Cluster> cluster;
  Update update;
  Time time;
  Proxy proxy;
  bool operator==(const Config&) const = default;
};

}  // namespace loam::model
