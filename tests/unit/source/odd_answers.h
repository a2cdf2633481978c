// A file system of which a program or a server makes up what it says, without such a file system.
#pragma once

#include <optional>
#include <string>

namespace garner::source {

// One at a time, of one thread; holds for all files.
struct OddAnswers {
  OddAnswers();
  ~OddAnswers();
  OddAnswers(const OddAnswers&) = delete;
  OddAnswers& operator=(const OddAnswers&) = delete;

  std::optional<unsigned> nanos;      // of every time
  bool lists_twice = false;           // names of extended attributes
  std::optional<std::string> target;  // of every symbolic link
};

}  // namespace garner::source
