// Every key of loam.yaml, once. A visitor V has
//   v.field(key, value, Doc{...})   for each member, in the order of the file.
// It is given an object to fill (parser), to print (example, canonical text) or a default one (schema).
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <string_view>
#include <utility>

#include "model/config.hpp"

namespace loam::model {

struct Doc {
  std::string_view text;
  bool required = false;
  // Range of an integer.
  std::int64_t min = 0;
  std::int64_t max = std::numeric_limits<std::int64_t>::max();
  const char* example = nullptr;  // where that of the type would mislead
};

// Names of an enum's values in the file, in the order of the enum.
template <typename E>
struct EnumNames;

#define LOAM_ENUM(Type, ...)                                                      \
  template <>                                                                     \
  struct EnumNames<Type> {                                                        \
    static constexpr auto names = std::to_array<std::string_view>({__VA_ARGS__}); \
  }

LOAM_ENUM(Bus, "nvme", "sata", "sas", "scsi", "virtio", "usb");
LOAM_ENUM(AfterInstall, "reboot", "poweroff", "wait");
LOAM_ENUM(Encryption, "none", "tpm2", "recovery-key");
LOAM_ENUM(BondMode, "802.3ad", "active-backup", "balance-rr", "balance-xor", "broadcast", "balance-tlb", "balance-alb");
LOAM_ENUM(LacpRate, "slow", "fast");
LOAM_ENUM(HashPolicy, "layer2", "layer2+3", "layer3+4", "encap2+3", "encap3+4");
LOAM_ENUM(AdSelect, "stable", "bandwidth", "count");
LOAM_ENUM(PrimaryReselect, "always", "better", "failure");
LOAM_ENUM(Role, "management", "cluster", "storage-public", "storage-cluster", "vm");
LOAM_ENUM(Ipv6Mode, "off", "slaac", "dhcp");
LOAM_ENUM(Confirm, "probes", "operator");
LOAM_ENUM(Protocol, "tcp", "udp");
LOAM_ENUM(NodeRole, "control-plane", "worker", "witness");

#undef LOAM_ENUM

template <typename E>
constexpr std::string_view enum_name(E value) {
  return EnumNames<E>::names[static_cast<std::size_t>(value)];
}

inline constexpr Doc mtu_doc{
    "bytes; without it 1500, or what carries it if that is less; members of a bond have the bond's", false, 1280, 9216};

template <typename V>
void describe(V& v, DiskSelector& c) {
  v.field("id", c.id, Doc{"identity as loamctl disks shows it"});
  v.field("serial", c.serial, Doc{"serial number, exactly"});
  v.field("vendor", c.vendor, Doc{.text = "vendor, as a pattern", .example = "SEAGATE"});
  v.field("model", c.model, Doc{"model, as a pattern with * and ?"});
  v.field("slot", c.slot,
          Doc{.text = "where it sits, as a pattern over what loamctl disks shows", .example = "PCI slot 2"});
  v.field("bus", c.bus, Doc{"how the disk is attached"});
  v.field("rotational", c.rotational, Doc{"true for hard disks, false for flash"});
  v.field("min_size", c.min_size, Doc{"at least this large"});
  v.field("max_size", c.max_size, Doc{"at most this large"});
}

template <typename V>
void describe(V& v, Install& c) {
  v.field("disk", c.disk, Doc{"the disk of the operating system; exactly one must match", true});
  v.field("mirror", c.mirror, Doc{"a second disk that mirrors the first"});
  v.field("wipe", c.wipe, Doc{"ids of disks that may be erased though they are not blank"});
  v.field("then", c.then, Doc{"what to do when the installation is complete"});
  v.field("encryption", c.encryption, Doc{"encryption of the loam and state partitions"});
}

template <typename V>
void describe(V& v, MetadataDevices& c) {
  v.field("select", c.select, Doc{"flash devices that hold the OSDs' databases", true});
  v.field("osds_per_device", c.osds_per_device, Doc{"OSDs that share one device", false, 1, 64});
  v.field("size_per_osd", c.size_per_osd, Doc{"database size of one OSD"});
}

template <typename V>
void describe(V& v, StorageRules& c) {
  v.field("data", c.data, Doc{"disks that become OSDs if they are blank; {} means all"});
  v.field("exclude", c.exclude, Doc{"disks that are never touched, whatever else selects them"});
  v.field("metadata", c.metadata, Doc{"shared devices for the databases of OSDs on hard disks"});
  v.field("max_osds", c.max_osds, Doc{"most OSDs on one node", false, 0, 1024});
}

template <typename V>
void describe(V& v, HostStorage& c) {
  v.field("hosts", c.hosts, Doc{.text = "host names, as patterns", .required = true, .example = "node1*"});
  describe(v, c.rules);
}

template <typename V>
void describe(V& v, Storage& c) {
  describe(v, c.rules);
  v.field("wipe", c.wipe, Doc{"ids of disks that may be erased, once, to become OSDs"});
  v.field("hosts", c.hosts,
          Doc{"for nodes that differ: the first entry that names the host stands for the keys above"});
}

template <typename V>
void describe(V& v, Access& c) {
  v.field("ssh_keys", c.ssh_keys, Doc{"public keys that may log in as root; without any, ssh is off"});
  v.field("console_password_hash", c.console_password_hash, Doc{"crypt(5) hash of the password of console actions"});
  v.field("console_shell", c.console_shell, Doc{"whoever has that password may open a root shell on the console"});
}

template <typename V>
void describe(V& v, NicSelector& c) {
  v.field("mac", c.mac, Doc{"permanent MAC address"});
  v.field("pci", c.pci, Doc{"PCI address"});
  v.field("driver", c.driver, Doc{.text = "kernel driver, as a pattern", .example = "mlx5_*"});
  v.field("min_speed", c.min_speed, Doc{"at least this speed, in Mb/s", false, 1, 1'000'000});
  v.field("carrier", c.carrier, Doc{"true: only with a cable that works"});
}

template <typename V>
void describe(V& v, Nic& c) {
  v.field("name", c.name,
          Doc{.text = "name that the interface gets, for ever; not eth0, which is the kernel's",
              .required = true,
              .example = "nic0"});
  v.field("match", c.match, Doc{"which NIC it is; exactly one must match", true});
  v.field("mtu", c.mtu, mtu_doc);
}

template <typename V>
void describe(V& v, Bond& c) {
  v.field("name", c.name, Doc{"interface name of the bond", true});
  v.field("members", c.members, Doc{.text = "names of its NICs", .example = "nic0"});
  v.field("select", c.select,
          Doc{"instead of members: every NIC that matches; pinned once they are found, later ones join"});
  v.field("mode", c.mode, Doc{"bonding mode"});
  v.field("lacp_rate", c.lacp_rate, Doc{"how often LACP asks the partner: slow 30 s, fast 1 s"});
  v.field("hash_policy", c.hash_policy, Doc{"which member carries a flow"});
  v.field("ad_select", c.ad_select, Doc{"how an LACP aggregator is chosen"});
  v.field("primary", c.primary,
          Doc{.text = "preferred member of active-backup, balance-tlb and balance-alb", .example = "nic0"});
  v.field("primary_reselect", c.primary_reselect, Doc{"when the primary takes over again"});
  v.field("min_links", c.min_links, Doc{"working members below which a bond of 802.3ad is down", false, 0, 64});
  v.field("miimon_ms", c.miimon_ms, Doc{"milliseconds between looks at the carrier", false, 10, 10'000});
  v.field("arp_targets", c.arp_targets, Doc{"addresses asked by ARP instead of watching the carrier"});
  v.field("arp_interval_ms", c.arp_interval_ms, Doc{"milliseconds between those questions", false, 50, 10'000});
  v.field("mtu", c.mtu, mtu_doc);
}

template <typename V>
void describe(V& v, Vlan& c) {
  v.field("name", c.name, Doc{.text = "interface name of the VLAN", .required = true, .example = "storage"});
  v.field("parent", c.parent, Doc{"interface that carries it", true});
  v.field("id", c.id, Doc{"802.1Q id", true, 1, 4094});
  v.field("mtu", c.mtu, mtu_doc);
}

template <typename V>
void describe(V& v, Bridge& c) {
  v.field("name", c.name, Doc{.text = "interface name of the bridge", .required = true, .example = "br0"});
  v.field("members", c.members, Doc{"interfaces in it", true});
  v.field("vlan_filtering", c.vlan_filtering, Doc{"virtual machines may choose VLANs of the trunk"});
  v.field("trunk", c.trunk, Doc{"VLANs that pass its members; none means all"});
  v.field("mtu", c.mtu, mtu_doc);
}

template <typename V>
void describe(V& v, Route& c) {
  v.field("to", c.to, Doc{"destination network", true});
  v.field("via", c.via, Doc{"gateway; none means on this link"});
  v.field("metric", c.metric, Doc{"lower is preferred", false, 0, 4'294'967'295});
  v.field("table", c.table, Doc{"routing table", false, 1, 4'294'967'295});
}

template <typename V>
void describe(V& v, Rule& c) {
  v.field("from", c.from, Doc{"source network"});
  v.field("to", c.to, Doc{"destination network"});
  v.field("table", c.table, Doc{"routing table", true, 1, 4'294'967'295});
}

template <typename V>
void describe(V& v, Interface& c) {
  v.field("link", c.link, Doc{"NIC, bond, VLAN or bridge", true});
  v.field("roles", c.roles,
          Doc{"what the interface carries: a cluster needs one with cluster, vm a bridge; each role stands once"});
  v.field("dhcp4", c.dhcp4, Doc{"take an IPv4 address by DHCP"});
  v.field("ipv6", c.ipv6, Doc{"how IPv6 is configured beside static addresses"});
  v.field("addresses", c.addresses, Doc{"static addresses"});
  v.field("gateway", c.gateway, Doc{"default gateway, IPv4 or IPv6"});
  v.field("gateway6", c.gateway6, Doc{"default gateway of IPv6 beside one of IPv4"});
  v.field("routes", c.routes, Doc{"more routes"});
  v.field("rules", c.rules, Doc{"policy rules"});
}

template <typename V>
void describe(V& v, Dns& c) {
  v.field("servers", c.servers, Doc{"resolvers"});
  v.field("search", c.search, Doc{.text = "search domains", .example = "example.org"});
}

template <typename V>
void describe(V& v, Allow& c) {
  v.field("port", c.port, Doc{"port, or a range of them", true});
  v.field("protocol", c.protocol, Doc{"transport protocol"});
  v.field("from", c.from, Doc{.text = "network that it is for; without it, everybody", .example = "192.0.2.0/24"});
  v.field("roles", c.roles, Doc{"on interfaces with one of these roles; none means on all"});
}

template <typename V>
void describe(V& v, Firewall& c) {
  v.field("enabled", c.enabled, Doc{"refuse what neither the roles need nor allow names; false: refuse nothing"});
  v.field("networks", c.networks,
          Doc{.text = "networks trusted like those that the interfaces are in: of nodes behind a router, of monitoring",
              .example = "198.51.100.0/24"});
  v.field("allow", c.allow, Doc{"what is admitted beside what the roles need"});
}

template <typename V>
void describe(V& v, Network& c) {
  v.field("nics", c.nics, Doc{"NICs with the names that this file calls them by"});
  v.field("bonds", c.bonds, Doc{"bonds of NICs"});
  v.field("vlans", c.vlans, Doc{"VLANs"});
  v.field("bridges", c.bridges, Doc{"bridges for virtual machines"});
  v.field("interfaces", c.interfaces, Doc{"addresses and roles; without any, every NIC with a cable asks DHCP"});
  v.field("dns", c.dns, Doc{"name resolution"});
  v.field("firewall", c.firewall, Doc{"who may reach what on this node"});
  v.field(
      "confirm", c.confirm,
      Doc{"who says that a changed network works: probes (carrier, LACP, addresses, gateway) or the operator only"});
  v.field("confirm_timeout", c.confirm_timeout, Doc{"a change that is not confirmed within this goes back; 30s to 1h"});
}

template <typename V>
void describe(V& v, Cluster& c) {
  v.field("name", c.name, Doc{"name of the cluster", true});
  v.field("role", c.role, Doc{"what this node does in it"});
  v.field("vip", c.vip, Doc{"virtual address of the API, in a network of the interface with role cluster"});
  v.field("join", c.join, Doc{"nodes to join; a node with neither this nor join_string founds the cluster"});
  v.field(
      "join_string", c.join_string,
      Doc{"what loamctl cluster join-string printed on a node of the cluster: a secret, for one node, for a while"});
  v.field("pod_network", c.pod_network, Doc{"addresses of pods"});
  v.field("service_network", c.service_network, Doc{"addresses of services"});
  v.field("ceph_fsid", c.ceph_fsid, Doc{"fsid of the Ceph cluster whose OSDs are ours"});
}

template <typename V>
void describe(V& v, Update& c) {
  v.field("url", c.url, Doc{"directory with releases"});
  v.field("automatic", c.automatic, Doc{"take new releases in the windows without being asked"});
  v.field("windows", c.windows, Doc{"times at which the node may reboot by itself"});
  v.field("rate_limit", c.rate_limit, Doc{"bytes per second of downloads"});
  v.field("full_download", c.full_download,
          Doc{"let automatic upgrades fetch all of a release from a server that gives no parts of files"});
}

template <typename V>
void describe(V& v, Time& c) {
  v.field("zone", c.zone, Doc{"time zone"});
  v.field("servers", c.servers, Doc{"NTP servers; none means those of DHCP or Debian's pool"});
}

template <typename V>
void describe(V& v, Proxy& c) {
  v.field("http", c.http, Doc{.text = "proxy for http", .example = "http://proxy.example:3128"});
  v.field("https", c.https, Doc{.text = "proxy for https", .example = "http://proxy.example:3128"});
  v.field("except", c.except, Doc{"hosts, domains and addresses reached directly"});
}

template <typename V>
void describe(V& v, Config& c) {
  v.field("version", c.version, Doc{"version of this document", true, 1, config_version});
  v.field("hostname", c.hostname, Doc{"name of the node; without it, loam- and its first MAC address"});
  v.field("keyboard", c.keyboard, Doc{"layout of the keyboard at the console; without it, us"});
  v.field("install", c.install, Doc{"where live media installs to; without it, they only wait"});
  v.field("access", c.access, Doc{"who may log in"});
  v.field("network", c.network, Doc{"interfaces and addresses"});
  v.field("storage", c.storage, Doc{"disks for Ceph"});
  v.field("cluster", c.cluster, Doc{"the Kubernetes cluster; without it, the node stands alone"});
  v.field("update", c.update, Doc{"where releases come from and when they are taken"});
  v.field("time", c.time, Doc{"clock"});
  v.field("proxy", c.proxy, Doc{"HTTP proxy for everything that fetches"});
}

// A struct that describe() knows.
struct ProbeVisitor {
  template <typename T>
  void field(std::string_view, T&, const Doc&) {}
};
template <typename T>
concept Described = requires(ProbeVisitor& v, T& value) { describe(v, value); };

// A typed single value.
template <typename T>
concept ParsedScalar = requires(const T& value, std::string_view text) {
  { T::parse(text) } -> std::same_as<Result<T>>;
  { value.str() };
};

// How the type is written, for schema and messages.
template <typename T>
struct ScalarFormat {
  static constexpr std::string_view pattern = T::pattern;
  static constexpr std::string_view example = T::example;
};
template <typename Kind>
struct ScalarFormat<Checked<Kind>> {
  static constexpr std::string_view pattern = Kind::pattern;
  static constexpr std::string_view example = Kind::example;
};

template <typename T>
inline constexpr bool is_vector = false;
template <typename T>
inline constexpr bool is_vector<std::vector<T>> = true;
template <typename T>
inline constexpr bool is_optional = false;
template <typename T>
inline constexpr bool is_optional<std::optional<T>> = true;

}  // namespace loam::model
