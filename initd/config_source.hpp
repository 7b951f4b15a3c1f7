// Where live media find loam.yaml: a credential, a volume labelled LOAM or CIDATA, or the URL in loam.config=.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace loam::node {

struct ConfigText {
  std::string text;
  std::string name;  // where it came from, for messages
};

// A local one, if there is any; an error if there is one that cannot be read.
Result<std::optional<ConfigText>> find_local_config();

// As loam.yaml on the volume labelled LOAM; what it is called, for people. What was there before is replaced.
Result<std::string> save_config(const std::string& text);

// A file, under its own name, onto that volume; where it is, for people.
Result<std::string> copy_to_volume(const std::filesystem::path& file);

// The URL of loam.config= with ${mac}, ${serial}, ${uuid} and ${hostname} filled in; empty if the argument is absent.
Result<std::string> config_url();

// The program that fetches it to standard output. who: "boot" or "console", which may fetch at the same time.
Result<std::vector<std::string>> fetch_argv(const std::string& url, std::string_view who);

}  // namespace loam::node
