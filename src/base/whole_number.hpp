// Whole numbers out of JSON from outside.
#pragma once

#include <nlohmann/json.hpp>
#include <utility>

namespace loam {

// get<T>() casts whatever number there is, and 1e64 cast to an int is undefined. This throws nlohmann::json::exception,
// as get<T>() does for what is no number, if it is none or does not fit.
template <typename T>
T whole_number(const nlohmann::json& value) {
  if (value.is_number_unsigned()) {
    if (const auto number = value.get<std::uint64_t>(); std::in_range<T>(number)) return static_cast<T>(number);
  } else if (value.is_number_integer()) {
    if (const auto number = value.get<std::int64_t>(); std::in_range<T>(number)) return static_cast<T>(number);
  }
  throw nlohmann::json::type_error::create(302, "a whole number in range was expected", &value);
}

}  // namespace loam
