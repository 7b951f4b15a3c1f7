// Test results in the formats of cmocka, chosen by the environment variables that cmocka reads.
#pragma once
namespace loam::testing {
// Adds the listener if CMOCKA_MESSAGE_OUTPUT asks for one. Call it after InitGoogleTest.
void add_cmocka_listener();
}  // namespace loam::testing
