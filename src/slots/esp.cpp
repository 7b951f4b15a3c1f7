#include "slots/esp.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <format>
#include <iterator>

#include "base/file.hpp"
#include "base/scratch.hpp"
#include "base/text.hpp"
#include "slots/sha256.hpp"
#include "sys/subprocess.hpp"

namespace loam::slots {

namespace {

// loamd looks itself, and must do so well within its watchdog's time.
constexpr std::chrono::seconds look_limit{30};

}  // namespace

Result<std::string> Esp::mtool(std::vector<std::string> command, std::string input, std::chrono::seconds limit) const {
  command.insert(command.begin() + 1, {"-i", std::format("{}@@{}", disk_.string(), extent_.offset)});
  auto ran = sys::run(
      command,
      {.timeout = limit, .input = std::move(input), .environment = {"MTOOLS_SKIP_CHECK=1", "MTOOLSRC=/dev/null"}});
  if (!ran) return std::unexpected(std::move(ran).error().context("EFI system partition"));
  return std::move(ran->out);
}

Result<void> Esp::sync() const {
  LOAM_TRY(const auto fd, open_file(disk_, O_RDWR));
  return fsync_fd(fd.get(), disk_.string());
}

bool Esp::formatted() const {
  std::array<std::byte, 512> sector{};
  const auto fd = open_file(disk_, O_RDONLY);
  return fd && read_exact(fd->get(), sector, extent_.offset) && sector[510] == std::byte{0x55} &&
         sector[511] == std::byte{0xaa};
}

// Clusters of 4 KiB: FAT32 needs 65,525 of them, and 2 GiB then have 524,288 with sectors of either size.
Result<void> Esp::format(const std::string& volume_id) const {
  LOAM_CHECK(
      sys::run({"mkfs.fat", "-F", "32", "-S", std::to_string(sector_size_), "-s", std::to_string(4096 / sector_size_),
                "-n", "LOAM-ESP", "-i", volume_id, std::format("--offset={}", extent_.offset / sector_size_),
                disk_.string(), std::to_string(extent_.bytes / 1024)},
               {.timeout = std::chrono::seconds(300), .input = {}, .environment = {}}));
  return {};
}

Result<void> Esp::make_directory(const std::string& path) const {
  LOAM_CHECK(mtool({"mmd", "-D", "s", "::" + path}));
  return {};
}

// What is on the disk, past the page cache, against the source.
Result<void> Esp::check_copy(const std::filesystem::path& from, const std::string& copy) const {
  LOAM_TRY(const auto fd, open_file(disk_, O_RDONLY));
  ::posix_fadvise(fd.get(), 0, 0, POSIX_FADV_DONTNEED);
  LOAM_TRY(const auto aside, ScratchFile::make());
  LOAM_CHECK(mtool({"mcopy", "-n", "-o", copy, aside.path().string()}));
  LOAM_TRY(const auto wanted, sha256_file(from));
  LOAM_TRY(const auto found, sha256_file(aside.path()));
  if (wanted == found) return {};
  return fail(std::format("{} reads back otherwise than it was written", from.filename().string()),
              "the disk does not keep what is written to it; replace it");
}

Result<void> Esp::put(const std::filesystem::path& from, const std::string& to) const {
  const auto aside = "::" + to + ".new";
  LOAM_CHECK(mtool({"mcopy", "-D", "o", "-m", from.string(), aside}));
  LOAM_CHECK(sync());
  LOAM_CHECK(check_copy(from, aside));
  LOAM_CHECK(mtool({"mren", "-D", "o", aside, "::" + to}));
  return sync();
}

Result<void> Esp::put_text(const std::string& text, const std::string& to) const {
  const auto aside = "::" + to + ".new";
  LOAM_CHECK(mtool({"mcopy", "-D", "o", "-", aside}, text));
  LOAM_CHECK(sync());
  LOAM_CHECK(mtool({"mren", "-D", "o", aside, "::" + to}));
  return sync();
}

Result<std::string> Esp::read_text(const std::string& path) const {
  auto text = mtool({"mtype", "::" + path}, {}, look_limit);
  if (text || !text.error().message().contains("not found")) return text;
  return std::string();
}

Result<void> Esp::copy_out(const std::string& path, const std::filesystem::path& to) const {
  LOAM_CHECK(mtool({"mcopy", "-n", "-o", "::" + path, to.string()}));
  return {};
}

Result<void> Esp::remove(const std::string& path) const {
  auto removed = mtool({"mdel", "::" + path});
  if (!removed && !removed.error().message().contains("not found")) return std::unexpected(std::move(removed).error());
  return sync();
}

// mren(1) does not write over a file.
Result<void> Esp::rename(const std::string& from, const std::string& to) const {
  LOAM_CHECK(mtool({"mren", "-D", "o", "::" + from, "::" + to}));
  return sync();
}

namespace {

// mdir(1) groups the digits of its sums: "    2 136 000 000 bytes free".
std::uint64_t spaced_number(std::string_view text) {
  std::string digits;
  std::ranges::copy_if(text, std::back_inserter(digits), [](unsigned char c) { return std::isdigit(c) != 0; });
  return leading_number(digits);
}

}  // namespace

// "        1 file           1 234 567 bytes": the sum of the one file.
Result<std::uint64_t> Esp::size(const std::string& path) const {
  LOAM_TRY(const auto listed, mtool({"mdir", "::" + path}, {}, look_limit));
  constexpr std::string_view count = " 1 file ";
  for (const auto line : split(listed, '\n'))
    if (const auto at = line.find(count); at != line.npos && line.ends_with("bytes"))
      return spaced_number(line.substr(at + count.size()));
  return fail(std::format("mdir does not say how large {} is", path));
}

Result<std::uint64_t> Esp::free_bytes() const {
  LOAM_TRY(const auto listed, mtool({"mdir", "::/"}, {}, look_limit));
  for (const auto line : split(listed, '\n'))
    if (line.ends_with("bytes free")) return spaced_number(line);
  return fail("mdir does not say how much of the EFI system partition is free");
}

Result<std::vector<std::string>> Esp::list(const std::string& directory) const {
  auto listed = mtool({"mdir", "-b", "::" + directory}, {}, look_limit);
  std::vector<std::string> names;
  if (!listed) {
    if (listed.error().message().contains("not found")) return names;
    return std::unexpected(std::move(listed).error());
  }
  for (const auto line : split(*listed, '\n')) {
    auto path = trim(line);
    while (path.ends_with('/')) path.remove_suffix(1);
    if (const auto slash = path.rfind('/'); slash != path.npos) names.emplace_back(path.substr(slash + 1));
  }
  return names;
}

}  // namespace loam::slots
