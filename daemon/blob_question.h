// What a blob is, where it is, and what points at it.
#pragma once

#include <string>
#include <vector>

#include "blob_places.h"
#include "reference_question.h"

namespace garner::daemon {

class BlobQuestion final : public ReferenceQuestion {
 public:
  // Errors: as find_blob().
  BlobQuestion(const std::vector<OpenedPlace>& places, const std::string& digits);

  bool step(Histories& histories, const std::vector<HistoryRow>& rows) override;
  std::vector<Sharer> take_sharers() override { return std::move(sharers_); }
  void tell(v1::FindReferencesResponse& response) const override { *response.mutable_blob() = answer_; }
  std::string pointed_at_by(const SnapshotCopy& copy, const std::string& path) const override;

 private:
  crypto::BlobId id_;
  v1::BlobReferences answer_;
  std::vector<Sharer> sharers_;
};

}  // namespace garner::daemon
