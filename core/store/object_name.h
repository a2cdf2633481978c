// Names of packs and segments: 8 bytes of nonce, drawn for each upload, and the first 24 bytes of
// BLAKE3(nonce ‖ the object's bytes). No name is ever used twice, and whoever has the bytes can check the
// name.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "crypto/hash.h"

namespace garner::store {

struct ObjectName {
  std::array<std::uint8_t, 32> value{};

  static ObjectName from_bytes(ByteView bytes);       // Error(kDamaged) unless 32 bytes
  static ObjectName from_hex(std::string_view text);  // Error(kDamaged) unless 64 lower-case digits
  ByteView view() const { return value; }
  std::string hex() const { return to_hex(value); }
  auto operator<=>(const ObjectName&) const = default;
};

struct ObjectNameHash {
  using is_avalanching = void;
  std::size_t operator()(const ObjectName& name) const noexcept {
    std::size_t prefix;
    std::memcpy(&prefix, name.value.data(), sizeof prefix);
    return prefix;
  }
};

// The name that `text` is in hexadecimal; nothing where it is none.
std::optional<ObjectName> object_name_in(std::string_view text);

// Names bytes that come in pieces. One thread at a time.
class NameHasher {
 public:
  NameHasher();  // draws the nonce
  void update(ByteView bytes) { hasher_.update(bytes); }
  ObjectName finish() const;

 private:
  std::array<std::uint8_t, 8> nonce_;
  crypto::Hasher hasher_;
};

ObjectName make_name(ByteView object);
bool is_name_of(const ObjectName& name, ByteView object);
// The same of `size` bytes that `read` gives in pieces.
bool is_name_of(const ObjectName& name, std::uint64_t size,
                const std::function<Bytes(std::uint64_t offset, std::uint64_t length)>& read);

std::string pack_key(const ObjectName& name);     // packs/<2 hex>/<64 hex>
std::string segment_key(const ObjectName& name);  // index/<64 hex>

}  // namespace garner::store
