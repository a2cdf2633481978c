// What became of the names in a folder since another snapshot, gathered from what the daemon tells of the
// folder or of all that is around it. A value.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "garner/v1/service.pb.h"

namespace garner::client::browse {

enum class Mark {
  kNone,
  kAdded,
  kRemoved,
  kContent,   // of a folder: of something in it
  kMetadata,  // and nothing else
};

char letter(Mark mark);  // as garner diff has it; a blank for none

class FolderChanges {
 public:
  struct Removed {
    std::uint32_t type = 0;  // as in st_mode
    std::uint64_t size = 0;  // of a file
  };

  // `folder`: a path of the machine.
  explicit FolderChanges(std::string folder = "/") : folder_(std::move(folder)) {}

  // The folder was not there before.
  void set_all_added() { all_added_ = true; }
  // What is not in the folder does nothing.
  void add(const v1::DiffChange& change);

  Mark mark(const std::string& name) const;
  const std::map<std::string, Removed>& removed() const { return removed_; }
  // How many names have a mark.
  std::size_t count() const { return marks_.size(); }

 private:
  void add(std::string_view path, Mark mark, const Removed& removed);

  std::string folder_;
  bool all_added_ = false;
  std::map<std::string, Mark> marks_;
  std::map<std::string, Removed> removed_;
};

}  // namespace garner::client::browse
