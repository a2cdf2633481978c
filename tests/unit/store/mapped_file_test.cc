#include "store/mapped_file.h"

#include <fcntl.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <sstream>
#include <thread>

#include "base/error.h"
#include "base/file.h"
#include "support/random_packs.h"
#include "support/temporary_folder.h"

namespace garner::store {
namespace {

constexpr std::uint64_t kMiB = 1u << 20;

// Resident bytes of the mappings of files whose path contains `part`.
std::uint64_t resident(const std::string& part) {
  std::ifstream maps("/proc/self/smaps");
  std::string line;
  std::uint64_t bytes = 0;
  bool counted = false;
  while (std::getline(maps, line)) {
    if (line.find(" r--s ") != std::string::npos || line.find("-") < line.find(" ")) {
      counted = line.find(part) != std::string::npos;
    } else if (counted && line.starts_with("Rss:")) {
      bytes += std::stoull(line.substr(4)) << 10;
    }
  }
  return bytes;
}

struct Fixture {
  std::string make(const std::string& name, std::uint64_t size) {
    std::string path = folder.path(name);
    Fd file = open_file(path, O_RDWR | O_CREAT);
    testing::Random random(size);
    for (std::uint64_t offset = 0; offset < size; offset += kMiB) {
      write_at(file.get(), testing::random_bytes(random, std::min(kMiB, size - offset)), offset, path);
    }
    return path;
  }
  std::unique_ptr<MappedFile> map(const std::string& path, std::uint64_t size) {
    Fd file = open_file(path, O_RDONLY);
    return std::make_unique<MappedFile>(file.get(), size, path, budget);
  }
  testing::TemporaryFolder folder;
  std::shared_ptr<MappingBudget> budget = std::make_shared<MappingBudget>(8 * kMiB);
};

TEST_CASE_METHOD(Fixture, "a mapped file has the file's bytes, also after it was removed") {
  std::string path = make("small", 100001);
  Bytes bytes = read_file(path, kMiB);
  auto mapped = map(path, bytes.size());
  remove_file(path);
  REQUIRE(std::equal(bytes.begin(), bytes.end(), mapped->at(0, bytes.size())));
  REQUIRE(*mapped->at(100000, 1) == bytes.back());
}

TEST_CASE_METHOD(Fixture, "all mappings of a budget together stay resident within it") {
  std::string first = make("resident-a", 32 * kMiB);
  std::string second = make("resident-b", 32 * kMiB);
  auto a = map(first, 32 * kMiB);
  auto b = map(second, 32 * kMiB);
  std::string part = folder.path() + "/resident-";
  std::uint64_t sum = 0;
  std::uint64_t highest = 0;
  testing::Random random(1);
  for (int i = 0; i < 20000; ++i) {
    MappedFile& file = random() % 2 == 0 ? *a : *b;
    sum += *file.at(testing::below(random, 32 * kMiB - 48), 48);
    if (i % 500 == 0) highest = std::max(highest, resident(part));
  }
  REQUIRE(sum > 0);
  REQUIRE(highest > kMiB);
  // The limit, and what four touches map.
  REQUIRE(highest <= 8 * kMiB + 4 * 2 * kMiB + (256u << 10));
}

TEST_CASE_METHOD(Fixture, "threads that read while windows are given back see the file's bytes") {
  std::string path = make("shared", 16 * kMiB);
  Bytes bytes = read_file(path, 16 * kMiB);
  auto mapped = map(path, bytes.size());
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (unsigned seed = 0; seed < 4; ++seed) {
    threads.emplace_back([&, seed] {
      testing::Random random(seed);
      for (int i = 0; i < 20000; ++i) {
        std::uint64_t offset = testing::below(random, bytes.size() - 8);
        if (!std::equal(mapped->at(offset, 8), mapped->at(offset, 8) + 8,
                        bytes.begin() + static_cast<std::ptrdiff_t>(offset))) {
          ++wrong;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  REQUIRE(wrong == 0);
}

}  // namespace
}  // namespace garner::store
