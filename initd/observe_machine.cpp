#include "observe_machine.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/file.hpp"
#include "base/text.hpp"

namespace loam::node {

namespace {

std::string dmi(const char* name) {
  const auto text = read_file(std::string("/sys/class/dmi/id/") + name, 256);
  return text ? printable(trim(*text), 80) : std::string();
}

}  // namespace

std::string machine_json(const NodeFacts& node) {
  struct stat kvm{};
  const auto vendor = dmi("sys_vendor");
  const auto product = dmi("product_name");
  const auto pages = static_cast<std::uint64_t>(std::max(0L, ::sysconf(_SC_PHYS_PAGES)));
  const auto page = static_cast<std::uint64_t>(std::max(0L, ::sysconf(_SC_PAGESIZE)));
  const nlohmann::json value = {{"live", node.live},
                                {"console", node.console},
                                {"vip", node.vip},
                                {"product", vendor + (vendor.empty() || product.empty() ? "" : " ") + product},
                                {"serial", dmi("product_serial")},
                                {"processors", std::thread::hardware_concurrency()},
                                {"memory", pages * page},
                                {"kvm", ::stat("/dev/kvm", &kvm) == 0}};
  return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace loam::node
