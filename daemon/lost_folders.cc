#include "lost_folders.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "base/bytes.h"
#include "base/error.h"
#include "path_relation.h"
#include "path_sights.h"

namespace garner::daemon {

namespace {

constexpr std::size_t kShownDigits = 8;

std::string clause(const std::string& path, const std::string& snapshot, const catalog::NodeFacts& folder) {
  return "this machine has noted " + std::to_string(folder.files) + (folder.files == 1 ? " file" : " files") +
         " in it, " + std::to_string(folder.size) + " bytes: garner find '*' --path " + printable(path) +
         " --in " + snapshot.substr(0, kShownDigits);
}

bool is(const SnapshotCopies& snapshot, const std::string& id) {
  return std::any_of(snapshot.copies.begin(), snapshot.copies.end(),
                     [&](const SnapshotCopy& copy) { return copy.id == id; });
}

}  // namespace

std::string LostFolders::noted(const std::string& path, const std::string& snapshot) {
  if (histories_ == nullptr) return {};
  try {
    if (!all_) gather();
    for (const HistoryRow& row : rows_) {
      const auto place =
          std::find_if(row.places.begin(), row.places.end(),
                       [&](const HistoryRow::Place& one) { return is(*one.snapshot, snapshot); });
      if (place == row.places.end()) continue;
      // It was lost before it was read in.
      const bool is_unread = std::any_of(row.gaps.begin(), row.gaps.end(), [&](const HistoryRow::Gap& gap) {
        return gap.number == place->number && gap.is_folder && is_same_or_inside(path, gap.path);
      });
      if (is_unread) return {};
      return histories_->read(row, [&](catalog::History& history) -> std::string {
        const PathSights sights(row, history, path);
        const PathSights::Sight sight = sights.look(*place);
        return sight.version == nullptr ? std::string() : clause(path, snapshot, sight.version->facts);
      });
    }
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::kCancelled) throw;
    spdlog::info("what was in {} is not looked up: {}", printable(path), error.what());
  }
  return {};
}

void LostFolders::gather() {
  all_ = snapshot_history(destinations_, {});
  rows_ = histories_->rows(*all_, cancelled_);
}

}  // namespace garner::daemon
