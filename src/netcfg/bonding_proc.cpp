#include "netcfg/bonding_proc.hpp"

#include <charconv>

#include "base/text.hpp"

namespace loam::netcfg {

namespace {

template <typename T>
T number(std::string_view text) {
  T value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

}  // namespace

std::map<std::string, LacpPartner> parse_bonding_proc(std::string_view text) {
  std::map<std::string, LacpPartner> partners;
  std::string member;
  bool of_partner = false;  // else of ourselves: the keys are called the same
  for (const auto line : split(text, '\n')) {
    const auto colon = line.find(": ");
    const auto key = trim(line.substr(0, std::min(colon, line.find(':'))));
    const auto value = colon == line.npos ? std::string_view() : trim(line.substr(colon + 2));
    if (key == "Slave Interface") {
      member = value;
      of_partner = false;
    } else if (key.starts_with("details ")) {
      of_partner = key == "details partner lacp pdu";
      if (of_partner && !member.empty()) partners[member];
    } else if (of_partner && !member.empty()) {
      auto& partner = partners[member];
      if (key == "system mac address") partner.mac = value;
      if (key == "oper key") partner.key = number<int>(value);
      if (key == "port state") partner.state = number<unsigned>(value);
    }
  }
  return partners;
}

}  // namespace loam::netcfg
