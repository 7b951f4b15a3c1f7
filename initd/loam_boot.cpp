// loam-boot: what the initrd does, in two steps.
//   loam-boot root    mounts the release that was booted on /sysroot
//   loam-boot state   mounts /loam, /var and /etc in it
// A step that cannot be done says why on every console and reboots after a while: nobody is there to type.
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <filesystem>
#include <format>
#include <iostream>
#include <thread>

#include "base/file.hpp"
#include "base/text.hpp"
#include "boot.hpp"
#include "slots/boot_entries.hpp"
#include "slots/upgrade_record.hpp"
#include "sys/efi.hpp"
#include "sys/subprocess.hpp"
#include "sys/udev.hpp"

namespace loam::boot {

void say(std::string_view text) {
  std::cerr << text << '\n';  // the journal
  // The kernel writes its log on every console that it has; priority 3 passes any quietness.
  const UniqueFd kmsg(::open("/dev/kmsg", O_WRONLY | O_CLOEXEC));
  const auto line = std::format("<3>loam: {}\n", text);
  if (kmsg && ::write(kmsg.get(), line.data(), line.size()) < 0) std::cerr << "cannot write to the kernel log\n";
}

std::string kernel_argument(std::string_view cmdline, std::string_view name) {
  std::string value;
  for (const auto word : split(cmdline, ' ')) {
    const auto argument = trim(word);
    if (argument == name) value = "1";
    if (argument.starts_with(name) && argument.substr(name.size()).starts_with('='))
      value = argument.substr(name.size() + 1);
  }
  return value;
}

Result<void> mount(const std::string& source, const std::string& target, const std::string& type, unsigned long flags,
                   const std::string& options) {
  std::error_code made;
  std::filesystem::create_directories(target, made);  // on a read-only root it must be there already
  if (::mount(source.c_str(), target.c_str(), type.c_str(), flags, options.c_str()) != 0)
    return fail_errno(std::format("mounting {} on {}", source, target));
  return {};
}

Result<void> mount_root(const std::string& data, const std::string& hashes, const std::string& root_hash) {
  if (!std::filesystem::exists("/dev/mapper/root"))
    LOAM_CHECK(sys::run({"veritysetup", "open", data, "root", hashes, root_hash},
                        {.timeout = std::chrono::seconds(120), .input = {}, .environment = {}}));
  if (auto mounted = mount("/dev/mapper/root", "/sysroot", "erofs", MS_RDONLY); !mounted)
    return std::unexpected(std::move(mounted).error().context(data).remedy(
        "what is there is not what was written; write the medium again or use another, or install again"));
  return {};
}

Result<void> retry_on_devices(std::chrono::seconds limit, const std::function<Result<void>()>& attempt) {
  using Clock = std::chrono::steady_clock;
  const auto started = Clock::now();
  const auto deadline = started + limit;
  LOAM_TRY(auto monitor, sys::BlockMonitor::start());
  auto said_at = started;
  std::string said;
  while (true) {
    auto done = attempt();
    const auto now = Clock::now();
    if (done || now >= deadline) return done;
    // In the first seconds most devices are not there yet: that is no news.
    const bool news = done.error().text() != said && now - started > std::chrono::seconds(10);
    if (news || now - said_at > std::chrono::seconds(10)) {
      said = done.error().text();
      said_at = now;
      const auto left = std::chrono::duration_cast<std::chrono::seconds>(deadline - now).count();
      say(std::format("{}; trying again for {} s", said, left));
    }
    monitor.wait(std::chrono::seconds(5));
  }
}

namespace {

constexpr std::string_view facts_path = slots::boot_facts_path;

[[noreturn]] void reboot_in(std::chrono::seconds delay) {
  std::this_thread::sleep_for(delay);  // for who reads what was said
  auto rebooted = sys::run({"systemctl", "--force", "reboot"});
  if (!rebooted) say(rebooted.error().text());
  std::exit(1);
}

std::string menu_words(slots::BootMenu menu) {
  return std::format("the boot menu comes next{}: choose a slot there",
                     menu == slots::BootMenu::timed ? std::format(", for {}", slots::menu_limit) : " and stays");
}

// What cannot be counted keeps no node from starting.
void lead_to_menu(const Result<slots::BootMenu>& menu, std::string_view when) {
  if (!menu) say(menu.error().text());
  if (!menu || *menu == slots::BootMenu::none) return;
  say(std::format("{} starts in a row ended {}; {}", *menu == slots::BootMenu::timed ? "three" : "six", when,
                  menu_words(*menu)));
  reboot_in(std::chrono::seconds(10));
}

bool is_live() { return !kernel_argument(read_file("/proc/cmdline", 65536).value_or(""), "loam.live").empty(); }

Result<void> root_step() {
  LOAM_TRY(const auto cmdline, read_file("/proc/cmdline", 65536));
  slots::BootFacts facts;
  facts.root_hash = kernel_argument(cmdline, "roothash");
  facts.live = is_live();
  if (facts.root_hash.empty()) return fail("the kernel command line has no roothash=", "the UKI is not one of Loam's");
  if (facts.live) {
    sd_notify(0, "EXTEND_TIMEOUT_USEC=21600000000");  // six hours
  } else {
    LOAM_CHECK(mount_efi_variables());
    lead_to_menu(count_early_start(), "before its root was mounted");
  }
  LOAM_CHECK(facts.live ? live_root(facts.root_hash, facts) : installed_root(facts.root_hash, facts));
  return write_file_atomic(facts_path, to_json(facts));
}

// What cannot be remembered keeps no node from starting.
void remember_boot() {
  if (auto followed = follow_release("/sysroot"); !followed) say(followed.error().text());
  if (auto noted = note_trial("/sysroot"); !noted) say(noted.error().text());
  lead_to_menu(count_boot("/sysroot"), "within 15 minutes");
}

// For the release that runs after this one. systemd-boot counts the tries, and nobody else can say why.
// uki: as systemd-boot names it, "\EFI\Linux\loam-1.5.0+2-1.efi".
void note_failure(const std::string& uki, const Error& error) {
  const auto entry = slots::parse_boot_entry(std::string_view(uki).substr(uki.find_last_of("\\/") + 1));
  if (!entry) return say("no note of it is left: the boot loader counts the tries of " + printable(uki, 200));
  const auto note = entry->version + "\n" + printable(error.text(), 1000);
  if (auto noted = sys::write_efi_variable(slots::boot_failure_variable, sys::loam_vendor, note); !noted)
    say(noted.error().text());
}

Result<void> state_step() {
  LOAM_TRY(const auto text, read_file(facts_path));
  LOAM_TRY(auto facts, slots::parse_boot_facts(text));
  LOAM_CHECK(mount_state(facts));
  if (!facts.live && facts.keeps) remember_boot();
  if (!facts.live)
    if (auto forgot = forget_early_starts(); !forgot) say(forgot.error().text());
  for (const auto& problem : facts.problems) say(problem);
  return write_file_atomic(facts_path, to_json(facts));
}

[[noreturn]] void give_up(const Error& error) {
  say("cannot boot: " + error.text());
  // With a boot counter running, the next try is this slot's or the other's: no use in waiting long.
  const auto uki = sys::read_efi_text("LoaderBootCountPath", sys::loader_vendor).value_or(std::nullopt);
  const bool counting = uki.has_value();
  if (counting) note_failure(*uki, error);
  if (counting) {
    say("rebooting in 10 seconds");
    reboot_in(std::chrono::seconds(10));
  }
  if (is_live()) {
    say("rebooting in 5 minutes; switch off to stop");
    reboot_in(std::chrono::minutes(5));
  }
  // A release that had proven itself: the other slot may be whole, and a person is to say so.
  const auto asked = ask_for_menu(slots::BootMenu::timed);
  if (!asked) say(asked.error().text());
  say("rebooting in 1 minute" + (asked ? "; " + menu_words(slots::BootMenu::timed) : std::string()));
  reboot_in(std::chrono::minutes(1));
}

// systemd comes here when a unit of the initrd fails that it cannot do without, as where the root cannot be read.
Error emergency() {
  const auto failed = sys::run({"systemctl", "list-units", "--failed", "--plain", "--no-legend"});
  std::vector<std::string> units;
  const std::string text = failed ? failed->out : "";
  for (const auto line : split(text, '\n'))
    if (!trim(line).empty()) units.emplace_back(line.substr(0, line.find(' ')));
  return Error(units.empty() ? "systemd cannot go on" : "systemd cannot go on without " + join(units, ", "),
               "the messages above say why; the root may be damaged: loamctl slots verify");
}

}  // namespace

}  // namespace loam::boot

int main(int argc, char** argv) {
  try {
    const std::string_view step = argc == 2 ? argv[1] : "";
    if (step == "emergency") loam::boot::give_up(loam::boot::emergency());
    if (step != "root" && step != "state") {
      std::cerr << "usage: loam-boot root|state|emergency\n";
      return 2;
    }
    auto done = step == "root" ? loam::boot::root_step() : loam::boot::state_step();
    if (!done) loam::boot::give_up(done.error());
    return 0;
  } catch (const std::exception& problem) {
    loam::boot::give_up(loam::Error(problem.what()));
  }
}
