// The clear part of a pack.
#include "fuzz/fuzz.h"
#include "fuzz/keys.h"
#include "store/pack.h"

void garner::fuzz::try_one(ByteView bytes) {
  accepts([&] {
    const store::PackHeader header = store::parse_pack_header(bytes);
    require(header.length <= store::kMaximumPackHeader && header.length <= bytes.size(),
            "a header is within what was read and no longer than may be");
    store::make_pack_sealer(keyring(), header, header.salt);
  });
}
