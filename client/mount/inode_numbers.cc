#include "mount/inode_numbers.h"

#include <sys/random.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <string>
#include <system_error>

namespace garner::client::mount {
namespace {

std::uint64_t load(const char* bytes, std::size_t count) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < count; ++i)
    value |= std::uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
  return value;
}

void append_number(std::string& bytes, std::uint64_t value) {
  for (unsigned i = 0; i < 64; i += 8) bytes.push_back(static_cast<char>((value >> i) & 0xff));
}

struct Sip {
  std::uint64_t a, b, c, d;

  void round() {
    a += b;
    c += d;
    b = std::rotl(b, 13) ^ a;
    d = std::rotl(d, 16) ^ c;
    a = std::rotl(a, 32);
    c += b;
    a += d;
    b = std::rotl(b, 17) ^ c;
    d = std::rotl(d, 21) ^ a;
    c = std::rotl(c, 32);
  }
  void take(std::uint64_t word) {
    d ^= word;
    round();
    round();
    a ^= word;
  }
};

}  // namespace

std::uint64_t sip_hash(const HashKey& key, std::string_view bytes) {
  const char* const key_bytes = reinterpret_cast<const char*>(key.data());
  const std::uint64_t k0 = load(key_bytes, 8);
  const std::uint64_t k1 = load(key_bytes + 8, 8);
  Sip sip{k0 ^ 0x736f6d6570736575u, k1 ^ 0x646f72616e646f6du, k0 ^ 0x6c7967656e657261u,
          k1 ^ 0x7465646279746573u};
  const std::size_t whole = bytes.size() / 8 * 8;
  for (std::size_t i = 0; i < whole; i += 8) sip.take(load(bytes.data() + i, 8));
  sip.take(load(bytes.data() + whole, bytes.size() - whole) | (std::uint64_t{bytes.size()} << 56));
  sip.c ^= 0xff;
  for (int i = 0; i < 4; ++i) sip.round();
  return sip.a ^ sip.b ^ sip.c ^ sip.d;
}

HashKey random_key() {
  HashKey key{};
  if (getrandom(key.data(), key.size(), 0) != static_cast<ssize_t>(key.size()))
    throw std::system_error(errno, std::generic_category(), "no random bytes can be had");
  return key;
}

std::uint64_t InodeNumbers::of_name(std::uint64_t folder, std::string_view name) const {
  std::string bytes = "n";
  append_number(bytes, folder);
  bytes += name;
  return std::max<std::uint64_t>(1, sip_hash(key_, bytes));
}

std::uint64_t InodeNumbers::of_links(const Linked& file) const {
  std::string bytes = "l";
  for (const std::uint64_t part :
       {file.root, file.source, file.mount, file.inode, file.size, static_cast<std::uint64_t>(file.seconds),
        static_cast<std::uint64_t>(file.nanos)}) {
    append_number(bytes, part);
  }
  return std::max<std::uint64_t>(1, sip_hash(key_, bytes));
}

}  // namespace garner::client::mount
