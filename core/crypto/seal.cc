#include "crypto/seal.h"

#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <tuple>

#include "base/error.h"
#include "base/file.h"
#include "crypto/aes_gcm.h"
#include "crypto/contexts.h"
#include "crypto/hash.h"

namespace garner::crypto {

static_assert(kSealOverhead == kAesGcmTag);

namespace {

constexpr std::uint16_t kSealVersion = 1;
constexpr std::size_t kPurposeKeySize = 32;
constexpr std::size_t kBootIdLimit = 4096;

std::string_view purpose(ObjectKind kind) {
  switch (kind) {
    case ObjectKind::kDataPack:
      return context::kSealData;
    case ObjectKind::kMetadataPack:
      return context::kSealMetadata;
    case ObjectKind::kSegment:
      return context::kSealIndex;
    case ObjectKind::kRecord:
      return context::kSealLog;
    case ObjectKind::kState:
      return context::kSealState;
  }
  throw Error(ErrorKind::kInternal, "an object of no known kind");
}

Secret object_key(const Keyring& keyring, ObjectKind kind, std::uint32_t epoch, const Salt& salt) {
  const Secret purpose_key = keyring.derive(epoch, purpose(kind));
  // On the stack and wiped: cheaper than one more Secret, and it lives no longer.
  std::array<std::uint8_t, kPurposeKeySize + std::tuple_size_v<Salt>> material;
  std::copy_n(purpose_key.view().begin(), kPurposeKeySize, material.begin());
  std::copy(salt.begin(), salt.end(), material.begin() + kPurposeKeySize);
  Secret key = derive_key(context::kObjectKey, material);
  wipe(material);
  return key;
}

AesGcmNonce nonce_of(SealPart part, std::uint64_t counter) {
  AesGcmNonce nonce;
  for (std::size_t i = 0; i < 4; ++i) {
    nonce[i] = static_cast<std::uint8_t>(static_cast<std::uint32_t>(part) >> (8 * i));
  }
  for (std::size_t i = 0; i < 8; ++i) nonce[4 + i] = static_cast<std::uint8_t>(counter >> (8 * i));
  return nonce;
}

// Empty where /proc is not there: one source of difference fewer, and no reason to fail.
Bytes read_boot_id() {
  try {
    return read_file("/proc/sys/kernel/random/boot_id", kBootIdLimit);
  } catch (const Error&) {
    return {};
  }
}

}  // namespace

Salt fresh_salt(const Uuid& writer) {
  static const Bytes boot_id = read_boot_id();
  static std::atomic<std::uint64_t> made = 0;
  Salt random;
  fill_random(random);
  timespec wall{};
  timespec steady{};
  clock_gettime(CLOCK_REALTIME, &wall);
  clock_gettime(CLOCK_BOOTTIME, &steady);
  ByteWriter gathered;
  gathered.bytes(random);
  gathered.bytes(writer.view());
  gathered.bytes(boot_id);
  gathered.u64(static_cast<std::uint64_t>(wall.tv_sec));
  gathered.u64(static_cast<std::uint64_t>(wall.tv_nsec));
  gathered.u64(static_cast<std::uint64_t>(steady.tv_sec));
  gathered.u64(static_cast<std::uint64_t>(steady.tv_nsec));
  gathered.u64(static_cast<std::uint64_t>(getpid()));
  gathered.u64(made.fetch_add(1, std::memory_order_relaxed));
  const Secret mixed = derive_key(context::kFreshSalt, gathered.data());
  Salt salt;
  std::copy(mixed.view().begin(), mixed.view().end(), salt.begin());
  return salt;
}

Sealer::Sealer(const Keyring& keyring, ObjectKind kind, std::uint32_t epoch, const Salt& salt,
               ByteView associated)
    : key_(object_key(keyring, kind, epoch, salt)) {
  ByteWriter bound;
  bound.u16(kSealVersion);
  bound.u8(static_cast<std::uint8_t>(kind));
  bound.u32(epoch);
  bound.bytes(associated);
  associated_ = bound.take();
}

void Sealer::seal(SealPart part, std::uint64_t counter, ByteView plain, MutableByteView out) const {
  aes_gcm_seal(key_, nonce_of(part, counter), associated_, plain, out);
}

Bytes Sealer::seal(SealPart part, std::uint64_t counter, ByteView plain) const {
  Bytes out(plain.size() + kSealOverhead);
  seal(part, counter, plain, out);
  return out;
}

void Sealer::open(SealPart part, std::uint64_t counter, ByteView sealed, MutableByteView out) const {
  if (sealed.size() < kSealOverhead) throw Error(ErrorKind::kDamaged, "a sealed message that is too short");
  if (!aes_gcm_open(key_, nonce_of(part, counter), associated_, sealed, out)) {
    throw Error(ErrorKind::kDamaged, "a sealed message that does not verify");
  }
}

Bytes Sealer::open(SealPart part, std::uint64_t counter, ByteView sealed) const {
  Bytes out(sealed.size() - std::min(sealed.size(), kSealOverhead));
  open(part, counter, sealed, out);
  return out;
}

}  // namespace garner::crypto
