#include "slots/manifest.hpp"

#include <array>
#include <format>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "base/whole_number.hpp"
#include "slots/version.hpp"

namespace loam::slots {

using nlohmann::json;

namespace {

constexpr std::array<std::string_view, 4> suffixes = {"efi", "boot.efi", "root", "verity"};
constexpr std::size_t max_salt = 256;

std::string text_of(const json& value) { return value.get<std::string>(); }

Result<std::string> digest_text(const json& value) {
  auto text = text_of(value);
  LOAM_CHECK(parse_digest(text));
  return lower(std::move(text));
}

Result<std::string> version_text(const json& parent, const char* name) {
  auto text = text_of(parent.at(name));
  if (!is_version(text)) return fail(std::format("manifest: {} \"{}\" is no version", name, printable(text, 80)));
  return text;
}

Result<void> read_files(const json& files, Manifest& manifest) {
  for (const auto suffix : suffixes) {
    const auto& file = files.at(std::string(suffix));
    auto& entry = manifest.files[std::string(suffix)];
    entry.size = whole_number<std::uint64_t>(file.at("size"));
    LOAM_TRY(entry.sha256, digest_text(file.at("sha256")));
  }
  const auto root = manifest.files.at("root").size;
  if (root == 0 || root % block_size != 0)
    return fail(std::format("manifest: a root of {} bytes; it must be whole blocks of {}", root, block_size));
  return {};
}

// In order and without gaps, so that the sections are the file.
Result<void> read_uki(const json& sections, Manifest& manifest) {
  const auto size = manifest.files.at("efi").size;
  std::uint64_t at = 0;
  for (const auto& one : sections) {
    UkiSection section{.name = printable(text_of(one.at("name")), 40),
                       .offset = at,
                       .bytes = whole_number<std::uint64_t>(one.at("bytes")),
                       .sha256 = {}};
    LOAM_TRY(section.sha256, digest_text(one.at("sha256")));
    if (section.bytes == 0 || section.bytes > size - at)
      return fail("manifest: the sections of the UKI are not its size");
    at += section.bytes;
    manifest.uki.push_back(std::move(section));
  }
  if (at != size) return fail("manifest: the sections of the UKI are not its size");
  return {};
}

Result<void> read_copies(const json& copies, Manifest& manifest) {
  const auto uki = manifest.files.at("efi").size;
  const auto root = manifest.files.at("root").size;
  std::uint64_t at = 0;
  for (const auto& one : copies) {
    const RootCopy copy{.offset = whole_number<std::uint64_t>(one.at(0)),
                        .root = whole_number<std::uint64_t>(one.at(1)),
                        .bytes = whole_number<std::uint64_t>(one.at(2))};
    const bool fits = copy.offset >= at && copy.offset <= uki && copy.bytes <= uki - copy.offset && copy.root <= root &&
                      copy.bytes <= root - copy.root;
    if (!fits || copy.bytes == 0) return fail("manifest: what the UKI has of the root is not in order, or not there");
    at = copy.offset + copy.bytes;
    manifest.uki_in_root.push_back(copy);
  }
  return {};
}

Result<void> read_versions(const json& value, Manifest& manifest) {
  LOAM_TRY(manifest.version, version_text(value, "version"));
  LOAM_TRY(manifest.upgrade_from, version_text(value, "upgrade_from"));
  LOAM_TRY(manifest.floor, version_text(value, "floor"));
  manifest.machine = printable(text_of(value.at("machine")), 40);
  manifest.kernel = printable(text_of(value.at("kernel")), 80);
  manifest.kubernetes = text_of(value.at("kubernetes"));
  if (!manifest.kubernetes.empty() && !is_version(manifest.kubernetes))
    return fail(std::format("manifest: kubernetes \"{}\" is no version", printable(manifest.kubernetes, 80)));
  for (const auto& one : value.at("config_versions")) manifest.config_versions.push_back(whole_number<int>(one));
  return {};
}

Result<void> read_verity(const json& verity, Manifest& manifest) {
  LOAM_TRY(manifest.root_hash, parse_digest(text_of(verity.at("root_hash"))));
  LOAM_TRY(manifest.salt, from_hex(text_of(verity.at("salt"))));
  if (manifest.salt.size() > max_salt) return fail(std::format("manifest: {} bytes of salt", manifest.salt.size()));
  if (const auto bytes = whole_number<std::uint64_t>(verity.at("block_size")); bytes != block_size)
    return fail(std::format("manifest: blocks of {} bytes, expected {}", bytes, block_size));
  return {};
}

Result<Manifest> read_members(const json& value) {
  if (const auto format = whole_number<int>(value.at("format")); format != 1)
    return fail(std::format("manifest: format {}, this release of Loam reads 1", format),
                "upgrade to a release that reads it first");
  Manifest manifest;
  LOAM_CHECK(read_versions(value, manifest));
  for (const auto& key : value.at("revoked")) {
    LOAM_TRY(auto digest, digest_text(key));
    manifest.revoked.insert(std::move(digest));
  }
  LOAM_CHECK(read_verity(value.at("verity"), manifest));
  LOAM_CHECK(read_files(value.at("files"), manifest));
  LOAM_CHECK(read_uki(value.at("uki"), manifest));
  // It only saves fetching: releases before it have none.
  if (value.contains("uki_in_root")) LOAM_CHECK(read_copies(value.at("uki_in_root"), manifest));
  return manifest;
}

}  // namespace

Result<Manifest> parse_manifest(std::string_view text) {
  if (text.size() > max_manifest_bytes)
    return fail(std::format("manifest: {} bytes, at most {} are read", text.size(), max_manifest_bytes));
  try {
    return read_members(json::parse(text));
  } catch (const json::exception& problem) {
    return fail(std::format("manifest: {}", printable(problem.what())));
  }
}

std::string to_json(const Manifest& manifest) {
  json files = json::object();
  for (const auto& [suffix, file] : manifest.files) files[suffix] = {{"size", file.size}, {"sha256", file.sha256}};
  json uki = json::array();
  for (const auto& section : manifest.uki)
    uki.push_back({{"name", section.name}, {"bytes", section.bytes}, {"sha256", section.sha256}});
  json copies = json::array();
  for (const auto& copy : manifest.uki_in_root) copies.push_back(json::array({copy.offset, copy.root, copy.bytes}));
  const json value = {
      {"format", 1},
      {"version", manifest.version},
      {"machine", manifest.machine},
      {"kernel", manifest.kernel},
      {"kubernetes", manifest.kubernetes},
      {"config_versions", manifest.config_versions},
      {"upgrade_from", manifest.upgrade_from},
      {"floor", manifest.floor},
      {"revoked", manifest.revoked},
      {"verity",
       {{"root_hash", to_hex(manifest.root_hash)}, {"salt", to_hex(manifest.salt)}, {"block_size", block_size}}},
      {"files", files},
      {"uki", uki},
      {"uki_in_root", copies}};
  return value.dump() + "\n";
}

}  // namespace loam::slots
