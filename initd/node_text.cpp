#include "node_text.hpp"

#include <algorithm>
#include <format>
#include <nlohmann/json.hpp>

#include "base/text.hpp"

namespace loam::node {

using nlohmann::json;

std::string table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (i == widths.size()) widths.push_back(0);
      widths[i] = std::max(widths[i], row[i].size());
    }
  std::string text;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) line += std::format("{:<{}}  ", row[i], widths[i]);
    text += std::string(line.substr(0, line.find_last_not_of(' ') + 1)) + "\n";
  }
  return text;
}

std::string progress_text(const Progress& progress) {
  if (progress.step.empty()) return "";
  if (progress.total == 0) return progress.summary;
  auto text = std::format("{}: {} of {} ({} %)", progress.summary, format_bytes(progress.done),
                          format_bytes(progress.total), progress.done * 100 / progress.total);
  if (progress.done >= progress.total || progress.seconds_left <= 0) return text;
  // The time left goes on at the speed there was.
  const auto speed = static_cast<double>(progress.total - progress.done) / progress.seconds_left;
  return text + std::format(", {}/s, {} left", format_bytes(static_cast<std::uint64_t>(speed)),
                            format_seconds(static_cast<std::uint64_t>(progress.seconds_left)));
}

std::string status_text(const NodeView& view) {
  std::string text = std::format("Loam {}  {}\n", view.version, view.state);
  if (!view.progress.step.empty()) text += "  " + progress_text(view.progress) + "\n";
  std::vector<std::vector<std::string>> rows;
  for (const auto& condition : view.conditions) {
    const auto* const mark = condition.status == "true" ? "ok" : condition.status == "false" ? "!!" : "..";
    // A message of several lines stays in its column.
    const auto lines = split(condition.message, '\n');
    rows.push_back({"  " + std::string(mark), condition.type, condition.reason, std::string(lines.front())});
    for (std::size_t i = 1; i < lines.size(); ++i) rows.push_back({"", "", "", std::string(lines[i])});
  }
  return text + table(rows);
}

json status_json(const NodeView& view) {
  json conditions = json::array();
  for (const auto& condition : view.conditions)
    conditions.push_back({{"type", condition.type},
                          {"status", condition.status},
                          {"reason", condition.reason},
                          {"message", condition.message}});
  const auto& progress = view.progress;
  return {{"version", view.version},
          {"state", view.state},
          {"conditions", std::move(conditions)},
          {"plan", view.plan},
          {"progress",
           {{"step", progress.step},
            {"summary", progress.summary},
            {"done", progress.done},
            {"total", progress.total},
            {"seconds_left", progress.seconds_left}}}};
}

namespace {

std::string or_dash(const json& object, const char* name) {
  const auto text = object.value(name, "");
  return text.empty() ? "-" : printable(text, 100);
}

std::string size_text(const json& disk) {
  const auto bytes = disk.value("bytes", std::uint64_t{0});
  return bytes == 0 ? "-" : format_bytes(bytes);
}

std::string kind_text(const json& disk) {
  return (disk.value("rotational", false) ? "hdd/" : "ssd/") + or_dash(disk, "bus");
}

json health_of(const json& disk) { return disk.value("health", json::object()); }

std::string hours_text(const json& health) {
  std::string text;
  if (health.contains("celsius")) text += std::format(", {} °C", health.at("celsius").get<int>());
  if (health.contains("power_on_hours")) text += std::format(", {} h", health.at("power_on_hours").get<std::int64_t>());
  if (health.contains("percent_used"))
    text += std::format(", {} % worn", health.at("percent_used").get<std::int64_t>());
  return text;
}

// Which OSD a disk is of, as far as is known; "?" in commands where it is not.
std::string osd_id_of(const json& disk) {
  if (const auto id = disk.value("osd_id", ""); !id.empty()) return id;
  for (const auto& part : disk.value("content", json::object()).value("ceph", json::array()))
    if (const auto id = part.value("osd_id", ""); !id.empty()) return id;
  return "?";
}

}  // namespace

std::string disks_text(const json& disks) {
  std::vector<std::vector<std::string>> rows = {
      {"ID", "SLOT", "SIZE", "KIND", "MODEL", "SERIAL", "HEALTH", "CLASS", "USE", "WHY"}};
  for (const auto& disk : disks)
    rows.push_back({or_dash(disk, "id"), or_dash(disk, "slot"), size_text(disk), kind_text(disk),
                    or_dash(disk, "model"), or_dash(disk, "serial"), or_dash(health_of(disk), "state"),
                    or_dash(disk, "class"), or_dash(disk, "use"), printable(disk.value("why", ""), 300)});
  return table(rows);
}

std::string disk_text(const json& disk) {
  const auto health = health_of(disk);
  return table(
      {{"disk", or_dash(disk, "id")},
       {"slot", or_dash(disk, "slot")},
       {"size", size_text(disk) + ", " + kind_text(disk)},
       {"model", or_dash(disk, "vendor") + " " + or_dash(disk, "model") + ", firmware " + or_dash(disk, "firmware")},
       {"serial", or_dash(disk, "serial")},
       {"health", or_dash(health, "state") + hours_text(health)},
       {"what it is", printable(disk.value("reason", ""), 400)},
       {"use", or_dash(disk, "use") + ": " + printable(disk.value("why", ""), 400)}});
}

std::string replace_steps(const json& disk) {
  const auto osd = osd_id_of(disk);
  const auto id = or_dash(disk, "id");
  const std::string ceph = "kubectl -n rook-ceph exec deploy/rook-ceph-tools -- ceph osd ";
  const auto slot = disk.value("slot", "");
  const auto place = std::format("{}, {}serial {}", id, slot.empty() ? "" : slot + ", ", or_dash(disk, "serial"));
  return std::format(
      "OSD {} on {} ({})\n"
      "1. While the disk still answers, let Ceph move its data away; then ask until it says that it is safe:\n"
      "     {}out {}\n"
      "     {}safe-to-destroy {}\n"
      "   A disk that is gone has nothing to move: wait until the placement groups are active+clean again.\n"
      "2. Remove the OSD from Ceph:\n"
      "     kubectl -n rook-ceph delete deploy rook-ceph-osd-{}\n"
      "     {}purge {} --yes-i-really-mean-it\n"
      "3. Find the disk, and pull it: {}\n"
      "     loamctl disks locate {}\n"
      "4. Drop it here, which frees its part of a metadata device:\n"
      "     loamctl disks replace {} --forget\n"
      "5. Put the new disk in. If it is blank and selected by storage.data it is claimed by itself; else:\n"
      "     loamctl disks\n     loamctl disks wipe ID\n",
      osd, id, or_dash(disk, "class"), ceph, osd, ceph, osd, osd, ceph, osd, place, id, id);
}

namespace {

std::string speed_text(std::int64_t megabits) { return megabits <= 0 ? "-" : format_speed(megabits); }

std::string words(const json& list) {
  std::string text;
  for (const auto& item : list) text += (text.empty() ? "" : " ") + item.get<std::string>();
  return text.empty() ? "-" : text;
}

}  // namespace

namespace {

// What a person at the rack looks for: which switch and port.
std::string neighbour_text(const json& link) {
  const auto found = link.find("neighbour");
  return found == link.end() ? "-" : printable(found->value("system", "") + " " + found->value("port", ""), 60);
}

// Of a NIC the one that loam.yaml matches: members of a bond all show the bond's as their own.
std::string mac_text(const json& link) {
  const auto permanent = link.value("permanent_mac", "");
  return permanent.empty() ? or_dash(link, "mac") : permanent;
}

std::string role_text(const json& link) {
  std::string text = or_dash(link, "master");
  if (const auto port = link.find("port"); port != link.end())
    text += port->value("active", false) ? " (active)" : port->value("working", false) ? " (standby)" : " (down)";
  return text;
}

std::string partners_text(const json& links) {
  std::vector<std::vector<std::string>> rows = {{"LACP MEMBER", "PARTNER", "KEY", "RATE", "STATE OF ITS PORT"}};
  for (const auto& link : links)
    if (const auto partner = link.find("lacp_partner"); partner != link.end())
      rows.push_back({or_dash(link, "name"), or_dash(*partner, "mac"), std::to_string(partner->value("key", 0)),
                      or_dash(*partner, "rate"), or_dash(*partner, "state")});
  return rows.size() == 1 ? "" : "\n" + table(rows);
}

}  // namespace

std::string links_text(const json& document) {
  std::vector<std::vector<std::string>> rows = {
      {"LINK", "KIND", "CARRIER", "SPEED", "MTU", "IN", "DRIVER", "PCI", "MAC", "NEIGHBOUR", "ADDRESSES"}};
  const auto& links = document.at("links");
  for (const auto& link : links)
    rows.push_back({or_dash(link, "name"), or_dash(link, "kind"), link.value("carrier", false) ? "yes" : "no",
                    speed_text(link.value("speed", std::int64_t{0})),
                    std::to_string(link.value("mtu", std::int64_t{0})), role_text(link), or_dash(link, "driver"),
                    or_dash(link, "pci"), mac_text(link), neighbour_text(link), words(link.at("addresses"))});
  auto text = table(rows) + partners_text(links);
  std::string said;
  for (const auto& finding : document.at("findings"))
    said +=
        std::format("  {} {}\n", finding.value("bad", false) ? "!!" : "..", printable(finding.value("text", ""), 400));
  for (const auto& probe : document.at("probes"))
    said += std::format("  {} {}\n",
                        probe.value("good", false)     ? "ok"
                        : probe.value("needed", false) ? "!!"
                                                       : "..",
                        printable(probe.value("text", ""), 400));
  return said.empty() ? text : text + "\n" + said;
}

std::string slots_text(const json& slots) {
  if (slots.value("live", false))
    return std::format("runs from a medium; root hash {}\n", slots.value("root_hash", ""));
  std::vector<std::vector<std::string>> rows = {{"SLOT", "VERSION", "RUNS", "STATE", "VERIFIED", "PARTITION"}};
  std::string problems;
  for (const auto& slot : slots.at("slots")) {
    rows.push_back({or_dash(slot, "slot"), or_dash(slot, "version"), slot.value("booted", false) ? "yes" : "no",
                    or_dash(slot, "text"), or_dash(slot, "verified_text"), or_dash(slot, "uuid")});
    if (const auto check = slot.value("verified", json()); check.is_object() && !check.value("good", true))
      problems += std::format("slot {}: {}\n", or_dash(slot, "slot"), printable(check.value("problem", ""), 600));
  }
  return table(rows) + problems;
}

std::string upgrade_progress_text(const json& now) {
  const auto total = now.value("total", std::uint64_t{0});
  auto text = now.value("step", "");
  if (total > 0)
    text += std::format(" {} of {}", format_bytes(now.value("done", std::uint64_t{0})), format_bytes(total));
  // In the line of an engine as in loamd's document.
  const auto& delta = now.contains("delta") ? now.at("delta") : now;
  if (delta.contains("fetched"))
    text += std::format(", {} reused, {} fetched, {} left", format_bytes(delta.value("reused", std::uint64_t{0})),
                        format_bytes(delta.value("fetched", std::uint64_t{0})),
                        format_bytes(delta.value("left", std::uint64_t{0})));
  const auto done = now.value("done", std::uint64_t{0});
  if (const auto left = now.value("seconds_left", 0.0); left >= 1 && total > done)
    text += std::format(", {}/s, {} to go",
                        format_bytes(static_cast<std::uint64_t>(static_cast<double>(total - done) / left)),
                        format_seconds(static_cast<std::uint64_t>(left)));
  return text;
}

std::string upgrade_text(const json& document) {
  std::vector<std::vector<std::string>> rows = {{"runs", or_dash(document, "running")},
                                                {"upgrade", or_dash(document, "state")}};
  const auto add = [&](const char* label, const std::string& text) {
    if (!text.empty()) rows.push_back({label, printable(text, 600)});
  };
  add("", document.value("message", ""));
  if (const auto offered = document.value("offered", ""); !offered.empty())
    add("offered", offered + "; loamctl upgrade plan says more");
  if (!document.value("step", "").empty()) add("now", upgrade_progress_text(document));
  add("failed", document.value("error", ""));
  add("not looked", document.value("check_error", ""));
  add("automatic", document.value("automatic", false) ? "yes" : "no");
  return table(rows);
}

std::string upgrade_plan_text(const json& plan) {
  auto text = printable(plan.value("version", ""), 80) + ", signed by " + printable(plan.value("signer", ""), 200) +
              "\n" + plan.value("plan", "");
  if (const auto bytes = plan.find("bytes"); bytes != plan.end()) {
    const auto get = [&](const char* name) { return format_bytes(bytes->value(name, std::uint64_t{0})); };
    text += std::format("  fetches {} of {}: {} of the root, {} of the tree, {} of the UKI\n", get("fetch"),
                        get("release"), get("root"), get("tree"), get("uki"));
  }
  for (const auto& remark : plan.value("remarks", json::array()))
    text += "  " + printable(remark.get<std::string>(), 400) + "\n";
  return text;
}

}  // namespace loam::node
