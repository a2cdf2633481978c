#include "store/sealed_object.h"

#include <algorithm>
#include <string>

#include "base/error.h"
#include "store/padding.h"

namespace garner::store {

namespace {

constexpr std::uint16_t kVersion = 1;
constexpr std::size_t kClearSize = 8 + 2 + 2 + 4 + 32;

template <typename Open>
bool opens(const Open& open) {
  try {
    open();
    return true;
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kDamaged) throw;
    return false;
  }
}

}  // namespace

Bytes seal_object(std::string_view magic, crypto::ObjectKind kind, ByteView content, ByteView associated,
                  const crypto::Keyring& keyring, const Uuid& writer) {
  const crypto::Salt salt = crypto::fresh_salt(writer);
  const std::uint32_t epoch = keyring.current_epoch();
  ByteWriter clear;
  clear.bytes(as_bytes(magic));
  clear.u16(kVersion);
  clear.u16(0);
  clear.u32(epoch);
  clear.bytes(salt);

  Bytes object = clear.take();
  object.resize(padded_object_size(kClearSize + content.size() + crypto::kSealOverhead));
  const MutableByteView sealed = MutableByteView(object).subspan(kClearSize);
  // A state may be 256 MiB. From bytes that are const GCC 12's std::ranges::copy goes one by one.
  std::copy(content.begin(), content.end(), sealed.begin());
  const crypto::Sealer sealer(keyring, kind, epoch, salt, associated);
  sealer.seal(crypto::SealPart::kBody, 0, sealed.first(sealed.size() - crypto::kSealOverhead), sealed);
  return object;
}

Bytes open_object(std::string_view magic, crypto::ObjectKind kind, ByteView object, ByteView associated,
                  const crypto::Keyring& keyring) {
  ByteReader reader(object);
  if (as_text(reader.bytes(magic.size())) != magic) {
    throw Error(ErrorKind::kDamaged, "it does not begin with " + std::string(magic));
  }
  const std::uint16_t version = reader.u16();
  const bool is_reserved_zero = reader.u16() == 0;
  const std::uint32_t epoch = reader.u32();
  crypto::Salt salt;
  std::ranges::copy(reader.bytes(salt.size()), salt.begin());
  if (reader.rest().size() < crypto::kSealOverhead) throw Error(ErrorKind::kDamaged, "it is too short");
  const auto open_under = [&](std::uint32_t number) {
    return crypto::Sealer(keyring, kind, number, salt, associated)
        .open(crypto::SealPart::kBody, 0, reader.rest());
  };
  // These bytes are clear: that a newer program or another key made it is believed only if nothing else opens
  // it.
  if (version != kVersion || epoch == 0 || epoch > keyring.current_epoch()) {
    for (const crypto::KeyEpoch& one : keyring.epochs()) {
      if (opens([&] { open_under(one.number); })) throw Error(ErrorKind::kDamaged, "its header was changed");
    }
  }
  if (version != kVersion) {
    throw Error(ErrorKind::kNewerFormat, "its format has version " + std::to_string(version) +
                                             ", this program knows version " + std::to_string(kVersion));
  }
  if (!is_reserved_zero) throw Error(ErrorKind::kDamaged, "its reserved bytes are not zero");
  return open_under(epoch);
}

void check_padding(ByteView padding) {
  if (!is_padding(padding)) throw Error(ErrorKind::kDamaged, "its padding is not zero");
}

}  // namespace garner::store
