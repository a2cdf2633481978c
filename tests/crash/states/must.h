// What the simulation itself does with files has to go well.
#pragma once

#include <cerrno>
#include <string>
#include <system_error>

namespace garner::crash {

inline void must(bool well, const std::string& what) {
  if (!well) throw std::system_error(errno, std::generic_category(), what);
}

}  // namespace garner::crash
