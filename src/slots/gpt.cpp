#include "slots/gpt.hpp"

#include <fcntl.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <format>
#include <nlohmann/json.hpp>

#include "base/file.hpp"
#include "base/scratch.hpp"
#include "base/text.hpp"
#include "sys/subprocess.hpp"

namespace loam::slots {

const Partition* Gpt::find(int number) const {
  const auto found = std::ranges::find(partitions, number, &Partition::number);
  return found == partitions.end() ? nullptr : &*found;
}

namespace {

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

// sfdisk names a partition's node: the number is what stands at its end.
int number_of_node(std::string_view node) {
  const auto last = node.find_last_not_of("0123456789");
  const auto digits = node.substr(last == node.npos ? 0 : last + 1);
  int value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value;
}

}  // namespace

Result<Gpt> parse_sfdisk_json(std::string_view text, std::uint32_t sector_size) {
  try {
    const auto json = nlohmann::json::parse(text);
    const auto& table = json.at("partitiontable");
    if (table.at("label") != "gpt") return Gpt{};
    sector_size = table.value("sectorsize", sector_size);  // of a disk; it knows better than we do
    Gpt gpt;
    for (const auto& item : table.value("partitions", nlohmann::json::array()))
      gpt.partitions.push_back({.number = number_of_node(item.at("node").get<std::string>()),
                                .offset = item.at("start").get<std::uint64_t>() * sector_size,
                                .bytes = item.at("size").get<std::uint64_t>() * sector_size,
                                .type = lower(item.at("type").get<std::string>()),
                                .uuid = lower(item.value("uuid", "")),
                                .name = item.value("name", "")});
    return gpt;
  } catch (const nlohmann::json::exception& problem) {
    return fail(std::format("sfdisk: {}", printable(problem.what())));
  }
}

TargetState target_state(const Gpt& gpt) {
  const auto* const loam = gpt.find(number(Part::loam));
  if (loam == nullptr || loam->type != kind(Part::loam).type) return TargetState::other;
  return loam->name == installing_mark ? TargetState::installing : TargetState::installed;
}

bool same_places(const Gpt& gpt, const Layout& layout) {
  if (gpt.partitions.size() != part_count) return false;
  for (std::size_t i = 0; i < part_count; ++i) {
    const auto* const found = gpt.find(number(static_cast<Part>(i)));
    if (found == nullptr || found->type != partition_kinds[i].type ||
        layout.parts[i] != Extent{found->offset, found->bytes})
      return false;
  }
  return true;
}

namespace {

std::vector<std::string> sfdisk(const std::filesystem::path& disk, std::uint32_t sector_size,
                                std::vector<std::string> options) {
  std::vector<std::string> argv = {"sfdisk", "--quiet"};
  // A disk knows its sector size, a file does not.
  if (std::filesystem::is_regular_file(disk)) argv.push_back(std::format("--sector-size={}", sector_size));
  argv.insert(argv.end(), options.begin(), options.end());
  return argv;
}

Result<void> change(const std::filesystem::path& disk, const std::vector<std::string>& argv, std::string input = {}) {
  auto done = sys::run(argv, {.timeout = std::chrono::seconds(120), .input = std::move(input), .environment = {}});
  if (!done) return std::unexpected(std::move(done).error().context(disk.string()));
  return {};
}

}  // namespace

Result<Gpt> read_gpt(const std::filesystem::path& disk, std::uint32_t sector_size) {
  auto listed = sys::run(sfdisk(disk, sector_size, {"--json", disk.string()}));
  if (!listed) {
    // sfdisk has no exit code of its own for this.
    if (listed.error().message().contains("does not contain a recognized partition table")) return Gpt{};
    return std::unexpected(std::move(listed).error());
  }
  return parse_sfdisk_json(listed->out, sector_size);
}

namespace {

// Both tables of a GPT lie in this much of the disk's ends, whatever its sector size.
constexpr std::size_t table_area = 64U << 10U;

Result<void> copy_area(const UniqueFd& from, const UniqueFd& to, std::uint64_t offset) {
  alignas(4096) std::array<std::byte, table_area> area{};
  LOAM_CHECK(read_exact(from.get(), area, offset));
  LOAM_CHECK(write_exact(to.get(), area, offset));
  return fsync_fd(to.get(), "partition table");
}

}  // namespace

// sfdisk writes in several steps, and a disk on which it was cut off is neither blank nor ours. So it writes into a
// sparse file, and what it made goes to the disk in one piece, the table that readers look at first.
Result<void> write_gpt(const std::filesystem::path& disk, std::uint32_t sector_size, std::uint64_t disk_bytes,
                       const std::string& script) {
  LOAM_TRY(const auto table, ScratchFile::make());
  LOAM_CHECK(table.resize(disk_bytes));
  LOAM_CHECK(change(disk, sfdisk(table.path(), sector_size, {table.path().string()}), script));
  LOAM_TRY(const auto to, open_uncached(disk, O_RDWR));
  LOAM_CHECK(copy_area(table.fd(), to, 0));
  return copy_area(table.fd(), to, disk_bytes - table_area);
}

Result<void> set_partition_uuid(const std::filesystem::path& disk, std::uint32_t sector_size, int number,
                                const std::string& uuid) {
  return change(disk, sfdisk(disk, sector_size, {"--part-uuid", disk.string(), std::to_string(number), uuid}));
}

Result<void> set_partition_name(const std::filesystem::path& disk, std::uint32_t sector_size, int number,
                                std::string_view name) {
  return change(disk,
                sfdisk(disk, sector_size, {"--part-label", disk.string(), std::to_string(number), std::string(name)}));
}

}  // namespace loam::slots
