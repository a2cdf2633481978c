// Which names the records of a log that cannot be used had condemned, for whoever makes a new one of its
// packs. Those are no pieces of the repository any more: no writer refers to them, and a remover may be
// deleting them. A new log that listed them would be relied on for what is about to go.
//
// A condemned pack is as good as lost, so not everybody is believed who can write a record, as whoever has
// the keys can: that may be a machine that may only add. Believed is the log that this machine has seen, if
// it is the newest that is there (of another one nobody here knows who its removers are; one that replaced
// this log may list what had been condemned in it). As far as its records lead from the first one on they are
// applied, which checks who may condemn; behind one that is lost, those that were signed by a remover known
// until then, or by this machine.
//
// One thread.
#pragma once

#include <cstdint>
#include <set>

#include "crypto/blob_id.h"
#include "crypto/signing.h"
#include "store/pin.h"
#include "store/record.h"
#include "store/state.h"

namespace garner::maintenance {

class CondemnedNames {
 public:
  // `seen`: of the log; `newest`: generation of the newest record that is there, readable or not.
  CondemnedNames(const store::Pin& seen, std::uint64_t newest, const crypto::WriterKey& own);
  // The readable records, ascending.
  void add(const store::OpenedRecord& opened);
  bool contains(const store::ObjectName& name) const { return names_.contains(name); }
  // Whether one of the records that are believed has removed the snapshot.
  bool was_forgotten(const crypto::BlobId& snapshot) const { return forgotten_.contains(snapshot); }

 private:
  bool is_next(const store::OpenedRecord& opened);
  bool is_of_remover(const store::OpenedRecord& opened) const;

  const store::Pin seen_;
  const bool is_newest_;
  const crypto::WriterKey& own_;
  bool is_whole_ = true;              // every record until now led to the next
  store::v1::RepositoryState state_;  // after the last that did
  google::protobuf::RepeatedPtrField<store::v1::Writer>
      writers_;  // of that state, which a refused record costs
  std::set<store::ObjectName> names_;
  std::set<crypto::BlobId> forgotten_;
};

}  // namespace garner::maintenance
