// A file that is made now, for its owner only, and is there when it has been written; otherwise it is taken
// away again.
#pragma once

#include <string>

namespace garner::client {

class NewFile {
 public:
  // Never overwrites: Failure(kExitFailed) when there is anything at `path`, which is absolute, or it cannot
  // be made.
  explicit NewFile(std::string path);
  ~NewFile();
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;

  // Writes, and makes file and name durable: fsync of the file, then of its folder. Once.
  void write_durably(const std::string& content);

 private:
  [[noreturn]] void fail(const std::string& doing) const;

  std::string path_;
  int descriptor_;
  bool written_ = false;
};

}  // namespace garner::client
