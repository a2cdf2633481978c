#include "store/object_name.h"

#include <algorithm>

#include "base/error.h"

namespace garner::store {

ObjectName ObjectName::from_bytes(ByteView bytes) {
  ObjectName name;
  if (bytes.size() != name.value.size()) {
    throw Error(ErrorKind::kDamaged,
                "an object's name has " + std::to_string(bytes.size()) + " bytes, not 32");
  }
  std::ranges::copy(bytes, name.value.begin());
  return name;
}

ObjectName ObjectName::from_hex(std::string_view text) {
  auto lower_digit = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  if (text.size() != 64 || !std::ranges::all_of(text, lower_digit)) {
    throw Error(ErrorKind::kDamaged, "\"" + printable(text) + "\" is not an object's name");
  }
  return from_bytes(garner::from_hex(text));
}

std::optional<ObjectName> object_name_in(std::string_view text) {
  try {
    return ObjectName::from_hex(text);
  } catch (const Error&) {
    return std::nullopt;
  }
}

namespace {

ObjectName name_from(ByteView nonce, const crypto::Digest& digest) {
  ObjectName name;
  auto rest = std::ranges::copy(nonce, name.value.begin()).out;
  std::copy_n(digest.begin(), name.value.end() - rest, rest);
  return name;
}

crypto::Digest nonced_hash(ByteView nonce, ByteView object) {
  crypto::Hasher hasher;
  hasher.update(nonce);
  hasher.update(object);
  return hasher.finish();
}

}  // namespace

NameHasher::NameHasher() {
  crypto::fill_random(nonce_);
  hasher_.update(nonce_);
}

ObjectName NameHasher::finish() const { return name_from(nonce_, hasher_.finish()); }

ObjectName make_name(ByteView object) {
  NameHasher hasher;
  hasher.update(object);
  return hasher.finish();
}

bool is_name_of(const ObjectName& name, ByteView object) {
  ByteView nonce = name.view().first(8);
  return name == name_from(nonce, nonced_hash(nonce, object));
}

bool is_name_of(const ObjectName& name, std::uint64_t size,
                const std::function<Bytes(std::uint64_t, std::uint64_t)>& read) {
  constexpr std::uint64_t kPiece = 4u << 20;
  const ByteView nonce = name.view().first(8);
  crypto::Hasher hasher;
  hasher.update(nonce);
  for (std::uint64_t offset = 0; offset < size; offset += kPiece)
    hasher.update(read(offset, std::min(kPiece, size - offset)));
  return name == name_from(nonce, hasher.finish());
}

std::string pack_key(const ObjectName& name) {
  std::string hex = name.hex();
  return "packs/" + hex.substr(0, 2) + "/" + hex;
}

std::string segment_key(const ObjectName& name) { return "index/" + name.hex(); }

}  // namespace garner::store
