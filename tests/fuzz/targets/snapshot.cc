// A snapshot's blob.
#include "fuzz/fuzz.h"
#include "snapshot/node.h"
#include "snapshot/parse.h"

void garner::fuzz::try_one(ByteView bytes) {
  store::v1::Snapshot snapshot;
  if (!accepts([&] { snapshot = snapshot::parse_snapshot(bytes); })) return;
  require(accepts([&] {
            require(snapshot::parse_snapshot(as_bytes(snapshot.SerializeAsString())).sequence() ==
                        snapshot.sequence(),
                    "a snapshot is read as it was written");
          }),
          "a snapshot that was written is parsed");
}
