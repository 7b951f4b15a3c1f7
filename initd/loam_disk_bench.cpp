// loam-disk-bench observe | event: seconds that observing all disks and planning takes, or one disk's event. Not part
// of the image. Sees the disks of sysfs and udev's database: qa/bench/fake_disks.py makes as many as are wanted.
#include <chrono>
#include <format>
#include <iostream>

#include "base/guard.hpp"
#include "diskmgr/disk_book.hpp"
#include "diskmgr/observe.hpp"
#include "model/parse.hpp"
#include "testing/cpu_seconds.hpp"

namespace {

using namespace loam;
using loam::testing::cpu_seconds;

// As when loam-probe has answered: blank, but every tenth with a file system.
void answer(diskmgr::Facts& facts, std::size_t number) {
  facts.unread.clear();
  if (number % 10 == 9) facts.content.signatures = {{"ext4", "photos", "", 1080}};
}

Result<diskmgr::DiskBook> observed(const model::Storage& storage) {
  LOAM_TRY(auto all, diskmgr::enumerate());
  diskmgr::DiskBook book;
  book.configure(storage, "node1", "", {});
  for (std::size_t i = 0; i < all.size(); ++i) {
    answer(all[i], i);
    book.put(std::move(all[i]));
  }
  return book;
}

// By the clock on the wall: more than one thread works.
Result<void> observe(const model::Storage& storage) {
  const auto started = std::chrono::steady_clock::now();
  LOAM_TRY(const auto book, observed(storage));
  const auto todo = plan_storage(storage, "node1", book.disks(), {});
  const auto text = format(todo.plan);
  const auto seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  std::cout << std::format("{:.9f} {} disks, {} actions, {} bytes of text\n", seconds, book.entries().size(),
                           todo.plan.actions.size(), text.size());
  return {};
}

// A disk goes and comes back: what loamd does about both events, without the look at what is on it.
Result<void> event(const model::Storage& storage) {
  constexpr int times = 500;
  LOAM_TRY(auto book, observed(storage));
  const auto node = book.entries().begin()->first;
  const auto started = cpu_seconds();
  for (int i = 0; i < times; ++i) {
    book.remove(node);
    const auto device = sys::block_device(node.substr(node.rfind('/') + 1));
    auto facts = device ? diskmgr::observe(*device) : std::nullopt;
    if (!facts) return fail(node + " is gone");
    answer(*facts, 0);
    book.put(*std::move(facts));
    if (book.to_do().empty()) return fail("nothing to do: the disk was not taken up");
  }
  std::cout << std::format("{:.9f} per event\n", (cpu_seconds() - started) / (2 * times));
  return {};
}

int run(std::string_view what) {
  const auto config = model::parse_config("version: 1\nstorage: {data: [{rotational: true}]}\n", "bench");
  const auto done = what == "observe" ? observe(config->storage) : event(config->storage);
  if (!done) std::cerr << done.error().text() << '\n';
  return done ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: loam-disk-bench observe|event\n";
    return 2;
  }
  return loam::guard("loam-disk-bench", [&] { return run(argv[1]); });
}
