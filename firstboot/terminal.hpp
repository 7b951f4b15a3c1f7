// The terminal on standard input and output.
#pragma once

#include <string>

#include "frame_writer.hpp"
#include "keys.hpp"

namespace loam::console {

// Each key by itself, none of them on the screen, and no blanking. Where there is no terminal nothing happens.
void prepare_terminal();
// As the kernel knows it; zeros on a serial line, whose other end it does not know.
TerminalSize kernel_size();
TerminalKind terminal_kind();

}  // namespace loam::console
