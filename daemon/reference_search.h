// What points at a file's content, a blob or a pack in the snapshots of all destinations, as messages of the
// API: FindReferences' answer.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "histories.h"
#include "reference_question.h"
#include "snapshots.h"

namespace garner::daemon {

// A page at a time. One thread at a time.
class ReferenceSearch {
 public:
  static constexpr std::uint32_t kMostMatches = 100'000;

  // `zone`: of who asks, for the times that he types. Error(kInvalidInput) for what cannot be looked for;
  // errors of the question, and otherwise as SnapshotListing. Both outlive the search.
  ReferenceSearch(Destinations& destinations, Histories& histories, const v1::FindReferencesRequest& request,
                  const std::string& zone = {});

  // Into a page that is empty; false at the end. It comes after a while's work at the latest, then perhaps an
  // empty one; at once when `cancelled`. Errors: as the question; Error(kCancelled).
  bool next_page(v1::FindReferencesResponse& page, const std::atomic<bool>& cancelled);

 private:
  // Who has it, with what it takes to order them.
  struct Match {
    Sharer sharer;
    std::string path;
  };

  void begin(const std::atomic<bool>& cancelled);
  void order(std::vector<Sharer> sharers);
  void tell();
  v1::Referrer referrer_of(const Match& match);
  void add_error(const std::string& path, const std::string& snapshot, const std::string& message);

  Histories& histories_;
  const std::size_t limit_;
  std::unique_ptr<ReferenceQuestion> question_;
  SnapshotHistory history_;
  std::optional<std::vector<HistoryRow>> rows_;
  std::vector<Match> matches_;
  std::size_t told_ = 0;  // of these
  bool is_answered_ = false;
  v1::FindReferencesResponse page_;
  v1::FindSummary summary_;
  bool done_ = false;
};

}  // namespace garner::daemon
