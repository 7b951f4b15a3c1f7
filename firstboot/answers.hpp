// What was typed into the wizard, and the loam.yaml that it means. Pure.
#pragma once

#include <map>
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

// password_hash: of the console's password; empty: none was typed.
Meaning meaning_of(const Answers& answers, const MachineFacts& machine, const std::string& password_hash);

}  // namespace loam::console
