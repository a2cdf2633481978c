#include "backup/hard_links.h"

#include <catch2/catch.hpp>

#include <atomic>
#include <thread>
#include <vector>

namespace garner::backup {
namespace {

TEST_CASE("of all who ask for a file at the same time one reads it, and the others get what it read") {
  HardLinks links;
  std::atomic<int> readers = 0;
  std::atomic<int> answers = 0;
  {
    std::vector<std::jthread> threads;
    for (int number = 0; number < 4; ++number) {
      threads.emplace_back([&] {
        for (std::uint64_t inode = 0; inode < 500; ++inode) {
          HardLinks::Claim claim;
          const auto known = links.find_or_claim({1, inode}, claim);
          if (known) {
            answers += known->inode() == inode ? 1 : 0;
            continue;
          }
          ++readers;
          v1::Node node;
          node.set_inode(inode);
          links.add({1, inode}, node);
        }
      });
    }
  }
  CHECK(readers == 500);
  CHECK(answers == 1500);
}

TEST_CASE("a file that was claimed and not read is the next one's to read") {
  HardLinks links;
  {
    HardLinks::Claim claim;
    CHECK(!links.find_or_claim({1, 2}, claim));
    CHECK(claim.held());
  }
  HardLinks::Claim claim;
  CHECK(!links.find_or_claim({1, 2}, claim));
  CHECK(claim.held());
}

}  // namespace
}  // namespace garner::backup
