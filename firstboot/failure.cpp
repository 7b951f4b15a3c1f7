#include "failure.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "style.hpp"

namespace loam::console {

namespace {

struct Kind {
  std::string_view type;
  std::string_view reason;  // empty: any other
  std::string_view what;
  std::string_view on_medium;  // what to do
  std::string_view on_disk;
  std::string_view again;  // how it is tried again on a node that runs from its disk; empty: as on a medium
};

constexpr std::string_view from_menu = "Enter, then \"Try again what failed\".";
constexpr std::string_view apply_anew =
    "It is tried again by itself. If the reason stays, correct the file and run loamctl apply FILE by ssh.";
// The password is lost with the file.
constexpr std::string_view by_ssh = "loamctl retry by ssh, or restart this node (Enter).";
constexpr std::string_view upgrade_again = "loamctl upgrade start by ssh.";

constexpr std::array<Kind, 11> kinds = {{
    {"Install", "AlreadyInstalled", "Nothing was installed: Loam is on that disk already.",
     "Take the medium out and restart to start from the disk; or name the disk under install.wipe in loam.yaml to have "
     "it "
     "erased.",
     "", ""},
    {"Install", "Refused", "The installation was refused; nothing was written.",
     "Correct install: in loam.yaml, or plug in the disk that it means; or set this machine up by hand (Enter).", "",
     ""},
    {"Install", "", "The installation failed; this disk does not start.",
     "If the disk is at fault, set this machine up with another one (Enter); else trying again goes on where it "
     "stopped.",
     "", ""},
    {"Config", "ApplyFailed", "The configuration could not be applied.", "", apply_anew, ""},
    {"Config", "NotApplied", "The configuration could not be applied.", "", apply_anew, ""},
    {"Config", "Unreadable", "The configuration cannot be read.",
     "Leave one volume with a readable loam.yaml in the machine; or set it up by hand (Enter).",
     "loamctl apply FILE by ssh writes it anew; where nobody can log in, a medium installs this node again.", by_ssh},
    {"Config", "Unreachable", "The configuration could not be fetched.",
     "It is fetched again every 30 s: look at the network (2) and at the server; or set this machine up by hand "
     "(Enter).",
     "", ""},
    {"Config", "", "The configuration was refused.",
     "Correct the file where it comes from: it is read again when its volume is plugged in; or set this machine up by "
     "hand "
     "(Enter).",
     "Correct it and run loamctl apply FILE by ssh. What was in effect before stays in effect.", by_ssh},
    {"Upgrade", "FellBack", "The upgrade failed: this node went back to the release before.", "",
     "This node works as it did. loamctl upgrade status tells more. Take a newer release, or this one again once the "
     "reason is gone.",
     upgrade_again},
    {"Upgrade", "EspUnusable", "This node cannot be upgraded: its EFI system partition cannot be used.", "",
     "Replace the disk of the system, or install this node again. It goes on running until then.", upgrade_again},
    {"Upgrade", "", "The upgrade failed; this node runs on with the release that it has.", "",
     "Once its reason is gone, the upgrade goes on where it stopped.", upgrade_again},
}};

}  // namespace

std::optional<Failure> failure_of(const std::vector<node::Condition>& conditions, bool live) {
  for (const auto& kind : kinds) {
    const auto failed = std::ranges::find_if(conditions, [&](const auto& one) {
      return one.type == kind.type && one.status == "false" && (kind.reason.empty() || one.reason == kind.reason);
    });
    if (failed == conditions.end()) continue;
    return Failure{.what = std::string(kind.what),
                   .why = failed->message,
                   .remedy = std::string(live ? kind.on_medium : kind.on_disk),
                   .log = live ? "5 shows it, and Enter collects all that support needs, on a stick too."
                               : "5 shows it, as loamctl logs does by ssh; Enter collects all that support needs.",
                   .again = std::string(live || kind.again.empty() ? from_menu : kind.again)};
  }
  return std::nullopt;
}

std::vector<std::string> page_of(const Failure& failure, int columns) {
  constexpr std::size_t indent = 14;
  std::vector<std::string> lines;
  for (const auto& line : wrapped("!! " + failure.what, columns - 2, 3)) lines.push_back(" " + line);
  for (const auto& [name, text] :
       {std::pair{"Why:        ", &failure.why}, std::pair{"What to do: ", &failure.remedy},
        std::pair{"The log:    ", &failure.log}, std::pair{"Try again:  ", &failure.again}}) {
    if (text->empty()) continue;
    auto wrapped_lines = wrapped(*text, columns - 2 - static_cast<int>(indent), 0);
    for (std::size_t i = 0; i < wrapped_lines.size(); ++i)
      lines.push_back("   " + (i == 0 ? std::string(name) : std::string(indent - 2, ' ')) + wrapped_lines[i]);
  }
  lines.emplace_back();
  return lines;
}

}  // namespace loam::console
