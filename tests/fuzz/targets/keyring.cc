// A keyring as it comes out of a slot: whoever has a slot's secret decides what it says.
#include "crypto/keyring.h"

#include "fuzz/fuzz.h"
#include "fuzz/keys.h"

void garner::fuzz::try_one(ByteView bytes) {
  keyring();
  accepts([&] {
    const crypto::Keyring ring = crypto::Keyring::parse(bytes);
    require(ring.current_epoch() >= 1, "a keyring has an epoch");
    const crypto::Keyring again = crypto::Keyring::parse(ring.serialize().view());
    require(again.id() == ring.id() && again.current_epoch() == ring.current_epoch(),
            "a keyring that was parsed is written as it is");
  });
}
