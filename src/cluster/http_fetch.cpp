#include "cluster/http_fetch.hpp"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <format>
#include <optional>
#include <vector>

#include "base/file.hpp"
#include "base/scratch.hpp"
#include "base/text.hpp"
#include "sys/subprocess.hpp"

namespace loam::cluster {

namespace {

// "Fri, 27 Nov 2026 04:31:21 GMT" (RFC 9110). 0: it is none.
std::int64_t http_date(const std::string& text) {
  std::tm time{};
  const auto* const end = ::strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S", &time);
  return end == nullptr ? 0 : ::timegm(&time);
}

}  // namespace

Result<HttpAnswer> parse_http_answer(std::string_view text) {
  const auto end = text.find("\r\n\r\n");
  if (!text.starts_with("HTTP/") || end == std::string_view::npos) return fail("what came is no answer of HTTP");
  HttpAnswer answer{.status = 0, .date = 0, .body = std::string(text.substr(end + 4))};
  const auto lines = split(text.substr(0, end), '\n');
  answer.status = static_cast<int>(leading_number(lines.front().substr(lines.front().find(' ') + 1)) % 1000);
  for (const auto line : lines)
    if (lower(std::string(line.substr(0, 5))) == "date:") answer.date = http_date(std::string(trim(line.substr(5))));
  return answer;
}

Result<HttpAnswer> fetch_by_curl(const std::string& endpoint, const std::string& path, const std::string& authority) {
  std::vector<std::string> argv = {"curl",      "--silent", "--show-error", "--include", "--http1.1",
                                   "--noproxy", "*",        "--max-time",   "20",        "--max-filesize",
                                   "1048576",   "--proto",  "=https"};
  std::optional<ScratchDirectory> folder;
  if (authority.empty()) {
    argv.emplace_back("--insecure");  // as kubeadm does; what it says is signed: check_join
  } else {
    LOAM_TRY(auto made, ScratchDirectory::make());
    const auto file = made.path() / "ca.pem";
    folder.emplace(std::move(made));
    LOAM_CHECK(write_file_atomic(file, authority));
    argv.insert(argv.end(), {"--cacert", file.string()});
  }
  argv.push_back(std::format("https://{}{}", endpoint, path));
  LOAM_TRY(const auto done,
           sys::run(argv, {.timeout = std::chrono::seconds(30), .input = {}, .environment = {}, .any_exit = true}));
  if (done.code != 0)
    return fail(std::format("{} does not answer: {}", endpoint, printable(trim(done.err), 200)),
                "is this node's network the cluster's? loamctl links shows what is connected");
  return parse_http_answer(done.out);
}

}  // namespace loam::cluster
