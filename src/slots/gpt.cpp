#include "slots/gpt.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <format>
#include <nlohmann/json.hpp>

#include "base/file.hpp"
#include "base/scratch.hpp"
#include "base/text.hpp"
#include "base/whole_number.hpp"
#include "sys/subprocess.hpp"

namespace loam::slots {

const Partition* Gpt::find(int number) const {
  const auto found = std::ranges::find(partitions, number, &Partition::number);
  return found == partitions.end() ? nullptr : &*found;
}

namespace {

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
    // Of a disk; it knows better than we do.
    if (table.contains("sectorsize")) sector_size = whole_number<std::uint32_t>(table.at("sectorsize"));
    Gpt gpt;
    for (const auto& item : table.value("partitions", nlohmann::json::array()))
      gpt.partitions.push_back({.number = number_of_node(item.at("node").get<std::string>()),
                                .offset = whole_number<std::uint64_t>(item.at("start")) * sector_size,
                                .bytes = whole_number<std::uint64_t>(item.at("size")) * sector_size,
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

// sfdisk writes in several steps, and a disk on which it was cut off is neither blank nor ours. So it works on a sparse
// file, and what it made goes to the disk in one piece, the table that readers look at first. It also ends no later
// than we do, as far as the disk is concerned: a sfdisk that outlives us writes into a file that nobody reads.
class TableCopy {
 public:
  static Result<TableCopy> of(const std::filesystem::path& disk) {
    LOAM_TRY(auto fd, open_uncached(disk, O_RDWR));
    const auto end = ::lseek(fd.get(), 0, SEEK_END);
    if (end < 0) return fail_errno(disk.string());
    LOAM_TRY(auto file, ScratchFile::make());
    LOAM_CHECK(file.resize(static_cast<std::uint64_t>(end)));
    return TableCopy(std::move(fd), static_cast<std::uint64_t>(end), std::move(file));
  }

  Result<void> read() const {
    LOAM_CHECK(copy_area(disk_, file_.fd(), 0));
    return copy_area(disk_, file_.fd(), bytes_ - table_area);
  }
  Result<void> write() const {
    LOAM_CHECK(copy_area(file_.fd(), disk_, 0));
    return copy_area(file_.fd(), disk_, bytes_ - table_area);
  }
  const std::filesystem::path& path() const { return file_.path(); }
  // A disk knows its own; `of_file` is for image files.
  std::uint32_t sector_size(std::uint32_t of_file) const {
    int sectors = 0;
    return ::ioctl(disk_.get(), BLKSSZGET, &sectors) == 0 ? static_cast<std::uint32_t>(sectors) : of_file;
  }

 private:
  TableCopy(UniqueFd disk, std::uint64_t bytes, ScratchFile file)
      : disk_(std::move(disk)), bytes_(bytes), file_(std::move(file)) {}

  UniqueFd disk_;
  std::uint64_t bytes_;
  ScratchFile file_;
};

Result<void> edit(const std::filesystem::path& disk, std::uint32_t sector_size, std::string option, int number,
                  std::string value) {
  LOAM_TRY(const auto table, TableCopy::of(disk));
  LOAM_CHECK(table.read());
  LOAM_CHECK(
      change(disk, sfdisk(table.path(), table.sector_size(sector_size),
                          {std::move(option), table.path().string(), std::to_string(number), std::move(value)})));
  return table.write();
}

}  // namespace

Result<void> write_gpt(const std::filesystem::path& disk, std::uint32_t sector_size, const std::string& script) {
  LOAM_TRY(const auto table, TableCopy::of(disk));
  LOAM_CHECK(change(disk, sfdisk(table.path(), table.sector_size(sector_size), {table.path().string()}), script));
  return table.write();
}

Result<void> set_partition_uuid(const std::filesystem::path& disk, std::uint32_t sector_size, int number,
                                const std::string& uuid) {
  return edit(disk, sector_size, "--part-uuid", number, uuid);
}

Result<void> set_partition_name(const std::filesystem::path& disk, std::uint32_t sector_size, int number,
                                std::string_view name) {
  return edit(disk, sector_size, "--part-label", number, std::string(name));
}

}  // namespace loam::slots
