// loam-netprobe JSON: asks the network what the JSON lists (netcfg/probes.hpp), all at once, and prints one answer a
// line. loamd runs it as a child: what does not answer holds up nobody.
#include <sys/timex.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <format>
#include <iostream>
#include <mutex>
#include <thread>
#include <vector>

#include "base/guard.hpp"
#include "base/text.hpp"
#include "dns_query.hpp"
#include "netcfg/probes.hpp"
#include "sys/subprocess.hpp"

namespace {

using namespace loam;
using netcfg::Probe;
using netcfg::ProbeKind;

struct Answer {
  bool good = false;
  std::string text;
};

bool is_v6(const Probe& probe) { return probe.target.contains(':'); }

Result<sys::RunOutput> ask(const std::vector<std::string>& argv) {
  return sys::run(argv, {.timeout = std::chrono::seconds(15), .input = {}, .environment = {}, .any_exit = true});
}

bool answers(const std::vector<std::string>& argv) {
  const auto done = ask(argv);
  return done && done->code == 0;
}

Answer duplicate(const Probe& probe) {
  const auto done = ask({"arping", "-D", "-c", "2", "-w", "3", "-I", probe.link, probe.target});
  if (!done) return {false, done.error().text()};
  if (done->code == 0) return {true, std::format("no other host has {}", probe.target)};
  const auto other = netcfg::arping_answer(done->out);
  if (other.empty())
    return {false, std::format("whether another host has {} could not be asked on {}: {}", probe.target, probe.link,
                               printable(trim(done->err)))};
  return {false, std::format("{} is also the address of the host {}; give one of them another", probe.target, other)};
}

// The kernel asks for the neighbour while we ping it: at the latest after 5 s (DELAY_PROBE_TIME) it knows anew.
bool is_neighbour(const Probe& probe) {
  if (answers({"ping", "-n", "-c", "5", "-W", "2", "-I", probe.link, probe.target})) return true;
  const auto known = ask({"ip", "-6", "neighbour", "show", "to", probe.target, "dev", probe.link, "nud", "reachable"});
  return known && known->code == 0 && known->out.contains("lladdr");
}

// A gateway stands on the link: it must answer to who has its address, whatever it does with pings.
Answer gateway(const Probe& probe) {
  const bool good = is_v6(probe) ? is_neighbour(probe)
                                 : answers({"arping", "-f", "-c", "3", "-w", "4", "-I", probe.link, probe.target});
  if (good) return {true, std::format("gateway {} answers on {}", probe.target, probe.link)};
  return {false, std::format("gateway {} does not answer on {}: wrong address, VLAN or cable, or it is off",
                             probe.target, probe.link)};
}

Answer peer(const Probe& probe) {
  if (answers({"ping", "-n", "-c", "3", "-W", "2", "-I", probe.link, probe.target}))
    return {true, std::format("node {} answers on {}", probe.target, probe.link)};
  return {false, std::format("node {} does not answer on {}", probe.target, probe.link)};
}

// A packet of this many bytes, not to be cut into pieces on the way.
bool passes(const Probe& probe, std::int64_t bytes) {
  const std::int64_t headers = is_v6(probe) ? 48 : 28;  // IP and ICMP
  return answers({"ping", "-n", "-c", "2", "-i", "0.2", "-W", "1", "-M", "do", "-s", std::to_string(bytes - headers),
                  "-I", probe.link, probe.target});
}

Answer path_mtu(const Probe& probe) {
  constexpr std::int64_t least = 576;
  if (passes(probe, probe.mtu)) return {true, std::format("{} bytes pass to {}", probe.mtu, probe.target)};
  if (!passes(probe, least))
    return {true, std::format("the path MTU to {} is not known: it does not answer to pings", probe.target)};
  auto good = least;
  auto bad = probe.mtu;
  // The usual ones first: most often it is one of them.
  for (const std::int64_t usual : {1500, 1492, 1280}) {
    if (usual <= good || usual >= bad) continue;
    (passes(probe, usual) ? good : bad) = usual;
    if (good == usual && (bad <= usual + 1 || !passes(probe, usual + 1))) {
      bad = usual + 1;
      break;
    }
  }
  while (bad - good > 1) {
    const auto middle = (good + bad) / 2;
    (passes(probe, middle) ? good : bad) = middle;
  }
  return {false, std::format("only {} bytes pass to {} on {}, which has MTU {}: a switch port or router between them, "
                             "or the other end itself, has a smaller MTU",
                             good, probe.target, probe.link, probe.mtu)};
}

Answer dns(const Probe& probe) {
  const auto done = node::ask_dns(probe.target, std::chrono::seconds(2));
  if (done) return {true, std::format("DNS server {} answers", probe.target)};
  return {false, std::format("DNS server {} does not answer: {}", probe.target, done.error().text())};
}

Answer ntp(const Probe&) {
  timex state{};
  if (::adjtimex(&state) >= 0 && (state.status & STA_UNSYNC) == 0) return {true, "the clock is synchronised"};
  return {false, "the clock is not synchronised; timedatectl timesync-status says which server was asked"};
}

Answer answer(const Probe& probe) {
  switch (probe.kind) {
    case ProbeKind::duplicate: return duplicate(probe);
    case ProbeKind::gateway: return gateway(probe);
    case ProbeKind::peer: return peer(probe);
    case ProbeKind::path_mtu: return path_mtu(probe);
    case ProbeKind::dns: return dns(probe);
    case ProbeKind::ntp: return ntp(probe);
  }
  return {};
}

int run(std::string_view list) {
  const auto probes = netcfg::parse_probes(list);
  if (!probes) {
    std::cerr << probes.error().text() << '\n';
    return 2;
  }
  std::mutex output;
  std::vector<std::jthread> threads;
  threads.reserve(probes->size());
  for (const auto& probe : *probes)
    threads.emplace_back([&output, probe] {
      auto [good, text] = answer(probe);
      const auto line = netcfg::to_json(netcfg::ProbeResult{probe, good, std::move(text)});
      const std::scoped_lock lock(output);
      std::cout << line << '\n' << std::flush;
    });
  threads.clear();  // waits for all
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: loam-netprobe JSON\n";
    return 2;
  }
  return loam::guard("loam-netprobe", [&] { return run(argv[1]); });
}
