#include "diskmgr/content.hpp"

#include <format>
#include <nlohmann/json.hpp>

#include "base/text.hpp"

namespace loam::diskmgr {

using nlohmann::json;

namespace {

std::string to_text(const Signature& signature) {
  auto text = printable(signature.kind, 100);
  if (!signature.label.empty()) text += std::format(" \"{}\"", printable(signature.label, 40));
  if (!signature.uuid.empty()) text += std::format(" (uuid {})", printable(signature.uuid, 40));
  return text;
}

}  // namespace

std::string to_text(const Content& content) {
  std::vector<std::string> texts;
  texts.reserve(content.signatures.size());
  for (const auto& signature : content.signatures) texts.push_back(to_text(signature));
  return texts.empty() ? "nothing" : join(texts, ", ");
}

std::string to_json(const Content& content) {
  json value = {{"signatures", json::array()}, {"osd", nullptr}};
  for (const auto& s : content.signatures)
    value["signatures"].push_back({{"kind", s.kind}, {"label", s.label}, {"uuid", s.uuid}, {"offset", s.offset}});
  if (const auto& osd = content.osd)
    value["osd"] = {{"osd_uuid", osd->osd_uuid},
                    {"bytes", osd->bytes},
                    {"description", osd->description},
                    {"ceph_fsid", osd->ceph_fsid},
                    {"whoami", osd->whoami}};
  // Labels may be no UTF-8.
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

Result<Content> parse_content(std::string_view text) {
  try {
    const auto value = json::parse(text);
    Content content;
    for (const auto& s : value.at("signatures"))
      content.signatures.push_back({s.at("kind").get<std::string>(), s.at("label").get<std::string>(),
                                    s.at("uuid").get<std::string>(), s.at("offset").get<std::uint64_t>()});
    if (const auto& osd = value.at("osd"); !osd.is_null())
      content.osd = BluestoreLabel{.osd_uuid = osd.at("osd_uuid").get<std::string>(),
                                   .bytes = osd.at("bytes").get<std::uint64_t>(),
                                   .description = osd.at("description").get<std::string>(),
                                   .ceph_fsid = osd.at("ceph_fsid").get<std::string>(),
                                   .whoami = osd.at("whoami").get<std::string>()};
    return content;
  } catch (const json::exception& problem) {
    return fail(std::format("content of a disk: {}", printable(problem.what())));
  }
}

}  // namespace loam::diskmgr
