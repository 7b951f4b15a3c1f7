#include "diskmgr/health.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <format>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "base/text.hpp"
#include "base/whole_number.hpp"

namespace loam::diskmgr {

using nlohmann::json;

namespace {

constexpr std::array<std::string_view, 4> state_names = {"unknown", "good", "warning", "failing"};
constexpr double kelvin = 273.15;

// Numbers of 128 bits come as text.
std::optional<std::int64_t> as_number(const json& value) {
  if (value.is_number_unsigned() || value.is_number_integer()) return whole_number<std::int64_t>(value);
  if (!value.is_string()) return std::nullopt;
  const auto& text = value.get_ref<const std::string&>();
  std::int64_t parsed = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), parsed);
  if (end.ec != std::errc() || end.ptr != text.data() + text.size()) return std::nullopt;
  return parsed;
}

// "a", "b", "c" -> value.a.b.c, if it is all there and a number.
std::optional<std::int64_t> number_at(const json& value, std::initializer_list<const char*> keys) {
  const auto* at = &value;
  for (const auto* const key : keys) {
    if (!at->is_object()) return std::nullopt;
    const auto found = at->find(key);
    if (found == at->end()) return std::nullopt;
    at = &*found;
  }
  return as_number(*at);
}

// What was found, and how bad the worst of it is.
class Findings {
 public:
  void add(HealthState state, std::string text) {
    worst_ = std::max(worst_, state);
    texts_.push_back(std::move(text));
  }
  void warn_if(std::optional<std::int64_t> count, std::string_view what) {
    if (count.value_or(0) > 0) add(HealthState::warning, std::format("{} {}", *count, what));
  }
  void put_into(Health& health) const {
    health.state = std::max(health.state, worst_);
    health.why = join(texts_, "; ");
  }

 private:
  HealthState worst_ = HealthState::unknown;
  std::vector<std::string> texts_;
};

// Attributes of ATA disks that come before the end (ids as in smartctl's own table).
void read_attributes(const json& document, Findings& findings) {
  const auto table = document.find("ata_smart_attributes");
  if (table == document.end() || !table->is_object()) return;
  for (const auto& attribute : table->value("table", json::array())) {
    const auto id = number_at(attribute, {"id"});
    const auto raw = number_at(attribute, {"raw", "value"});
    if (id == 5) findings.warn_if(raw, "sectors were replaced");
    if (id == 197) findings.warn_if(raw, "sectors wait to be replaced");
    if (id == 198) findings.warn_if(raw, "sectors could not be read");
  }
}

template <typename Read>
Result<Health> parsed(std::string_view text, const char* what, Read read) {
  const auto document = json::parse(text, nullptr, false);
  if (!document.is_object()) return fail(std::format("{}: no JSON object in its answer", what));
  try {
    return read(document);
  } catch (const json::exception& problem) {
    return fail(std::format("{}: {}", what, printable(problem.what())));
  }
}

Health read_smartctl(const json& document) {
  Health health;
  Findings findings;
  const auto status = document.value("smart_status", json::object());
  if (status.is_object() && status.contains("passed") && status.at("passed").is_boolean()) {
    health.state = HealthState::good;
    if (!status.at("passed").get<bool>()) findings.add(HealthState::failing, "SMART says that it fails");
  }
  read_attributes(document, findings);
  findings.warn_if(number_at(document, {"scsi_grown_defect_list"}), "sectors were replaced");
  for (const auto* const operation : {"read", "write", "verify"})
    findings.warn_if(number_at(document, {"scsi_error_counter_log", operation, "total_uncorrected_errors"}),
                     std::format("errors of {} could not be corrected", operation));
  findings.put_into(health);
  // Disks without a sensor say 0.
  if (const auto celsius = number_at(document, {"temperature", "current"}).value_or(0); celsius > 0 && celsius < 200)
    health.celsius = static_cast<int>(celsius);
  health.power_on_hours = number_at(document, {"power_on_time", "hours"});
  health.percent_used = number_at(document, {"scsi_percentage_used_endurance_indicator"});
  return health;
}

// Bits of the critical warning (NVMe base specification 2.0, figure 208).
void read_critical(std::int64_t bits, Findings& findings) {
  constexpr std::array<std::pair<std::int64_t, std::string_view>, 6> meanings = {
      {{1, "its spare blocks are used up"},
       {2, "it is too hot or too cold"},
       {4, "it is not reliable any more"},
       {8, "it takes no more writes"},
       {16, "its cache is no longer kept through a power cut"},
       {32, "its persistent memory takes no more writes"}}};
  for (const auto& [bit, text] : meanings)
    if ((bits & bit) != 0) findings.add(bit == 2 ? HealthState::warning : HealthState::failing, std::string(text));
}

Health read_nvme(const json& document) {
  Health health;
  const auto critical = document.contains("critical_warning") && document.at("critical_warning").is_object()
                            ? number_at(document, {"critical_warning", "value"})
                            : number_at(document, {"critical_warning"});
  if (!critical) return health;
  health.state = HealthState::good;
  Findings findings;
  read_critical(*critical, findings);
  findings.warn_if(number_at(document, {"media_errors"}), "blocks could not be read");
  health.percent_used = number_at(document, {"percent_used"});
  if (health.percent_used.value_or(0) >= 100)
    findings.add(HealthState::warning, std::format("{} % of its endurance are used", *health.percent_used));
  findings.put_into(health);
  if (const auto degrees = number_at(document, {"temperature"}).value_or(0); degrees > 0 && degrees < 1000)
    health.celsius = static_cast<int>(static_cast<double>(degrees) - kelvin);
  health.power_on_hours = number_at(document, {"power_on_hours"});
  return health;
}

}  // namespace

std::string_view state_name(HealthState state) { return state_names.at(static_cast<std::size_t>(state)); }

Result<Health> parse_smartctl(std::string_view text) { return parsed(text, "smartctl", read_smartctl); }

Result<Health> parse_nvme(std::string_view text) { return parsed(text, "nvme", read_nvme); }

std::string to_json(const Health& health) {
  json value = {{"state", state_name(health.state)}, {"why", health.why}};
  if (health.celsius) value["celsius"] = *health.celsius;
  if (health.power_on_hours) value["power_on_hours"] = *health.power_on_hours;
  if (health.percent_used) value["percent_used"] = *health.percent_used;
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

Result<Health> parse_health(std::string_view text) {
  return parsed(text, "health of a disk", [](const json& value) {
    const auto state = std::ranges::find(state_names, value.value("state", "")) - state_names.begin();
    Health health{.state = static_cast<HealthState>(state % std::ssize(state_names)),
                  .why = value.value("why", ""),
                  .celsius = {},
                  .power_on_hours = number_at(value, {"power_on_hours"}),
                  .percent_used = number_at(value, {"percent_used"})};
    if (const auto celsius = number_at(value, {"celsius"})) health.celsius = static_cast<int>(*celsius);
    return health;
  });
}

}  // namespace loam::diskmgr
