#include "diskmgr/content.hpp"

#include <algorithm>
#include <array>
#include <format>
#include <nlohmann/json.hpp>
#include <span>

#include "base/text.hpp"
#include "base/whole_number.hpp"

namespace loam::diskmgr {

using nlohmann::json;

namespace {

constexpr std::array<std::string_view, 3> role_names = {"block", "db", "wal"};
constexpr std::size_t most_shown = 8;

std::string to_text(const Signature& signature) {
  auto text = printable(signature.kind, 100);
  if (!signature.label.empty()) text += std::format(" \"{}\"", printable(signature.label, 60));
  if (!signature.uuid.empty()) text += std::format(" (uuid {})", printable(signature.uuid, 40));
  return text;
}

// A disk with hundreds of partitions or volumes is said in one line too.
std::string list(std::vector<std::string> texts) {
  const auto count = texts.size();
  if (count > most_shown) {
    texts.resize(most_shown);
    texts.push_back(std::format("{} more", count - most_shown));
  }
  return join(texts, ", ");
}

}  // namespace

std::string_view role_name(CephRole role) { return role_names.at(static_cast<std::size_t>(role)); }

namespace {

bool no_new_ceph(const Content& before, const Content& now) {
  return std::ranges::all_of(now.ceph, [&](const auto& part) { return std::ranges::contains(before.ceph, part); });
}

}  // namespace

bool nothing_new(const Content& before, const Content& now) {
  return no_new_ceph(before, now) && std::ranges::all_of(now.signatures, [&](const auto& found) {
           return std::ranges::contains(before.signatures, found);
         });
}

bool remains(const Content& before, const Content& now) {
  constexpr std::array parts = {kind::unknown, kind::between_ends, kind::damaged_osd, kind::damaged_lvm};
  return no_new_ceph(before, now) && std::ranges::all_of(now.signatures, [&](const auto& found) {
           return std::ranges::contains(parts, found.kind) ||
                  std::ranges::any_of(before.signatures, [&](const auto& known) {
                    return known.kind == found.kind && known.uuid == found.uuid;
                  });
         });
}

std::string describe(const CephPart& part) {
  std::string text = part.role == CephRole::block ? "" : part.role == CephRole::db ? "database of " : "log of ";
  text += part.osd_id.empty() ? "a Ceph OSD" : "Ceph OSD " + printable(part.osd_id, 20);
  if (!part.ceph_fsid.empty()) text += " of cluster " + printable(part.ceph_fsid, 40);
  return text + (part.encrypted ? ", encrypted" : "");
}

std::string to_text(const Content& content) {
  std::vector<std::string> texts;
  texts.reserve(content.signatures.size());
  for (const auto& signature : content.signatures) texts.push_back(to_text(signature));
  std::vector<std::string> inside;
  for (const auto& part : content.ceph)
    if (!part.volume.empty() || part.encrypted) inside.push_back(describe(part));
  if (texts.empty()) return "nothing";
  return list(std::move(texts)) + (inside.empty() ? "" : " with " + list(std::move(inside)));
}

std::string to_json(const Content& content) {
  json value = {{"signatures", json::array()}, {"ceph", json::array()}};
  for (const auto& s : content.signatures)
    value["signatures"].push_back({{"kind", s.kind}, {"label", s.label}, {"uuid", s.uuid}, {"offset", s.offset}});
  for (const auto& part : content.ceph)
    value["ceph"].push_back({{"role", role_name(part.role)},
                             {"ceph_fsid", part.ceph_fsid},
                             {"osd_uuid", part.osd_uuid},
                             {"osd_id", part.osd_id},
                             {"volume", part.volume},
                             {"encrypted", part.encrypted},
                             {"offset", part.offset},
                             {"bytes", part.bytes}});
  // Labels may be no UTF-8.
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

namespace {

CephPart read_part(const json& part) {
  const auto role = std::ranges::find(role_names, part.at("role").get<std::string>()) - role_names.begin();
  return {.role = static_cast<CephRole>(std::min<std::ptrdiff_t>(role, role_names.size() - 1)),
          .ceph_fsid = part.at("ceph_fsid").get<std::string>(),
          .osd_uuid = part.at("osd_uuid").get<std::string>(),
          .osd_id = part.at("osd_id").get<std::string>(),
          .volume = part.at("volume").get<std::string>(),
          .encrypted = part.at("encrypted").get<bool>(),
          .offset = whole_number<std::uint64_t>(part.at("offset")),
          .bytes = whole_number<std::uint64_t>(part.at("bytes"))};
}

}  // namespace

Result<Content> parse_content(std::string_view text) {
  try {
    const auto value = json::parse(text);
    Content content;
    for (const auto& s : value.at("signatures"))
      content.signatures.push_back({s.at("kind").get<std::string>(), s.at("label").get<std::string>(),
                                    s.at("uuid").get<std::string>(), whole_number<std::uint64_t>(s.at("offset"))});
    for (const auto& part : value.at("ceph")) content.ceph.push_back(read_part(part));
    return content;
  } catch (const json::exception& problem) {
    return fail(std::format("content of a disk: {}", printable(problem.what())));
  }
}

}  // namespace loam::diskmgr
