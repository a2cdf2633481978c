#include "lost_folders.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <exception>

#include "base/bytes.h"
#include "base/error.h"
#include "path_relation.h"
#include "path_sights.h"

namespace garner::daemon {

namespace {

constexpr std::size_t kShownDigits = 8;
constexpr std::chrono::seconds kHistoryPatience{10};  // for who works on a history

std::string quoted_for_shell(const std::string& text) {
  std::string result = "'";
  for (const char c : text) result += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return result + "'";
}

std::string clause(const std::string& path, const std::string& snapshot, const catalog::NodeFacts& folder) {
  std::string text = "this machine has noted " + std::to_string(folder.files) +
                     (folder.files == 1 ? " file" : " files") + " in it, " + std::to_string(folder.size) +
                     " bytes";
  // Where it is not shown as it is nobody could give it.
  if (printable(path) == path) {
    text +=
        ": garner find '*' --path " + quoted_for_shell(path) + " --in " + snapshot.substr(0, kShownDigits);
  }
  return text;
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
      if (place->number < 0) return {};
      // It was lost before it was read in, or something in it was.
      const bool is_part = std::any_of(row.gaps.begin(), row.gaps.end(), [&](const HistoryRow::Gap& gap) {
        return gap.number == place->number && gap.is_folder &&
               (is_same_or_inside(path, gap.path) || is_same_or_inside(gap.path, path));
      });
      if (is_part) return {};
      return histories_->read(row, [&](catalog::History& history) -> std::string {
        const PathSights sights(row, history, path);
        const PathSights::Sight sight = sights.look(*place);
        const bool is_folder =
            sight.version != nullptr && sight.version->facts.type == store::v1::NODE_TYPE_FOLDER;
        return is_folder ? clause(path, snapshot, sight.version->facts) : std::string();
      });
    }
  } catch (const std::exception& error) {
    if (cancelled_()) throw;
    spdlog::info("what was in {} is not looked up: {}", printable(path), error.what());
  }
  return {};
}

void LostFolders::gather() {
  all_ = known_history(destinations_);
  const Clock& clock = destinations_.context().clock;
  const auto until = clock.steady() + kHistoryPatience;
  rows_ = histories_->known_rows(*all_, [&] { return cancelled_() || clock.steady() > until; });
}

}  // namespace garner::daemon
