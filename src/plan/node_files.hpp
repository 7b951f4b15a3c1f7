// The files in /etc that follow from loam.yaml alone. Pure: loam-render writes them before PID 1 reads them, loamd
// compares them with what is there.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "model/config.hpp"

namespace loam::plan {

// In place of a unit: udev, which gives NICs the names that .link files say.
inline constexpr std::string_view nic_names = "names of NICs";

struct RenderedFile {
  std::string path;  // absolute
  std::string content;
  unsigned mode = 0644;
  std::string unit;  // the unit that must reload or restart to see it; empty: none
  bool operator==(const RenderedFile&) const = default;
};

// Host name, ssh keys, time and proxy. `fallback_hostname` is used where loam.yaml has none.
std::vector<RenderedFile> render_node_files(const model::Config& config, const std::string& fallback_hostname);

}  // namespace loam::plan
