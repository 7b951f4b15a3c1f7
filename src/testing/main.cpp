// The main function of every test program.
#include <gmock/gmock.h>

#include "testing/cmocka_listener.hpp"

int main(int argc, char** argv) {
  ::testing::InitGoogleMock(&argc, argv);
  loam::testing::add_cmocka_listener();
  return RUN_ALL_TESTS();
}
