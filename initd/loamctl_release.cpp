#include "loamctl_release.hpp"

#include <format>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "base/file.hpp"
#include "base/text.hpp"
#include "slots/release_build.hpp"
#include "slots/signed_release.hpp"
#include "slots/transfer.hpp"

namespace loam::node {

using nlohmann::json;

namespace {

struct Options {
  std::string directory;
  slots::ReleaseWords words;
  std::string revoked;
  std::string key;
  std::string chain;
  std::string signature;
  std::string trust = std::string(slots::trust_path);
};

void say(const slots::Manifest& manifest, const slots::Signer& signer, bool as_json) {
  if (as_json) {
    std::cout << json{{"version", manifest.version},
                      {"root_hash", to_hex(manifest.root_hash)},
                      {"signer", signer.name},
                      {"key", signer.key}}
                     .dump(2)
              << '\n';
    return;
  }
  std::cout << std::format("Loam {} for {}, kernel {}, root hash {}\n", manifest.version, manifest.machine,
                           manifest.kernel, to_hex(manifest.root_hash));
  if (!signer.name.empty()) std::cout << std::format("signed by \"{}\", key {}\n", signer.name, signer.key);
}

Result<void> build(Options& options, bool as_json) {
  if (!options.revoked.empty()) {
    LOAM_TRY(const auto text, read_file(options.revoked, slots::max_manifest_bytes));
    LOAM_TRY(options.words.revoked, slots::parse_revoked(text));
  }
  if (options.words.upgrade_from.empty()) options.words.upgrade_from = "0";
  if (options.words.floor.empty()) options.words.floor = "0";
  LOAM_TRY(const auto manifest, slots::describe_release(options.directory, options.words));
  const auto path = std::format("{}/loam-{}.json", options.directory, manifest.version);
  LOAM_CHECK(write_file_atomic(path, to_json(manifest)));
  say(manifest, {}, as_json);
  return {};
}

Result<std::string> new_signature(const Options& options, std::string_view manifest, const std::string& chain) {
  if (!options.signature.empty()) {
    LOAM_TRY(const auto der, read_file(options.signature, slots::max_signature_bytes));
    return slots::signature_file(der, chain);
  }
  if (options.key.empty()) return fail("neither --key nor --signature is given");
  LOAM_TRY(const auto key, read_file(options.key, slots::max_signature_bytes));
  return slots::sign_manifest(manifest, key, chain);
}

// What nobody would accept is not written.
Result<void> sign(const Options& options, bool as_json) {
  LOAM_TRY(const auto path, slots::find_manifest(options.directory));
  LOAM_TRY(const auto manifest, read_file(path, slots::max_manifest_bytes));
  LOAM_TRY(const auto chain, read_file(options.chain, slots::max_signature_bytes));
  LOAM_TRY(const auto signature, new_signature(options, manifest, chain));
  LOAM_TRY(const auto trust, slots::load_trust(options.trust));
  LOAM_TRY(const auto opened, slots::open_manifest(manifest, signature, trust));
  LOAM_CHECK(write_file_atomic(path.string() + ".sig", signature));
  say(opened.manifest, opened.signer, as_json);
  return {};
}

Result<void> verify(const Options& options, bool as_json) {
  LOAM_TRY(const auto trust, slots::load_trust(options.trust));
  LOAM_TRY(const auto opened, slots::open_release(options.directory, trust));
  const auto& release = opened.release;
  LOAM_CHECK(release.check_files());
  LOAM_TRY(auto tree, release.load_tree());
  LOAM_CHECK(slots::verify({.path = release.file("root"), .offset = 0}, tree, [](const slots::Progress&) {}));
  say(release.manifest(), opened.signer, as_json);
  return {};
}

void add_build(CLI::App& release, const std::shared_ptr<Options>& options, const bool& as_json,
               std::function<Result<void>()>& chosen) {
  auto* const command = release.add_subcommand("build", "write the manifest of the files in a directory");
  command->add_option("DIR", options->directory, "with loam-VERSION.efi, .boot.efi, .root and .verity")->required();
  command->add_option("--version", options->words.version, "of the release")->required();
  command->add_option("--kernel", options->words.kernel, "release of its Linux kernel");
  command->add_option("--kubernetes", options->words.kubernetes, "version that it carries");
  command->add_option("--config-version", options->words.config_versions, "of loam.yaml that it understands")
      ->required();
  command->add_option("--upgrade-from", options->words.upgrade_from, "oldest version that can be upgraded to it");
  command->add_option("--floor", options->words.floor, "nothing older is installed after it");
  command->add_option("--revoked", options->revoked, "file of keys that are trusted no more, a digest a line");
  command->callback(
      [&chosen, &as_json, options] { chosen = [&as_json, options] { return build(*options, as_json); }; });
}

void add_sign(CLI::App& release, const std::shared_ptr<Options>& options, const bool& as_json,
              std::function<Result<void>()>& chosen) {
  auto* const command = release.add_subcommand("sign", "sign the manifest in a directory");
  command->add_option("DIR", options->directory, "the release")->required();
  command->add_option("--key", options->key, "private key, ECDSA P-384, PEM");
  command->add_option("--signature", options->signature,
                      "in place of a key: what openssl dgst -sha384 -sign made of the manifest");
  command->add_option("--chain", options->chain, "certificates, PEM, the signer's first")->required();
  command->add_option("--trust", options->trust, "directory of the authorities that nodes trust")
      ->capture_default_str();
  command->callback([&chosen, &as_json, options] { chosen = [&as_json, options] { return sign(*options, as_json); }; });
}

}  // namespace

void add_release(CLI::App& app, const bool& as_json, std::function<Result<void>()>& chosen) {
  const auto options = std::make_shared<Options>();
  auto* const release = app.add_subcommand("release", "make, sign and check a release directory");
  release->require_subcommand(1);
  add_build(*release, options, as_json, chosen);
  add_sign(*release, options, as_json, chosen);
  auto* const command = release->add_subcommand("verify", "check signature and every byte of a release");
  command->add_option("DIR", options->directory, "the release")->required();
  command->add_option("--trust", options->trust, "directory of the authorities that are trusted")
      ->capture_default_str();
  command->callback(
      [&chosen, &as_json, options] { chosen = [&as_json, options] { return verify(*options, as_json); }; });
  release->footer(
      "Examples:\n  loamctl release build DIR --version 1.2.0 --config-version 1\n"
      "  loamctl release sign DIR --key signer.key --chain signer.pem --trust authorities\n"
      "  loamctl release verify DIR");
}

}  // namespace loam::node
