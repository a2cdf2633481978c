// garner.repo, as a place that somebody else writes to may hold it.
#include "store/repository_header.h"

#include "fuzz/fuzz.h"
#include "fuzz/keys.h"
#include "support/memory_destination.h"

void garner::fuzz::try_one(ByteView bytes) {
  testing::MemoryDestination destination;
  destination.put(store::kHeaderKey, bytes);
  store::RepositoryHeader header;
  if (!accepts([&] { header = store::read_header(destination); })) return;
  require(header.hash == crypto::hash(bytes), "the hash to pin is that of all bytes");
  accepts([&] { store::verify_header(destination, keyring()); });
}
