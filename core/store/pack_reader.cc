#include <algorithm>
#include <limits>

#include "base/error.h"
#include "store/metadata_cache.h"
#include "store/pack.h"
#include "store/pack_directory.h"
#include "store/pack_layout.h"
#include "store/padding.h"

namespace garner::store {
namespace {

constexpr std::uint64_t kWindow = 64u << 10;

}  // namespace

PackReader::PackReader(destination::Destination& destination, const crypto::Keyring& keyring,
                       const ObjectName& name, std::shared_ptr<const KeptPack> kept)
    : destination_(destination), kept_(std::move(kept)), key_(pack_key(name)), keyring_(keyring) {
  try {
    header_ = parse_pack_header(read_window(0, kFixedPackHeader).bytes);
    sealer_ = make_pack_sealer(keyring_, header_, header_.salt);
  } catch (const Error& error) {
    // The header is clear: that a newer program or another key made it is believed of the named bytes only.
    const bool is_claim = error.kind() == ErrorKind::kNewerFormat || error.kind() == ErrorKind::kWrongKey;
    if (!is_claim || kept_ != nullptr || is_as_named(name)) throw error.in(key_);
    throw Error(ErrorKind::kDamaged, key_ + ": its header was changed: " + error.what());
  }
}

bool PackReader::is_as_named(const ObjectName& name) const {
  const std::optional<std::uint64_t> whole = size();
  return whole && is_name_of(name, *whole, [&](std::uint64_t offset, std::uint64_t length) {
           return destination_.get(key_, offset, length);
         });
}

void PackReader::get(std::uint64_t offset, MutableByteView memory) const {
  if (!kept_) return destination_.get_into(key_, offset, memory);
  if (offset > kept_->size || memory.size() > kept_->size - offset)
    throw Error(ErrorKind::kDamaged, key_ + ", as it is kept here, is shorter than it must be");
  if (read_at(kept_->file.get(), memory, offset, key_) != memory.size())
    throw Error(ErrorKind::kDamaged, key_ + ", as it is kept here, was cut off");
}

std::optional<std::uint64_t> PackReader::size() const {
  return kept_ ? kept_->size : destination_.size(key_);
}

MutableByteView PackReader::Window::view(std::uint64_t offset, std::uint64_t length) const {
  return bytes.subspan(offset - start, length);
}

PackReader::Window PackReader::read_window(std::uint64_t offset, std::uint64_t length, Scratch memory) const {
  if (offset > std::numeric_limits<std::int64_t>::max() - kMaximumPackDirectory - length) {
    throw Error(ErrorKind::kDamaged, "a place beyond every pack's end");
  }
  Window window{offset / kWindow * kWindow, std::move(memory), {}};
  const std::uint64_t end = (offset + length + kWindow - 1) / kWindow * kWindow;
  const auto read_up_to = [&](std::uint64_t limit) {
    window.bytes = window.memory.take(limit - window.start);
    get(window.start, window.bytes);
  };
  try {
    read_up_to(end);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kDamaged) throw;
    // Shorter than a whole pack can be: what is left of it may still have the range.
    const std::optional<std::uint64_t> found = size();
    if (!found || *found < offset + length || *found >= end) throw;
    read_up_to(*found);
  }
  return window;
}

std::size_t PackReader::memory_for(std::uint32_t stored_length) { return stored_length + 2 * kWindow; }

void PackReader::check_frame(std::uint64_t offset, std::uint32_t stored_length) const {
  if (offset < header_.length || stored_length < kFrameHeader + crypto::kSealOverhead ||
      stored_length > kMaximumSealedFrame) {
    throw Error(ErrorKind::kDamaged, key_ + ": no frame can be at " + std::to_string(offset) + " with " +
                                         std::to_string(stored_length) + " bytes");
  }
}

// In its place.
ByteView PackReader::open_in(MutableByteView sealed, std::uint64_t offset) const {
  const MutableByteView plain = sealed.first(sealed.size() - crypto::kSealOverhead);
  sealer_->open(crypto::SealPart::kBody, offset, sealed, plain);
  return plain;
}

ByteView PackReader::read_frame(std::uint64_t offset, std::uint32_t stored_length, Scratch& memory) const {
  check_frame(offset, stored_length);
  try {
    Window window = read_window(offset, stored_length, std::move(memory));
    memory = std::move(window.memory);
    return open_in(window.view(offset, stored_length), offset);
  } catch (const Error& error) {
    throw error.in(key_ + ": frame at " + std::to_string(offset));
  }
}

ByteView PackReader::open_frame(const Window& window, std::uint64_t offset, std::uint32_t stored_length,
                                Scratch& memory) const {
  check_frame(offset, stored_length);
  try {
    const ByteView sealed = window.view(offset, stored_length);
    const MutableByteView copy = memory.take(sealed.size());
    std::copy(sealed.begin(), sealed.end(), copy.begin());
    return open_in(copy, offset);
  } catch (const Error& error) {
    throw error.in(key_ + ": frame at " + std::to_string(offset));
  }
}

PackReader::Directory PackReader::read_directory() const {
  const std::optional<std::uint64_t> found = size();
  if (!found) throw Error(ErrorKind::kNotFound, key_ + " does not exist");
  try {
    return read_sealed_directory(*found);
  } catch (const Error& error) {
    throw error.in(key_ + ": directory");
  }
}

PackReader::Directory PackReader::read_sealed_directory(std::uint64_t size) const {
  auto damaged = [](const std::string& what) { return Error(ErrorKind::kDamaged, what); };
  if (size < kSmallestPack || size != padded_pack_size(size)) {
    throw damaged(std::to_string(size) + " bytes is no pack's size");
  }
  std::uint64_t trailer_offset = size - kPackTrailer;
  Window end = read_window(trailer_offset, kPackTrailer);
  ByteView trailer = end.view(trailer_offset, kPackTrailer);
  crypto::Salt salt;
  std::ranges::copy(trailer.first(salt.size()), salt.begin());
  crypto::Sealer sealer = make_pack_sealer(keyring_, header_, salt);
  Bytes plain = sealer.open(crypto::SealPart::kTrailer, 0, trailer.subspan(salt.size()));
  ByteReader fields(plain);
  std::uint64_t offset = fields.u64();
  std::uint64_t length = fields.u64();
  if (fields.u64() != size || fields.u64() != 0 || offset < header_.length || offset > trailer_offset ||
      length != trailer_offset - offset || length < kDirectoryFraming) {
    throw damaged("the trailer is that of another pack");
  }
  // Padding adds at most half of a pack that is small, and a step to one that is not.
  if (length > kMaximumPackDirectory + (1u << 20)) throw damaged("too long");
  Window window = offset >= end.start ? std::move(end) : read_window(offset, length);
  Bytes opened = sealer.open(crypto::SealPart::kDirectory, 0, window.view(offset, length));
  window = {};
  ByteReader reader(opened);
  ByteView directory = reader.bytes(reader.u32());
  if (!is_padding(reader.rest())) throw damaged("padding that is not zero");
  return parse_directory(directory, header_.kind, header_.length, offset);
}

}  // namespace garner::store
