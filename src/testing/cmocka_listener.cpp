#include "testing/cmocka_listener.hpp"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <format>
#include <fstream>
#include <iostream>

#include "base/text.hpp"

namespace loam::testing {

namespace {

std::string upper(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return result;
}

std::string xml_text(std::string_view text) {
  std::string safe;
  for (const char c : text) {
    if (c == '<') {
      safe += "&lt;";
    } else if (c == '>') {
      safe += "&gt;";
    } else if (c == '&') {
      safe += "&amp;";
    } else if (c == '"') {
      safe += "&quot;";
    } else if (static_cast<unsigned char>(c) >= 0x20 || c == '\n' || c == '\t') {
      safe += c;
    }
  }
  return safe;
}

// A CDATA section ends at the first "]]>"; control characters have no place in XML.
std::string cdata(std::string_view text) {
  std::string safe;
  for (const char c : text) {
    if (c == '>' && safe.ends_with("]]")) safe += "]]><![CDATA[";
    safe += static_cast<unsigned char>(c) >= 0x20 || c == '\n' || c == '\t' ? c : '?';
  }
  return std::format("<![CDATA[{}]]>", safe);
}

std::string commented(std::string_view text) {
  std::string all;
  for (const auto line : split(text, '\n'))
    if (!line.empty()) all += std::format("# {}\n", line);
  return all;
}

}  // namespace

std::string render_tap(const GroupResult& group) {
  std::string text = std::format("TAP version 13\n1..{}\n", group.tests.size());
  for (std::size_t i = 0; i < group.tests.size(); ++i) {
    const auto& test = group.tests[i];
    text +=
        std::format("{} {} - {}{}\n", test.failed ? "not ok" : "ok", i + 1, test.name, test.skipped ? " # SKIP" : "");
    if (test.failed) text += commented(test.message);
  }
  const auto failed = std::ranges::count_if(group.tests, &TestResult::failed);
  return text + std::format("# {} - {}\n", failed == 0 ? "ok" : "not ok", group.name);
}

std::string render_xml(const std::vector<GroupResult>& groups) {
  std::string text = "<?xml version=\"1.0\" encoding=\"UTF-8\" ?>\n<testsuites>\n";
  for (const auto& group : groups) {
    double seconds = 0;
    for (const auto& test : group.tests) seconds += test.seconds;
    text += std::format(
        "  <testsuite name=\"{}\" time=\"{:.3f}\" tests=\"{}\" failures=\"{}\" errors=\"0\" skipped=\"{}\" >\n",
        xml_text(group.name), seconds, group.tests.size(), std::ranges::count_if(group.tests, &TestResult::failed),
        std::ranges::count_if(group.tests, &TestResult::skipped));
    for (const auto& test : group.tests) {
      text += std::format("    <testcase name=\"{}\" time=\"{:.3f}\" >\n", xml_text(test.name), test.seconds);
      if (test.failed) text += std::format("      <failure>{}</failure>\n", cdata(test.message));
      if (test.skipped) text += "      <skipped/>\n";
      text += "    </testcase>\n";
    }
    text += "  </testsuite>\n";
  }
  return text + "</testsuites>\n";
}

std::string render_subunit(const GroupResult& group) {
  std::string text;
  for (const auto& test : group.tests) {
    text += std::format("test: {}\n", test.name);
    if (test.failed) {
      text += std::format("failure: {} [\n{}\n]\n", test.name, test.message);
    } else {
      text += std::format("{}: {}\n", test.skipped ? "skip" : "success", test.name);
    }
  }
  return text;
}

std::string render_standard(const GroupResult& group) {
  std::string text = std::format("[==========] {}: Running {} test(s).\n", group.name, group.tests.size());
  for (const auto& test : group.tests) {
    text += std::format("[ RUN      ] {}\n", test.name);
    if (test.failed) text += test.message + "\n";
    text += std::format("[{}] {}\n",
                        test.failed    ? "  FAILED  "
                        : test.skipped ? "  SKIPPED "
                                       : "       OK ",
                        test.name);
  }
  const auto failed = std::ranges::count_if(group.tests, &TestResult::failed);
  const auto skipped = std::ranges::count_if(group.tests, &TestResult::skipped);
  text += std::format("[==========] {}: {} test(s) run.\n[  PASSED  ] {} test(s).\n", group.name, group.tests.size(),
                      std::ssize(group.tests) - failed - skipped);
  if (failed != 0) text += std::format("[  FAILED  ] {}: {} test(s).\n", group.name, failed);
  return text;
}

namespace {

class Listener : public ::testing::EmptyTestEventListener {
 public:
  explicit Listener(std::string formats) : formats_(std::move(formats)) {}

  void OnTestSuiteStart(const ::testing::TestSuite& suite) override {
    groups_.push_back({.name = suite.name(), .tests = {}});
  }

  void OnTestEnd(const ::testing::TestInfo& info) override {
    const auto& result = *info.result();
    TestResult test{.name = info.name(),
                    .seconds = static_cast<double>(result.elapsed_time()) / 1000,
                    .failed = result.Failed(),
                    .skipped = result.Skipped(),
                    .message = {}};
    for (int i = 0; i < result.total_part_count(); ++i) {
      const auto& part = result.GetTestPartResult(i);
      if (part.failed())
        test.message += std::format("{}:{}: {}\n", part.file_name() == nullptr ? "" : part.file_name(),
                                    part.line_number(), part.message());
    }
    groups_.back().tests.push_back(std::move(test));
  }

  void OnTestSuiteEnd(const ::testing::TestSuite&) override {
    for (const auto format : split(formats_, ',')) {
      if (format == "TAP") std::cout << render_tap(groups_.back());
      if (format == "SUBUNIT") std::cout << render_subunit(groups_.back());
      if (format == "STDOUT" || format == "STANDARD") std::cout << render_standard(groups_.back());
      if (format == "XML") write_xml();
    }
    std::cout << std::flush;
  }

  void OnTestProgramEnd(const ::testing::UnitTest&) override {
    const char* const file = std::getenv("CMOCKA_XML_FILE");
    if (formats_.find("XML") != formats_.npos && file == nullptr) std::cout << render_xml(groups_) << std::flush;
  }

 private:
  // With "%g" a file a group; without, one file, whole after each group as far as it goes.
  void write_xml() const {
    const char* const name = std::getenv("CMOCKA_XML_FILE");
    if (name == nullptr) return;
    std::string path = name;
    const auto at = path.find("%g");
    auto group = groups_.back().name;
    std::ranges::replace(group, '/', '-');  // of tests with parameters
    if (at != path.npos) path.replace(at, 2, group);
    std::ofstream(path) << render_xml(at == path.npos ? groups_ : std::vector{groups_.back()});
  }

  std::string formats_;
  std::vector<GroupResult> groups_;
};

}  // namespace

void add_cmocka_listener() {
  const char* const chosen = std::getenv("CMOCKA_MESSAGE_OUTPUT");
  if (chosen == nullptr) return;
  auto& listeners = ::testing::UnitTest::GetInstance()->listeners();
  delete listeners.Release(listeners.default_result_printer());
  listeners.Append(new Listener(upper(chosen)));  // GoogleTest owns it
}

}  // namespace loam::testing
