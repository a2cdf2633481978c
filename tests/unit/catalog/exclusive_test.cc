#include "catalog/history/exclusive.h"

#include <rapidcheck.h>

#include <catch2/catch.hpp>
#include <map>
#include <set>

namespace garner::catalog {
namespace {

struct Sample {
  std::vector<Holding> holdings;
  std::vector<HeldContent::Listed> listed;
};

HeldContent held(const Sample& sample) {
  return {[&sample](const auto& visit) {
            for (const Holding& holding : sample.holdings) visit(holding);
          },
          sample.listed};
}

std::vector<std::uint64_t> bytes_of(const std::vector<Sample>& samples, std::size_t groups,
                                    std::size_t most = kMostCandidates) {
  std::vector<HeldContent> histories;
  for (const Sample& sample : samples) histories.push_back(held(sample));
  return exclusive_bytes(histories, groups, most);
}

// Blob by blob, and snapshot by snapshot.
std::vector<std::uint64_t> naive(const std::vector<Sample>& samples, std::size_t groups) {
  std::map<BlobPrefix, std::pair<std::uint64_t, std::set<SnapshotGroup>>> holders;
  for (const Sample& sample : samples) {
    for (const Holding& holding : sample.holdings) {
      for (const HeldContent::Listed& one : sample.listed) {
        if (one.number < holding.span.first || one.number > holding.span.last) continue;
        holders[holding.blob].first = holding.bytes;
        holders[holding.blob].second.insert(one.group);
      }
    }
  }
  std::vector<std::uint64_t> bytes(groups);
  for (const auto& [blob, holder] : holders) {
    if (holder.second.size() == 1 && *holder.second.begin() != kNoGroup)
      bytes[*holder.second.begin()] += holder.first;
  }
  return bytes;
}

constexpr std::size_t kGroups = 3;

rc::Gen<Sample> samples() {
  return rc::gen::exec([] {
    Sample sample;
    for (std::int64_t number = 1; number <= 8; ++number) {
      const int what = *rc::gen::inRange(0, 6);
      if (what == 5) continue;  // forgotten
      sample.listed.push_back(
          {number, what < static_cast<int>(kGroups) ? static_cast<SnapshotGroup>(what) : kNoGroup});
    }
    for (int i = *rc::gen::inRange(0, 30); i > 0; --i) {
      Holding holding;
      holding.blob = *rc::gen::inRange(-6, 6);
      // Of one blob always the same.
      holding.bytes = static_cast<std::uint64_t>(1) << (holding.blob + 6);
      holding.span.first = *rc::gen::inRange(1, 9);
      holding.span.last = holding.span.first + *rc::gen::inRange(0, 4);
      sample.holdings.push_back(holding);
    }
    return sample;
  });
}

TEST_CASE("what only a group holds is what counting blob by blob finds, in however many passes") {
  CHECK(rc::check([] {
    const auto all = *rc::gen::container<std::vector<Sample>>(samples());
    const auto expected = naive(all, kGroups);
    RC_ASSERT(bytes_of(all, kGroups) == expected);
    RC_ASSERT(bytes_of(all, kGroups, *rc::gen::inRange<std::size_t>(1, 5)) == expected);
  }));
}

TEST_CASE("what two snapshots share belongs to neither, and to both together") {
  // Of three snapshots: one has 1 alone, the next two share 2, all share 4.
  Sample sample{{{10, 1, {1, 1}}, {11, 2, {2, 3}}, {12, 4, {1, 3}}}, {{1, 0}, {2, 1}, {3, 2}}};
  CHECK(bytes_of({sample}, 3) == std::vector<std::uint64_t>{1, 0, 0});
  sample.listed = {{1, kNoGroup}, {2, 0}, {3, 0}};
  CHECK(bytes_of({sample}, 1) == std::vector<std::uint64_t>{2});
  // Who is not listed holds nothing.
  sample.listed = {{2, 0}, {3, 0}};
  CHECK(bytes_of({sample}, 1) == std::vector<std::uint64_t>{6});
  // Another history holds some of it as well.
  const Sample other{{{12, 4, {7, 7}}}, {{7, kNoGroup}}};
  CHECK(bytes_of({sample, other}, 1) == std::vector<std::uint64_t>{2});
}

TEST_CASE("a blob that stands in several places counts once") {
  const Sample sample{{{5, 8, {1, 1}}, {5, 8, {1, 1}}}, {{1, 0}}};
  CHECK(bytes_of({sample}, 1) == std::vector<std::uint64_t>{8});
}

}  // namespace
}  // namespace garner::catalog
