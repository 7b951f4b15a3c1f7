// loamctl disks: what the operator does with disks.
#pragma once

#include <CLI/CLI.hpp>

#include <functional>

#include "base/error.hpp"

namespace loam::node {

// Adds `disks` with what stands below it. chosen: what is to be run after the command line was read.
void add_disks(CLI::App& app, const bool& as_json, std::function<Result<void>()>& chosen);

}  // namespace loam::node
