// Test results in the formats of cmocka, so that harnesses made for cmocka read ours: CMOCKA_MESSAGE_OUTPUT chooses
// STDOUT, TAP, XML or SUBUNIT (several by commas), CMOCKA_XML_FILE names the XML file ("%g" becomes the group's name).
// Source of the formats: cmocka 1.1, src/cmocka.c.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace loam::testing {

struct TestResult {
  std::string name;
  double seconds = 0;
  bool failed = false;
  bool skipped = false;
  std::string message;
};

struct GroupResult {
  std::string name;
  std::vector<TestResult> tests;
};

// Pure renderers, one a format.
std::string render_tap(const GroupResult& group);
std::string render_xml(const std::vector<GroupResult>& groups);
std::string render_subunit(const GroupResult& group);
std::string render_standard(const GroupResult& group);

// Adds the listener if CMOCKA_MESSAGE_OUTPUT is set. Call it after InitGoogleTest.
void add_cmocka_listener();

}  // namespace loam::testing
