// loamctl upgrade: looks for a release, shows what it would do, starts it, and goes back.
#pragma once

#include <CLI/CLI.hpp>

#include <functional>

#include "base/error.hpp"

namespace loam::node {

// Adds `upgrade` with what stands below it. chosen: what is to be run after the command line was read.
void add_upgrade(CLI::App& app, const bool& as_json, std::function<Result<void>()>& chosen);

}  // namespace loam::node
