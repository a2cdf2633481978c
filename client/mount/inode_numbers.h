// Inode numbers of a mount, made from what a file is by a hash with a key that is drawn for the mount: the
// same as long as it lasts though nothing is remembered, and whoever decides about names cannot make two
// files look like one. Any thread.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace garner::client::mount {

using HashKey = std::array<std::uint8_t, 16>;

// SipHash-2-4 (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012).
std::uint64_t sip_hash(const HashKey& key, std::string_view bytes);

// A key that nobody knows.
HashKey random_key();

class InodeNumbers {
 public:
  explicit InodeNumbers(const HashKey& key) : key_(key) {}

  // Of a name in the folder of that number. Never 0.
  std::uint64_t of_name(std::uint64_t folder, std::string_view name) const;
  // What makes several names one file in a snapshot, whose root has that number; size and time because names
  // may have been read at different states.
  struct Linked {
    std::uint64_t root = 0;
    std::uint64_t source = 0;
    std::uint64_t mount = 0;
    std::uint64_t inode = 0;
    std::uint64_t size = 0;
    std::int64_t seconds = 0;
    std::int64_t nanos = 0;
  };
  std::uint64_t of_links(const Linked& file) const;

 private:
  const HashKey key_;
};

}  // namespace garner::client::mount
