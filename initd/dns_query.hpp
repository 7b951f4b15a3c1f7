// One question to one DNS server: does it answer at all? (RFC 1035)
#pragma once

#include <chrono>
#include <string>

#include "base/error.hpp"

namespace loam::node {

// Asks for the name servers of the root, twice at most, each time for so long.
Result<void> ask_dns(const std::string& server, std::chrono::milliseconds limit);

}  // namespace loam::node
