#include "diskmgr/use.hpp"

#include <fcntl.h>

#include <algorithm>
#include <format>
#include <vector>

#include "base/file.hpp"
#include "base/text.hpp"
#include "base/unique_fd.hpp"

namespace loam::diskmgr {

namespace fs = std::filesystem;

namespace {

// The disk and its partitions, by kernel name.
std::vector<std::string> block_names(const fs::path& block, const std::string& disk) {
  std::vector<std::string> names = {disk};
  std::error_code none;
  for (auto entry = fs::directory_iterator(block / disk, none); entry != fs::directory_iterator();
       entry.increment(none))
    if (fs::exists(entry->path() / "partition", none)) names.push_back(entry->path().filename().string());
  std::ranges::sort(names);
  return names;
}

void add_holders(const fs::path& device, std::vector<std::string>& uses) {
  std::error_code none;
  for (auto entry = fs::directory_iterator(device / "holders", none); entry != fs::directory_iterator();
       entry.increment(none)) {
    const auto mapped = read_value(entry->path() / "dm/name");
    const auto name = entry->path().filename().string();
    uses.push_back("held by " + (mapped.empty() ? name : std::format("{} ({})", name, printable(mapped, 80))));
  }
}

// Lines of proc(5)'s mountinfo: the third word is the device, the fifth where it is mounted.
void add_mounts(const std::string& mountinfo, const std::string& device, std::vector<std::string>& uses) {
  for (const auto line : split(mountinfo, '\n')) {
    const auto words = split(line, ' ');
    if (words.size() > 4 && words[2] == device) uses.push_back("mounted on " + printable(words[4], 80));
  }
}

void add_swap(const std::string& swaps, const std::string& name, std::vector<std::string>& uses) {
  for (const auto line : split(swaps, '\n'))
    if (line.starts_with("/dev/" + name + " ") || line.starts_with("/dev/" + name + "\t")) uses.emplace_back("swap");
}

}  // namespace

std::string used_by(const std::string& node, const fs::path& root) {
  const auto block = root / "sys/class/block";
  const auto mountinfo = read_file(root / "proc/self/mountinfo").value_or("");
  const auto swaps = read_file(root / "proc/swaps").value_or("");
  std::vector<std::string> uses;
  for (const auto& name : block_names(block, fs::path(node).filename().string())) {
    add_holders(block / name, uses);
    if (const auto device = read_value(block / name / "dev"); !device.empty()) add_mounts(mountinfo, device, uses);
    add_swap(swaps, name, uses);
  }
  return join(uses, ", ");
}

Result<bool> held_exclusively(const std::string& node) {
  const UniqueFd fd(::open(node.c_str(), O_RDONLY | O_EXCL | O_NONBLOCK | O_CLOEXEC));
  if (fd) return false;
  if (errno == EBUSY) return true;
  return fail_errno(node);
}

}  // namespace loam::diskmgr
