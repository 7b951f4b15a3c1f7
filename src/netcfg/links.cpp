#include "netcfg/links.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <filesystem>
#include <format>

#include "base/file.hpp"
#include "base/text.hpp"
#include "netcfg/rtnl_socket.hpp"

namespace loam::netcfg {

namespace fs = std::filesystem;

namespace {

std::string attribute(const fs::path& link, const char* name) {
  const auto text = read_file(link / name, 4096);  // some fail while the link is down: that is "unknown"
  return text ? std::string(trim(*text)) : "";
}

std::int64_t number(const std::string& text) {
  std::int64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return std::max<std::int64_t>(value, 0);
}

// "0000:3b:00.1"
bool is_pci_address(std::string_view text) {
  if (text.size() != 12) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char wanted = i == 4 || i == 7 ? ':' : i == 10 ? '.' : 'x';
    if (wanted == 'x' ? std::isxdigit(static_cast<unsigned char>(text[i])) == 0 : text[i] != wanted) return false;
  }
  return true;
}

// The nearest card above the device: of a virtio NIC, the device itself is none.
std::string pci_address(const fs::path& device) {
  std::error_code none;
  std::string found;
  for (const auto& part : fs::canonical(device, none))
    if (is_pci_address(part.string())) found = part.string();
  return found;
}

}  // namespace

LinkDetails read_link_details(const std::string& name) {
  const auto path = fs::path("/sys/class/net") / name;
  std::error_code none;
  LinkDetails details{.hardware = fs::exists(path / "device", none), .driver = {}, .pci = {}, .speed = 0};
  details.speed = number(attribute(path, "speed"));
  if (!details.hardware) return details;
  details.driver = fs::read_symlink(path / "device/driver", none).filename().string();
  details.pci = pci_address(path / "device");
  return details;
}

const Link* LinkTable::find(int index) const {
  const auto found = links_.find(index);
  return found == links_.end() ? nullptr : &found->second;
}

const Link* LinkTable::find(const std::string& name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : find(found->second);
}

const Link* LinkTable::find_hardware(const std::string& mac) const {
  const auto found = by_mac_.find(lower(mac));
  return found == by_mac_.end() ? nullptr : find(found->second);
}

const std::string& identity(const Link& nic) { return nic.permanent_mac.empty() ? nic.mac : nic.permanent_mac; }

std::optional<int> LinkTable::apply(const RtnlMessage& message) {
  if (const auto* const link = std::get_if<LinkMessage>(&message)) return apply_link(*link);
  if (const auto* const address = std::get_if<AddressMessage>(&message)) return apply_address(*address);
  return std::nullopt;
}

void LinkTable::forget(int index) {
  const auto found = links_.find(index);
  if (found == links_.end()) return;
  // Another link may have taken the name meanwhile.
  if (const auto named = by_name_.find(found->second.name); named != by_name_.end() && named->second == index)
    by_name_.erase(named);
  if (const auto named = by_mac_.find(identity(found->second)); named != by_mac_.end() && named->second == index)
    by_mac_.erase(named);
  links_.erase(found);
}

std::optional<int> LinkTable::apply_link(const LinkMessage& message) {
  const auto found = links_.find(message.index);
  if (message.gone || message.name == "lo") {
    if (found == links_.end()) return std::nullopt;
    forget(message.index);
    return message.index;
  }
  const bool fresh = found == links_.end();
  auto link = fresh ? Link{} : found->second;
  // sysfs is read only when it can have changed: a message a second of a chatty driver costs nothing.
  if (fresh || link.carrier != message.carrier || link.name != message.name) {
    const auto details = read_(message.name);
    link.driver = details.driver;
    link.pci = details.pci;
    link.speed = message.carrier ? details.speed : 0;
    link.kind = !message.kind.empty() ? message.kind : details.hardware ? "nic" : "other";
  }
  link.index = message.index;
  link.name = message.name;
  link.mac = message.mac;
  link.permanent_mac = message.permanent_mac;
  link.master = message.master;
  link.up = message.up;
  link.carrier = message.carrier;
  link.mtu = message.mtu;
  link.port = message.port;
  link.bond = message.bond;
  if (!fresh && link == found->second) return std::nullopt;
  forget(link.index);  // the old name and address
  by_name_[link.name] = link.index;
  if (link.kind == "nic") by_mac_[identity(link)] = link.index;
  links_[link.index] = std::move(link);
  return message.index;
}

std::optional<int> LinkTable::apply_address(const AddressMessage& message) {
  const auto found = links_.find(message.index);
  if (found == links_.end()) return std::nullopt;
  auto& addresses = found->second.addresses;
  const auto same = std::ranges::find(addresses, message.address, &Address::net);
  const Address next{message.address, message.tentative, message.duplicate};
  if (message.gone) {
    if (same == addresses.end()) return std::nullopt;
    addresses.erase(same);
  } else if (same == addresses.end()) {
    addresses.push_back(next);
  } else if (*same != next) {
    *same = next;
  } else {
    return std::nullopt;
  }
  return message.index;
}

Result<std::vector<Link>> observe_links() {
  LOAM_TRY(auto socket, RtnlSocket::open());
  LinkTable table;
  LOAM_CHECK(socket.dump([&](const RtnlMessage& message) { table.apply(message); }));
  std::vector<Link> links;
  links.reserve(table.links().size());
  for (const auto& [index, link] : table.links()) links.push_back(link);
  std::ranges::sort(links, {}, &Link::name);
  return links;
}

Result<Gateways> observe_gateways() {
  LOAM_TRY(auto socket, RtnlSocket::open());
  Gateways gateways;
  const auto take = [&](const RtnlMessage& message) {
    const auto* const found = std::get_if<GatewayMessage>(&message);
    if (found == nullptr) return;
    auto& known = gateways[found->index];
    if (!std::ranges::contains(known, found->gateway)) known.push_back(found->gateway);
  };
  LOAM_CHECK(socket.dump_routes(take));
  return gateways;
}

std::map<std::string, LacpPartner> lacp_partners(const std::string& bond) {
  const auto text = read_file(fs::path("/proc/net/bonding") / bond);
  return text ? parse_bonding_proc(*text) : std::map<std::string, LacpPartner>{};
}

}  // namespace loam::netcfg
