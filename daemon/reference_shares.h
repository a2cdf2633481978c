// Of blobs that are asked for, what each file and folder in some histories has: how many bytes, and in which
// snapshots.
#pragma once

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "histories.h"

namespace garner::daemon {

struct WantedBlob {
  catalog::BlobPrefix prefix = 0;
  std::uint64_t bytes = 0;
  bool is_content = false;  // who has it is marked
};

// A file or folder that has something of it.
struct Sharer {
  std::size_t row = 0;
  catalog::ItemNumber item = 0;
  std::uint64_t bytes = 0;  // of all blobs that it has, in any of its versions, together
  std::vector<catalog::Span> spans;
  bool is_marked = false;
};

// One thread at a time. Memory: the sharers and, while it looks, 16 bytes for each blob of each of them.
class ReferenceShares {
 public:
  // Both outlive it.
  ReferenceShares(Histories& histories, const std::vector<HistoryRow>& rows)
      : histories_(histories), rows_(rows) {}

  // Adds who has these blobs, each given once, in that row; what no wanted snapshot has does not count. Marks
  // in `found`, which is as long, those that anybody has. Errors: as Histories::read().
  void look(std::size_t row, const std::vector<WantedBlob>& blobs, std::vector<bool>& found);
  // By row and item.
  std::vector<Sharer> take();

 private:
  Histories& histories_;
  const std::vector<HistoryRow>& rows_;
  std::map<std::pair<std::size_t, catalog::ItemNumber>, Sharer> sharers_;
};

// In how many snapshots of all rows any of them is.
std::uint64_t count_snapshots(const std::vector<HistoryRow>& rows, const std::vector<Sharer>& sharers);

}  // namespace garner::daemon
