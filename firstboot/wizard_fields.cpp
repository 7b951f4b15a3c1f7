// What each page of the wizard asks for.
#include <algorithm>
#include <format>

#include "keyboards.hpp"
#include "wizard.hpp"

namespace loam::console {

namespace {

Field action(std::string name, std::string label, std::string help) {
  return {.name = std::move(name),
          .kind = FieldKind::action,
          .label = {},
          .value = std::move(label),
          .choices = {},
          .help = std::move(help),
          .problem = {}};
}

}  // namespace

std::vector<Field> Wizard::machine_fields() const {
  std::vector<Choice> layouts;
  layouts.reserve(keyboards.size());
  for (const auto& one : keyboards) layouts.push_back({std::string(one.layout), std::string(one.name)});
  return {action("next", "Go on", ""),
          field("keyboard", FieldKind::choice, "Keyboard", "Left and right change it, at once.", std::move(layouts)),
          field("source", FieldKind::text, "Fill in from", "The URL of a loam.yaml; empty: a volume labelled LOAM."),
          action("load", "Read it", "Every page then begins with what stands there.")};
}

std::vector<Field> Wizard::network_fields() const {
  constexpr std::size_t more = 8;
  std::vector<Field> all;
  all.reserve(machine_.nics.size() + more);
  for (const auto& nic : machine_.nics)
    all.push_back(field("nic:" + nic.mac, FieldKind::toggle, nic.name, describe(nic)));
  all.push_back(field("bond", FieldKind::choice, "Bond",
                      "802.3ad (LACP) needs a channel on the switch; active-backup works on every switch.",
                      {{"none", "none, one card"}, {"802.3ad", "LACP (802.3ad)"}, {"active-backup", "active-backup"}}));
  all.push_back(
      field("vlan", FieldKind::text, "VLAN", "Its number if the switch sends this network tagged; empty if not."));
  all.push_back(field("mtu", FieldKind::text, "MTU",
                      "Empty for 1500. 9000 makes storage faster if every switch on the way carries it."));
  all.push_back(
      field("method", FieldKind::choice, "Address", "", {{"dhcp", "from a DHCP server"}, {"static", "a fixed one"}}));
  if (answer(answers_, "method") == "static") {
    all.push_back(field("address", FieldKind::text, "Address/prefix", "Such as 192.0.2.10/24."));
    all.push_back(field("gateway", FieldKind::text, "Gateway",
                        "The router to other networks, such as 192.0.2.1; empty if there is none."));
  }
  if (mode_ == WizardMode::network) {
    all.push_back(action("try", "Apply it", "Takes effect at once, and goes back unless it proves itself or is kept."));
    return all;
  }
  all.push_back(action("try", "Try it", "Takes effect at once, and is undone when it does not work."));
  all.push_back(action("next", "Go on", ""));
  return all;
}

std::vector<Field> Wizard::disk_fields() const {
  std::vector<Choice> choices;
  for (const auto& disk : machine_.disks)
    if (why_not_for_the_system(disk).empty()) choices.push_back({disk.id, describe(disk)});
  const auto chosen = std::ranges::find(machine_.disks, answer(answers_, "disk"), &DiskFacts::id);
  const auto more = chosen == machine_.disks.end() ? "" : details(*chosen);
  std::vector<Field> all = {field("disk", FieldKind::choice, "Disk", more, std::move(choices))};
  if (chosen != machine_.disks.end() && chosen->cls != "blank")
    all.push_back(field("erase", FieldKind::text, "Type its id",
                        std::format("It is not blank ({}). To have it erased, type {}", chosen->content, chosen->id)));
  return all;
}

std::vector<Field> Wizard::data_fields() const {
  std::vector<Choice> choices = {
      {"hdd", "every blank hard disk"}, {"all", "every blank disk, flash too"}, {"none", "none for now"}};
  if (brought_ && !brought_->config.storage.rules.data.empty()) choices.push_back({"file", "as the file says"});
  return {field("data", FieldKind::choice, "Take for storage", "", std::move(choices))};
}

std::vector<Field> Wizard::cluster_fields() const {
  std::vector<Field> all = {
      field("cluster", FieldKind::choice, "This node", "",
            {{"create", "founds a cluster"}, {"join", "joins a cluster"}, {"later", "stays alone for now"}})};
  const auto what = answer(answers_, "cluster");
  if (what == "later") return all;
  if (what == "join")
    all.push_back(field("join_string", FieldKind::secret, "Join string",
                        "What loamctl cluster join-string prints on a node of the cluster; paste it here."));
  all.push_back(field("cluster_name", FieldKind::text, "Name of the cluster", "The same on all of its nodes."));
  all.push_back(field(
      "role", FieldKind::choice, "Role", "Three nodes of the control plane keep the cluster going when one fails.",
      {{"control-plane", "control plane, and workloads"}, {"worker", "workloads only"}, {"witness", "witness only"}}));
  all.push_back(field("vip", FieldKind::text, "Virtual address",
                      "Under which the cluster is reached whichever node is up, such as 192.0.2.5/24."));
  if (what == "join")
    all.push_back(field("join", FieldKind::text, "Nodes to join",
                        "Addresses of nodes of the control plane, where there is no virtual address."));
  return all;
}

std::vector<Field> Wizard::node_fields() const {
  return {
      field("hostname", FieldKind::text, "Name of this node", "Small letters, digits, - and dots."),
      field("dns", FieldKind::text, "DNS servers", "Addresses with blanks between; empty: as DHCP says."),
      field("search", FieldKind::text, "DNS search domains", "Empty if there are none."),
      field("ntp", FieldKind::text, "Time servers", "Empty: Debian's. A cluster whose clocks differ does not work."),
      field("zone", FieldKind::text, "Time zone", "Such as Europe/Berlin."),
      field("http_proxy", FieldKind::text, "HTTP proxy",
            "Such as http://proxy.example:3128; empty if the internet is reached without."),
      field("https_proxy", FieldKind::text, "HTTPS proxy", "For https; often the same."),
      field("no_proxy", FieldKind::text, "Not by the proxy", "Hosts that are reached without it.")};
}

std::vector<Field> Wizard::access_fields() const {
  return {field("ssh_key", FieldKind::text, "SSH key", "A line of an authorized_keys file; paste it here."),
          field("ssh_key_2", FieldKind::text, "Another SSH key", ""),
          field("ssh_key_3", FieldKind::text, "Another SSH key", ""),
          field("keys_source", FieldKind::text, "SSH keys from", "A URL, such as https://github.com/NAME.keys"),
          action("keys", "Fetch them", "The first three stand above then."),
          field("password", FieldKind::secret, "Console password",
                "What is changed on this console afterwards asks for it; empty: nothing can be."),
          field("password_again", FieldKind::secret, "The same again", ""),
          field("shell", FieldKind::toggle, "Root shell", "who has the console's password may open one there")};
}

std::vector<Field> Wizard::summary_fields() const {
  return {action("save", "Save loam.yaml to a stick",
                 "To a volume labelled LOAM: this machine installs by it without a question."),
          action("install", "Install", "Writes to the disk of the system.")};
}

}  // namespace loam::console
