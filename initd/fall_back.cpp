#include "fall_back.hpp"

#include <algorithm>
#include <chrono>
#include <format>
#include <iostream>
#include <vector>

#include "base/file.hpp"
#include "base/text.hpp"
#include "slots/boot_entries.hpp"
#include "slots/boot_facts.hpp"
#include "slots/esp.hpp"
#include "slots/running_release.hpp"
#include "slots/upgrade_record.hpp"
#include "sys/subprocess.hpp"

namespace loam::node {

namespace {

// From the partition itself: /efi may be what hangs.
Result<std::vector<slots::BootEntry>> entries_on_esp() {
  LOAM_TRY(const auto text, read_file(slots::boot_facts_path));
  LOAM_TRY(const auto facts, slots::parse_boot_facts(text));
  LOAM_TRY(const auto names, slots::Esp::of_partition(facts.disk.esp).list("/EFI/Linux"));
  return slots::boot_entries(names);
}

// By a program with a time limit: a loamd that hangs does not answer, and this must go on.
std::string why_not_healthy() {
  const auto asked = sys::run({"loamctl", "health", "--trial"},
                              {.timeout = std::chrono::seconds(30), .input = {}, .environment = {}, .any_exit = true});
  if (!asked) return "loamd does not answer: " + asked.error().message();
  auto text = asked->code == 0 ? "the node became healthy only when its time was over" : asked->err;
  std::ranges::replace(text, '\n', ' ');
  return printable(trim(text), 1500);
}

// For the release that runs next, which says it to people. It must not keep the node from going back.
void note(const std::string& version) {
  const auto uptime = leading_number(read_file("/proc/uptime", 128).value_or(""));
  const slots::BootFailure failure{
      .version = version,
      .why = std::format("its health gate did not pass within {}: {}", format_seconds(uptime), why_not_healthy())};
  if (auto noted = write_file_atomic(slots::boot_failure_path, to_json(failure)); !noted)
    std::cerr << "loamctl: " << noted.error().text() << '\n';
}

}  // namespace

Result<std::string> fall_back() {
  LOAM_TRY(const auto entries, entries_on_esp());
  const auto version = slots::running_version();
  const auto own = std::ranges::find(entries, version, &slots::BootEntry::version);
  if (own == entries.end() || !own->tries_left) return std::format("Loam {} is not on trial; it stays up", version);
  const auto other =
      std::ranges::find_if(entries, [&](const auto& entry) { return slots::takes_over(entry, version); });
  if (other == entries.end())
    return "no other release can boot; this one stays up: loamctl status and loamctl logs say what is wrong";
  note(version);
  LOAM_CHECK(sys::run({"systemctl", "--no-block", "reboot"}));
  return std::format("restarting: when its tries are used up, Loam {} starts instead", other->version);
}

}  // namespace loam::node
