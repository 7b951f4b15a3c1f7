#include "cluster/kube_error.hpp"

#include <format>
#include <nlohmann/json.hpp>

#include "base/text.hpp"

namespace loam::cluster {

using nlohmann::json;

namespace {

constexpr std::size_t longest_message = 2000;  // an invalid object has a sentence for each field

const char* remedy_of(Fault fault, std::string_view message) {
  switch (fault) {
    case Fault::unauthorized:
      return "its client certificate is out of date or another cluster's: openssl x509 -noout -enddate -issuer shows "
             "it; also look at the clock";
    case Fault::forbidden:
      if (message.contains("denied request")) return "";  // an admission policy, which has said why
      return "kubectl auth can-i --list shows what this identity may do";
    case Fault::conflict: return "somebody else changed it meanwhile; read it again";
    case Fault::gone: return "list again and go on from there";
    case Fault::throttled: return "ask again in a few seconds";
    case Fault::server: return "the log of kube-apiserver says more: crictl ps -a --name kube-apiserver";
    default: return "";
  }
}

std::string word(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

}  // namespace

Fault fault_of_status(int status) {
  switch (status) {
    case 400:
    case 422: return Fault::invalid;
    case 401: return Fault::unauthorized;
    case 403: return Fault::forbidden;
    case 404: return Fault::not_found;
    case 409: return Fault::conflict;
    case 410: return Fault::gone;
    case 429: return Fault::throttled;
    default: return status >= 500 ? Fault::server : Fault::other;
  }
}

KubeError error_of_answer(std::string_view request, int status, std::string_view body, bool about_secret) {
  const auto answer = json::parse(body, nullptr, false);
  const bool is_status = answer.is_object() && word(answer, "kind") == "Status";
  const auto reason = is_status ? printable(word(answer, "reason"), 60) : "";
  auto message = is_status ? word(answer, "message") : std::string(body.substr(0, longest_message));
  // That is how server-side apply says that an object has a field that it should not have.
  const bool wrong_fields = status == 500 && message.starts_with("failed to create typed patch object");
  const auto fault = wrong_fields ? Fault::invalid : fault_of_status(status);
  const auto* const remedy = remedy_of(fault, message);
  if (about_secret) message = "what it says may hold the secret and is not shown";
  auto text = std::format("{}: {}", request, status);
  if (!reason.empty()) text += " " + reason;
  if (const auto shown = printable(trim(message), longest_message); !shown.empty()) text += ": " + shown;
  KubeError error{Error(std::move(text), remedy), fault, status, reason};
  error.has_status = is_status;
  return error;
}

}  // namespace loam::cluster
