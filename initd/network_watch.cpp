#include "network_watch.hpp"

#include <algorithm>
#include <format>
#include <nlohmann/json.hpp>

#include "sys/log.hpp"
#include "sys/spawn.hpp"

namespace loam::node {

using nlohmann::json;

namespace {

// Bursts of messages, as of a bond whose members come up, are one event.
constexpr std::chrono::milliseconds burst{300};
constexpr int most_overtaken = 5;

}  // namespace

Result<void> NetworkWatch::start() {
  LOAM_TRY(auto socket, netcfg::RtnlSocket::open());
  socket_ = std::make_unique<netcfg::RtnlSocket>(std::move(socket));
  LOAM_CHECK(socket_->dump([this](const auto& message) { table_.apply(message); }));
  LOAM_TRY(source_, loop_->on_readable(socket_->fd(), [this] { receive(); }));
  look_for_neighbours();
  return {};
}

void NetworkWatch::want(const model::Network& network) {
  network_ = network;
  names_.clear();
  const auto add = [this](const auto& list) {
    for (const auto& item : list) names_.insert(item.name.str());
  };
  add(network.nics);
  add(network.bonds);
  add(network.vlans);
  add(network.bridges);
  macs_.clear();
  for (const auto& nic : network.nics)
    if (nic.match.mac) macs_.insert(nic.match.mac->str());
}

bool NetworkWatch::is_ours(const netcfg::Link& link) const {
  return names_.contains(link.name) || macs_.contains(netcfg::identity(link)) || (names_.empty() && link.kind == "nic");
}

bool NetworkWatch::note(int index) {
  const auto* const link = table_.find(index);
  if (link == nullptr) return false;
  const bool ours = is_ours(*link);
  ours_changed_ = ours_changed_ || ours;
  return ours || link->kind == "nic";
}

void NetworkWatch::receive() {
  bool tell = false;
  const auto take = [&](const netcfg::RtnlMessage& message) {
    // Of one that goes, only before it has gone: each pod that ends takes a link with it.
    const auto* const link = std::get_if<netcfg::LinkMessage>(&message);
    if (link != nullptr && link->gone) tell = note(link->index) || tell;
    if (const auto index = table_.apply(message)) tell = note(*index) || tell;
  };
  auto whole = socket_->receive(take);
  if (!whole) sys::log(sys::Priority::error, "links: " + whole.error().text());
  // Messages were lost: only a new look tells how things are.
  if (!whole || !*whole) return look_again();
  if (tell) changed_soon();
}

// The table of before stays until there is a whole new one: half a table would say that NICs are gone.
void NetworkWatch::look_again() {
  netcfg::LinkTable fresh;
  auto looked = socket_->dump([&](const auto& message) { fresh.apply(message); });
  if (looked) {
    table_ = std::move(fresh);
    ours_changed_ = true;
    return changed_soon();
  }
  sys::log(sys::Priority::error, "links: " + looked.error().text());
  auto timer = loop_->after(std::chrono::seconds(2), [this] { look_again(); });
  if (timer) look_timer_ = *std::move(timer);
}

void NetworkWatch::changed_soon() {
  if (std::exchange(soon_pending_, true)) return;
  auto timer = loop_->after(burst, [this] {
    soon_pending_ = false;
    const bool ours = std::exchange(ours_changed_, false);
    look_for_neighbours();
    callbacks_.changed(ours);
  });
  if (timer) soon_ = *std::move(timer);
}

// networkd has them; a second look while one is under way would say the same.
void NetworkWatch::look_for_neighbours() {
  if (neighbours_child_) return;
  neighbours_text_.clear();
  auto child =
      sys::Child::start(*loop_, {"networkctl", "--no-pager", "--json=short", "lldp"},
                        {.line = [this](std::string_view line) { neighbours_text_ += line; },
                         .end =
                             [this](const std::string& problem) {
                               auto found = netcfg::parse_neighbours(neighbours_text_);
                               if (problem.empty() && found) neighbours_ = *std::move(found);
                               auto next = loop_->after(std::chrono::seconds(0), [this] { neighbours_child_.reset(); });
                               if (next) after_neighbours_ = *std::move(next);
                             }});
  if (child) neighbours_child_ = *std::move(child);
}

void NetworkWatch::probe(const std::vector<netcfg::Probe>& probes) {
  if (child_) {
    next_ = probes;
    return;
  }
  std::vector<netcfg::Probe> needed;
  next_.clear();
  rest_.clear();
  for (const auto& probe : probes) (probe.needed ? needed : rest_).push_back(probe);
  ask(std::move(needed));
}

void NetworkWatch::forget_probes() {
  after_probe_ = {};
  child_.reset();
  next_.clear();
  rest_.clear();
  needed_results_.clear();
  rest_results_.clear();
}

void NetworkWatch::ask(std::vector<netcfg::Probe> probes) {
  fresh_.clear();
  asked_ = std::move(probes);
  // Not at once: a child's own callback must not end it.
  const auto end_soon = [this](const std::string& problem) {
    auto next = loop_->after(std::chrono::seconds(0), [this, problem] { probes_ended(problem); });
    if (next) after_probe_ = *std::move(next);
  };
  if (asked_.empty()) return end_soon("");
  const auto take = [this](std::string_view line) {
    if (auto result = netcfg::parse_probe_result(line)) fresh_.push_back(*std::move(result));
  };
  auto child = sys::Child::start(*loop_, {sys::program_beside_us("loam-netprobe"), netcfg::to_json(asked_)},
                                 {.line = take, .end = end_soon});
  if (!child) return end_soon(child.error().text());
  child_ = *std::move(child);
}

// In the order in which they were asked, whoever answered first. One without an answer did not pass.
std::vector<netcfg::ProbeResult> NetworkWatch::round_results(const std::string& problem) const {
  std::vector<netcfg::ProbeResult> results;
  for (const auto& probe : asked_) {
    const auto answer = std::ranges::find(fresh_, probe, &netcfg::ProbeResult::probe);
    results.push_back(answer != fresh_.end()
                          ? *answer
                          : netcfg::ProbeResult{probe, false, "loam-netprobe gave no answer: " + problem});
  }
  return results;
}

void NetworkWatch::probes_ended(const std::string& problem) {
  child_.reset();
  if (!problem.empty()) sys::log(sys::Priority::error, "loam-netprobe: " + problem);
  const bool first_round = asked_.empty() || asked_.front().needed;
  (first_round ? needed_results_ : rest_results_) = round_results(problem);
  const bool good = std::ranges::all_of(needed_results_, &netcfg::ProbeResult::good);
  // The others would fail with the needed ones, and say no more.
  if (!good) rest_results_.clear();
  auto rest = std::exchange(rest_, {});
  // Something changed meanwhile: the answers may be of before. Whoever is told of the change asks again.
  // But a loose plug in one of several cables must not keep the verdict from those that are good.
  const bool overtaken = (ours_changed_ || !next_.empty()) && ++overtaken_ < most_overtaken;
  if (overtaken && ours_changed_) return;
  if (overtaken) return probe(std::exchange(next_, {}));
  overtaken_ = 0;
  next_.clear();
  if (good && !rest.empty()) ask(std::move(rest));
  callbacks_.probed();
}

std::vector<netcfg::ProbeResult> NetworkWatch::results() const {
  auto all = needed_results_;
  all.insert(all.end(), rest_results_.begin(), rest_results_.end());
  return all;
}

std::vector<netcfg::Link> NetworkWatch::links() const {
  std::vector<netcfg::Link> list;
  list.reserve(table_.links().size());
  for (const auto& [index, link] : table_.links()) list.push_back(link);
  return list;
}

bool NetworkWatch::routable() const {
  // Bridges of pods and machines reach nobody.
  return std::ranges::any_of(table_.links(), [this](const auto& entry) {
    return (entry.second.kind == "nic" || is_ours(entry.second)) && entry.second.carrier &&
           std::ranges::any_of(entry.second.addresses,
                               [](const auto& a) { return !a.tentative && !a.net.address.is_link_local(); });
  });
}

netcfg::LearnedGateways NetworkWatch::gateways() const {
  netcfg::LearnedGateways learned;
  const auto found = netcfg::observe_gateways();
  if (!found) {
    sys::log(sys::Priority::error, "gateways: " + found.error().text());
    return learned;
  }
  for (const auto& [index, gateways] : *found)
    if (const auto* const link = table_.find(index)) learned[link->name] = gateways;
  return learned;
}

netcfg::Partners NetworkWatch::partners() const {
  netcfg::Partners found;
  for (const auto& bond : network_.bonds)
    if (bond.mode == model::BondMode::lacp) found[bond.name.str()] = netcfg::lacp_partners(bond.name.str());
  return found;
}

std::vector<netcfg::Finding> NetworkWatch::findings() const { return netcfg::diagnose(network_, table_, partners()); }

json NetworkWatch::link_json(const netcfg::Link& link, const netcfg::Partners& partners) const {
  const auto* const master = table_.find(link.master);
  json value = {{"name", link.name},
                {"kind", link.kind},
                {"mac", link.mac},
                {"permanent_mac", link.permanent_mac},
                {"driver", link.driver},
                {"pci", link.pci},
                {"master", master == nullptr ? "" : master->name},
                {"up", link.up},
                {"carrier", link.carrier},
                {"speed", link.speed},
                {"mtu", link.mtu},
                {"addresses", json::array()}};
  for (const auto& address : link.addresses) value["addresses"].push_back(address.net.str());
  if (link.port)
    value["port"] = {
        {"active", link.port->active}, {"working", link.port->mii_up}, {"aggregator", link.port->aggregator}};
  if (master != nullptr)
    if (const auto bond = partners.find(master->name); bond != partners.end())
      if (const auto partner = bond->second.find(link.name); partner != bond->second.end())
        value["lacp_partner"] = {{"mac", partner->second.mac},
                                 {"key", partner->second.key},
                                 {"state", netcfg::lacp_state_text(partner->second.state)},
                                 {"rate", (partner->second.state & netcfg::lacp_short_timeout) != 0 ? "fast" : "slow"}};
  if (const auto neighbour = neighbours_.find(link.name); neighbour != neighbours_.end())
    value["neighbour"] = {{"system", neighbour->second.system},
                          {"port", neighbour->second.port},
                          {"port_description", neighbour->second.description}};
  return value;
}

std::string NetworkWatch::document() {
  look_for_neighbours();
  const auto known = partners();
  auto list = json::array();
  auto links = this->links();
  std::ranges::sort(links, {}, &netcfg::Link::name);
  for (const auto& link : links) list.push_back(link_json(link, known));
  auto findings = json::array();
  for (const auto& finding : netcfg::diagnose(network_, table_, known))
    findings.push_back({{"bad", finding.bad}, {"link", finding.link}, {"text", finding.text}});
  auto probes = json::array();
  for (const auto& result : results())
    probes.push_back({{"good", result.good}, {"needed", result.probe.needed}, {"text", result.text}});
  const json all = {{"links", std::move(list)}, {"findings", std::move(findings)}, {"probes", std::move(probes)}};
  return all.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace loam::node
