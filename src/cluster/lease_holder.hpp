// Holding a Lease for as long as something is done. By it others leave us alone; it does not stop us from being late,
// so what must not be done twice needs a condition of its own (manifest_writer).
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "cluster/kube_port.hpp"
#include "cluster/lease.hpp"

namespace loam::cluster {

// What of the clock is needed; tests have one that need not be waited for.
struct Clock {
  std::function<Steady()> steady;
  std::function<Wall()> wall;
  std::function<void(std::chrono::milliseconds)> pause;
};
Clock real_clock();

class LeaseHolder {
 public:
  // self: one name for each process, not for each node.
  LeaseHolder(KubePort& api, std::string space, std::string name, std::string self, Clock clock,
              std::chrono::seconds duration = std::chrono::seconds(15))
      : api_(&api),
        space_(std::move(space)),
        name_(std::move(name)),
        self_(std::move(self)),
        clock_(std::move(clock)),
        duration_(duration) {}

  // Asks for it until it is ours or the patience is over. False: another one has it.
  Answer<bool> acquire(std::chrono::seconds patience);
  // Before each thing that only the holder may do: renews it in time. An error: it is not ours any more, or cannot be
  // counted on.
  Answer<void> keep();
  // So that the next one need not wait. Whether it worked does not matter: it ends by itself.
  void release();

  const std::string& holder() const { return holder_; }  // as it was read last

 private:
  Answer<bool> attempt();
  Answer<bool> write(LeaseStep step);
  Answer<void> read();
  Resource resource() const;

  KubePort* api_;
  std::string space_;
  std::string name_;
  std::string self_;
  Clock clock_;
  std::chrono::seconds duration_;
  std::optional<Lease> seen_;
  Steady unchanged_since_;
  Steady renewed_;  // when the last request that renewed it was begun
  std::string holder_;
};

}  // namespace loam::cluster
