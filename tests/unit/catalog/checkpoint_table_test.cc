#include "catalog/checkpoint_table.h"

#include <rapidcheck.h>
#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <tuple>

#include "base/error.h"
#include "support.h"

namespace garner::catalog {
namespace {

using backup::CheckpointDelta;
using backup::Place;

constexpr TimePoint kScanStart{1'800'000'000, 123};

crypto::BlobId blob(std::uint8_t fill) {
  crypto::BlobId id;
  id.value.fill(fill);
  return id;
}

store::ObjectName name(std::uint8_t fill) {
  store::ObjectName name;
  name.value.fill(fill);
  return name;
}

backup::FinishedFile file(const Place& place, std::uint64_t size = 0) {
  backup::FinishedFile file;
  file.place = place;
  file.node.set_name(place.name);
  file.node.set_size(size);
  file.seen = {-5, 6};
  return file;
}

backup::FinishedFolder folder(const Place& place, std::uint8_t tree) {
  backup::FinishedFolder folder;
  folder.place = place;
  folder.tree = blob(tree);
  folder.totals.set_files(tree);
  folder.seen = {7, 8};
  return folder;
}

backup::FileInProgress part_of(const Place& place, std::uint64_t offset) {
  backup::FileInProgress part;
  part.place = place;
  part.offset = offset;
  part.content_list = {1, 2};
  part.seen = {9, 10};
  return part;
}

store::PackedFrame frame(std::uint64_t offset) {
  return {
      offset, 100, 200, {{blob(1), crypto::BlobKind::kData, 150}, {blob(2), crypto::BlobKind::kData, 50}}};
}

// A data pack that takes frames.
store::DurablePack open_data(const Uuid& id, std::vector<store::PackedFrame> frames) {
  return {id, store::PackKind::kData, "/x", 1, std::nullopt, {}, std::move(frames)};
}

struct Opened {
  Opened()
      : catalog(state.open()), run(catalog.runs().add(backup_of("home"))), table(catalog.checkpoint(run)) {}
  void save(const CheckpointDelta& delta) { table->save(delta); }

  StateFolder state;
  Catalog catalog;
  std::int64_t run;
  std::unique_ptr<CheckpointTable> table;
};

TEST_CASE("a checkpoint that was not begun is none") {
  Opened opened;
  CHECK_FALSE(opened.table->load().has_value());
  CHECK_THROWS_AS(opened.save({}), Error);
  opened.table->forget();
}

TEST_CASE("head, packs and names come back, from a catalog opened anew as well") {
  StateFolder state;
  const Uuid open_pack = Uuid::random();
  const Uuid closed_pack = Uuid::random();
  {
    Catalog catalog = state.open();
    const auto table = catalog.checkpoint(catalog.runs().add(backup_of("home")));
    table->begin(kScanStart, {{0, {blob(4), blob(5)}, 17}, {2, {}, 3}});
    CheckpointDelta delta;
    delta.packs.push_back(open_data(open_pack, {frame(100), frame(300)}));
    delta.packs.back().path = "/x/\xff";
    delta.packs.push_back({closed_pack, store::PackKind::kMetadata, "/y", 5, std::nullopt, {}, {frame(50)}});
    delta.targets = {{0, false, "", {name(7), name(8)}, {}, {20, 30, 0}},
                     {2, false, "", {name(7)}, {}, {1, 2, 3}}};
    delta.counters = {10, 20, 30};
    table->save(delta);
    CheckpointDelta second;
    second.packs.push_back(open_data(open_pack, {frame(500)}));
    second.packs.back().path = "/x/\xff";
    second.packs.push_back({closed_pack,
                            store::PackKind::kMetadata,
                            "/y",
                            5,
                            4096,
                            {{0, name(9), false}, {2, name(10), false}},
                            {}});
    second.targets = {{0, false, "", {name(8), name(9)}, {}, {21, 31, 0}},
                      {2, true, "it is slow", {}, {closed_pack}, {1, 4, 3}}};
    second.counters = {11, 21, 31};
    second.snapshot.emplace().set_host("here");
    table->save(second);
  }
  Catalog catalog = state.open();
  const auto head = catalog.checkpoint(1)->load();
  REQUIRE(head.has_value());
  CHECK(head->scan_start == kScanStart);
  REQUIRE(head->snapshot);
  CHECK(head->snapshot->host() == "here");
  REQUIRE(head->targets.size() == 2);
  REQUIRE(head->target(0));
  CHECK(head->target(1) == nullptr);
  CHECK(head->target(0)->base_snapshots == std::vector{blob(4), blob(5)});
  CHECK(head->target(0)->names == std::set{name(7), name(8), name(9)});
  CHECK(head->target(0)->counters.new_bytes == 21);
  CHECK_FALSE(head->target(0)->left);
  REQUIRE(head->target(2));
  CHECK(head->target(2)->base_snapshots.empty());
  CHECK(head->target(2)->names == std::set{name(7)});
  CHECK(head->target(2)->left);
  CHECK(head->target(2)->message == "it is slow");
  CHECK(head->generations() == store::Generations{17, 0, 3});
  CHECK(head->target(2)->counters.stored_bytes == 4);
  CHECK(head->target(2)->counters.supplied_bytes == 3);
  CHECK(head->counters.read_bytes == 11);
  CHECK(head->counters.new_bytes == 21);
  CHECK(head->counters.stored_bytes == 31);
  REQUIRE(head->packs.size() == 2);
  const store::DurablePack& first = head->packs[0];
  CHECK(first.id == open_pack);
  CHECK(first.path == "/x/\xff");
  CHECK_FALSE(first.size);
  CHECK(first.lacking == 1);
  CHECK(first.deliveries.empty());
  REQUIRE(first.frames.size() == 3);
  CHECK(first.frames[0].offset == 100);
  CHECK(first.frames[2].offset == 500);
  CHECK(first.frames[1].stored_length == 100);
  CHECK(first.frames[1].raw_length == 200);
  REQUIRE(first.frames[1].blobs.size() == 2);
  CHECK(first.frames[1].blobs[1].id == blob(2));
  CHECK(first.frames[1].blobs[1].kind == crypto::BlobKind::kData);
  CHECK(first.frames[1].blobs[1].length == 50);
  const store::DurablePack& second = head->packs[1];
  CHECK(second.kind == store::PackKind::kMetadata);
  CHECK(second.lacking == 5);
  CHECK(second.size == 4096);
  REQUIRE(second.deliveries.size() == 2);
  CHECK(second.deliveries[0].target == 0);
  CHECK(second.deliveries[0].name == name(9));
  CHECK_FALSE(second.deliveries[0].is_committed);
  CHECK(second.deliveries[1].target == 2);
  CHECK(second.deliveries[1].name == name(10));
  CHECK(second.deliveries[1].is_committed);
  CHECK(second.frames.size() == 1);
}

TEST_CASE("a pack that is released is forgotten") {
  Opened opened;
  opened.table->begin(kScanStart, {{0, {}}, {1, {}}});
  const Uuid id = Uuid::random();
  CheckpointDelta delta;
  delta.packs.push_back(open_data(id, {frame(100)}));
  delta.packs.back().size = 5;
  delta.packs.back().deliveries = {{0, name(1), false}, {1, name(2), false}};
  opened.save(delta);
  CheckpointDelta committed;
  committed.targets = {{1, false, "", {}, {id}, {}}};
  opened.save(committed);
  REQUIRE(opened.table->load()->packs.size() == 1);
  CHECK_FALSE(opened.table->load()->packs[0].deliveries.at(0).is_committed);
  CHECK(opened.table->load()->packs[0].deliveries.at(1).is_committed);
  committed.targets = {{0, false, "", {}, {id}, {}}};
  committed.released_packs = {id};
  opened.save(committed);
  CHECK(opened.table->load()->packs.empty());
}

TEST_CASE("a pack that is closed again has other names, and what was committed of it stays so") {
  Opened opened;
  opened.table->begin(kScanStart, {{0, {}}, {1, {}}});
  CheckpointDelta delta;
  delta.packs.push_back(open_data(Uuid::random(), {frame(100)}));
  delta.packs.back().lacking = 3;
  delta.packs.back().size = 5;
  delta.packs.back().deliveries = {{0, name(1), true}, {1, name(2), false}};
  opened.save(delta);
  delta.packs.back().frames.clear();
  delta.packs.back().deliveries[1].name = name(3);
  opened.save(delta);
  const auto head = opened.table->load();
  REQUIRE(head->packs.at(0).deliveries.size() == 2);
  CHECK(head->packs[0].deliveries[0].name == name(1));
  CHECK(head->packs[0].deliveries[0].is_committed);
  CHECK(head->packs[0].deliveries[1].name == name(3));
  CHECK(head->packs[0].frames.size() == 1);
}

TEST_CASE("a destination that the run did not begin with is none of its checkpoint") {
  Opened opened;
  opened.table->begin(kScanStart, {{0, {}}});
  CheckpointDelta delta;
  delta.targets = {{1, false, "", {}, {}, {}}};
  CHECK_THROWS_AS(opened.save(delta), Error);
}

TEST_CASE("a run that an earlier version began goes on, with one destination") {
  StateFolder state;
  {
    Database database(state.file());
    make_old_catalog(database, 12);
    database.execute(R"sql(
      INSERT INTO runs VALUES (1, x'01020304050607080102030405060708', 1, 'home', x'', 2, 0, '', 0, NULL, NULL, 1,
        0, '', x'');
      INSERT INTO checkpoints VALUES (1, 5, 6, x'0404040404040404040404040404040404040404040404040404040404040404',
        7, 8, 9);
      INSERT INTO checkpoint_packs VALUES (1, 1, x'00000000000000000000000000000001', 1, '/x',
        x'0101010101010101010101010101010101010101010101010101010101010101', 4096);
      INSERT INTO checkpoint_packs VALUES (2, 1, x'00000000000000000000000000000002', 2, '/y', NULL, NULL);
      INSERT INTO checkpoint_frames VALUES (2, 100, 10, 20, x'');
      INSERT INTO checkpoint_names VALUES (1, x'0202020202020202020202020202020202020202020202020202020202020202');
      INSERT INTO checkpoint_places VALUES (1, 1, 0, 'a');
    )sql");
  }
  Catalog catalog = state.open();
  if (catalog.rebuilt()) FAIL(catalog.rebuilt()->reason + ": " + catalog.rebuilt()->detail);
  const auto table = catalog.checkpoint(1);
  const auto head = table->load();
  REQUIRE(head);
  CHECK(head->scan_start == TimePoint{5, 6});
  CHECK(head->counters.read_bytes == 7);
  CHECK_FALSE(head->snapshot);
  REQUIRE(head->targets.size() == 1);
  CHECK(head->targets[0].number == 0);
  CHECK_FALSE(head->targets[0].left);
  CHECK(head->targets[0].base_snapshots == std::vector{blob(4)});
  CHECK(head->targets[0].names == std::set{name(2)});
  CHECK(head->targets[0].counters.new_bytes == 8);
  CHECK(head->targets[0].counters.stored_bytes == 9);
  REQUIRE(head->packs.size() == 2);
  CHECK(head->packs[0].lacking == 1);
  CHECK(head->packs[0].size == 4096);
  REQUIRE(head->packs[0].deliveries.size() == 1);
  CHECK(head->packs[0].deliveries[0].name == name(1));
  CHECK_FALSE(head->packs[1].size);
  CHECK(head->packs[1].deliveries.empty());
  CHECK(head->packs[1].frames.size() == 1);
  CheckpointDelta delta;
  delta.targets = {{0, false, "", {name(3)}, {head->packs[0].id}, {}}};
  delta.released_packs = {head->packs[0].id};
  table->save(delta);
  CHECK(table->load()->packs.size() == 1);
  CHECK(table->load()->targets[0].names == std::set{name(2), name(3)});
}

TEST_CASE("a finished folder takes what was recorded below it, and nothing beside it") {
  Opened opened;
  opened.table->begin(kScanStart, {});
  CheckpointDelta delta;
  for (const char* path : {"a", "a/b", "a/b/c", "a.x", "a0", "ab", "a!"})
    delta.files.push_back(file({0, path, "f"}));
  delta.files.push_back(file({1, "a", "f"}));
  delta.folders.push_back(folder({0, "a", "done"}, 1));
  delta.in_progress.push_back(part_of({0, "a/b", "big"}, 5));
  opened.save(delta);
  CheckpointDelta finished;
  finished.folders.push_back(folder({0, "", "a"}, 2));
  opened.save(finished);
  for (const char* path : {"a", "a/b", "a/b/c"}) CHECK(opened.table->files_in(0, path).empty());
  CHECK(opened.table->folders_in(0, "a").empty());
  CHECK_FALSE(opened.table->in_progress({0, "a/b", "big"}).has_value());
  for (const char* path : {"a.x", "a0", "ab", "a!"}) CHECK(opened.table->files_in(0, path).size() == 1);
  CHECK(opened.table->files_in(1, "a").size() == 1);
  REQUIRE(opened.table->folders_in(0, "").size() == 1);
  CHECK(opened.table->folders_in(0, "")[0].place.name == "a");
  CHECK(opened.table->folders_in(0, "")[0].tree == blob(2));
  CHECK(opened.table->folders_in(0, "")[0].totals.files() == 2);
  CHECK(opened.table->folders_in(0, "")[0].seen == TimePoint{7, 8});
}

TEST_CASE("a source's finished root takes all of the source") {
  Opened opened;
  opened.table->begin(kScanStart, {});
  CHECK_FALSE(opened.table->root(0).has_value());
  CheckpointDelta delta;
  delta.files = {file({0, "", "f"}), file({0, "a/b", "g"}), file({1, "", "f"})};
  delta.folders = {folder({0, "", "a"}, 1)};
  opened.save(delta);
  CheckpointDelta finished;
  finished.folders = {folder({0, "", ""}, 9)};
  opened.save(finished);
  REQUIRE(opened.table->root(0).has_value());
  CHECK(opened.table->root(0)->tree == blob(9));
  CHECK(opened.table->files_in(0, "").empty());
  CHECK(opened.table->folders_in(0, "").empty());
  CHECK(opened.table->files_in(0, "a/b").empty());
  CHECK(opened.table->files_in(1, "").size() == 1);
}

TEST_CASE("a file in progress is replaced, and goes when it is finished") {
  Opened opened;
  opened.table->begin(kScanStart, {});
  const Place place{2, "a", "big\n\xff"};
  CheckpointDelta delta;
  backup::FileInProgress part = part_of(place, 1ull << 40);
  part.node.set_inode(77);
  delta.in_progress = {part};
  opened.save(delta);
  delta.in_progress[0].offset += 5;
  delta.in_progress[0].content_list = {3};
  opened.save(delta);
  const auto read = opened.table->in_progress(place);
  REQUIRE(read.has_value());
  CHECK(read->offset == (1ull << 40) + 5);
  CHECK(read->content_list == Bytes{3});
  CHECK(read->node.inode() == 77);
  CHECK(read->seen == TimePoint{9, 10});
  CHECK(read->place.name == place.name);
  CheckpointDelta finished;
  finished.in_progress = delta.in_progress;
  finished.files = {file(place, 99)};
  opened.save(finished);
  CHECK_FALSE(opened.table->in_progress(place).has_value());
  REQUIRE(opened.table->files_in(2, "a").size() == 1);
  CHECK(opened.table->files_in(2, "a")[0].node.size() == 99);
  CHECK(opened.table->files_in(2, "a")[0].seen == TimePoint{-5, 6});
}

TEST_CASE("paths of 100,000 bytes are kept apart") {
  Opened opened;
  opened.table->begin(kScanStart, {});
  std::string deep;
  while (deep.size() < 100'000) deep += std::string(deep.empty() ? "" : "/") + std::string(200, 'd');
  CheckpointDelta delta;
  delta.files = {file({0, deep, "f"}), file({0, deep + "/x", "g"}), file({0, deep + "y", "h"})};
  opened.save(delta);
  REQUIRE(opened.table->files_in(0, deep).size() == 1);
  CheckpointDelta finished;
  finished.folders = {folder({0, parent_path(deep), base_name(deep)}, 1)};
  opened.save(finished);
  CHECK(opened.table->files_in(0, deep).empty());
  CHECK(opened.table->files_in(0, deep + "/x").empty());
  CHECK(opened.table->files_in(0, deep + "y").size() == 1);
}

TEST_CASE("begin, forget and the run's end forget everything of this run alone") {
  Opened opened;
  const std::int64_t other_run = opened.catalog.runs().add(backup_of("other"));
  const auto other = opened.catalog.checkpoint(other_run);
  CheckpointDelta delta;
  delta.packs.push_back(open_data(Uuid::random(), {frame(100)}));
  delta.files = {file({0, "a", "f"})};
  delta.targets = {{0, false, "", {name(1)}, {}, {}}};
  delta.snapshot.emplace();
  for (CheckpointTable* table : {opened.table.get(), other.get()}) {
    table->begin(kScanStart, {{0, {blob(1)}}});
    table->save(delta);
  }
  SECTION("begin") {
    opened.table->begin({5, 6}, {});
    REQUIRE(opened.table->load().has_value());
    CHECK(opened.table->load()->scan_start == TimePoint{5, 6});
    CHECK(opened.table->load()->packs.empty());
    CHECK(opened.table->load()->targets.empty());
    CHECK_FALSE(opened.table->load()->snapshot);
  }
  SECTION("forget") {
    opened.table->forget();
    CHECK_FALSE(opened.table->load().has_value());
  }
  CHECK(opened.table->files_in(0, "a").empty());
  CHECK(other->load()->packs.size() == 1);
  CHECK(other->load()->targets.at(0).names.size() == 1);
  CHECK(other->files_in(0, "a").size() == 1);
}

TEST_CASE("a save that fails changes nothing") {
  Opened opened;
  opened.table->begin(kScanStart, {});
  CheckpointDelta good;
  good.files = {file({0, "a", "f"})};
  good.counters = {1, 2, 3};
  opened.save(good);
  // A reader that holds the file's lock elsewhere would only delay; a broken invariant must roll back.
  opened.catalog.checkpoint(opened.run)->forget();
  CheckpointDelta bad;
  bad.files = {file({0, "b", "f"})};
  CHECK_THROWS_AS(opened.save(bad), Error);
  CHECK(opened.table->files_in(0, "b").empty());
  // The connection is usable afterwards.
  opened.table->begin(kScanStart, {});
  opened.save(good);
  CHECK(opened.table->files_in(0, "a").size() == 1);
}

// ---- Against a model: the same deltas on maps
// --------------------------------------------------------------------

using Key = std::tuple<std::uint32_t, std::string, std::string>;

struct Model {
  std::map<Key, std::uint64_t> files;
  std::map<Key, std::uint8_t> folders;
  std::map<Key, std::uint64_t> in_progress;

  static bool is_below(const Key& key, std::uint32_t source, const std::string& path) {
    const std::string& at = std::get<1>(key);
    return std::get<0>(key) == source && (path.empty() || at == path || at.starts_with(path + "/"));
  }
  template <typename Map>
  static void forget_below(Map& map, std::uint32_t source, const std::string& path) {
    std::erase_if(map, [&](const auto& entry) { return is_below(entry.first, source, path); });
  }
  void finish(const Key& key, std::uint8_t tree) {
    const auto& [source, at, leaf] = key;
    const std::string path = at.empty() ? leaf : at + "/" + leaf;
    forget_below(files, source, path);
    forget_below(folders, source, path);
    forget_below(in_progress, source, path);
    folders[key] = tree;
  }
};

// A small world, so that folders often lie in each other; names around '/' in the order of bytes.
rc::Gen<std::string> some_name() { return rc::gen::element<std::string>("a", "a!", "a0", "b", "\xff", "."); }

rc::Gen<Place> some_place() {
  return rc::gen::map(
      rc::gen::tuple(rc::gen::inRange<std::uint32_t>(0, 2),
                     rc::gen::resize(3, rc::gen::container<std::vector<std::string>>(some_name())),
                     some_name()),
      [](const auto& parts) {
        std::string at;
        for (const std::string& part : std::get<1>(parts)) at += (at.empty() ? "" : "/") + part;
        return Place{std::get<0>(parts), at, std::get<2>(parts)};
      });
}

TEST_CASE("any sequence of saves gives what a model gives") {
  Opened opened;
  REQUIRE(rc::check("saves", [&] {
    opened.table->begin(kScanStart, {});
    Model model;
    const int saves = *rc::gen::inRange(1, 12);
    for (int i = 0; i < saves; ++i) {
      CheckpointDelta delta;
      const auto in_progress = *rc::gen::resize(4, rc::gen::container<std::vector<Place>>(some_place()));
      const auto files = *rc::gen::resize(6, rc::gen::container<std::vector<Place>>(some_place()));
      auto folders = *rc::gen::resize(3, rc::gen::container<std::vector<Place>>(some_place()));
      if (*rc::gen::weightedElement<bool>({{8, false}, {1, true}})) folders.push_back({0, "", ""});
      for (const Place& place : in_progress) {
        const auto offset = *rc::gen::inRange<std::uint64_t>(0, 1000);
        delta.in_progress.push_back(part_of(place, offset));
        model.in_progress[{place.source, place.folder, place.name}] = offset;
      }
      for (const Place& place : files) {
        const auto size = *rc::gen::inRange<std::uint64_t>(1, 1000);
        delta.files.push_back(file(place, size));
        model.files[{place.source, place.folder, place.name}] = size;
        model.in_progress.erase({place.source, place.folder, place.name});
      }
      // The deepest first, whatever the order in the delta.
      std::stable_sort(folders.begin(), folders.end(), [](const Place& a, const Place& b) {
        return a.folder.size() + a.name.size() > b.folder.size() + b.name.size();
      });
      std::uint8_t tree = 0;
      for (const Place& place : folders) {
        delta.folders.push_back(folder(place, ++tree));
        model.finish({place.source, place.folder, place.name}, tree);
      }
      if (*rc::gen::arbitrary<bool>() && folders.size() == 2 && folders[0].name != folders[1].name) {
        const auto length = [](const Place& place) { return place.folder.size() + place.name.size(); };
        if (length(folders[0]) != length(folders[1]))
          std::reverse(delta.folders.begin(), delta.folders.end());
      }
      opened.save(delta);
    }
    Model read;
    std::set<std::pair<std::uint32_t, std::string>> places;
    const auto add_places = [&](const auto& map) {
      for (const auto& [key, value] : map) places.emplace(std::get<0>(key), std::get<1>(key));
    };
    add_places(model.files);
    add_places(model.folders);
    add_places(model.in_progress);
    for (const auto& [source, at] : places) {
      for (const auto& found : opened.table->files_in(source, at)) {
        read.files[{source, at, found.place.name}] = found.node.size();
      }
      for (const auto& found : opened.table->folders_in(source, at)) {
        read.folders[{source, at, found.place.name}] = static_cast<std::uint8_t>(found.totals.files());
      }
    }
    for (const auto& [key, offset] : model.in_progress) {
      const auto found = opened.table->in_progress({std::get<0>(key), std::get<1>(key), std::get<2>(key)});
      if (found.has_value()) read.in_progress[key] = found->offset;
    }
    for (std::uint32_t source : {0u, 1u}) {
      if (const auto root = opened.table->root(source)) {
        read.folders[{source, "", ""}] = static_cast<std::uint8_t>(root->totals.files());
      }
    }
    RC_ASSERT(read.files == model.files);
    RC_ASSERT(read.folders == model.folders);
    RC_ASSERT(read.in_progress == model.in_progress);
  }));
}

}  // namespace
}  // namespace garner::catalog
