// Bytes and their text forms. Everything here is a pure function or a value; any thread may use it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace garner {

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;
using MutableByteView = std::span<std::uint8_t>;

inline ByteView as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
inline std::string_view as_text(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Lower-case hexadecimal.
std::string to_hex(ByteView bytes);
// Throws Error(kInvalidInput) unless `text` is an even number of hexadecimal digits of either case.
Bytes from_hex(std::string_view text);

// A path or name for people: valid printable UTF-8 stays; every other byte, control characters and the
// backslash become \xNN. Unambiguous, one line.
std::string printable(std::string_view bytes);
// The bytes that printable() shows so. Error(kInvalidInput) for a backslash that begins no \xNN.
std::string from_printable(std::string_view text);
// Capital letters of ASCII become small ones; every other byte stays.
std::string lower_case(std::string_view text);
// Whether the bytes are well-formed UTF-8: only then may they become a protobuf string.
bool is_utf8(std::string_view bytes);
// "4.2 GiB", "317 B": at most four significant characters and a binary unit.
std::string human_bytes(std::uint64_t bytes);

// Appends little-endian integers and byte strings to a buffer it owns.
class ByteWriter {
 public:
  void u8(std::uint8_t value);
  void u16(std::uint16_t value);
  void u32(std::uint32_t value);
  void u64(std::uint64_t value);
  void bytes(ByteView value);
  const Bytes& data() const { return data_; }
  Bytes take() { return std::move(data_); }

 private:
  Bytes data_;
};

// Reads what ByteWriter wrote. Every read past the end throws Error(kDamaged). Does not own the bytes.
class ByteReader {
 public:
  explicit ByteReader(ByteView data) : rest_(data) {}
  std::uint8_t u8();
  std::uint16_t u16();
  std::uint32_t u32();
  std::uint64_t u64();
  ByteView bytes(std::size_t length);
  ByteView rest() const { return rest_; }
  bool at_end() const { return rest_.empty(); }

 private:
  ByteView rest_;
};

}  // namespace garner
