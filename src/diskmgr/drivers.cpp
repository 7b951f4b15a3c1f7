#include "diskmgr/drivers.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace loam::diskmgr {

namespace fs = std::filesystem;

std::vector<std::string> disk_modules(const std::string& node, const fs::path& sys) {
  std::vector<std::string> modules;
  std::error_code problem;
  const auto top = fs::canonical(sys, problem);
  auto device = fs::canonical(sys / "class/block" / fs::path(node).filename() / "device", problem);
  for (; !problem && device.native().size() > top.native().size(); device = device.parent_path()) {
    std::error_code none;
    // What is built into the kernel may have a module's folder too, but was never loaded.
    if (!fs::exists(device / "driver/module/initstate", none)) continue;
    const auto name = fs::read_symlink(device / "driver/module", none).filename().string();
    if (std::ranges::find(modules, name) == modules.end()) modules.push_back(name);
  }
  return modules;
}

std::vector<std::string> modules_not_in(const std::vector<std::string>& modules, std::string_view listed) {
  const auto known = split(listed, '\n');
  std::vector<std::string> missing;
  for (const auto& module : modules)
    if (std::ranges::find(known, module) == known.end()) missing.push_back(module);
  return missing;
}

}  // namespace loam::diskmgr
