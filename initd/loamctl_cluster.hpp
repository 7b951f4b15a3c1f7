// loamctl cluster: what the operator does with the Kubernetes cluster that this node is in.
#pragma once

#include <CLI/CLI.hpp>

#include <functional>

#include "base/error.hpp"

namespace loam::node {

// Adds `cluster` with what stands below it. chosen: what is to be run after the command line was read.
void add_cluster(CLI::App& app, const bool& as_json, std::function<Result<void>()>& chosen);

}  // namespace loam::node
