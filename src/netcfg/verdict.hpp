// Does the network work? What links and probes say together, as one sentence for people. Pure.
#pragma once

#include <string>
#include <vector>

#include "netcfg/diagnose.hpp"
#include "netcfg/probes.hpp"

namespace loam::netcfg {

struct Verdict {
  bool works = false;
  // What an operator should see to although it works; it is asked again, since a server that comes back tells nobody.
  bool warns = false;
  std::string reason;   // one word for programs
  std::string message;  // the first thing that matters, and how many more there are
  bool operator==(const Verdict&) const = default;
};

// results: answers to the needed probes, and to the others as far as they have been asked.
Verdict verdict(const std::vector<Finding>& findings, const std::vector<ProbeResult>& results);

}  // namespace loam::netcfg
