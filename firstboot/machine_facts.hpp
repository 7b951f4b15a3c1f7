// What loamd's documents say about this machine, as far as the console shows it or lets it be chosen. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.hpp"

namespace loam::console {

struct NicFacts {
  std::string name;
  std::string mac;  // the permanent one
  std::string driver;
  std::string pci;
  std::int64_t speed = 0;  // Mb/s; 0: not known
  bool carrier = false;
  std::string neighbour;  // "switch port", as LLDP tells it
};

struct DiskFacts {
  std::string id;
  std::string model;
  std::string serial;
  std::string bus;
  std::string slot;
  std::uint64_t bytes = 0;
  bool rotational = false;
  bool removable = false;
  std::string wwn;
  std::string health;   // "good"; what is wrong with it follows in brackets
  std::string cls;      // as loamctl disks has it
  std::string content;  // what is on it; "nothing" of a blank one
  std::string reason;
};

struct MachineFacts {
  std::string product;  // "Dell PowerEdge R740"
  std::string serial;
  int processors = 0;
  std::uint64_t memory = 0;  // bytes
  bool kvm = false;
  std::string hostname;  // as the network or its owner gave it; empty: it has none of its own
  std::vector<NicFacts> nics;
  std::vector<DiskFacts> disks;
};

// The properties Machine, Links and Disks. What a document does not say stays as it is by default.
MachineFacts machine_facts(const std::string& machine, const std::string& links, const std::string& disks);

// What somebody should know before Loam is installed here, each with its reason.
std::vector<std::string> machine_warnings(const MachineFacts& machine);

// "Samsung PM9A3, 894 GiB, nvme, serial S6X...: ext4 "data""
std::string describe(const DiskFacts& disk);
// "PCI slot 4", "slot 1:0"; empty if that is not known.
std::string slot_words(const DiskFacts& disk);
// What describe() leaves out: where it is, its WWN, its health.
std::string details(const DiskFacts& disk);
// Why nothing can be installed on it, as it is here; empty: it can.
std::string why_not_for_the_system(const DiskFacts& disk);
// "25 Gb/s  52:54:00:12:34:56  mlx5_core  sw1 Ethernet12"
std::string describe(const NicFacts& nic);

}  // namespace loam::console
