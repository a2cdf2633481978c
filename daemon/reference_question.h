// What can be asked in FindReferences: who has the content of a file, a blob, or anything of a pack.
#pragma once

#include <string>
#include <vector>

#include "garner/v1/service.pb.h"
#include "histories.h"
#include "reference_shares.h"

namespace garner::daemon {

// One thread at a time.
class ReferenceQuestion {
 public:
  virtual ~ReferenceQuestion() = default;

  // Goes on by a little; false once the answer is there. `rows` are the same each time, and outlive the
  // question, and so does what has them. Errors end the search.
  virtual bool step(Histories& histories, const std::vector<HistoryRow>& rows) = 0;

  // The rest once the answer is there. First, and once, who has it: in the order in which they are to be told
  // of where they are ranked, otherwise in none.
  virtual std::vector<Sharer> take_sharers() = 0;
  virtual bool is_ranked() const { return false; }
  virtual void tell(v1::FindReferencesResponse& response) const = 0;
  // What names it in a snapshot that has it, as of Referrer; empty where that is not asked for. Errors: as of
  // a BlobSource.
  virtual std::string pointed_at_by(const SnapshotCopy& /*copy*/, const std::string& /*path*/) const {
    return {};
  }
};

}  // namespace garner::daemon
