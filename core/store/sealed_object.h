// What records and states have in common as objects:
//
//   clear    8 bytes of magic · u16 version (1) · u16 zero · u32 epoch · 32 bytes of salt       (48 bytes)
//   sealed   one message (part body, counter 0): the content · zero bytes up to padded_object_size() of the
//            whole object; then its 16 bytes of tag
//
// Integers are little-endian. The content tells its own length; what follows it is zero. Pure functions.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "base/uuid.h"
#include "crypto/keyring.h"
#include "crypto/seal.h"

namespace garner::store {

// `magic`: 8 characters. Under the newest epoch, with a fresh salt.
Bytes seal_object(std::string_view magic, crypto::ObjectKind kind, ByteView content, ByteView associated,
                  const crypto::Keyring& keyring, const Uuid& writer);
// The content with the zero bytes after it. Error(kDamaged); Error(kNewerFormat) for another version;
// Error(kWrongKey) for an epoch that the keyring lacks.
Bytes open_object(std::string_view magic, crypto::ObjectKind kind, ByteView object, ByteView associated,
                  const crypto::Keyring& keyring);

// Error(kDamaged) unless all of `padding` is zero.
void check_padding(ByteView padding);

}  // namespace garner::store
