// loam-claim: takes one disk for Ceph, by its identity. loamd runs it as a child; each step is a line of JSON on
// standard output, as is what went wrong.
#include <CLI/CLI.hpp>

#include <linux/fs.h>
#include <sys/ioctl.h>

#include <cstdint>
#include <format>
#include <iostream>
#include <nlohmann/json.hpp>

#include "base/file.hpp"
#include "base/guard.hpp"
#include "diskmgr/claim.hpp"
#include "diskmgr/disk_table.hpp"
#include "diskmgr/observe.hpp"

namespace {

using namespace loam;
using nlohmann::json;

struct Options {
  std::string id;
  std::string expected;
  std::string consent = "none";
};

void say(const json& line) {
  std::cout << line.dump(-1, ' ', false, json::error_handler_t::replace) << '\n' << std::flush;
}

Result<diskmgr::Disk> disk_named(const std::string& id) {
  LOAM_TRY(auto all, diskmgr::enumerate());
  diskmgr::DiskTable table;
  for (auto& facts : all) table.put(std::move(facts));
  if (auto found = table.named(id); found && found->facts.id == id) return *std::move(found);
  return fail(std::format("no disk is {}, or more than one; nothing was written", id),
              "it was taken out or has a twin; loamctl disks shows what is there");
}

// udev may be behind what the kernel knows: the number that the kernel gave the open disk must be the one that udev's
// facts are about.
Result<void> check_identity(int fd, const diskmgr::Disk& meant) {
  const auto& facts = meant.facts;
  LOAM_TRY(const auto now, disk_named(facts.id));
  std::uint64_t diskseq = 0;
  if (::ioctl(fd, BLKGETDISKSEQ, &diskseq) != 0) return fail_errno(facts.node);
  if (now.facts.node == facts.node && now.facts.diskseq == facts.diskseq && diskseq == facts.diskseq) return {};
  return fail(std::format("{} is {} (number {}) now and was {} (number {}); nothing was written", facts.id,
                          now.facts.node, diskseq, facts.node, facts.diskseq),
              "disks were added or removed meanwhile; try again");
}

diskmgr::Consent consent_of(const std::string& name) {
  if (name == "none") return diskmgr::Consent::none;
  return name == "given" ? diskmgr::Consent::given : diskmgr::Consent::begun;
}

Result<diskmgr::Content> claim(const Options& options) {
  diskmgr::ClaimOrder order;
  order.consent = consent_of(options.consent);
  if (!options.expected.empty()) {
    LOAM_TRY(const auto text, read_file(options.expected));
    LOAM_TRY(order.expected, diskmgr::parse_content(text));
  }
  LOAM_TRY(const auto meant, disk_named(options.id));
  // What is on it is looked at under the lock.
  if (meant.cls != diskmgr::Class::unread)
    return fail(std::format("{}: {}; nothing was written", options.id, meant.reason));
  order.nodes = meant.facts.paths;
  return diskmgr::claim_disk(order, {.say = [](std::string_view step) { say({{"step", step}}); },
                                     .check_identity = [&](int fd) { return check_identity(fd, meant); }});
}

int run(int argc, char** argv) {
  Options options;
  CLI::App app{"Takes a disk for Ceph: proves that it is blank, or erases it if that was consented to."};
  app.add_option("ID", options.id, "identity of the disk, as loamctl disks shows it")->required();
  app.add_option("--expected", options.expected, "file that says what is on it, as JSON; anything more is an error");
  app.add_option("--consent", options.consent, "to erase it: none, given, or begun by an earlier try")
      ->check(CLI::IsMember({"none", "given", "begun"}));
  app.footer("Example: loam-claim wwn-0x5000c500a1b2c3d4");
  CLI11_PARSE(app, argc, argv);
  auto left = claim(options);
  if (!left) {
    say({{"error", left.error().text()}});
    std::cerr << "loam-claim: " << left.error().text() << '\n';
    return 1;
  }
  say({{"left", json::parse(to_json(*left))}});
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  return loam::guard("loam-claim", [&] { return run(argc, argv); });
}
