#include "mount/inode_numbers.h"

#include <catch2/catch.hpp>
#include <set>
#include <string>

namespace garner::client::mount {
namespace {

HashKey counting_key() {
  HashKey key{};
  for (std::size_t i = 0; i < key.size(); ++i) key[i] = static_cast<std::uint8_t>(i);
  return key;
}

TEST_CASE("the hash is SipHash-2-4, as its authors' examples have it") {
  // Of the bytes 0, 1, 2, ...: none, one, eight, and fifteen, which is the example in their paper.
  std::string bytes;
  for (char i = 0; i < 15; ++i) bytes.push_back(i);
  CHECK(sip_hash(counting_key(), "") == 0x726fdb47dd0e0e31u);
  CHECK(sip_hash(counting_key(), bytes.substr(0, 1)) == 0x74f839c593dc67fdu);
  CHECK(sip_hash(counting_key(), bytes.substr(0, 8)) == 0x93f5f5799a932462u);
  CHECK(sip_hash(counting_key(), bytes) == 0xa129ca6149be45e5u);
}

TEST_CASE("numbers are the same again, and differ for what differs") {
  const InodeNumbers numbers(counting_key());
  CHECK(numbers.of_name(7, "name") == InodeNumbers(counting_key()).of_name(7, "name"));
  CHECK(numbers.of_links({7, 1, 2, 3}) == InodeNumbers(counting_key()).of_links({7, 1, 2, 3}));
  const std::set<std::uint64_t> all{numbers.of_name(7, "name"),
                                    numbers.of_name(8, "name"),
                                    numbers.of_name(7, "names"),
                                    numbers.of_links({7, 1, 2, 3}),
                                    numbers.of_links({8, 1, 2, 3}),
                                    numbers.of_links({7, 2, 2, 3}),
                                    numbers.of_links({7, 1, 3, 3}),
                                    numbers.of_links({7, 1, 2, 4}),
                                    numbers.of_links({7, 1, 2, 3, 5}),
                                    numbers.of_links({7, 1, 2, 3, 0, 5}),
                                    numbers.of_links({7, 1, 2, 3, 0, 0, 5}),
                                    InodeNumbers(random_key()).of_name(7, "name"),
                                    InodeNumbers(random_key()).of_name(7, "name")};
  CHECK(all.size() == 13);
}

}  // namespace
}  // namespace garner::client::mount
