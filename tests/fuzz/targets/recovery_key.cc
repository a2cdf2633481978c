// A recovery key as a person types it.
#include "crypto/key_slot.h"
#include "fuzz/fuzz.h"
#include "fuzz/keys.h"

void garner::fuzz::try_one(ByteView bytes) {
  keyring();
  accepts([&] {
    const crypto::Secret key = crypto::parse_recovery_key(as_text(bytes));
    require(key.size() == 32, "a recovery key has 32 bytes");
    require(crypto::equal_constant_time(crypto::parse_recovery_key(crypto::print_recovery_key(key)).view(),
                                        key.view()),
            "a key is read as it is printed");
  });
}
