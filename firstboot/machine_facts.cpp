#include "machine_facts.hpp"

#include <algorithm>
#include <array>
#include <format>
#include <nlohmann/json.hpp>

#include "base/text.hpp"

namespace loam::console {

using nlohmann::json;

namespace {

json document(const std::string& text) {
  auto value = json::parse(text, nullptr, false);
  return value.is_discarded() ? json::object() : value;
}

std::string word(const json& value, const char* key) {
  const auto found = value.find(key);
  return found != value.end() && found->is_string() ? printable(found->get<std::string>(), 200) : std::string();
}

template <typename Number>
Number number(const json& value, const char* key) {
  const auto found = value.find(key);
  return found != value.end() && found->is_number_integer() ? found->get<Number>() : Number{0};
}

bool flag(const json& value, const char* key) {
  const auto found = value.find(key);
  return found != value.end() && found->is_boolean() && found->get<bool>();
}

NicFacts nic_of(const json& link) {
  NicFacts nic{.name = word(link, "name"),
               .mac = word(link, "permanent_mac"),
               .driver = word(link, "driver"),
               .pci = word(link, "pci"),
               .speed = std::max<std::int64_t>(0, number<std::int64_t>(link, "speed")),
               .carrier = flag(link, "carrier"),
               .neighbour = {}};
  if (const auto neighbour = link.find("neighbour"); neighbour != link.end() && neighbour->is_object())
    nic.neighbour = word(*neighbour, "system") + " " + word(*neighbour, "port");
  return nic;
}

std::string health_of(const json& disk) {
  const auto health = disk.find("health");
  if (health == disk.end() || !health->is_object()) return {};
  const auto why = word(*health, "why");
  return word(*health, "state") + (why.empty() ? "" : " (" + why + ")");
}

DiskFacts disk_of(const json& disk) {
  return {.id = word(disk, "id"),
          .model = word(disk, "model"),
          .serial = word(disk, "serial"),
          .bus = word(disk, "bus"),
          .slot = word(disk, "slot"),
          .bytes = number<std::uint64_t>(disk, "bytes"),
          .rotational = flag(disk, "rotational"),
          .removable = flag(disk, "removable"),
          .wwn = word(disk, "wwn"),
          .health = health_of(disk),
          .cls = word(disk, "class"),
          .content = word(disk, "reason"),
          .reason = word(disk, "why")};
}

}  // namespace

MachineFacts machine_facts(const std::string& machine, const std::string& links, const std::string& disks) {
  const auto about = document(machine);
  MachineFacts facts{.product = word(about, "product"),
                     .serial = word(about, "serial"),
                     .processors = number<int>(about, "processors"),
                     .memory = number<std::uint64_t>(about, "memory"),
                     .kvm = flag(about, "kvm"),
                     .hostname = {},
                     .nics = {},
                     .disks = {}};
  const auto all = document(links);
  if (const auto list = all.find("links"); list != all.end() && list->is_array())
    for (const auto& link : *list)
      if (word(link, "kind") == "nic") facts.nics.push_back(nic_of(link));
  std::ranges::sort(facts.nics, {}, [](const NicFacts& nic) { return std::pair(nic.pci, nic.mac); });
  if (const auto list = document(disks); list.is_array())
    for (const auto& disk : list)
      if (!word(disk, "id").empty()) facts.disks.push_back(disk_of(disk));
  return facts;
}

std::vector<std::string> machine_warnings(const MachineFacts& machine) {
  constexpr std::uint64_t gibibyte = 1ULL << 30U;
  // What firmware keeps for itself is not counted.
  constexpr std::uint64_t least_memory = 30 * gibibyte;
  constexpr int least_processors = 8;
  constexpr std::int64_t fast = 10'000;
  std::vector<std::string> said;
  if (!machine.kvm)
    said.emplace_back(
        "KVM is not there: virtual machines would not start; switch VT-x or AMD-V on in the firmware's setup");
  if (machine.memory < least_memory)
    said.push_back(std::format("{} of memory: Kubernetes, Ceph and a few machines want 32 GiB at least",
                               format_bytes(machine.memory)));
  if (machine.processors < least_processors)
    said.push_back(std::format("{} processors: {} are the least that a node does its work with", machine.processors,
                               least_processors));
  if (machine.nics.empty())
    said.emplace_back("no network card was found: its driver may be missing, or the card is switched off");
  const bool any_fast =
      std::ranges::any_of(machine.nics, [](const NicFacts& nic) { return nic.carrier && nic.speed >= fast; });
  if (!machine.nics.empty() && !any_fast)
    said.emplace_back("no card with a cable is as fast as 10 Gb/s: storage goes over the network and would be slow");
  if (std::ranges::none_of(machine.nics, &NicFacts::carrier) && !machine.nics.empty())
    said.emplace_back("no cable has a link: check cables and switch ports");
  if (machine.disks.empty())
    said.emplace_back("no disk was found: check the controller's mode in the firmware's setup (AHCI or HBA, not RAID)");
  for (const auto& disk : machine.disks)
    if (disk.cls == "unusable") said.push_back(describe(disk));
  const auto flash = [](const DiskFacts& disk) { return !disk.rotational && !disk.removable; };
  if (!machine.disks.empty() && std::ranges::none_of(machine.disks, flash))
    said.emplace_back("no flash was found: a hard disk is slow for the system and for Kubernetes' own data");
  if (!machine.disks.empty() &&
      std::ranges::none_of(machine.disks, [](const auto& disk) { return disk.cls == "blank"; }))
    said.emplace_back("no disk is blank: nothing becomes storage unless it is erased first");
  return said;
}

std::string describe(const DiskFacts& disk) {
  return std::format("{}, {}, {}{}{}: {}", disk.model.empty() ? disk.id : disk.model, format_bytes(disk.bytes),
                     disk.rotational ? "hdd/" : "", disk.bus, disk.serial.empty() ? "" : ", serial " + disk.serial,
                     disk.content.empty() ? "nothing is known of it" : disk.content);
}

std::string slot_words(const DiskFacts& disk) {
  return disk.slot.empty() || disk.slot.contains("slot") ? disk.slot : "slot " + disk.slot;
}

std::string details(const DiskFacts& disk) {
  std::vector<std::string> words;
  const auto add = [&](const char* name, const std::string& value) {
    if (!value.empty()) words.push_back(std::format("{} {}", name, value));
  };
  if (!disk.slot.empty()) words.push_back(slot_words(disk));
  add("WWN", disk.wwn);
  add("health", disk.health);
  return join(words, ", ");
}

std::string why_not_for_the_system(const DiskFacts& disk) {
  constexpr std::array<std::string_view, 5> never = {"unusable", "busy", "gone", "removable", "unread"};
  if (std::ranges::contains(never, disk.cls)) return disk.content.empty() ? disk.cls : disk.content;
  return disk.removable ? "removable medium" : "";
}

std::string describe(const NicFacts& nic) {
  const auto speed = nic.speed == 0          ? std::string("speed unknown")
                     : nic.speed % 1000 == 0 ? std::format("{} Gb/s", nic.speed / 1000)
                                             : std::format("{} Mb/s", nic.speed);
  return std::format("{:<8}  {}  {}{}", nic.carrier ? speed : "no cable", nic.mac, nic.driver,
                     nic.neighbour.empty() ? "" : "  " + nic.neighbour);
}

}  // namespace loam::console
