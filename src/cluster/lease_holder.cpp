#include "cluster/lease_holder.hpp"

#include <format>
#include <thread>
#include <utility>

#include "base/text.hpp"

namespace loam::cluster {

using std::chrono::seconds;

namespace {

constexpr seconds between_attempts{2};

}  // namespace

Clock real_clock() {
  return {.steady = [] { return std::chrono::steady_clock::now(); },
          .wall = [] { return std::chrono::system_clock::now(); },
          .pause = [](std::chrono::milliseconds time) { std::this_thread::sleep_for(time); }};
}

Resource LeaseHolder::resource() const {
  return {.api = "coordination.k8s.io/v1", .plural = "leases", .space = space_};
}

Answer<void> LeaseHolder::read() {
  auto object = api_->get(resource(), name_);
  if (!object && object.error().fault != Fault::not_found) return std::unexpected(object.error());
  if (!object) {
    seen_.reset();
    holder_.clear();
    return {};
  }
  LOAM_TRY(auto lease, parse_lease(*object));
  if (!seen_ || seen_->version != lease.version) unchanged_since_ = clock_.steady();
  holder_ = printable(lease.holder);
  seen_ = std::move(lease);
  return {};
}

// False: somebody else was faster.
Answer<bool> LeaseHolder::write(LeaseStep step) {
  const auto begun = clock_.steady();
  const auto wanted = lease_object(space_, name_, lease_after(step, seen_, self_, duration_, clock_.wall()));
  const auto written = step == LeaseStep::create ? api_->create(resource(), wanted) : api_->replace(resource(), wanted);
  if (!written && written.error().fault == Fault::conflict) return false;
  if (!written) return std::unexpected(written.error());
  LOAM_TRY(seen_, parse_lease(*written));
  holder_ = self_;
  renewed_ = begun;
  return true;
}

Answer<bool> LeaseHolder::attempt() {
  LOAM_CHECK(read());
  const auto step = next_lease_step(seen_, self_, unchanged_since_, clock_.steady());
  return step == LeaseStep::wait ? Answer<bool>(false) : write(step);
}

Answer<bool> LeaseHolder::acquire(seconds patience) {
  const auto until = clock_.steady() + patience;
  while (true) {
    LOAM_TRY(const auto ours, attempt());
    if (ours) return true;
    if (clock_.steady() + between_attempts > until) return false;
    clock_.pause(between_attempts);
  }
}

Answer<void> LeaseHolder::keep() {
  const auto age = [&] { return clock_.steady() - renewed_; };
  if (!seen_ || seen_->holder != self_) return fail(std::format("the Lease {}/{} is not held", space_, name_));
  if (age() < duration_ / 3) return {};
  auto renewed = write(LeaseStep::renew);
  // Somebody may have added a label to it: what counts is whose it is.
  if (renewed && !*renewed) {
    LOAM_CHECK(read());
    if (seen_ && seen_->holder == self_) renewed = write(LeaseStep::renew);
  }
  // A write that took long may have come too late: the others count from when it was begun.
  if (renewed && *renewed && age() < duration_) return {};
  if (renewed)
    return fail(std::format("the Lease {}/{} was lost to {}", space_, name_,
                            holder_.empty() || holder_ == self_ ? "nobody, its time was over" : holder_),
                "whoever holds it now does the same; nothing is to be done");
  if (age() < duration_ * 2 / 3) return {};
  auto error = renewed.error();
  error.error = std::move(error.error).context(std::format("the Lease {}/{} cannot be renewed", space_, name_));
  return std::unexpected(std::move(error));
}

void LeaseHolder::release() {
  if (!seen_ || seen_->holder != self_) return;
  auto freed = *std::exchange(seen_, std::nullopt);
  freed.holder.clear();
  freed.acquired.clear();
  freed.renewed = micro_time(clock_.wall());
  freed.duration = seconds(1);
  [[maybe_unused]] const auto written = api_->replace(resource(), lease_object(space_, name_, freed));
}

}  // namespace loam::cluster
