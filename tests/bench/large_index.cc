// How a repository's local index behaves at size. large_index DIR [BLOBS]: makes an index of so many blobs
// (default: 50 million) in DIR from segments, unless it is there, then opens it anew and tells what that
// takes, what a million lookups add to resident memory, and how many random lookups a second one core does.

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <random>
#include <string>

#include "base/file.h"
#include "crypto/hash.h"
#include "crypto/keyring.h"
#include "store/index.h"

namespace garner::store {
namespace {

constexpr std::uint64_t kSegmentBlobs = 256u << 10;
constexpr std::uint64_t kPackBlobs = 500;
constexpr std::uint64_t kFrameBlobs = 10;

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// Bytes.
std::uint64_t resident() {
  std::ifstream status("/proc/self/statm");
  std::uint64_t size = 0;
  std::uint64_t pages = 0;
  status >> size >> pages;
  return pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

// The n-th blob's id: made again whenever it is needed.
crypto::BlobId id_of(std::uint64_t number) {
  crypto::BlobId id;
  std::uint64_t state = number << 8;
  for (std::size_t i = 0; i < 4; ++i) {
    // SplitMix64 (Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014).
    std::uint64_t word = state += 0x9e3779b97f4a7c15;
    word = (word ^ (word >> 30)) * 0xbf58476d1ce4e5b9;
    word = (word ^ (word >> 27)) * 0x94d049bb133111eb;
    word ^= word >> 31;
    std::memcpy(id.value.data() + 8 * i, &word, 8);
  }
  return id;
}

ObjectName name_of(std::uint64_t number) {
  ObjectName name;
  const crypto::BlobId id = id_of(number + (std::uint64_t{1} << 60));
  name.value = id.value;
  return name;
}

Bytes segment_payload(std::uint64_t first, std::uint64_t end) {
  std::vector<FinishedPack> packs;
  for (std::uint64_t blob = first; blob < end;) {
    FinishedPack pack;
    pack.name = name_of(blob);
    std::uint64_t offset = 1282;
    for (std::uint64_t frames = 0; frames < kPackBlobs / kFrameBlobs && blob < end; ++frames) {
      PackedFrame frame;
      frame.offset = offset;
      for (std::uint64_t i = 0; i < kFrameBlobs && blob < end; ++i, ++blob) {
        frame.blobs.push_back({id_of(blob), crypto::BlobKind::kData, 100'000});
        frame.raw_length += 100'000;
      }
      frame.stored_length = frame.raw_length / 2;
      offset += frame.stored_length;
      pack.frames.push_back(std::move(frame));
    }
    pack.size = offset + 4096;
    packs.push_back(std::move(pack));
  }
  return build_segment_payload(packs);
}

void measure(const std::string& folder, std::uint64_t blobs) {
  v1::RepositoryState state;
  for (std::uint64_t first = 0; first < blobs; first += kSegmentBlobs) {
    state.add_segments()->set_name(std::string(as_text(name_of(blobs + first).view())));
  }
  {
    Index index(folder);
    std::uint64_t made = 0;
    index.update(state, [&](const v1::SegmentReference& segment) {
      std::uint64_t number = 0;
      while (segment.name() != state.segments(static_cast<int>(number)).name()) ++number;
      if (++made % 10 == 0) std::fprintf(stderr, "%llu segments\n", static_cast<unsigned long long>(made));
      return segment_payload(number * kSegmentBlobs, std::min(blobs, (number + 1) * kSegmentBlobs));
    });
  }

  const std::uint64_t before = resident();
  double begun = now();
  Index index(folder);
  index.update(state, [](const v1::SegmentReference&) -> Bytes { std::abort(); });
  std::printf("%llu blobs; opened in %.2f s\n", static_cast<unsigned long long>(index.entries()),
              now() - begun);

  std::mt19937_64 random(7);
  const auto locate = [&](const crypto::BlobId& id) { return index.find(id).has_value(); };
  const auto find_pack = [&](const crypto::BlobId& id) { return index.find_pack(id).has_value(); };
  const auto measure_lookups = [&](const char* what, bool present, const auto& lookup) {
    const int lookups = 1'000'000;
    std::vector<crypto::BlobId> ids;
    for (int i = 0; i < lookups; ++i)
      ids.push_back(id_of(present ? random() % blobs : blobs * 2 + random() % blobs));
    for (const char* round : {"first", "second"}) {
      std::size_t found = 0;
      begun = now();
      for (const crypto::BlobId& id : ids) found += lookup(id) ? 1 : 0;
      const double took = now() - begun;
      std::printf(
          "%s %d times %s of blobs that are %s: %.0f a second, %zu found; resident: %.0f MiB more\n", round,
          lookups, what, present ? "there" : "not there", lookups / took, found,
          (static_cast<double>(resident() - before) - static_cast<double>(ids.capacity() * sizeof ids[0])) /
              (1 << 20));
    }
  };
  measure_lookups("the pack", true, find_pack);
  measure_lookups("the location", true, locate);
  measure_lookups("the pack", false, find_pack);
}

}  // namespace
}  // namespace garner::store

int main(int count, char** arguments) {
  if (count < 2) {
    std::fprintf(stderr, "usage: large_index DIR [BLOBS]\n");
    return 2;
  }
  garner::crypto::initialize_crypto();
  garner::store::measure(arguments[1], count > 2 ? std::strtoull(arguments[2], nullptr, 10) : 50'000'000);
  return 0;
}
