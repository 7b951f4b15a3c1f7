// The network as it is: links by the kernel's messages, neighbours by LLDP, and what probes found. Nothing is polled.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "base/error.hpp"
#include "model/config.hpp"
#include "netcfg/diagnose.hpp"
#include "netcfg/links.hpp"
#include "netcfg/neighbours.hpp"
#include "netcfg/probes.hpp"
#include "netcfg/rtnl_socket.hpp"
#include "sys/event_loop.hpp"

namespace loam::node {

class NetworkWatch {
 public:
  struct Callbacks {
    // A link of loam.yaml or any NIC changed; bursts are one call. ours: one of loam.yaml was among them, or there is
    // none yet.
    std::function<void(bool ours)> changed;
    std::function<void()> probed;  // the needed probes have answered; and once more when the others have
  };
  NetworkWatch(sys::EventLoop& loop, Callbacks callbacks) : loop_(&loop), callbacks_(std::move(callbacks)) {}
  Result<void> start();

  // Which links matter from now on: those of this network, with its NICs pinned.
  void want(const model::Network& network);
  // Starts to ask: the needed probes, and when all of them are good, the others, which may take long. One round at a
  // time: a call while one is under way asks these after it.
  void probe(const std::vector<netcfg::Probe>& probes);
  // What was asked or answered is of a network that is no more.
  void forget_probes();

  const netcfg::LinkTable& table() const { return table_; }
  std::vector<netcfg::Link> links() const;
  // True if some interface has an address that reaches further than its link.
  bool routable() const;
  std::vector<netcfg::Finding> findings() const;
  std::vector<std::string> lost_addresses() const { return netcfg::lost_addresses(network_, table_, needed_results_); }
  std::map<std::string, std::int64_t> owed_mtus() const { return netcfg::owed_mtus(network_, table_); }
  std::vector<std::string> loose_members() const { return netcfg::loose_members(network_, table_); }
  netcfg::LearnedGateways gateways() const;
  std::vector<netcfg::ProbeResult> results() const;
  // For `loamctl links --json`. Also asks for the neighbours anew; they are there at the next look.
  std::string document();

 private:
  void receive();
  bool is_ours(const netcfg::Link& link) const;
  // True if it is one to tell of.
  bool note(int index);
  void changed_soon();
  void look_again();
  void look_for_neighbours();
  void ask(std::vector<netcfg::Probe> probes);
  void probes_ended(const std::string& problem);
  std::vector<netcfg::ProbeResult> round_results(const std::string& problem) const;
  netcfg::Partners partners() const;
  nlohmann::json link_json(const netcfg::Link& link, const netcfg::Partners& partners) const;

  sys::EventLoop* loop_;
  Callbacks callbacks_;
  std::unique_ptr<netcfg::RtnlSocket> socket_;
  netcfg::LinkTable table_;
  model::Network network_;
  std::set<std::string> names_;  // of its links
  std::set<std::string> macs_;   // of its NICs, whatever they are called at the moment
  netcfg::Neighbours neighbours_;
  std::string neighbours_text_;
  std::vector<netcfg::Probe> asked_;  // of the round that is under way
  std::vector<netcfg::Probe> rest_;   // worth knowing, to be asked when the needed ones are good
  std::vector<netcfg::Probe> next_;   // asked for meanwhile
  std::vector<netcfg::ProbeResult> needed_results_;
  std::vector<netcfg::ProbeResult> rest_results_;
  std::vector<netcfg::ProbeResult> fresh_;
  sys::EventSource source_;
  sys::EventSource soon_;
  sys::EventSource look_timer_;
  sys::EventSource after_probe_;
  sys::EventSource after_neighbours_;
  int overtaken_ = 0;  // rounds of probes in a row during which something changed
  bool soon_pending_ = false;
  bool ours_changed_ = false;                     // the answers that come may be of before
  std::unique_ptr<sys::Child> child_;             // loam-netprobe
  std::unique_ptr<sys::Child> neighbours_child_;  // networkctl
};

}  // namespace loam::node
