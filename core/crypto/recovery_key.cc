#include <algorithm>
#include <array>
#include <string>

#include "base/error.h"
#include "crypto/contexts.h"
#include "crypto/hash.h"
#include "crypto/key_slot.h"

namespace garner::crypto {

namespace {

// Base 32 without I, L, O and U: the first three are read as 1, 1 and 0.
constexpr std::string_view kAlphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
constexpr std::size_t kRecoveryKeySize = 32;
constexpr std::size_t kChecksumSize = 3;
constexpr std::size_t kBits = 8 * (kRecoveryKeySize + kChecksumSize);
constexpr std::size_t kCharacters = kBits / 5;
constexpr std::size_t kGroup = 7;
static_assert(kCharacters * 5 == kBits && kCharacters == 8 * kGroup);

// Key and checksum, one after the other.
Secret with_checksum(ByteView key) {
  const Secret checksum = derive_key(context::kRecoveryChecksum, key, kChecksumSize);
  Secret both(kRecoveryKeySize + kChecksumSize);
  const MutableByteView bytes = both.mutable_view();
  std::copy(key.begin(), key.end(), bytes.begin());
  std::copy(checksum.view().begin(), checksum.view().end(), bytes.begin() + kRecoveryKeySize);
  return both;
}

// 32 for a character that is none of the alphabet's.
std::size_t value_of(char character) {
  if (character >= 'a' && character <= 'z') character = static_cast<char>(character - 'a' + 'A');
  if (character == 'O') character = '0';
  if (character == 'I' || character == 'L') character = '1';
  const std::size_t value = kAlphabet.find(character);
  return value == std::string_view::npos ? kAlphabet.size() : value;
}

bool is_separator(char character) {
  return character == '-' || character == ' ' || character == '\t' || character == '\n' || character == '\r';
}

}  // namespace

Secret generate_recovery_key() { return random_secret(kRecoveryKeySize); }

std::string print_recovery_key(const Secret& key) {
  if (key.size() != kRecoveryKeySize)
    throw Error(ErrorKind::kInternal, "a recovery key that has not 32 bytes");
  const Secret both = with_checksum(key.view());
  const ByteView bytes = both.view();
  std::string text;
  text.reserve(kCharacters + kCharacters / kGroup - 1);
  for (std::size_t i = 0; i < kCharacters; ++i) {
    if (i != 0 && i % kGroup == 0) text.push_back('-');
    std::size_t value = 0;
    for (std::size_t bit = 5 * i; bit < 5 * (i + 1); ++bit) {
      value = value * 2 + ((bytes[bit / 8] >> (7 - bit % 8)) & 1u);
    }
    text.push_back(kAlphabet[value]);
  }
  return text;
}

Secret parse_recovery_key(std::string_view text) {
  Secret both(kRecoveryKeySize + kChecksumSize);
  const MutableByteView bytes = both.mutable_view();
  std::size_t characters = 0;
  for (const char character : text) {
    if (is_separator(character)) continue;
    const std::size_t value = value_of(character);
    if (value == kAlphabet.size()) {
      throw Error(ErrorKind::kInvalidInput, "character " + std::to_string(characters + 1) +
                                                " of the recovery key is '" + printable({&character, 1}) +
                                                "', which no recovery key has");
    }
    for (std::size_t i = 0; i < 5 && characters < kCharacters; ++i) {
      const std::size_t bit = 5 * characters + i;
      const std::size_t one = (value >> (4 - i)) & 1u;
      bytes[bit / 8] = static_cast<std::uint8_t>(bytes[bit / 8] | (one << (7 - bit % 8)));
    }
    ++characters;
  }
  if (characters != kCharacters) {
    throw Error(ErrorKind::kInvalidInput, "a recovery key has " + std::to_string(kCharacters) +
                                              " letters and digits; this one has " +
                                              std::to_string(characters));
  }
  Secret key(both.view().first(kRecoveryKeySize));
  if (!equal_constant_time(with_checksum(key.view()).view(), both.view())) {
    throw Error(ErrorKind::kInvalidInput,
                "the recovery key was copied wrongly: its checksum does not fit (look for a wrong letter or "
                "digit, or two that changed places)");
  }
  return key;
}

}  // namespace garner::crypto
