// prune: gives back the space of what no snapshot and no unfinished run refers to any more.
//
//   finish what an earlier prune left → withdraw abandoned runs → mark → choose packs → condemn, delete what
//   is dead → copy what is alive out of packs that are mostly dead, condemn and delete these → drop the names
//
// Backups of this and other machines may go on meanwhile: a record that condemns is only created on the very
// state whose references were marked, and no writer commits on condemned names. When somebody commits first,
// what is new is marked as well, and packs that turn out to be in use again stay. Where another prune removes
// at the same time, this one begins anew.
//
// Cut off at any point, it leaves what the next one takes up:
//
//   before a record condemns     packs that were copied and that no record names: orphans, collected after
//                                the grace period (of a run that is resumed, staging files go at once)
//   condemned, not all deleted   names that no writer uses; the next prune deletes their objects and drops
//                                the names
//   deleted, not dropped         the same
//   dropped, segments replaced   old segments, condemned: the same
#pragma once

#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "store/repository.h"

namespace garner::maintenance {

// What each thread that marks may take, in bytes: a frame as it is stored and as it was, and the tree in it.
inline constexpr std::size_t kPruneMemoryPerThread = 12u << 20;

struct PruneOptions {
  Uuid run;  // begins the names of staging files
  bool dry_run = false;
  // Objects that no record names, and roots of unfinished runs without a record, are left alone for so long:
  // they may be a backup's that goes on. It saves that backup work; nothing is lost without it.
  std::chrono::seconds grace = std::chrono::hours(24 * 7);
  double max_unused = 0.5;  // packs of which more than this share is unused are rewritten
  std::uint64_t rewrite_limit = std::uint64_t{16} << 30;  // bytes copied in one run, at most
  unsigned threads = 0;                                   // 0: one for each core
  std::string spool_folder;  // for packs, where the destination has no staging folder
};

// Packs and their bytes.
struct PackSum {
  std::uint64_t packs = 0;
  std::uint64_t bytes = 0;
  void add(std::uint64_t size) {
    ++packs;
    bytes += size;
  }
};

struct PruneResult {
  PackSum before;                    // live packs when it began
  PackSum dead;                      // nothing in them was in use: deleted unread
  PackSum rewritten;                 // mostly dead: what was alive was copied out of them
  PackSum copied;                    // the packs this made
  PackSum orphans;                   // objects that no record named, older than the grace period
  PackSum earlier;                   // what an earlier prune had condemned
  std::uint64_t segments = 0;        // replaced
  std::uint64_t abandoned_runs = 0;  // withdrawn
  std::uint64_t freed_bytes = 0;     // deleted, less what was written
  // Bytes that nothing refers to and that stay all the same, and why.
  std::uint64_t unused_in_use_packs = 0;  // in packs of which no more than max_unused is
  std::uint64_t unused_beyond_limit = 0;  // in packs that the rewrite limit left for the next time
  std::uint64_t unused_in_runs = 0;       // in packs of unfinished runs
  std::uint64_t unused_not_worth =
      0;                            // in packs whose rewriting would free nothing, or which were needed again
  PackSum young_orphans;            // within the grace period
  std::uint64_t problem_count = 0;  // with one, nothing was condemned
};

struct PruneProgress {
  std::string stage;
  std::uint64_t done = 0;  // of `total`: packs; while marking: trees and lists, total unknown
  std::uint64_t total = 0;
  PruneResult result;  // so far
};

class PruneMonitor {
 public:
  virtual ~PruneMonitor() = default;
  virtual void progressed(const PruneProgress& progress) = 0;  // any thread
  // One line for people, about something that is damaged or missing. One thread at a time.
  virtual void problem(const std::string& line) = 0;
};

// Error(kPermissionDenied) for a writer that may only add (but for a dry run); Error(kCancelled) when `stop`
// was requested; Error(kConflict) when others remove again and again meanwhile; errors of the repository.
PruneResult run_prune(store::Repository& repository, const PruneOptions& options, const Clock& clock,
                      PruneMonitor& monitor, std::stop_token stop);

}  // namespace garner::maintenance
