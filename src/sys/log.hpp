// Log lines for the journal, with fields that journalctl can search for.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace loam::sys {

// As of syslog(3).
enum class Priority : int { error = 3, warning = 4, notice = 5, info = 6 };

// Field names are upper case, such as LOAM_CONDITION. Without a journal the line goes to standard error.
void log(Priority priority, std::string_view message,
         std::initializer_list<std::pair<std::string_view, std::string_view>> fields = {});

}  // namespace loam::sys
