#include "loamctl_disks.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <format>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "base/text.hpp"
#include "node_client.hpp"
#include "node_text.hpp"
#include "sys/subprocess.hpp"

namespace loam::node {

using nlohmann::json;

namespace {

struct Options {
  std::string id;
  std::string confirm;
  bool off = false;
  bool forget = false;
};

void print(const json& value) { std::cout << value.dump(2, ' ', false, json::error_handler_t::replace) << '\n'; }

Result<json> document(const char* name) {
  LOAM_TRY(auto client, NodeClient::connect());
  LOAM_TRY(const auto text, client.document(name));
  return json::parse(text);
}

Result<json> disk_named(const std::string& id) {
  LOAM_TRY(const auto disks, document("Disks"));
  for (const auto& disk : disks) {
    const auto names = disk.value("names", json::array());
    if (disk.value("id", "") == id || std::ranges::contains(names, json(id))) return disk;
  }
  return fail(std::format("no disk is {}", id), "loamctl disks shows all");
}

Result<void> show(bool as_json) {
  LOAM_TRY(const auto disks, document("Disks"));
  as_json ? print(disks) : static_cast<void>(std::cout << disks_text(disks));
  return {};
}

Result<void> plan(bool as_json) {
  LOAM_TRY(const auto storage, document("Storage"));
  if (as_json) {
    print(storage);
    return {};
  }
  std::cout << storage.value("plan", "") << '\n' << "for Ceph: " << storage.at("node").dump(2) << '\n';
  return {};
}

Result<void> locate(const Options& options) {
  LOAM_TRY(const auto disk, disk_named(options.id));
  const auto node = disk.value("node", "");
  if (node.empty()) return fail(options.id + " is not there", "its slot is in loamctl disks, if it was known");
  auto done = sys::run({"ledctl", std::format("{}={}", options.off ? "locate_off" : "locate", node)});
  if (!done)
    return std::unexpected(std::move(done).error().remedy(std::format(
        "its enclosure may have no lights; {}serial number {} is on its label",
        disk.value("slot", "").empty() ? "" : "it is in " + disk.value("slot", "") + ", ", disk.value("serial", ""))));
  return {};
}

// The id itself, so that nobody confirms another disk than the one on the screen.
Result<void> confirmed(const json& disk, const Options& options) {
  const auto id = disk.value("id", "");
  auto typed = options.confirm;
  if (typed.empty()) {
    std::cerr << disk_text(disk) << "Everything on it will be lost. Type its id to erase it: " << std::flush;
    if (!std::getline(std::cin, typed)) typed.clear();
  }
  if (trim(typed) == id) return {};
  return fail(std::format("\"{}\" is not {}; nothing was changed", printable(trim(typed), 80), id),
              "type the id, or give it with --confirm");
}

// Until loamd says how it went. It has its own time limit; this one is for a loamd that is gone.
Result<void> wait_until_erased(const std::string& id, bool as_json) {
  LOAM_TRY(auto client, NodeClient::connect());
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(35);
  std::string said;
  while (std::chrono::steady_clock::now() < deadline) {
    LOAM_TRY(const auto storage, document("Storage"));
    LOAM_TRY(const auto disk, disk_named(id));
    const auto& doing = storage.at("doing");
    const bool working = doing.is_object() && doing.value("disk", "") == id;
    if (const auto step = working ? doing.value("step", "") : ""; !step.empty() && step != said)
      std::cerr << id << ": " << (said = step) << '\n';
    if (!working && disk.value("use", "") != "wipe") {
      as_json ? print(disk) : static_cast<void>(std::cout << disk_text(disk));
      if (disk.value("erased", false)) return {};
      return fail(std::format("{} was not erased: {}", id, disk.value("why", "")));
    }
    if (!working && disk.value("failed", false)) return fail(std::format("{}: {}", id, disk.value("why", "")));
    LOAM_CHECK(client.wait_for_change(std::chrono::seconds(1)));
  }
  return fail(std::format("loamd did not say within 35 minutes that {} is erased", id), "loamctl disks; loamctl logs");
}

Result<void> wipe(const Options& options, bool as_json) {
  LOAM_TRY(const auto disk, disk_named(options.id));
  LOAM_CHECK(confirmed(disk, options));
  LOAM_TRY(auto client, NodeClient::connect());
  const auto id = disk.value("id", "");
  // With what was shown: if something else is there by now, this consent is not for it.
  const json order = {{"id", id}, {"content", disk.at("content")}};
  LOAM_CHECK(client.call("WipeDisk", order.dump(-1, ' ', false, json::error_handler_t::replace)));
  return wait_until_erased(id, as_json);
}

Result<void> replace(const Options& options, bool as_json) {
  LOAM_TRY(const auto disk, disk_named(options.id));
  if (!options.forget) {
    const auto steps = replace_steps(disk);
    as_json ? print({{"steps", steps}}) : static_cast<void>(std::cout << steps);
    return {};
  }
  LOAM_TRY(auto client, NodeClient::connect());
  return client.call("ForgetDisk", disk.value("id", "")).transform([](const auto&) {});
}

}  // namespace

void add_disks(CLI::App& app, const bool& as_json, std::function<Result<void>()>& chosen) {
  const auto options = std::make_shared<Options>();
  auto* const disks = app.add_subcommand("disks", "the disks, what is on them, what they are for and why");
  disks->require_subcommand(0, 1);
  // A command below it was chosen first.
  disks->callback([&] {
    if (!chosen) chosen = [&] { return show(as_json); };
  });
  const auto add = [&](const char* name, const char* text, std::function<Result<void>()> run) {
    auto* const command = disks->add_subcommand(name, text);
    command->callback([&chosen, run = std::move(run)] { chosen = run; });
    return command;
  };
  const auto with_id = [&](CLI::App* command) {
    command->add_option("ID", options->id, "the disk, as loamctl disks shows it")->required();
    return command;
  };
  add("plan", "what would be claimed or erased, and what Ceph is told", [&] { return plan(as_json); });
  with_id(add("locate", "light its lamp", [options] {
    return locate(*options);
  }))->add_flag("--off", options->off, "put it out again");
  with_id(add("wipe", "erase a disk that holds something else, after its id was typed", [options, &as_json] {
    return wipe(*options, as_json);
  }))->add_option("--confirm", options->confirm, "the id again, for scripts");
  with_id(add("replace", "the steps for an OSD whose disk failed",
              [options, &as_json] { return replace(*options, as_json); }))
      ->add_flag("--forget", options->forget,
                 "the disk will not come back: drop it, free its part of a metadata device");
  disks->footer(
      "Examples:\n  loamctl disks\n  loamctl disks plan\n  loamctl disks wipe wwn-0x5000c500a1b2c3d4\n"
      "  loamctl disks replace wwn-0x5000c500a1b2c3d4");
}

}  // namespace loam::node
