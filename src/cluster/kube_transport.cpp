#include "cluster/kube_transport.hpp"

#include <curl/curl.h>

#include <array>
#include <format>
#include <optional>
#include <utility>

#include "base/text.hpp"

namespace loam::cluster {

namespace {

constexpr std::chrono::milliseconds connect_limit{10'000};

struct EasyFree {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct ListFree {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using Easy = std::unique_ptr<CURL, EasyFree>;
using Headers = std::unique_ptr<curl_slist, ListFree>;

struct Transfer {
  CURL* easy = nullptr;
  const KubeTransport::Take* take = nullptr;  // none: the body is kept
  std::string body;                           // of an answer that is kept, or is not good
  bool too_large = false;
  std::optional<Error> problem;  // of whoever takes it
  std::array<char, CURL_ERROR_SIZE> words{};
};

int status_of(CURL* easy) {
  long status = 0;
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
  return static_cast<int>(status);
}

bool is_good(int status) { return status >= 200 && status < 300; }

std::size_t take_bytes(char* data, std::size_t size, std::size_t count, void* target) {
  auto& transfer = *static_cast<Transfer*>(target);
  const std::string_view bytes(data, size * count);
  if (transfer.take == nullptr || !is_good(status_of(transfer.easy))) {
    transfer.too_large = bytes.size() > longest_body - transfer.body.size();
    if (transfer.too_large) return 0;
    transfer.body += bytes;
    return bytes.size();
  }
  auto more = (*transfer.take)(bytes);
  if (more) return *more ? bytes.size() : 0;
  transfer.problem = std::move(more).error();
  return 0;
}

// A blob without a copy: the kubeconfig lives as long as the handle.
curl_blob blob(const std::string& pem) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast): libcurl only reads it
  return {.data = const_cast<char*>(pem.data()), .len = pem.size(), .flags = CURL_BLOB_NOCOPY};
}

void set_identity(CURL* easy, const Kubeconfig& config) {
  auto authority = blob(config.authority);
  auto certificate = blob(config.certificate);
  auto key = blob(config.key);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
  curl_easy_setopt(easy, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  // Of those whom the system trusts, nobody may vouch for the API.
  curl_easy_setopt(easy, CURLOPT_CAINFO, nullptr);
  curl_easy_setopt(easy, CURLOPT_CAPATH, nullptr);
  curl_easy_setopt(easy, CURLOPT_CAINFO_BLOB, &authority);
  curl_easy_setopt(easy, CURLOPT_SSLCERT_BLOB, &certificate);
  curl_easy_setopt(easy, CURLOPT_SSLKEY_BLOB, &key);
}

void set_request(CURL* easy, const std::string& url, const KubeRequest& request) {
  curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "https");
  curl_easy_setopt(easy, CURLOPT_PROXY, "");  // the API is on our own network
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  curl_easy_setopt(easy, CURLOPT_USERAGENT, "loam/" LOAM_VERSION);
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(connect_limit.count()));
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(request.limit.count()));
  curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request.method);
  if (request.body.empty()) return;
  curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request.body.data());
  curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
}

Headers headers_of(const KubeRequest& request) {
  const std::array<std::string, 3> lines = {"Accept: application/json", std::format("Content-Type: {}", request.type),
                                            "Expect:"};  // asks for no leave to send
  Headers headers;
  for (const auto& line : lines) {
    auto* const before = headers.release();
    auto* const longer = curl_slist_append(before, line.c_str());
    headers.reset(longer == nullptr ? before : longer);
  }
  return headers;
}

Fault fault_of(CURLcode code) {
  switch (code) {
    case CURLE_OPERATION_TIMEDOUT: return Fault::timed_out;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR: return Fault::tls;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR: return Fault::unreachable;
    default: return Fault::other;
  }
}

const char* remedy_of(CURLcode code, std::string_view words) {
  switch (fault_of(code)) {
    case Fault::unreachable:
    case Fault::timed_out:
      return "is kube-apiserver running there? crictl ps -a --name kube-apiserver on a node of the control plane shows "
             "it";
    case Fault::tls:
      if (code == CURLE_SSL_CERTPROBLEM) return "the kubeconfig's client certificate and key do not fit each other";
      if (words.contains("expired") || words.contains("not yet valid"))
        return "look at this node's clock; kubeadm certs check-expiration shows the server's certificate";
      return "the kubeconfig is another cluster's, or somebody else answers at this address";
    default: return "";
  }
}

KubeError error_of(const std::string& request, CURLcode code, const Transfer& transfer) {
  if (transfer.problem) return Error(*transfer.problem).context(request);
  if (transfer.too_large)
    return {Error(std::format("{}: more than {} came; it was not read", request, format_bytes(longest_body))),
            Fault::too_large};
  const std::string_view words(transfer.words.data());
  const auto shown = printable(words.empty() ? curl_easy_strerror(code) : words, 300);
  return {Error(std::format("{}: {}", request, shown), remedy_of(code, words)), fault_of(code)};
}

}  // namespace

struct KubeTransport::Handle {
  Easy easy;
  CURLcode perform(const Kubeconfig& config, const KubeRequest& request, Transfer& transfer) const;
};

CURLcode KubeTransport::Handle::perform(const Kubeconfig& config, const KubeRequest& request,
                                        Transfer& transfer) const {
  curl_easy_reset(easy.get());  // connections stay
  transfer.easy = easy.get();
  const auto url = config.server + request.path + request.query;
  const auto headers = headers_of(request);
  set_request(easy.get(), url, request);
  set_identity(easy.get(), config);
  curl_easy_setopt(easy.get(), CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(easy.get(), CURLOPT_ERRORBUFFER, transfer.words.data());
  curl_easy_setopt(easy.get(), CURLOPT_WRITEFUNCTION, take_bytes);
  curl_easy_setopt(easy.get(), CURLOPT_WRITEDATA, &transfer);
  const auto code = curl_easy_perform(easy.get());
  curl_easy_setopt(easy.get(), CURLOPT_ERRORBUFFER, nullptr);  // it is the transfer's
  return code;
}

KubeTransport::KubeTransport(Kubeconfig config) : config_(std::move(config)), handle_(std::make_unique<Handle>()) {
  curl_global_init(CURL_GLOBAL_DEFAULT);
  handle_->easy.reset(curl_easy_init());
}

KubeTransport::~KubeTransport() {
  handle_.reset();
  curl_global_cleanup();
}

Answer<std::string> KubeTransport::send(const KubeRequest& request) {
  Transfer transfer;
  const auto shown = std::format("{} {}{}", request.method, config_.server, request.path);
  if (!handle_->easy) return fail("libcurl has no memory");
  const auto code = handle_->perform(config_, request, transfer);
  if (code != CURLE_OK) return std::unexpected(error_of(shown, code, transfer));
  const auto status = status_of(handle_->easy.get());
  if (is_good(status)) return std::move(transfer.body);
  return std::unexpected(error_of_answer(shown, status, transfer.body, request.path.contains("/secrets")));
}

Answer<void> KubeTransport::stream(const KubeRequest& request, const Take& take) {
  Transfer transfer;
  transfer.take = &take;
  const auto shown = std::format("{} {}{}", request.method, config_.server, request.path);
  if (!handle_->easy) return fail("libcurl has no memory");
  const auto code = handle_->perform(config_, request, transfer);
  const auto status = status_of(handle_->easy.get());
  if (transfer.problem) return std::unexpected(error_of(shown, code, transfer));
  if (is_good(status)) return {};
  if (code != CURLE_OK) return std::unexpected(error_of(shown, code, transfer));
  return std::unexpected(error_of_answer(shown, status, transfer.body, request.path.contains("/secrets")));
}

}  // namespace loam::cluster
