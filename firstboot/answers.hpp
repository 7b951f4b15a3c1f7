// What was typed into the wizard, and the loam.yaml that it means. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "machine_facts.hpp"
#include "model/config.hpp"

namespace loam::console {

// By the name of the field. A network card's is "nic:" and its MAC address.
using Answers = std::map<std::string, std::string, std::less<>>;

std::string answer(const Answers& answers, std::string_view name);

// What a person would choose who changes nothing: all cards with a link, the smallest blank flash disk.
Answers first_answers(const MachineFacts& machine);

struct FieldProblem {
  std::string field;
  std::string text;
};

struct Meaning {
  model::Config config;
  std::vector<FieldProblem> problems;  // by the rules of loam.yaml
};

// The parts of loam.yaml that pages are about.
enum class Part : std::uint8_t { network, disk, data, cluster, node, access };

// What was brought from elsewhere and stands where nobody typed anything else.
struct Brought {
  model::Config config;
  std::set<Part> changed;  // typed anew: what was brought is nothing there
  bool keeps(Part part) const { return !changed.contains(part); }
};

// password_hash: of the console's password; empty: none was typed. brought: null if nothing was.
Meaning meaning_of(const Answers& answers, const MachineFacts& machine, const std::string& password_hash,
                   const Brought* brought = nullptr);

// What one would have typed for this loam.yaml, as far as the pages know such things; the rest is as in `first`.
Answers answers_for(const model::Config& config, const MachineFacts& machine, Answers first);

// True if the network page can show all that a network is.
bool page_shows_all(const model::Network& network, const MachineFacts& machine);

}  // namespace loam::console
