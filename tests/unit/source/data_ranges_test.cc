#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "real_files.h"
#include "source/metadata.h"
#include "support/temporary_folder.h"

namespace garner::source {
namespace {

using testing::must;
using testing::skip;
using testing::TemporaryFolder;

constexpr std::uint64_t kMiB = 1u << 20;

struct SparseFile {
  TemporaryFolder folder;
  std::string path = folder.path("file");
  Fd fd = open_file(path, O_RDWR | O_CREAT, 0644);

  void size(std::uint64_t bytes) { must(ftruncate(fd.get(), static_cast<off_t>(bytes)), "ftruncate"); }
  void data(std::uint64_t offset, std::size_t length) { write_at(fd.get(), Bytes(length, 1), offset, path); }
  std::vector<DataRange> ranges(std::uint64_t bytes) {
    const auto found = data_ranges(fd.get(), bytes, path);
    std::uint64_t end = 0;
    for (const DataRange& range : found) {
      REQUIRE(range.length > 0);
      REQUIRE(range.offset >= end);
      end = range.offset + range.length;
    }
    REQUIRE(end <= bytes);
    return found;
  }
};

bool has_holes(SparseFile& file) {
  file.size(kMiB);
  return file.ranges(kMiB).empty();
}

TEST_CASE("an empty file has no data, a full one nothing else") {
  SparseFile file;
  REQUIRE(file.ranges(0).empty());
  file.data(0, 100'000);
  const auto ranges = file.ranges(100'000);
  REQUIRE(ranges.size() == 1);
  REQUIRE(ranges[0].offset == 0);
  REQUIRE(ranges[0].length == 100'000);
}

TEST_CASE("runs of data between holes are found where they are") {
  SparseFile file;
  if (!has_holes(file)) return skip("the file system does not tell of holes");
  file.size(10'000 * kMiB);
  file.data(1 * kMiB, 65'536);
  file.data(5000 * kMiB, 131'072);
  const auto ranges = file.ranges(10'000 * kMiB);
  REQUIRE(ranges.size() == 2);
  REQUIRE(ranges[0].offset == 1 * kMiB);
  REQUIRE(ranges[0].length == 65'536);
  REQUIRE(ranges[1].offset == 5000 * kMiB);
  REQUIRE(ranges[1].length == 131'072);
  // Data that ends the file: the range ends with it, not with its last block.
  file.data(10'000 * kMiB, 5);
  REQUIRE(file.ranges(10'000 * kMiB + 5).back().length == 5);
}

TEST_CASE("a file that has changed since its size was asked for") {
  SparseFile file;
  if (!has_holes(file)) return skip("the file system does not tell of holes");
  file.data(0, 200'000);
  // Longer by now: what is beyond the size is not looked at.
  const auto shorter = file.ranges(100'000);
  REQUIRE(shorter.size() == 1);
  REQUIRE(shorter[0].length == 100'000);
  // Shorter by now: ends where the file does.
  file.size(100'000);
  const auto longer = file.ranges(kMiB);
  REQUIRE(longer.size() == 1);
  REQUIRE(longer[0].length == 100'000);
  file.size(0);
  REQUIRE(file.ranges(kMiB).empty());
}

}  // namespace
}  // namespace garner::source
