#include "model/storage_rules.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace loam::model {

const StorageRules& rules_for(const Storage& storage, std::string_view hostname) {
  const auto named = std::ranges::find_if(storage.hosts, [&](const auto& entry) {
    return std::ranges::any_of(entry.hosts, [&](const auto& glob) { return glob_match(glob.str(), hostname); });
  });
  return named == storage.hosts.end() ? storage.rules : named->rules;
}

}  // namespace loam::model
