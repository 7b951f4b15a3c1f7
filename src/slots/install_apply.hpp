// The effects of an install plan: every action can be killed and run again.
#pragma once

#include <functional>
#include <string>

#include "plan/executor.hpp"
#include "slots/esp.hpp"
#include "slots/install_plan.hpp"
#include "slots/transfer.hpp"

namespace loam::slots {

// What the loam partition starts with.
struct NodeSeed {
  std::string config_text;  // loam.yaml, as it was given
  std::string machine_id;   // 32 hexadecimal digits
};

// Reads the target's table and whether its ESP could boot.
Result<void> observe_target(InstallTarget& target);

class InstallApply {
 public:
  InstallApply(InstallTarget target, const Release& release, NodeSeed seed, ProgressCallback progress);

  // One handler an action kind of plan_install. They refer to this object.
  plan::Handlers handlers();

 private:
  Result<void> wipe();
  Result<void> forget_old_file_systems(const Layout& layout) const;
  Result<void> partition();
  Result<void> fill_slot(const plan::Action& action);
  Result<void> make_loam();
  Result<void> make_state();
  Result<void> verify_slot();
  Result<void> name_slot();
  Result<void> install_boot();
  Result<void> mark_installed();

  Result<Layout> layout() const;
  Result<Place> place(Part part) const;
  Result<void> fill_esp(const Esp& esp) const;
  Result<void> make_ext4(Part part, const std::string& label, const std::string& source_directory) const;

  InstallTarget target_;
  const Release* release_;
  NodeSeed seed_;
  ProgressCallback progress_;
};

}  // namespace loam::slots
