// Suggests what a person may have meant: the nearest of the names that are there.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace garner::snapshot {

// Keeps the three nearest of any number of names. A value; one thread at a time.
class NearNames {
 public:
  explicit NearNames(std::string wanted);
  void offer(std::string_view name);
  // " (did you mean a, b or c?)", printable, nearest first; empty when nothing is near.
  std::string suggestion() const;

 private:
  struct Candidate {
    std::size_t distance;
    std::string name;
  };
  std::string wanted_;
  std::size_t limit_;  // distance that still counts as near
  std::vector<Candidate> nearest_;
};

// Bytes to insert, delete or replace to make one of the other (Levenshtein), or limit + 1 when that is more
// than `limit`. Time: limit times the length.
std::size_t edit_distance(std::string_view a, std::string_view b, std::size_t limit);

}  // namespace garner::snapshot
