#include "base/scratch.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <format>
#include <string>
#include <vector>

namespace loam {

namespace fs = std::filesystem;

namespace {

std::string prefix_of(int pid) { return std::format("loam-{}-", pid); }

std::string pattern() { return "/tmp/" + prefix_of(::getpid()) + "XXXXXX"; }

}  // namespace

void forget_scratch_of(int pid) {
  std::error_code ignored;
  std::vector<fs::path> left;
  for (auto entry = fs::directory_iterator("/tmp", ignored); entry != fs::directory_iterator();
       entry.increment(ignored))
    if (entry->path().filename().string().starts_with(prefix_of(pid))) left.push_back(entry->path());
  for (const auto& path : left) fs::remove_all(path, ignored);
}

Result<ScratchFile> ScratchFile::make() {
  std::string path = pattern();
  ScratchFile file;
  file.fd_ = UniqueFd(::mkostemp(path.data(), O_CLOEXEC));
  if (!file.fd_) return fail_errno(path);
  file.path_ = path;
  return file;
}

ScratchFile::~ScratchFile() {
  if (!path_.empty()) ::unlink(path_.c_str());
}

Result<void> ScratchFile::resize(std::uint64_t bytes) const {
  if (::ftruncate(fd_.get(), static_cast<off_t>(bytes)) != 0) return fail_errno(path_.string());
  return {};
}

Result<ScratchDirectory> ScratchDirectory::make() {
  std::string path = pattern();
  if (::mkdtemp(path.data()) == nullptr) return fail_errno(path);
  ScratchDirectory directory;
  directory.path_ = path;
  return directory;
}

ScratchDirectory::~ScratchDirectory() {
  std::error_code ignored;
  if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
}

}  // namespace loam
