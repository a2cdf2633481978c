// rescue: what can be done about damaged and missing packs of a repository whose log is in order.
//
//   of each damaged pack: read what can be read, take what cannot from another repository of the same keyring
//   → publish that in new packs → one record adds these and condemns the damaged ones → delete the damaged
//   ones → mark the snapshots that lack something
//
// Nothing that can be read is ever lost: a damaged pack is condemned by the record that adds the copies of
// all that is good in it, and that record is only made while the other copies that were relied on are live
// (they are among the plan's names). From then on its lost blobs count as not stored: the next backup stores
// them again as soon as it comes across them, and a backup that goes on meanwhile and relies on them is
// refused its commit and reads them from the source. A snapshot that lacks something is marked as recovered:
// it is never the latest, and a backup that compares with it reads everything.
//
//   cut off before the record    packs of no record: orphans
//   after it                     condemned names; the next prune deletes and drops them
//   before the snapshots are marked   a backup may compare with one that lacks something and take that for
//   stored: its
//                                files are named by the next check, and the next repair marks them
#pragma once

#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "maintenance/pack_check.h"

namespace garner::maintenance {

struct RescueOptions {
  std::string staging_prefix;                 // path that the names of new packs' files begin with
  std::vector<store::BlobSource*> suppliers;  // of the same keyring, asked in this order
  bool dry_run = false;                       // nothing is written
  unsigned threads = 0;                       // that look for damage
};

struct RescueResult {
  std::uint64_t packs = 0;             // damaged or missing
  std::uint64_t copied = 0;            // blobs that could be read in them
  std::uint64_t supplied = 0;          // that another repository had
  std::uint64_t lost = 0;              // that nobody has
  std::vector<crypto::BlobId> marked;  // snapshots, as recovered
  CheckProgress checked;               // what was looked at
};

// `damage`: as check_packs() found it. Error(kPermissionDenied) for a writer that may only add;
// Error(kCancelled); Error(kConflict) when others remove again and again meanwhile.
RescueResult rescue(store::Repository& repository, const PackDamage& damage, const RescueOptions& options,
                    CheckReport& report);

// Reads every pack whole to find what is damaged, and does the above. What is left of damage is told to the
// monitor, with the files and snapshots that it touches; what was put right goes to the log. Error(kDamaged)
// where the log is not in order: that is run_repair()'s.
RescueResult run_rescue(store::Repository& repository, const RescueOptions& options, CheckMonitor& monitor,
                        std::stop_token stop);

}  // namespace garner::maintenance
