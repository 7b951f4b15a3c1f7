// The one writer of the cluster's manifests. Of all nodes, one at a time writes (the Lease loam-manifests), and an
// older release never writes over a newer one: the release that wrote last stands in the ConfigMap loam-release, only
// ever moves up, and moves before anything else is written. A Lease does not stop a writer that was late, so each
// object is written only as it was read before that release was looked at: what a newer release wrote since makes it a
// conflict. The one gap: an object that was not there when it was read.
#pragma once

#include <compare>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/kube_port.hpp"
#include "cluster/lease_holder.hpp"

namespace loam::cluster {

struct WriterOptions {
  std::string self;     // a name for this process
  std::string release;  // that the manifests are of
  // How releases are ordered: this library knows nothing of them.
  std::function<std::strong_ordering(std::string_view, std::string_view)> compare;
  std::chrono::seconds patience{40};       // for the Lease; longer than a holder that died keeps it
  std::chrono::seconds kind_patience{60};  // for a kind that the manifests before it have made
};

struct Written {
  enum class End : std::uint8_t { all, another_writes, newer_release };
  End end = End::all;
  std::string why;          // it was not all
  std::size_t changed = 0;  // objects; 0: all was there as it is
};

class ManifestWriter {
 public:
  ManifestWriter(KubePort& api, WriterOptions options, Clock clock = real_clock());
  // In their order. An error: it stopped before the object that the error names; those before it are written.
  Answer<Written> write(const std::vector<nlohmann::json>& objects);

 private:
  Answer<Written> write_as_holder(const std::vector<nlohmann::json>& objects);
  Answer<bool> raise_release();
  Answer<bool> write_one(const nlohmann::json& object);
  Answer<Resource> place_of(const nlohmann::json& object);
  Answer<std::string> current_version(const Resource& resource, const nlohmann::json& object);
  std::string newer_text() const;

  KubePort* api_;
  WriterOptions options_;
  Clock clock_;
  LeaseHolder lease_;
  std::string applied_;  // the release that the cluster says
  bool superseded_ = false;
};

}  // namespace loam::cluster
