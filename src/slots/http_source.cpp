#include "slots/http_source.hpp"

#include <curl/curl.h>

#include <algorithm>
#include <array>
#include <format>
#include <list>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/text.hpp"
#include "slots/http_range.hpp"

namespace loam::slots {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds connect_limit{20};
constexpr std::chrono::seconds longest_pause{15};
constexpr long most_redirects = 5;
constexpr long least_speed = 512;  // bytes a second
constexpr std::chrono::minutes small_file_limit{2};
constexpr std::chrono::milliseconds longest_wait{200};
// What a limit left unused for so long is made up for: a range that is asked for takes its time before it comes.
constexpr std::chrono::seconds limit_credit{1};

struct EasyFree {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct MultiFree {
  void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
};
using Easy = std::unique_ptr<CURL, EasyFree>;
using Multi = std::unique_ptr<CURLM, MultiFree>;

// What the headers of the last answer say; those of redirects are forgotten.
struct Answer {
  std::string range;
  std::string etag;
  std::string type;
  std::string encoding;
  std::optional<std::uint64_t> length;

  void take(std::string_view line) {
    if (line.starts_with("HTTP/")) *this = {};
    const auto colon = line.find(':');
    if (colon == line.npos) return;
    const auto name = lower(std::string(line.substr(0, colon)));
    const auto value = std::string(trim(line.substr(colon + 1)));
    if (name == "content-range") range = value;
    if (name == "etag") etag = value;
    if (name == "content-type") type = value;
    if (name == "content-encoding") encoding = value;
    if (name == "content-length") length = leading_number(value);
  }
};

std::size_t take_header(char* data, std::size_t size, std::size_t count, void* answer) {
  static_cast<Answer*>(answer)->take({data, size * count});
  return size * count;
}

// A weak one does not promise the same bytes.
bool is_strong(std::string_view etag) { return etag.starts_with('"'); }

// Bytes a second that count as something coming.
long slowest(const HttpOptions& options) {
  return options.rate_limit == 0 ? least_speed
                                 : std::min<long>(least_speed, static_cast<long>(options.rate_limit / 4) + 1);
}

void set_up(CURL* easy, const std::string& url, const HttpOptions& options, Answer& answer) {
  const auto* const schemes = url.starts_with("https:") ? "https" : "http,https";
  curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, schemes);
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(easy, CURLOPT_MAXREDIRS, most_redirects);
  curl_easy_setopt(easy, CURLOPT_FAILONERROR, 1L);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  // Several connections are wanted, not several streams in one.
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  curl_easy_setopt(easy, CURLOPT_USERAGENT, "loam/" LOAM_VERSION);
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, static_cast<long>(connect_limit.count()));
  curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, slowest(options));
  curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, static_cast<long>(options.stall.count()));
  curl_easy_setopt(easy, CURLOPT_MAX_RECV_SPEED_LARGE, static_cast<curl_off_t>(options.rate_limit));
  const auto& proxy = url.starts_with("https:") ? options.https_proxy : options.http_proxy;
  if (!proxy.empty()) {
    curl_easy_setopt(easy, CURLOPT_PROXY, proxy.c_str());
    curl_easy_setopt(easy, CURLOPT_NOPROXY, options.no_proxy.c_str());
  }
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, &answer);
}

long status_of(CURL* easy) {
  long status = 0;
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
  return status;
}

// Whether there is any use in asking again: what the network did, and what a server says of the moment.
bool may_pass(CURLcode code, long status) {
  switch (code) {
    case CURLE_HTTP_RETURNED_ERROR: return status >= 500 || status == 408 || status == 429;
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_PARTIAL_FILE:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_OK:  // all of an answer that was shorter than what was asked for
      return true;
    default: return false;
  }
}

Error error_of(const std::string& url, CURLcode code, long status) {
  const auto shown = without_userinfo(url);
  if (code == CURLE_HTTP_RETURNED_ERROR)
    return Error(std::format("{}: the server answers with status {}", shown, status),
                 status == 404 || status == 403
                     ? "the URL must be that of a release's directory or manifest, readable for all"
                     : "");
  if (code == CURLE_OK) return Error(std::format("{}: the server ended before all came", shown));
  return Error(std::format("{}: {}", shown, curl_easy_strerror(code)));
}

std::chrono::milliseconds pause_after(int failures, const HttpOptions& options) {
  return std::min<std::chrono::milliseconds>(longest_pause,
                                             options.pause * (1U << static_cast<unsigned>(std::min(failures, 5))));
}

}  // namespace

bool is_http_url(std::string_view text) { return text.starts_with("http://") || text.starts_with("https://"); }

HttpSource::HttpSource(std::string base, HttpOptions options) : base_(std::move(base)), options_(std::move(options)) {
  curl_global_init(CURL_GLOBAL_DEFAULT);
}

HttpSource::~HttpSource() { curl_global_cleanup(); }

// What came of a small file.
struct HttpSource::Small {
  std::string text;
  std::size_t limit = 0;
  bool too_large = false;
  long status = 0;

  static std::size_t take(char* data, std::size_t size, std::size_t count, void* target) {
    auto& small = *static_cast<Small*>(target);
    const auto bytes = size * count;
    small.too_large = bytes > small.limit - small.text.size();
    if (small.too_large) return 0;
    small.text.append(data, bytes);
    return bytes;
  }
};

namespace {

// Sleeps without being deaf: libcurl's own wait, on nothing.
void pause(std::chrono::milliseconds time) {
  const Multi multi(curl_multi_init());
  const auto until = Clock::now() + time;
  for (auto now = Clock::now(); multi && now < until; now = Clock::now())
    curl_multi_poll(multi.get(), nullptr, 0,
                    static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(until - now).count()), nullptr);
}

}  // namespace

// range: of it, if not null.
Result<HttpSource::Small> HttpSource::small(const std::string& url, std::size_t limit, const char* range) const {
  const auto give_up = Clock::now() + options_.patience;
  for (int failures = 0;; ++failures) {
    const Easy easy(curl_easy_init());
    if (!easy) return fail("libcurl has no memory");
    Answer answer;
    Small small{.text = {}, .limit = limit, .too_large = false, .status = 0};
    set_up(easy.get(), url, options_, answer);
    curl_easy_setopt(easy.get(), CURLOPT_TIMEOUT, static_cast<long>(std::chrono::seconds(small_file_limit).count()));
    curl_easy_setopt(easy.get(), CURLOPT_RANGE, range);
    curl_easy_setopt(easy.get(), CURLOPT_WRITEFUNCTION, Small::take);
    curl_easy_setopt(easy.get(), CURLOPT_WRITEDATA, &small);
    const auto code = curl_easy_perform(easy.get());
    small.status = status_of(easy.get());
    if (code == CURLE_OK || small.too_large) return small;
    const auto wait = pause_after(failures, options_);
    if (!may_pass(code, small.status) || failures == options_.tries || Clock::now() + wait > give_up)
      return std::unexpected(error_of(url, code, small.status));
    pause(wait);
  }
}

Result<std::string> HttpSource::whole(std::string_view name, std::size_t limit) {
  const auto url = base_ + std::string(name);
  LOAM_TRY(auto came, small(url, limit, nullptr));
  if (!came.too_large) return std::move(came.text);
  return fail(std::format("{}: more than {} bytes; it was not read", without_userinfo(url), limit),
              "the URL must be that of a release's directory or manifest");
}

Result<bool> HttpSource::has_ranges(std::string_view name) {
  LOAM_TRY(const auto came, small(base_ + std::string(name), 1, "0-0"));
  return came.status == 206 && !came.too_large;
}

namespace {

class Fetch;

// One range that is being fetched.
struct Transfer {
  Fetch* fetch = nullptr;
  Easy easy;
  Answer answer;
  std::size_t part = 0;
  std::uint64_t at = 0;  // byte that comes next
  bool checked = false;  // the headers
  bool plain = false;    // the whole file comes
};

// All parts of one file.
class Fetch {
 public:
  Fetch(std::string url, std::uint64_t bytes, std::span<const Extent> wanted, const HttpOptions& options,
        const Source::Take& take)
      : url_(std::move(url)), bytes_(bytes), options_(&options), take_(&take), multi_(curl_multi_init()) {
    for (const auto& part : wanted) parts_.push_back({.next = part.offset, .end = part.offset + part.bytes});
  }
  Fetch(const Fetch&) = delete;
  Fetch& operator=(const Fetch&) = delete;
  ~Fetch() {
    for (auto& transfer : transfers_) curl_multi_remove_handle(multi_.get(), transfer.easy.get());
  }

  Result<void> run();

 private:
  struct Part {
    std::uint64_t next = 0;  // what was not delivered yet
    std::uint64_t end = 0;
    bool under_way = false;
    bool done() const { return next >= end; }
  };

  static std::size_t take_body(char* data, std::size_t size, std::size_t count, void* transfer);
  Result<void> take(Transfer& transfer, std::span<const std::byte> bytes);
  Result<void> check(Transfer& transfer);
  Result<void> check_range(Transfer& transfer);
  Result<void> check_plain(Transfer& transfer);
  Result<void> deliver(std::uint64_t at, std::span<const std::byte> bytes);
  Result<void> begin(std::size_t part);
  Result<void> begin_more();
  Result<void> take_ended();
  Result<void> check_patience();
  Result<void> ended(CURL* easy, CURLcode code);
  void pace(std::uint64_t bytes);
  std::size_t most_transfers() const;
  std::chrono::milliseconds wait() const;
  void drop(std::list<Transfer>::iterator transfer);
  bool all_done() const { return std::ranges::all_of(parts_, &Part::done); }

  std::string url_;
  std::uint64_t bytes_;
  const HttpOptions* options_;
  const Source::Take* take_;
  Multi multi_;
  std::vector<Part> parts_;
  std::list<Transfer> transfers_;
  std::string etag_;    // of the file that the first answer was about
  bool plain_ = false;  // the server has no ranges
  int failures_ = 0;    // in a row, without a byte between that had not come before
  Clock::time_point not_before_ = Clock::now();
  Clock::time_point paced_ =
      Clock::now();  // by when all that was asked for may have come; with a limit the next range waits
  Clock::time_point since_ = Clock::now();
  std::uint64_t came_ = 0;        // bytes since then
  std::optional<Error> problem_;  // that asking again does not mend
  std::optional<Error> last_;     // of those that it may
};

std::size_t Fetch::take_body(char* data, std::size_t size, std::size_t count, void* target) {
  auto& transfer = *static_cast<Transfer*>(target);
  auto& fetch = *transfer.fetch;
  if (fetch.problem_) return 0;
  auto taken = fetch.take(transfer, std::as_bytes(std::span(data, size * count)));
  if (taken) return size * count;
  fetch.problem_ = std::move(taken).error();
  return 0;
}

Result<void> Fetch::take(Transfer& transfer, std::span<const std::byte> bytes) {
  if (!transfer.checked) LOAM_CHECK(check(transfer));
  transfer.checked = true;
  if (bytes.size() > (transfer.plain ? bytes_ : parts_[transfer.part].end) - transfer.at)
    return fail(std::format("{}: more came than was asked for", without_userinfo(url_)),
                "the server does not serve this file as it is");
  const auto at = transfer.at;
  transfer.at += bytes.size();
  came_ += bytes.size();
  return deliver(at, bytes);
}

// Each byte once, also where a server gives what was there before.
Result<void> Fetch::deliver(std::uint64_t at, std::span<const std::byte> bytes) {
  const auto end = at + bytes.size();
  auto part = std::ranges::upper_bound(parts_, at, {}, &Part::end);
  for (; part != parts_.end() && part->next < end; ++part) {
    const auto from = std::max(part->next, at);
    const auto to = std::min(part->end, end);
    if (from != part->next || from >= to) continue;
    LOAM_CHECK((*take_)(from, bytes.subspan(from - at, to - from)));
    part->next = to;
    failures_ = 0;
  }
  return {};
}

Result<void> Fetch::check(Transfer& transfer) {
  const auto& answer = transfer.answer;
  if (!answer.encoding.empty() && lower(answer.encoding) != "identity")
    return fail(std::format("{}: comes encoded as {}, which was not asked for", without_userinfo(url_),
                            printable(answer.encoding, 40)),
                "switch off compression for this directory of the server");
  if (etag_.empty() && is_strong(answer.etag)) etag_ = answer.etag;
  if (!etag_.empty() && answer.etag != etag_)
    return fail(
        std::format("{}: the file on the server was replaced while it was being fetched", without_userinfo(url_)),
        "start again; what came is kept");
  return status_of(transfer.easy.get()) == 206 ? check_range(transfer) : check_plain(transfer);
}

Result<void> Fetch::check_range(Transfer& transfer) {
  auto range = parse_content_range(transfer.answer.range);
  if (!range) return std::unexpected(std::move(range).error().context(without_userinfo(url_)));
  const auto& part = parts_[transfer.part];
  const ContentRange wanted{.first = transfer.at, .last = part.end - 1, .total = bytes_};
  if (*range == wanted) return {};
  return fail(std::format("{}: bytes {}-{} of {} were asked for, {}-{} of {} came", without_userinfo(url_),
                          wanted.first, wanted.last, wanted.total, range->first, range->last, range->total),
              "the server does not serve this file as it is");
}

// From here on it is one stream.
Result<void> Fetch::check_plain(Transfer& transfer) {
  const auto& answer = transfer.answer;
  if (answer.length && *answer.length != bytes_)
    return fail(std::format("{}: {} bytes came ({}), the release says {}", without_userinfo(url_), *answer.length,
                            answer.type.empty() ? "no type" : printable(answer.type, 40), bytes_),
                "this is not the file; look at the URL in a browser");
  plain_ = true;
  transfer.plain = true;
  transfer.at = 0;
  return {};
}

Result<void> Fetch::begin(std::size_t number) {
  auto& part = parts_[number];
  auto& transfer = transfers_.emplace_back();
  transfer.fetch = this;
  transfer.easy.reset(curl_easy_init());
  transfer.part = number;
  transfer.at = part.next;
  auto* const easy = transfer.easy.get();
  if (easy == nullptr) return fail("libcurl has no memory");
  set_up(easy, url_, *options_, transfer.answer);
  // Also for a whole file: the answer says whether it can be gone on with where it stopped.
  const auto range = std::format("{}-{}", part.next, part.end - 1);
  if (!plain_) curl_easy_setopt(easy, CURLOPT_RANGE, range.c_str());  // copied
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &transfer);
  part.under_way = true;
  if (const auto code = curl_multi_add_handle(multi_.get(), easy); code != CURLM_OK)
    return fail(std::format("libcurl: {}", curl_multi_strerror(code)));
  return {};
}

// A stream is one.
std::size_t Fetch::most_transfers() const { return plain_ ? 1 : options_->connections; }

Result<void> Fetch::begin_more() {
  for (std::size_t i = 0; i < parts_.size() && transfers_.size() < most_transfers(); ++i) {
    if (parts_[i].done() || parts_[i].under_way) continue;
    if (Clock::now() < std::max(not_before_, paced_)) return {};
    pace(parts_[i].end - parts_[i].next);
    LOAM_CHECK(begin(i));
  }
  return {};
}

// A limit is for all together, and libcurl keeps to it inside of one range only. Small ones are asked for ahead of what
// comes, so that a distant server gives as much as it may.
void Fetch::pace(std::uint64_t bytes) {
  if (options_->rate_limit == 0) return;
  const std::chrono::duration<double> takes(static_cast<double>(bytes) / static_cast<double>(options_->rate_limit));
  paced_ = std::max(paced_, Clock::now() - limit_credit) + std::chrono::duration_cast<Clock::duration>(takes);
}

// Until it is worth looking again, if nothing comes before that.
std::chrono::milliseconds Fetch::wait() const {
  const bool more = transfers_.size() < most_transfers() &&
                    std::ranges::any_of(parts_, [](const Part& part) { return !part.done() && !part.under_way; });
  if (!more) return all_done() ? std::chrono::milliseconds(0) : longest_wait;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(std::max(not_before_, paced_) - Clock::now());
  return std::clamp(left, std::chrono::milliseconds(0), longest_wait);
}

void Fetch::drop(std::list<Transfer>::iterator transfer) {
  parts_[transfer->part].under_way = false;
  curl_multi_remove_handle(multi_.get(), transfer->easy.get());
  transfers_.erase(transfer);
}

Result<void> Fetch::ended(CURL* easy, CURLcode code) {
  const auto transfer = std::ranges::find(transfers_, easy, [](const Transfer& one) { return one.easy.get(); });
  const auto status = status_of(easy);
  if (code == CURLE_OK && !transfer->checked) LOAM_CHECK(check(*transfer));  // there was no body
  const bool whole = code == CURLE_OK && (plain_ ? all_done() : parts_[transfer->part].done());
  drop(transfer);
  if (problem_) return std::unexpected(*problem_);
  if (whole) return {};
  last_ = error_of(url_, code, status);
  // A server without ranges that never gets to the end would begin for ever.
  if (!may_pass(code, status) || failures_ == options_->tries) return std::unexpected(*last_);
  not_before_ = Clock::now() + pause_after(failures_++, *options_);
  return {};
}

Result<void> Fetch::take_ended() {
  int left = 0;
  while (const auto* const message = curl_multi_info_read(multi_.get(), &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    auto* const easy = message->easy_handle;
    const auto code = message->data.result;
    LOAM_CHECK(ended(easy, code));
  }
  if (problem_) return std::unexpected(*problem_);
  // The first answer that was the whole file is the one that goes on.
  if (!plain_) return {};
  const auto stream = std::ranges::find_if(transfers_, &Transfer::plain);
  for (auto transfer = transfers_.begin(); transfer != transfers_.end();) {
    const auto next = std::next(transfer);
    if (stream != transfers_.end() && transfer != stream) drop(transfer);
    transfer = next;
  }
  return {};
}

// A byte now and then is not progress.
Result<void> Fetch::check_patience() {
  const auto now = Clock::now();
  if (now - since_ < options_->patience) return {};
  const auto patience = static_cast<std::uint64_t>(options_->patience.count());
  if (came_ < patience * static_cast<std::uint64_t>(slowest(*options_))) {
    auto error = last_.value_or(Error(std::format("{}: next to nothing comes", without_userinfo(url_))));
    return std::unexpected(std::move(error)
                               .context(std::format("{} in {}", format_bytes(came_), format_seconds(patience)))
                               .remedy("start again when the server can be reached; what came is kept"));
  }
  since_ = now;
  came_ = 0;
  return {};
}

Result<void> Fetch::run() {
  if (!multi_) return fail("libcurl has no memory");
  while (!all_done()) {
    LOAM_CHECK(begin_more());
    int running = 0;
    if (const auto code = curl_multi_perform(multi_.get(), &running); code != CURLM_OK)
      return fail(std::format("libcurl: {}", curl_multi_strerror(code)));
    LOAM_CHECK(take_ended());
    LOAM_CHECK(check_patience());
    curl_multi_poll(multi_.get(), nullptr, 0, static_cast<int>(wait().count()), nullptr);
  }
  return {};
}

}  // namespace

Result<void> HttpSource::parts(std::string_view name, std::uint64_t bytes, std::span<const Extent> wanted,
                               const Take& take) {
  for (const auto& part : wanted)
    if (part.bytes == 0 || part.offset > bytes || part.bytes > bytes - part.offset)
      return fail(std::format("{}: a part behind its end was asked for", name));
  return Fetch(base_ + std::string(name), bytes, wanted, options_, take).run();
}

}  // namespace loam::slots
