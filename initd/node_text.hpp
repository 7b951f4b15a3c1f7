// A node as text for people: what loamctl prints and the console shows. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "node_client.hpp"

namespace loam::node {

// Columns as wide as their longest cell, two blanks between them.
std::string table(const std::vector<std::vector<std::string>>& rows);

std::string status_text(const NodeView& view);
nlohmann::json status_json(const NodeView& view);
// "fill-slot 3/10 ...: 120.0 MiB of 400.0 MiB (30 %), 12 s left"; empty if nothing is going on.
std::string progress_text(const Progress& progress);
// The documents of the D-Bus properties.
std::string disks_text(const nlohmann::json& disks);
// One of the disks, in several lines.
std::string disk_text(const nlohmann::json& disk);
// What to do about an OSD whose disk failed or is gone.
std::string replace_steps(const nlohmann::json& disk);
std::string links_text(const nlohmann::json& links);
std::string slots_text(const nlohmann::json& slots);
std::string upgrade_text(const nlohmann::json& document);
// One line: of loamd's document or of a line of loam-upgrade.
std::string upgrade_progress_text(const nlohmann::json& now);
// What loam-upgrade plan found.
std::string upgrade_plan_text(const nlohmann::json& plan);

}  // namespace loam::node
