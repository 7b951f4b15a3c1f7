// PEM (RFC 7468), strictly: blocks and nothing between them.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace loam::slots {

struct PemBlock {
  std::string label;  // "CERTIFICATE"
  std::vector<std::byte> data;
};

// At least one block; blank lines between blocks are left out.
Result<std::vector<PemBlock>> parse_pem(std::string_view text);

std::string to_pem(std::string_view label, std::span<const std::byte> data);

}  // namespace loam::slots
