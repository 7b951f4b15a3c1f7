// loam-verified-read RELEASE: the release's root on standard output, each block checked against the tree. Not part of
// the image: ./dev bench install feeds dd from it, so that engine and dd read and check the same way.
#include <unistd.h>

#include <iostream>

#include "slots/release.hpp"
#include "slots/transfer.hpp"

namespace {

using namespace loam;

Result<void> serve(const std::string& directory) {
  LOAM_TRY(const auto release, slots::Release::open_unsigned(directory));
  LOAM_TRY(auto tree, release.load_tree());
  return slots::read_verified({.path = release.file("root"), .offset = 0}, tree, STDOUT_FILENO);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: loam-verified-read RELEASE\n";
    return 2;
  }
  auto done = serve(argv[1]);
  if (!done) std::cerr << done.error().text() << '\n';
  return done ? 0 : 1;
}
