#include "base/scratch.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

namespace loam {

Result<ScratchFile> ScratchFile::make() {
  std::string path = "/tmp/loam-XXXXXX";
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
  std::string path = "/tmp/loam-XXXXXX";
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
