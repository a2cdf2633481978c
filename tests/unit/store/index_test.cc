#include "store/index.h"

#include <fcntl.h>
#include <sys/mount.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <filesystem>
#include <map>
#include <set>
#include <thread>

#include "base/file.h"
#include "support/random_packs.h"
#include "support/temporary_folder.h"

namespace garner::store {
namespace {

using testing::below;
using testing::kind_of;
using testing::Random;

std::string text(const ObjectName& name) { return std::string(as_text(name.view())); }

// A repository as the log would tell it: everything that ever was, and what of it is live.
struct IndexModel {
  explicit IndexModel(std::uint64_t seed) : random(seed) { crypto::initialize_crypto(); }

  struct Segment {
    std::vector<ObjectName> packs;
    Bytes payload;
  };
  std::map<ObjectName, Segment> segments;
  std::map<ObjectName, FinishedPack> packs;
  std::vector<crypto::BlobId> ids;
  std::set<ObjectName> live;
  std::set<ObjectName> condemned;
  std::set<ObjectName> dead;
  std::set<ObjectName> fetched;  // since it was last cleared
  Random random;

  ObjectName add(std::size_t new_packs, std::size_t frames, std::size_t blobs) {
    std::vector<FinishedPack> named;
    for (std::size_t i = 0; i < new_packs; ++i) {
      named.push_back(testing::random_pack(random, frames, blobs, [&] {
        if (!ids.empty() && below(random, 10) == 0) return ids[below(random, ids.size())];
        ids.push_back(testing::random_id(random));
        return ids.back();
      }));
      packs.emplace(named.back().name, named.back());
    }
    // A pack that another segment names as well.
    if (!packs.empty() && below(random, 3) == 0) {
      auto shared = packs.begin();
      std::advance(shared, static_cast<std::ptrdiff_t>(below(random, packs.size())));
      bool is_new =
          std::ranges::none_of(named, [&](const FinishedPack& pack) { return pack.name == shared->first; });
      if (is_new) named.push_back(shared->second);
    }
    ObjectName name = testing::random_name(random);
    Segment segment{{}, build_segment_payload(named)};
    for (const FinishedPack& pack : named) segment.packs.push_back(pack.name);
    segments.emplace(name, std::move(segment));
    live.insert(name);
    return name;
  }

  template <typename Names>
  const ObjectName* pick(const Names& names) {
    if (names.empty()) return nullptr;
    auto at = names.begin();
    std::advance(at, static_cast<std::ptrdiff_t>(below(random, names.size())));
    if constexpr (requires { at->first; }) {
      return &at->first;
    } else {
      return &*at;
    }
  }

  v1::RepositoryState state() const {
    v1::RepositoryState state;
    for (const ObjectName& name : live) state.add_segments()->set_name(text(name));
    for (const ObjectName& name : condemned) state.add_condemned(text(name));
    for (const ObjectName& name : dead) state.add_dead(text(name));
    return state;
  }

  Index::Fetch fetch() {
    return [this](const v1::SegmentReference& reference) {
      ObjectName name = ObjectName::from_bytes(as_bytes(reference.name()));
      REQUIRE(live.contains(name));
      REQUIRE(fetched.insert(name).second);
      return segments.at(name).payload;
    };
  }

  std::set<ObjectName> live_packs() const {
    std::set<ObjectName> names;
    for (const ObjectName& segment : live) {
      for (const ObjectName& pack : segments.at(segment).packs) {
        if (!condemned.contains(pack) && !dead.contains(pack)) names.insert(pack);
      }
    }
    return names;
  }
};

// All that lookups may say: pack, frame and offset by id.
using IndexPlace = std::tuple<ObjectName, std::uint64_t, std::uint32_t, std::uint32_t>;
IndexPlace index_place(const BlobLocation& at) { return {at.pack, at.frame_offset, at.offset, at.length}; }

std::map<crypto::BlobId, std::multiset<IndexPlace>> places_in(const IndexModel& model,
                                                              const std::set<ObjectName>& packs) {
  std::map<crypto::BlobId, std::multiset<IndexPlace>> places;
  for (const ObjectName& name : packs) {
    for (const PackedFrame& frame : model.packs.at(name).frames) {
      std::uint32_t offset = 0;
      for (const FrameBlob& blob : frame.blobs) {
        places[blob.id].insert({name, frame.offset, offset, blob.length});
        offset += blob.length;
      }
    }
  }
  return places;
}

void require_same_index(const Index& index, const IndexModel& model) {
  std::set<ObjectName> packs = model.live_packs();
  auto places = places_in(model, packs);
  std::uint64_t entries = 0;
  for (const auto& [id, all] : places) entries += all.size();
  REQUIRE(index.entries() == entries);

  std::vector<ObjectName> listed = index.live_packs();
  REQUIRE(listed.size() == packs.size());
  REQUIRE(std::set<ObjectName>(listed.begin(), listed.end()) == packs);
  for (const auto& [name, pack] : model.packs) REQUIRE(index.is_live(name) == packs.contains(name));

  std::size_t wrong = 0;
  for (const crypto::BlobId& id : model.ids) {
    std::optional<BlobLocation> found = index.find(id);
    auto expected = places.find(id);
    bool right = found ? expected != places.end() && expected->second.contains(index_place(*found))
                       : expected == places.end();
    if (!right) ++wrong;
    if (auto rescue = index.find_condemned(id);
        rescue && (!model.condemned.contains(rescue->pack) || model.dead.contains(rescue->pack))) {
      ++wrong;
    }
  }
  REQUIRE(wrong == 0);

  std::map<crypto::BlobId, std::multiset<IndexPlace>> visited;
  index.for_each(
      [&](const crypto::BlobId& id, const BlobLocation& at) { visited[id].insert(index_place(at)); });
  REQUIRE(visited == places);
}

std::vector<std::string> tables_in(const std::string& folder) {
  std::vector<std::string> paths;
  for (const auto& file : std::filesystem::directory_iterator(folder)) paths.push_back(file.path().native());
  std::ranges::sort(paths);
  return paths;
}

void flip(const std::string& path, std::uint64_t offset) {
  Fd file = open_file(path, O_RDWR);
  std::uint8_t byte = 0;
  read_at(file.get(), {&byte, 1}, offset, path);
  byte ^= 0x10;
  write_at(file.get(), ByteView(&byte, 1), offset, path);
}

TEST_CASE("an index answers as the state says, whatever happened before") {
  for (int round = 0; round < 8; ++round) {
    std::uint64_t seed = testing::fresh_seed();
    CAPTURE(seed);
    IndexModel model(seed);
    Random& random = model.random;
    testing::TemporaryFolder folder;
    std::string at = folder.path("index");
    auto index = std::make_unique<Index>(at);
    std::set<ObjectName> may_be_fetched;
    for (int step = 0; step < 40; ++step) {
      model.fetched.clear();
      may_be_fetched.clear();
      std::set<ObjectName> dead_before = model.dead;
      switch (below(random, 10)) {
        case 0:
        case 1:
        case 2:
        case 3:
          for (std::uint64_t i = below(random, 4) + 1; i > 0; --i) {
            may_be_fetched.insert(model.add(below(random, 3), 1 + below(random, 3), 1 + below(random, 100)));
          }
          break;
        case 4:
          if (const ObjectName* name = model.pick(model.live)) model.live.erase(*name);
          break;
        case 5:
          if (const ObjectName* name = model.pick(model.packs)) model.condemned.insert(*name);
          break;
        case 6:
          if (const ObjectName* name = model.pick(model.condemned)) {
            model.dead.insert(*name);
            model.condemned.erase(*name);
          }
          break;
        case 7:
          // A log that was rolled back: what was gone is live again.
          model.dead.clear();
          if (const ObjectName* name = model.pick(model.segments)) model.live.insert(*name);
          may_be_fetched = model.live;
          break;
        case 8:
          index.reset();
          index = std::make_unique<Index>(at);
          break;
        default: {
          // Files torn, flipped, or left over by a crash.
          index.reset();
          std::vector<std::string> tables = tables_in(at);
          if (!tables.empty()) {
            const std::string& table = tables[below(random, tables.size())];
            switch (below(random, 4)) {
              case 0:
                std::filesystem::resize_file(table, below(random, std::filesystem::file_size(table)));
                break;
              case 1:
                flip(table, below(random, 112));
                break;
              case 2: {
                // It may be what an earlier step left: no file is copied onto itself.
                const std::string leftover = at + "/00000000ffffffff.table";
                if (table == leftover) break;
                std::filesystem::copy_file(table, leftover,
                                           std::filesystem::copy_options::overwrite_existing);
                break;
              }
              default:
                std::filesystem::copy_file(table, at + "/00000000fffffffe.table.new",
                                           std::filesystem::copy_options::overwrite_existing);
            }
          }
          index = std::make_unique<Index>(at);
          may_be_fetched = model.live;
        }
      }
      index->update(model.state(), model.fetch());
      for (const ObjectName& name : model.fetched) REQUIRE(may_be_fetched.contains(name));
      require_same_index(*index, model);
    }
    std::vector<std::string> tables = tables_in(at);
    REQUIRE(tables.size() <= 8);
  }
}

TEST_CASE("before the first state nothing is found") {
  IndexModel model(1);
  testing::TemporaryFolder folder;
  Index index(folder.path("a/new/folder"));
  REQUIRE_FALSE(index.find(testing::random_id(model.random)));
  REQUIRE(index.entries() == 0);
  index.update({}, model.fetch());
  require_same_index(index, model);
}

TEST_CASE("a reopened index asks for nothing it has") {
  IndexModel model(2);
  testing::TemporaryFolder folder;
  for (int i = 0; i < 12; ++i) model.add(2, 2, 50);
  { Index(folder.path()).update(model.state(), model.fetch()); }
  REQUIRE(model.fetched.size() == 12);
  Index index(folder.path());
  index.update(model.state(),
               [](const v1::SegmentReference&) -> Bytes { throw std::runtime_error("asked"); });
  require_same_index(index, model);
}

TEST_CASE("a table that serves no live segment is deleted, and so is what does not verify") {
  IndexModel model(3);
  testing::TemporaryFolder folder;
  Index index(folder.path());
  model.add(2, 2, 50);
  index.update(model.state(), model.fetch());
  REQUIRE(tables_in(folder.path()).size() == 1);
  model.live.clear();
  index.update(model.state(), model.fetch());
  REQUIRE(tables_in(folder.path()).empty());
  replace_file_durably(folder.path("0000000000000007.table"), Bytes(5000));
  replace_file_durably(folder.path("notes.txt"), Bytes(5000));
  Index again(folder.path());
  REQUIRE(tables_in(folder.path()) == std::vector<std::string>{folder.path("notes.txt")});
}

TEST_CASE("a removed segment's packs are live while another live segment names them") {
  IndexModel model(4);
  testing::TemporaryFolder folder;
  Index index(folder.path());
  FinishedPack shared = testing::random_pack(model.random, 1, 10);
  FinishedPack own = testing::random_pack(model.random, 1, 10);
  ObjectName first = testing::random_name(model.random);
  ObjectName second = testing::random_name(model.random);
  model.packs = {{shared.name, shared}, {own.name, own}};
  for (const FinishedPack& pack : {shared, own}) {
    for (const FrameBlob& blob : pack.frames[0].blobs) model.ids.push_back(blob.id);
  }
  model.segments[first] = {{shared.name, own.name}, build_segment_payload({shared, own})};
  model.segments[second] = {{shared.name}, build_segment_payload({shared})};
  model.live = {first, second};
  index.update(model.state(), model.fetch());
  require_same_index(index, model);
  model.live = {second};
  index.update(model.state(), model.fetch());
  REQUIRE(index.is_live(shared.name));
  REQUIRE_FALSE(index.is_live(own.name));
  require_same_index(index, model);
}

TEST_CASE("condemned packs are not live, and can be found for rescue until they are dropped") {
  IndexModel model(5);
  testing::TemporaryFolder folder;
  Index index(folder.path());
  model.add(1, 1, 20);
  const FinishedPack& pack = model.packs.begin()->second;
  const crypto::BlobId& id = pack.frames[0].blobs[7].id;
  index.update(model.state(), model.fetch());
  REQUIRE(index.find(id));
  REQUIRE_FALSE(index.find_condemned(id));
  model.condemned.insert(pack.name);
  index.update(model.state(), model.fetch());
  REQUIRE_FALSE(index.find(id));
  REQUIRE(index.find_condemned(id)->pack == pack.name);
  model.condemned.clear();
  model.dead.insert(pack.name);
  index.update(model.state(), model.fetch());
  REQUIRE_FALSE(index.find(id));
  REQUIRE_FALSE(index.find_condemned(id));
  REQUIRE(index.entries() == 0);
}

TEST_CASE("an update that fails changes no answer, and the next one goes on from there") {
  IndexModel model(6);
  testing::TemporaryFolder folder;
  Index index(folder.path());
  model.add(2, 1, 30);
  index.update(model.state(), model.fetch());
  IndexModel before = model;
  for (int i = 0; i < 5; ++i) model.add(1, 1, 30);
  model.fetched.clear();
  Index::Fetch fetch = model.fetch();
  REQUIRE(kind_of([&] {
            index.update(model.state(), [&](const v1::SegmentReference& reference) {
              if (model.fetched.size() == 3) throw Error(ErrorKind::kDestinationAway, "gone");
              return fetch(reference);
            });
          }) == ErrorKind::kDestinationAway);
  REQUIRE(model.fetched.size() == 3);
  require_same_index(index, before);
  index.update(model.state(), fetch);
  REQUIRE(model.fetched.size() == 5);
  require_same_index(index, model);
}

TEST_CASE("a payload that does not check is refused") {
  IndexModel model(7);
  testing::TemporaryFolder folder;
  Index index(folder.path());
  ObjectName name = model.add(1, 1, 30);
  model.segments[name].payload.pop_back();
  REQUIRE(kind_of([&] { index.update(model.state(), model.fetch()); }) == ErrorKind::kDamaged);
}

TEST_CASE("a table whose content was damaged is made again when it is to be merged") {
  IndexModel model(8);
  testing::TemporaryFolder folder;
  {
    Index index(folder.path());
    model.add(2, 2, 200);
    index.update(model.state(), model.fetch());
  }
  std::vector<std::string> tables = tables_in(folder.path());
  flip(tables[0], std::filesystem::file_size(tables[0]) - 48 * 10);
  Index index(folder.path());
  model.fetched.clear();
  for (int i = 0; i < 6; ++i) {
    model.add(1, 1, 20);
    index.update(model.state(), model.fetch());
  }
  REQUIRE(model.fetched.size() == 7);
  require_same_index(index, model);
}

TEST_CASE("a local table is made again when a look at all of it finds damage, in its filter as well") {
  IndexModel model(18);
  testing::TemporaryFolder folder;
  model.add(2, 2, 200);
  { Index(folder.path()).update(model.state(), model.fetch()); }
  const std::string table = tables_in(folder.path()).at(0);
  const Bytes whole = read_file(table, 1u << 20);
  TableLayout layout;
  REQUIRE(layout.load(ByteView(whole).first(kTableHeader), whole.size()));
  SECTION("entries") { flip(table, whole.size() - kEntryRow * 10); }
  SECTION("the filter") {
    const Bytes nothing(kFilterBlock * layout.block_count);
    const Fd file = open_file(table, O_RDWR);
    write_at(file.get(), nothing, layout.filter(), table);
  }
  Index index(folder.path());
  index.update(model.state(), model.fetch());
  model.fetched.clear();
  REQUIRE(index.drop_damaged({}));
  // It stays so until the segments are there again.
  const auto away = [](const v1::SegmentReference&) -> Bytes {
    throw Error(ErrorKind::kDestinationAway, "away");
  };
  REQUIRE(kind_of([&] { index.update(model.state(), away); }) == ErrorKind::kDestinationAway);
  REQUIRE(index.drop_damaged({}));
  index.update(model.state(), model.fetch());
  REQUIRE(model.fetched.size() == 1);
  require_same_index(index, model);
  REQUIRE_FALSE(index.drop_damaged({}));
}

TEST_CASE("thousands of small segments become a few tables at once") {
  IndexModel model(9);
  testing::TemporaryFolder folder;
  for (int i = 0; i < 3000; ++i) model.add(1, 1, 3);
  Index index(folder.path());
  index.update(model.state(), model.fetch());
  require_same_index(index, model);
  REQUIRE(tables_in(folder.path()).size() <= 4);
}

TEST_CASE("a table that is mostly waste is written anew without it") {
  IndexModel model(10);
  testing::TemporaryFolder folder;
  Index index(folder.path());
  for (int i = 0; i < 4; ++i) model.add(2, 10, 200);
  index.update(model.state(), model.fetch());
  auto size = [&] {
    std::uint64_t sum = 0;
    for (const std::string& path : tables_in(folder.path())) sum += std::filesystem::file_size(path);
    return sum;
  };
  std::uint64_t before = size();
  std::size_t kept = 0;
  for (const auto& [name, pack] : model.packs) {
    if (kept++ > 1) model.dead.insert(name);
  }
  index.update(model.state(), model.fetch());
  REQUIRE(size() < before / 2);
  require_same_index(index, model);
  // And is complete again when the names turn out to be live.
  model.dead.clear();
  model.fetched.clear();
  index.update(model.state(), model.fetch());
  require_same_index(index, model);
}

TEST_CASE("a full disk under the local copy is no full destination, and is got over") {
  IndexModel model(12);
  testing::TemporaryFolder folder;
  std::string mounted = folder.path("small");
  std::filesystem::create_directory(mounted);
  if (mount("garner-test", mounted.c_str(), "tmpfs", 0, "size=256k") != 0) {
    WARN("not tested: a small tmpfs cannot be mounted here");
    return;
  }
  struct Unmount {
    std::string path;
    ~Unmount() { umount2(path.c_str(), MNT_DETACH); }
  } unmount{mounted};
  Index index(mounted + "/index");
  model.add(1, 2, 100);
  index.update(model.state(), model.fetch());
  IndexModel before = model;
  model.add(10, 10, 100);
  REQUIRE(kind_of([&] { index.update(model.state(), model.fetch()); }) == ErrorKind::kStateFull);
  require_same_index(index, before);
  REQUIRE(tables_in(mounted + "/index").size() == 1);
  REQUIRE(mount("garner-test", mounted.c_str(), "tmpfs", MS_REMOUNT, "size=16m") == 0);
  model.fetched.clear();
  index.update(model.state(), model.fetch());
  require_same_index(index, model);
}

TEST_CASE("lookups run while the index is updated") {
  IndexModel model(11);
  testing::TemporaryFolder folder;
  Index index(folder.path(), std::make_shared<FilterBudget>(256u << 10));
  model.add(2, 5, 100);
  index.update(model.state(), model.fetch());
  std::vector<crypto::BlobId> known = model.ids;
  std::atomic<bool> done = false;
  std::atomic<int> missed = 0;
  std::vector<std::thread> threads;
  for (std::uint64_t seed = 0; seed < 3; ++seed) {
    threads.emplace_back([&, seed] {
      Random random(seed);
      do {
        for (int i = 0; i < 100; ++i) {
          if (!index.find(known[below(random, known.size())])) ++missed;
          if (index.find(testing::random_id(random))) ++missed;
        }
      } while (!done);
    });
  }
  for (int i = 0; i < 30; ++i) {
    model.add(1, 3, 100);
    index.update(model.state(), model.fetch());
  }
  done = true;
  for (std::thread& thread : threads) thread.join();
  REQUIRE(missed == 0);
  require_same_index(index, model);
}

}  // namespace
}  // namespace garner::store
