#include "store/index_table.h"

#include <fcntl.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <map>
#include <set>

#include "support/random_packs.h"
#include "support/temporary_folder.h"

namespace garner::store {
namespace {

using testing::kind_of;
using testing::Random;

// What a table should hold: pack, frame offset and offset in the frame of each blob.
using TablePlace = std::tuple<ObjectName, std::uint64_t, std::uint32_t, std::uint32_t, crypto::BlobKind>;
using TableModel = std::map<crypto::BlobId, std::set<TablePlace>>;

void add_to(TableModel& model, const std::vector<FinishedPack>& packs) {
  for (const FinishedPack& pack : packs) {
    for (const PackedFrame& frame : pack.frames) {
      std::uint32_t offset = 0;
      for (const FrameBlob& blob : frame.blobs) {
        model[blob.id].insert({pack.name, frame.offset, offset, blob.length, blob.kind});
        offset += blob.length;
      }
    }
  }
}

TablePlace table_place(const BlobLocation& at) {
  return {at.pack, at.frame_offset, at.offset, at.length, at.kind};
}

struct IndexTableFixture {
  IndexTableFixture() { crypto::initialize_crypto(); }
  std::vector<FinishedPack> packs(std::size_t count, std::size_t frames, std::size_t blobs) {
    std::vector<FinishedPack> made;
    for (std::size_t i = 0; i < count; ++i) made.push_back(testing::random_pack(random, frames, blobs));
    return made;
  }
  SegmentPayload segment(const std::vector<FinishedPack>& of) {
    return {testing::random_name(random), build_segment_payload(of)};
  }
  std::unique_ptr<IndexTable> open(const std::string& name) {
    return IndexTable::open(folder.path(name), budget);
  }
  std::unique_ptr<IndexTable> table(const std::string& name, const std::vector<SegmentPayload>& segments) {
    IndexTable::write(folder.path(name), segments);
    return open(name);
  }

  testing::TemporaryFolder folder;
  std::shared_ptr<FilterBudget> budget = std::make_shared<FilterBudget>();
  Random random{1};
};

void overwrite(const std::string& path, const Bytes& bytes) {
  remove_file(path);
  write_at(open_file(path, O_RDWR | O_CREAT).get(), bytes, 0, path);
}

IndexTable::Keep everything() {
  return {[](std::size_t, std::uint32_t) { return true; }, [](const ObjectName&) { return true; }};
}

std::set<TablePlace> find_all(const IndexTable& table, const crypto::BlobId& id) {
  std::set<TablePlace> found;
  table.find(id, [&](const EntryRow& row) {
    const BlobLocation location = table.locate(row);
    REQUIRE(table.packs()[row.pack] == location.pack);
    REQUIRE(found.insert(table_place(location)).second);
    return false;
  });
  return found;
}

void require_same_table(const IndexTable& table, const TableModel& model, Random& random) {
  std::uint64_t entries = 0;
  for (const auto& [id, places] : model) {
    REQUIRE(find_all(table, id) == places);
    entries += places.size();
  }
  REQUIRE(table.entries() == entries);
  TableModel visited;
  crypto::BlobId last;
  table.for_each([&](const EntryRow& row) {
    REQUIRE(last <= row.id);
    last = row.id;
    visited[row.id].insert(table_place(table.locate(row)));
  });
  REQUIRE(visited == model);
  for (int i = 0; i < 1000; ++i) REQUIRE(find_all(table, testing::random_id(random)).empty());
  table.verify();
}

TEST_CASE_METHOD(IndexTableFixture, "a table finds what its segments hold") {
  for (std::size_t blobs : {0u, 1u, 3u, 50u, 700u}) {
    TableModel model;
    std::vector<SegmentPayload> segments;
    for (int i = 0; i < 3; ++i) {
      std::vector<FinishedPack> some = blobs == 0 ? packs(0, 0, 0) : packs(2, 2, blobs);
      add_to(model, some);
      segments.push_back(segment(some));
    }
    auto made = table("t", segments);
    REQUIRE(made->segments().size() == 3);
    require_same_table(*made, model, random);
    // The filter is not mapped then, but read.
    require_same_table(*IndexTable::open(folder.path("t"), std::make_shared<FilterBudget>(0)), model, random);
  }
}

TEST_CASE("a budget is given out no further than it goes, and comes back") {
  FilterBudget budget(100);
  REQUIRE(budget.take(60));
  REQUIRE_FALSE(budget.take(41));
  REQUIRE(budget.take(40));
  budget.give_back(60);
  REQUIRE(budget.take(60));
  REQUIRE_FALSE(budget.take(1));
}

TEST_CASE_METHOD(IndexTableFixture, "ids that are not spread at all are found as well") {
  // All in one block of the filter, which is searched evenly or, when it has too many for that, by halves.
  const std::size_t blobs = GENERATE(100u, 700u);
  unsigned next = 0;
  std::vector<FinishedPack> some = {testing::random_pack(random, 2, blobs, [&] {
    crypto::BlobId id;
    ++next;
    id.value[30] = static_cast<std::uint8_t>(next >> 8);
    id.value[31] = static_cast<std::uint8_t>(next);
    return id;
  })};
  TableModel model;
  add_to(model, some);
  require_same_table(*table("t", {segment(some)}), model, random);
}

TEST_CASE_METHOD(IndexTableFixture, "a search ends when the visitor has enough") {
  std::vector<FinishedPack> some = packs(3, 1, 1);
  for (FinishedPack& pack : some) pack.frames[0].blobs[0].id = some[0].frames[0].blobs[0].id;
  auto made = table("t", {segment(some)});
  int visits = 0;
  REQUIRE(made->find(some[0].frames[0].blobs[0].id, [&](const EntryRow&) { return ++visits == 2; }));
  REQUIRE(visits == 2);
  REQUIRE_FALSE(made->find(some[0].frames[0].blobs[0].id, [&](const EntryRow&) { return false; }));
}

TEST_CASE_METHOD(IndexTableFixture, "tables merge into one that holds what each held") {
  TableModel model;
  std::vector<std::unique_ptr<IndexTable>> tables;
  std::vector<const IndexTable*> inputs;
  std::vector<FinishedPack> shared = packs(2, 2, 20);
  for (int i = 0; i < 6; ++i) {
    std::vector<FinishedPack> some = packs(3, 2, 100);
    if (i % 2 == 0) some.insert(some.end(), shared.begin(), shared.end());
    // A blob that several packs hold.
    some[0].frames[0].blobs[5].id = shared[0].frames[0].blobs[0].id;
    add_to(model, some);
    tables.push_back(table("t" + std::to_string(i), {segment(some)}));
    inputs.push_back(tables.back().get());
  }
  IndexTable::merge(folder.path("m"), inputs, everything());
  auto merged = open("m");
  REQUIRE(merged->segments().size() == 6);
  // A pack that several segments name is one pack, linked to each.
  REQUIRE(merged->packs().size() == 6 * 3 + 2);
  std::size_t links = 0;
  merged->for_each_link([&](std::uint32_t, std::uint32_t) { ++links; });
  REQUIRE(links == 6 * 3 + 3 * 2);
  require_same_table(*merged, model, random);

  std::reverse(inputs.begin(), inputs.end());
  IndexTable::merge(folder.path("again"), {merged.get()}, everything());
  REQUIRE(read_file(folder.path("again"), 1u << 24) == read_file(folder.path("m"), 1u << 24));
}

TEST_CASE_METHOD(IndexTableFixture,
                 "a merge leaves out what is not kept, and remembers which packs a kept segment lacks") {
  std::vector<FinishedPack> first = packs(3, 2, 50);
  std::vector<FinishedPack> second = packs(2, 2, 50);
  SegmentPayload kept = segment(first);
  SegmentPayload gone = segment(second);
  auto a = table("a", {kept});
  auto b = table("b", {gone});
  std::vector<const IndexTable*> inputs = {a.get(), b.get()};
  ObjectName dead = first[1].name;
  IndexTable::Keep keep{[&](std::size_t input, std::uint32_t pack) {
                          const ObjectName& name = inputs[input]->packs()[pack];
                          return name != dead && name != second[0].name;
                        },
                        [&](const ObjectName& name) { return name == kept.name; }};
  IndexTable::merge(folder.path("m"), inputs, keep);
  auto merged = open("m");
  TableModel model;
  add_to(model, {first[0], first[2], second[1]});
  require_same_table(*merged, model, random);
  REQUIRE(merged->segments() == std::vector<ObjectName>{kept.name});
  std::set<ObjectName> dropped;
  for (std::uint32_t i = 0; i < merged->packs().size(); ++i) {
    if (merged->pack(i).dropped) dropped.insert(merged->packs()[i]);
  }
  REQUIRE(dropped == std::set<ObjectName>{dead});
  std::set<ObjectName> named;
  merged->for_each_link([&](std::uint32_t, std::uint32_t pack) { named.insert(merged->packs()[pack]); });
  REQUIRE(named == std::set<ObjectName>{first[0].name, first[1].name, first[2].name});

  // The dropped pack comes back when a table that has it is merged in.
  IndexTable::merge(folder.path("back"), {merged.get(), a.get()}, everything());
  add_to(model, first);
  auto back = open("back");
  require_same_table(*back, model, random);
  for (std::uint32_t i = 0; i < back->packs().size(); ++i) REQUIRE_FALSE(back->pack(i).dropped);
}

TEST_CASE_METHOD(IndexTableFixture, "segments that disagree about a pack are both believed") {
  std::vector<FinishedPack> first = packs(1, 2, 10);
  std::vector<FinishedPack> second = first;
  second[0].frames.pop_back();
  second[0].frames[0].blobs[0].id = testing::random_id(random);
  TableModel model;
  add_to(model, first);
  add_to(model, second);
  auto made = table("t", {segment(first), segment(second)});
  for (const auto& [id, places] : model) {
    std::set<TablePlace> found;
    made->find(id, [&](const EntryRow& entry) {
      found.insert(table_place(made->locate(entry)));
      return false;
    });
    REQUIRE(found == places);
  }
}

TEST_CASE_METHOD(IndexTableFixture, "a torn or foreign table is not opened") {
  auto made = table("t", {segment(packs(3, 2, 40))});
  made.reset();
  Bytes whole = read_file(folder.path("t"), 1u << 24);
  auto opens = [&](const Bytes& bytes) {
    overwrite(folder.path("t"), bytes);
    return kind_of([&] { open("t"); });
  };
  for (std::size_t length :
       {std::size_t{0}, std::size_t{100}, std::size_t{128}, std::size_t{4096}, whole.size() - 1}) {
    Bytes torn(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length));
    REQUIRE(opens(torn) == ErrorKind::kDamaged);
  }
  Bytes longer = whole;
  longer.push_back(0);
  REQUIRE(opens(longer) == ErrorKind::kDamaged);
  // Header, segments, packs and links; the rest of the header is unused.
  std::size_t tables_end = 128 + 32 + 3 * (32 + 32 + 8);
  for (std::size_t i = 0; i < tables_end; i += i < 112 ? 1 : 7) {
    if (i >= 112 && i < 128) continue;
    Bytes flipped = whole;
    flipped[i] ^= 0x20;
    REQUIRE(opens(flipped) == ErrorKind::kDamaged);
  }
  remove_file(folder.path("t"));
  REQUIRE(kind_of([&] { open("t"); }) == ErrorKind::kNotFound);
}

TEST_CASE_METHOD(IndexTableFixture,
                 "damage behind the header is found when all is read, and never followed out of bounds") {
  std::vector<FinishedPack> some = packs(3, 2, 40);
  auto made = table("t", {segment(some)});
  made.reset();
  Bytes whole = read_file(folder.path("t"), 1u << 24);
  std::size_t entries = whole.size() - 3 * 2 * 40 * 48;
  for (int i = 0; i < 300; ++i) {
    Bytes flipped = whole;
    std::size_t place = 384 + testing::below(random, whole.size() - 384);
    flipped[place] ^= static_cast<std::uint8_t>(1u << (i % 8));
    overwrite(folder.path("t"), flipped);
    auto opened = open("t");
    for (const FinishedPack& pack : some) {
      for (const PackedFrame& frame : pack.frames) {
        for (const FrameBlob& blob : frame.blobs) {
          try {
            opened->find(blob.id,
                         [&](const EntryRow& row) { return opened->locate(row).length > kMaximumFrame; });
          } catch (const Error& error) {
            REQUIRE(error.kind() == ErrorKind::kDamaged);
          }
        }
      }
    }
    if (place < entries) continue;
    REQUIRE(kind_of([&] { opened->verify(); }) == ErrorKind::kDamaged);
    REQUIRE(kind_of([&] { IndexTable::merge(folder.path("m"), {opened.get()}, everything()); }) ==
            ErrorKind::kDamaged);
    REQUIRE_FALSE(std::filesystem::exists(folder.path("m")));
    REQUIRE_FALSE(std::filesystem::exists(folder.path("m.new")));
  }
}

TEST_CASE("the filter passes at most one absent id in a hundred, with at most 12 bits an id") {
  std::uint64_t seed = testing::fresh_seed();
  CAPTURE(seed);
  Random random(seed);
  constexpr std::uint32_t kIds = 200000;
  std::uint32_t blocks = filter::blocks_for(kIds);
  REQUIRE(blocks * kFilterBlock * 8 <= kIds * 12);
  Bytes bits(blocks * kFilterBlock);
  std::vector<crypto::BlobId> ids;
  auto block_of = [&](const crypto::BlobId& id) {
    return bits.data() + filter::block_of(id.value.data(), blocks) * kFilterBlock;
  };
  for (std::uint32_t i = 0; i < kIds; ++i) {
    ids.push_back(testing::random_id(random));
    filter::insert(block_of(ids.back()), ids.back().value.data());
  }
  for (const crypto::BlobId& id : ids) REQUIRE(filter::may_contain(block_of(id), id.value.data()));
  std::uint32_t passed = 0;
  for (std::uint32_t i = 0; i < kIds; ++i) {
    crypto::BlobId id = testing::random_id(random);
    passed += filter::may_contain(block_of(id), id.value.data()) ? 1 : 0;
  }
  REQUIRE(passed < kIds / 100);
}

TEST_CASE_METHOD(IndexTableFixture, "a million entries") {
  std::vector<SegmentPayload> segments;
  std::vector<crypto::BlobId> ids;
  for (int i = 0; i < 4; ++i) {
    std::vector<FinishedPack> some;
    for (int j = 0; j < 25; ++j) {
      some.push_back(testing::random_pack(random, 20, 500, [&] {
        ids.push_back(testing::random_id(random));
        return ids.back();
      }));
    }
    segments.push_back(segment(some));
  }
  auto made = table("t", segments);
  REQUIRE(made->entries() == 1000000);
  std::size_t found = 0;
  for (const crypto::BlobId& id : ids) found += made->find(id, [](const EntryRow&) { return true; }) ? 1 : 0;
  REQUIRE(found == ids.size());
  for (crypto::BlobId& id : ids) id.value[0] ^= 1;
  found = 0;
  for (const crypto::BlobId& id : ids) found += made->find(id, [](const EntryRow&) { return true; }) ? 1 : 0;
  REQUIRE(found == 0);
}

}  // namespace
}  // namespace garner::store
