#include "base/bytes.h"

#include <array>
#include <cstdio>

#include "base/error.h"

namespace garner {

namespace {

constexpr char kHexDigits[] = "0123456789abcdef";

int hex_value(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
  return -1;
}

// A well-formed UTF-8 sequence at the front of `text`: its length in bytes and its code point. Length 0:
// there is none.
struct CodePoint {
  std::size_t length = 0;
  std::uint32_t value = 0;
};

CodePoint decode_utf8(std::string_view text) {
  const auto byte = [&](std::size_t at) { return static_cast<std::uint8_t>(text[at]); };
  const std::uint8_t first = byte(0);
  if (first < 0x80) return {1, first};
  std::size_t length = 0;
  std::uint32_t value = 0;
  std::uint32_t smallest = 0;  // below it the sequence is longer than needed, and thus malformed
  if ((first & 0xe0) == 0xc0) {
    length = 2, value = first & 0x1fu, smallest = 0x80;
  } else if ((first & 0xf0) == 0xe0) {
    length = 3, value = first & 0x0fu, smallest = 0x800;
  } else if ((first & 0xf8) == 0xf0) {
    length = 4, value = first & 0x07u, smallest = 0x10000;
  } else {
    return {};
  }
  if (text.size() < length) return {};
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {};
    value = (value << 6) | (byte(i) & 0x3fu);
  }
  const bool surrogate = value >= 0xd800 && value <= 0xdfff;
  if (value < smallest || value > 0x10ffff || surrogate) return {};
  return {length, value};
}

// Control characters, line separators, and the marks that turn the direction of a line around: with them a
// name could pass for another one, or move the cursor of a terminal.
bool is_printable(std::uint32_t code_point) {
  if (code_point < 0x20 || (code_point >= 0x7f && code_point < 0xa0)) return false;
  if (code_point == 0x061c || code_point == 0x200e || code_point == 0x200f) return false;
  if (code_point >= 0x2028 && code_point <= 0x202e) return false;
  if (code_point >= 0x2066 && code_point <= 0x2069) return false;
  return code_point != 0xfeff;
}

}  // namespace

std::string to_hex(ByteView bytes) {
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const std::uint8_t byte : bytes) {
    text.push_back(kHexDigits[byte >> 4]);
    text.push_back(kHexDigits[byte & 15]);
  }
  return text;
}

Bytes from_hex(std::string_view text) {
  if (text.size() % 2 != 0) throw Error(ErrorKind::kInvalidInput, "an odd number of hexadecimal digits");
  Bytes bytes;
  bytes.reserve(text.size() / 2);
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = hex_value(text[i]);
    const int low = hex_value(text[i + 1]);
    if (high < 0 || low < 0) throw Error(ErrorKind::kInvalidInput, "not hexadecimal: " + printable(text));
    bytes.push_back(static_cast<std::uint8_t>(high * 16 + low));
  }
  return bytes;
}

std::string printable(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size());
  while (!bytes.empty()) {
    const CodePoint next = decode_utf8(bytes);
    const std::size_t length = next.length == 0 ? 1 : next.length;
    if (next.length != 0 && next.value != '\\' && is_printable(next.value)) {
      text.append(bytes.substr(0, length));
    } else {
      for (const char each : bytes.substr(0, length)) {
        const auto byte = static_cast<std::uint8_t>(each);
        text.append("\\x");
        text.push_back(kHexDigits[byte >> 4]);
        text.push_back(kHexDigits[byte & 15]);
      }
    }
    bytes.remove_prefix(length);
  }
  return text;
}

std::string from_printable(std::string_view text) {
  std::string bytes;
  while (!text.empty()) {
    if (text.front() != '\\') {
      bytes.push_back(text.front());
      text.remove_prefix(1);
      continue;
    }
    const bool escape =
        text.size() >= 4 && text[1] == 'x' &&
        text.substr(2, 2).find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
    if (!escape) throw Error(ErrorKind::kInvalidInput, "a backslash in a path is written \\x5c");
    bytes += as_text(from_hex(text.substr(2, 2)));
    text.remove_prefix(4);
  }
  return bytes;
}

std::string lower_case(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return result;
}

bool is_utf8(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t length = decode_utf8(bytes).length;
    if (length == 0) return false;
    bytes.remove_prefix(length);
  }
  return true;
}

std::string human_bytes(std::uint64_t bytes) {
  static constexpr std::array<const char*, 6> kUnits = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  if (bytes < 1024) return std::to_string(bytes) + " B";
  double value = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  // 1023.5 of a unit would be rounded to 1024, which is 1.0 of the next one.
  while (value >= 1023.5 && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), value < 99.95 ? "%.1f %s" : "%.0f %s", value, kUnits[unit]);
  return text.data();
}

void ByteWriter::u8(std::uint8_t value) { data_.push_back(value); }

void ByteWriter::u16(std::uint16_t value) {
  for (int shift = 0; shift < 16; shift += 8) data_.push_back(static_cast<std::uint8_t>(value >> shift));
}

void ByteWriter::u32(std::uint32_t value) {
  for (int shift = 0; shift < 32; shift += 8) data_.push_back(static_cast<std::uint8_t>(value >> shift));
}

void ByteWriter::u64(std::uint64_t value) {
  for (int shift = 0; shift < 64; shift += 8) data_.push_back(static_cast<std::uint8_t>(value >> shift));
}

void ByteWriter::bytes(ByteView value) { data_.insert(data_.end(), value.begin(), value.end()); }

std::uint8_t ByteReader::u8() { return bytes(1)[0]; }

std::uint16_t ByteReader::u16() {
  const ByteView raw = bytes(2);
  return static_cast<std::uint16_t>(raw[0] | (raw[1] << 8));
}

std::uint32_t ByteReader::u32() {
  const ByteView raw = bytes(4);
  std::uint32_t value = 0;
  for (std::size_t i = 4; i-- > 0;) value = (value << 8) | raw[i];
  return value;
}

std::uint64_t ByteReader::u64() {
  const ByteView raw = bytes(8);
  std::uint64_t value = 0;
  for (std::size_t i = 8; i-- > 0;) value = (value << 8) | raw[i];
  return value;
}

ByteView ByteReader::bytes(std::size_t length) {
  if (length > rest_.size()) throw Error(ErrorKind::kDamaged, "ends too early");
  const ByteView taken = rest_.first(length);
  rest_ = rest_.subspan(length);
  return taken;
}

}  // namespace garner
