#include "netcfg/verdict.hpp"

#include <algorithm>
#include <format>

namespace loam::netcfg {

namespace {

std::string first_of(const std::vector<std::string>& texts) {
  if (texts.size() == 1) return texts.front();
  return std::format("{} (and {} more: loamctl links)", texts.front(), texts.size() - 1);
}

// A gateway cannot answer where a link is broken; that another host has our address is the reason of the link's
// trouble.
int rank(const ProbeResult& result) { return result.probe.kind == ProbeKind::duplicate ? 0 : 2; }
constexpr int link_rank = 1;

}  // namespace

Verdict verdict(const std::vector<Finding>& findings, const std::vector<ProbeResult>& results) {
  std::vector<std::pair<int, std::string>> bad;
  std::vector<std::string> worth;
  bool link_bad = false;
  for (const auto& result : results) {
    if (result.good) continue;
    if (result.probe.needed)
      bad.emplace_back(rank(result), result.text);
    else
      worth.push_back(result.text);
  }
  for (const auto& finding : findings) {
    link_bad = link_bad || finding.bad;
    if (finding.bad)
      bad.emplace_back(link_rank, finding.text);
    else
      worth.push_back(finding.text);
  }
  if (bad.empty() && worth.empty()) return {true, false, "Working", "links, addresses and gateways are good"};
  if (bad.empty())
    return {true, true, "WorkingWithWarnings", "links, addresses and gateways are good, but " + first_of(worth)};
  std::ranges::stable_sort(bad, {}, &std::pair<int, std::string>::first);
  std::vector<std::string> texts;
  texts.reserve(bad.size());
  for (auto& [order, text] : bad) texts.push_back(std::move(text));
  return {false, false, link_bad ? "LinkProblem" : "ProbeFailed", first_of(texts)};
}

}  // namespace loam::netcfg
