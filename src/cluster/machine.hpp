// What the cluster sees of a node of Loam: its Machine (loam.dev/v1alpha1), and who may write it. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/kube_resource.hpp"

namespace loam::cluster {

struct MachineBond {
  std::string name;
  std::vector<std::string> members;
  std::vector<std::string> active;  // those of them that carry packets
};

// As Kubernetes has conditions everywhere.
struct MachineCondition {
  std::string type;
  std::string status;      // "True", "False", "Unknown"
  std::string reason;      // one word for programs
  std::string message;     // sentences for people
  std::int64_t since = 0;  // seconds since 1970: when the status last changed
};

struct MachineStatus {
  std::string release;
  std::string slot;                  // that it runs from: "a", "b"
  std::string state;                 // as loamctl status says it
  std::vector<std::string> reasons;  // why it is not ready
  std::map<std::string, int> disks;  // how many of each class
  std::vector<MachineBond> bonds;
  std::vector<MachineCondition> conditions;
};

// Where Machines are.
Resource machines();

// The kind itself, a CustomResourceDefinition.
nlohmann::json machine_definition();

// A Machine without a status, as its node makes it.
nlohmann::json machine(std::string_view node);

// The same with its status: for the subresource.
nlohmann::json machine_with_status(std::string_view node, const MachineStatus& status);

// All that a cluster needs for Machines, in the order in which it is applied: the kind, that a node writes its own only
// (a ValidatingAdmissionPolicy and its binding), and only then what nodes may do (RBAC).
std::vector<nlohmann::json> machine_manifests();

}  // namespace loam::cluster
