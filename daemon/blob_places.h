// Where blobs and packs are that people name by their first digits: over all destinations.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "crypto/blob_id.h"
#include "destinations.h"
#include "store/repository.h"

namespace garner::daemon {

struct OpenedPlace {
  std::string name;
  std::shared_ptr<store::Repository> repository;
};
// Those that can be opened, the nearest first.
std::vector<OpenedPlace> opened_places(Destinations& destinations);

// "data", "tree page", "content list", "snapshot".
std::string kind_text(crypto::BlobKind kind);

struct BlobAt {
  const OpenedPlace* place = nullptr;
  store::BlobLocation location;
};
struct FoundBlob {
  crypto::BlobId id;
  std::vector<BlobAt> at;                     // of the given places
  std::vector<const OpenedPlace*> listed_at;  // where a snapshot of that id is listed
};
// `digits`: hexadecimal, 16 to 64 of them. A whole id is looked up, and is an answer also where nobody has
// it; for fewer digits each index is read. Error(kNotFound) where nothing begins so; Error(kInvalidInput)
// where several blobs do, and for what is no id.
FoundBlob find_blob(const std::vector<OpenedPlace>& places, const std::string& digits);

struct FoundPack {
  store::ObjectName name;
  const OpenedPlace* place = nullptr;
};
// `digits`: 8 to 64. Packs that count. Errors: as above.
FoundPack find_pack(const std::vector<OpenedPlace>& places, const std::string& digits);

}  // namespace garner::daemon
