// What is in a pack, how much of it anything points at, and which files and folders have a part of it: also
// of a pack that is damaged.
#pragma once

#include <string>
#include <vector>

#include "blob_places.h"
#include "reference_question.h"

namespace garner::daemon {

class PackQuestion final : public ReferenceQuestion {
 public:
  // Reads the pack's directory or, where that cannot be read, the index. Errors: as find_pack();
  // Error(kDestinationAway).
  PackQuestion(const std::vector<OpenedPlace>& places, const std::string& digits);

  bool step(Histories& histories, const std::vector<HistoryRow>& rows) override;
  std::vector<Sharer> take_sharers() override { return std::move(sharers_); }
  void tell(v1::FindReferencesResponse& response) const override { *response.mutable_pack() = answer_; }

 private:
  struct Blob {
    crypto::BlobId id;
    crypto::BlobKind kind = crypto::BlobKind::kData;
    std::uint32_t bytes = 0;
  };

  void read(const store::ObjectName& name);

  std::shared_ptr<store::Repository> repository_;  // that has it
  std::vector<Blob> blobs_;
  v1::PackReferences answer_;
  std::vector<Sharer> sharers_;
};

}  // namespace garner::daemon
