// rescue: what can be done about damaged and missing packs of a repository whose log is in order.
//
//   of each damaged pack: read what can be read, take what cannot from another repository of the same keyring
//   → publish that in new packs → one record adds these and condemns the damaged ones → delete the damaged
//   ones, and so on with the next packs → mark the snapshots that lack something
//
// Nothing that can be read is ever lost: a damaged pack is condemned by the record that adds the copies of
// all that is good in it, and that record is only made while the other copies that were relied on are live
// (they are among the plan's names). Packs that lie under each other's names are read by what they say of
// themselves. What is condemned is what was read and does not verify, or is not there. A pack of which the
// disk does not give all, and nobody else the rest, stays as it is: another day it may. Whatever cannot be
// read for another reason (it may not be opened, or not just now) ends the repair.
//
// From then on lost blobs count as not stored: the next backup stores them again as soon as it comes across
// them, and a backup that goes on meanwhile and relies on them is refused its commit and reads them from the
// source. A snapshot that lacks something is marked as recovered: it is never the latest, and a backup that
// compares with it reads everything.
//
//   cut off before a record      packs of no record: orphans
//   after it                     condemned names; the next prune deletes and drops them
//   before the snapshots are marked   a backup may compare with one that lacks something and take that for
//                                stored: its files are named by the next check, and the next repair marks
//                                it, whether it finds damage or not
#pragma once

#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

#include "crypto/blob_id.h"
#include "maintenance/check.h"
#include "store/blob_source.h"
#include "store/object_name.h"
#include "store/repository.h"

namespace garner::maintenance {

struct RescueOptions {
  std::string staging_prefix;                 // path that the names of new packs' files begin with
  std::vector<store::BlobSource*> suppliers;  // of the same keyring, asked in this order
  bool dry_run = false;                       // nothing is written
  unsigned threads = 0;                       // that look for damage
  // Bytes of damaged packs that are replaced before the next ones are read: so much room is taken before any
  // is given back.
  std::uint64_t batch_bytes = std::uint64_t{512} << 20;
};

struct RescueResult {
  std::uint64_t packs = 0;              // damaged or missing
  std::uint64_t copied = 0;             // blobs that could be read in them
  std::uint64_t supplied = 0;           // that another repository had
  std::uint64_t lost = 0;               // that could be read nowhere
  std::vector<store::ObjectName> kept;  // packs that stay, for the disk may give them another day
  std::vector<crypto::BlobId> marked;   // snapshots, as recovered
  CheckProgress checked;                // what was looked at
};

// Reads every pack whole to find what is damaged, and does the above. What is left of damage is told to the
// monitor, with the files and snapshots that it touches; what was put right goes to the log.
// Error(kPermissionDenied) for a writer that may only add, before anything is done; Error(kReadFailed), which
// names the object, where it cannot be told whether something is damaged; Error(kCancelled); Error(kConflict)
// when others remove again and again meanwhile; Error(kDamaged) where the log is not in order: that is
// run_repair()'s.
RescueResult run_rescue(store::Repository& repository, const RescueOptions& options, CheckMonitor& monitor,
                        std::stop_token stop);

}  // namespace garner::maintenance
