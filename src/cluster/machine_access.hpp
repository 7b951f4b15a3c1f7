// Who may do what with Machines. RBAC cannot say "its own": an admission policy does. Pure.
// https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/
#pragma once

#include <nlohmann/json_fwd.hpp>

namespace loam::cluster {

nlohmann::json machine_role();
nlohmann::json machine_role_binding();
nlohmann::json machine_policy();
nlohmann::json machine_policy_binding();

}  // namespace loam::cluster
