#include "cluster/watch_stream.hpp"
#include "cluster/kube_resource.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace loam::cluster {
namespace {

constexpr std::string_view text = R"({"type":"ADDED","object":{"metadata":{"name":"a","resourceVersion":"7"}}}
{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"9"}}}
{"type":"ERROR","object":{"kind":"Status","code":410}}
)";

TEST(WatchStream, GivesEachEventHoweverTheBytesCome) {
  for (std::size_t step = 1; step <= text.size(); ++step) {
    WatchStream stream(200);
    std::vector<WatchEvent> events;
    const auto take = [&](WatchEvent event) {
      events.push_back(std::move(event));
      return true;
    };
    for (std::size_t at = 0; at < text.size(); at += step) {
      const auto more = stream.feed(text.substr(at, step), take);
      ASSERT_TRUE(more && *more) << step;
    }
    ASSERT_EQ(events.size(), 3U) << step;
    EXPECT_EQ(events[0].type, WatchEvent::Type::added);
    EXPECT_EQ(resource_version_of(events[1].object), "9");
    EXPECT_EQ(events[2].object["code"], 410);
  }
}

TEST(WatchStream, EndsWhenNoMoreIsWanted) {
  WatchStream stream(200);
  int taken = 0;
  const auto more = stream.feed(text, [&](const WatchEvent&) { return ++taken < 2; });
  ASSERT_TRUE(more);
  EXPECT_FALSE(*more);
  EXPECT_EQ(taken, 2);
}

TEST(WatchStream, HasALimit) {
  WatchStream stream(100);
  const auto take = [](const WatchEvent&) { return true; };
  EXPECT_TRUE(stream.feed(std::string(100, ' '), take));
  EXPECT_FALSE(stream.feed(" ", take));
}

TEST(WatchStream, RefusesWhatIsNoEvent) {
  for (const auto* const line : {"x", "[]", "{}", R"({"type":"ADDED"})", R"({"type":1,"object":{}})",
                                 R"({"type":"NEW","object":{}})", R"({"type":"ADDED","object":3})"})
    EXPECT_FALSE(parse_watch_event(line)) << line;
  EXPECT_EQ(resource_version_of(nlohmann::json::object()), "");
  EXPECT_EQ(resource_version_of({{"metadata", {{"resourceVersion", 3}}}}), "");
}

}  // namespace
}  // namespace loam::cluster
