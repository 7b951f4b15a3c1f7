// The terminal on standard input and output.
#pragma once

#include <string>

#include "frame_writer.hpp"
#include "keys.hpp"

namespace loam::console {

// Each key by itself, none of them on the screen, and no blanking. Where there is no terminal nothing happens.
void prepare_terminal();
// As somebody else wants to find it: empty, with a cursor.
void leave_terminal();
// Readable when the terminal has another size; negative if that cannot be watched.
int watch_size();
// Takes what made it readable.
void size_seen(int fd);
// As the kernel knows it; of a serial line it is what somebody said once, or zeros.
TerminalSize kernel_size();
TerminalKind terminal_kind();
// Not Linux' own screen: what is at the other end is known only by asking it.
bool on_serial_line();
// Such as tty1; empty if standard output is none.
std::string terminal_name();

}  // namespace loam::console
