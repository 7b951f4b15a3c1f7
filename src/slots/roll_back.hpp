// Which of the two releases starts next, when a person says that it is to be the other one.
#pragma once

#include <optional>
#include <string>

#include "base/error.hpp"
#include "slots/esp_files.hpp"

namespace loam::slots {

struct RolledBack {
  std::string said;                  // for people
  std::optional<std::string> meant;  // version that is on trial from now on; none: what runs stays
};

// systemd-boot starts the newest release that is not retired, and a retired one when nothing else can be.
// Not while somebody else changes the ESP: a blessing writes a UKI anew that is put back in the same moment.
Result<RolledBack> roll_back(const EspFiles& esp, const std::string& running);

}  // namespace loam::slots
