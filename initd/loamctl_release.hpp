// loamctl release: makes, signs and checks a release directory. Needs no node.
#pragma once

#include <CLI/CLI.hpp>

#include <functional>

#include "base/error.hpp"

namespace loam::node {

// Adds `release` with what stands below it. chosen: what is to be run after the command line was read.
void add_release(CLI::App& app, const bool& as_json, std::function<Result<void>()>& chosen);

}  // namespace loam::node
