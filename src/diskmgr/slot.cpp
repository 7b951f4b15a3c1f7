#include "diskmgr/slot.hpp"

#include <format>
#include <string_view>

#include "base/file.hpp"
#include "base/text.hpp"

namespace loam::diskmgr {

namespace fs = std::filesystem;

namespace {

// The kernel's ses driver links each bay to its disk, and the disk to its bay as "enclosure_device:NAME".
std::string bay(const fs::path& device) {
  constexpr std::string_view prefix = "enclosure_device:";
  std::error_code none;
  for (auto entry = fs::directory_iterator(device, none); entry != fs::directory_iterator(); entry.increment(none)) {
    const auto name = entry->path().filename().string();
    if (!name.starts_with(prefix)) continue;
    const auto enclosure = fs::canonical(entry->path(), none).parent_path();
    const auto id = printable(read_value(enclosure / "id"), 80);
    return std::format("{} of enclosure {}", printable(name.substr(prefix.size()), 60),
                       id.empty() ? enclosure.filename().string() : id);
  }
  return {};
}

// Slots have an address without the function: "0000:3b:00".
std::string pci_slot(const fs::path& device, const fs::path& sys) {
  std::error_code none;
  const auto path = fs::canonical(device, none).string();
  for (auto entry = fs::directory_iterator(sys / "bus/pci/slots", none); entry != fs::directory_iterator();
       entry.increment(none)) {
    const auto address = read_value(entry->path() / "address");
    if (!address.empty() && path.contains("/" + address + "."))
      return "PCI slot " + printable(entry->path().filename().string(), 40);
  }
  return {};
}

}  // namespace

std::string slot_of(const std::string& node, const fs::path& sys) {
  const auto name = node.substr(node.rfind('/') + 1);
  const auto device = [&] { return sys / "class/block" / name / "device"; };
  if (name.starts_with("nvme")) return pci_slot(device(), sys);
  std::error_code none;
  return fs::exists(sys / "class/enclosure", none) ? bay(device()) : "";
}

}  // namespace loam::diskmgr
