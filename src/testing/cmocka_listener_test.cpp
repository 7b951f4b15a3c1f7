#include "testing/cmocka_listener.hpp"

#include <gtest/gtest.h>

namespace loam::testing {
namespace {

const GroupResult group{
    .name = "Parser",
    .tests = {{.name = "good", .seconds = 0.5, .failed = false, .skipped = false, .message = ""},
              {.name = "bad", .seconds = 0, .failed = true, .skipped = false, .message = "f.cpp:3: a < b"},
              {.name = "later", .seconds = 0, .failed = false, .skipped = true, .message = ""}}};

TEST(CmockaListener, Tap) {
  EXPECT_EQ(
      render_tap(group),
      "TAP version 13\n1..3\nok 1 - good\nnot ok 2 - bad\n# f.cpp:3: a < b\nok 3 - later # SKIP\n# not ok - Parser\n");
}

TEST(CmockaListener, XmlCountsAndEscapes) {
  const auto xml = render_xml({{.name = "a<b", .tests = group.tests}});
  EXPECT_NE(
      xml.find("<testsuite name=\"a&lt;b\" time=\"0.500\" tests=\"3\" failures=\"1\" errors=\"0\" skipped=\"1\" >"),
      xml.npos)
      << xml;
  EXPECT_NE(xml.find("<failure><![CDATA[f.cpp:3: a < b]]></failure>"), xml.npos);
}

TEST(CmockaListener, NoMessageEndsItsOwnSection) {
  const TestResult test{.name = "t", .seconds = 0, .failed = true, .skipped = false, .message = "a[b[0]]>c \x1b"};
  EXPECT_NE(render_xml({{.name = "g", .tests = {test}}}).find("<![CDATA[a[b[0]]]]><![CDATA[>c ?]]></failure>"),
            std::string::npos);
}

TEST(CmockaListener, Subunit) {
  EXPECT_EQ(render_subunit(group),
            "test: good\nsuccess: good\ntest: bad\nfailure: bad [\nf.cpp:3: a < b\n]\ntest: later\nskip: later\n");
}

TEST(CmockaListener, StandardSaysWhatFailed) {
  const auto text = render_standard(group);
  EXPECT_NE(text.find("[  PASSED  ] 1 test(s).\n[  FAILED  ] Parser: 1 test(s).\n"), text.npos) << text;
}

}  // namespace
}  // namespace loam::testing
