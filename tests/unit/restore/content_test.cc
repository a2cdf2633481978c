// Reading of content: each frame once, verified, and what is damaged or missing never becomes a file.
#include <catch2/catch.hpp>
#include <map>
#include <set>

#include "base/error.h"
#include "restore/existing.h"
#include "snapshot/closure.h"
#include "support/difference_node.h"
#include "support/passing_destination.h"
#include "unit/restore/restore_fixture.h"

using namespace garner;
using namespace garner::testing;

namespace {

// Keeps what is read of packs.
class WatchedDestination final : public PassingDestination {
 public:
  using PassingDestination::PassingDestination;

  Bytes get(const std::string& key, std::uint64_t offset, std::uint64_t length) override {
    {
      std::lock_guard lock(mutex_);
      if (reads_left > 0 && --reads_left == 0) is_away = true;
      if (is_away) throw Error(ErrorKind::kDestinationAway, "the destination is away");
      ++reads[key];
    }
    return inner_->get(key, offset, length);
  }

  std::map<std::string, int> reads;  // of each pack
  bool is_away = false;
  int reads_left = 0;  // until it goes away; 0: it stays

 private:
  std::mutex mutex_;
};

// The frames in which the snapshot's data lies, by pack.
std::map<std::string, std::set<std::uint64_t>> data_frames(SmallRepository& repository,
                                                           const store::v1::Snapshot& snapshot) {
  std::map<std::string, std::set<std::uint64_t>> frames;
  snapshot::ClosureVisitor visitor;
  visitor.visit = [&](crypto::BlobKind kind, const crypto::BlobId& id, const std::string&) {
    if (kind == crypto::BlobKind::kData) {
      const auto location = repository.repository().index().find(id);
      frames[store::pack_key(location->pack)].insert(location->frame_offset);
    }
    return true;
  };
  visitor.unreadable = [](crypto::BlobKind, const crypto::BlobId&, const std::string&, const std::string&) {};
  snapshot::walk_closure(snapshot, repository.repository(), visitor);
  return frames;
}

// Flips a byte in the middle of the frame that holds the first blob of the file.
void damage_first_blob(SmallRepository& repository, const store::v1::Snapshot& snapshot,
                       const std::string& file) {
  std::optional<store::BlobLocation> location;
  snapshot::ClosureVisitor visitor;
  visitor.visit = [&](crypto::BlobKind kind, const crypto::BlobId& id, const std::string& path) {
    if (kind == crypto::BlobKind::kData && path == file && !location)
      location = repository.repository().index().find(id);
    return true;
  };
  visitor.unreadable = [](crypto::BlobKind, const crypto::BlobId&, const std::string&, const std::string&) {};
  snapshot::walk_closure(snapshot, repository.repository(), visitor);
  const std::string path = repository.path() + "/" + store::pack_key(location->pack);
  must(chmod(path.c_str(), 0600), "chmod");
  const Fd pack = open_file(path, O_RDWR);
  const std::uint64_t offset = location->frame_offset + location->frame_stored_length / 2;
  Bytes byte(1);
  read_at(pack.get(), byte, offset, path);
  byte[0] ^= 1;
  write_at(pack.get(), byte, offset, path);
}

}  // namespace

TEST_CASE("each frame is read once, however its blobs are spread over files") {
  const TemporaryFolder source;
  for (int round = 0; round < 3; ++round) {
    for (int number = 0; number < 100; ++number) {
      // The same contents again, in folders that come later.
      const std::string folder = source.path("folder" + std::to_string(round));
      std::filesystem::create_directories(folder);
      write_file(folder + "/file" + std::to_string(number), noise(1500, static_cast<std::uint64_t>(number)));
    }
    write_file(source.path("large" + std::to_string(round)), noise(300'000, 1000));
  }
  SmallRepository repository;
  const auto snapshot = repository.back_up({source.path()});
  const auto frames = data_frames(repository, snapshot);
  REQUIRE(frames.size() > 2);
  std::shared_ptr<WatchedDestination> watched;
  repository.wrap([&](auto inner) { return watched = std::make_shared<WatchedDestination>(inner); });
  watched->reads.clear();

  const TemporaryFolder target;
  const Restored restored = restore_all(repository, snapshot, to(target.path()));
  CHECK(restored.errors == std::vector<std::string>{});
  std::uint64_t stored = 0;
  for (const auto& [pack, offsets] : frames) {
    INFO(pack);
    // One read for each frame, and one for the pack's header on each thread that came first.
    CHECK(watched->reads[pack] >= static_cast<int>(offsets.size()));
    CHECK(watched->reads[pack] <= static_cast<int>(offsets.size()) + 8);
    stored += offsets.size();
  }
  CHECK(restored.progress.read_bytes > 300'000);
  CHECK(restored.progress.read_bytes < 300'000 + 100 * 1500 + stored * 200);
  CHECK(TreeComparison::differences(source.path(), target.path()) == std::vector<std::string>{});
}

TEST_CASE("a damaged blob costs the files that hold it, and no others") {
  const TemporaryFolder source;
  std::filesystem::create_directories(source.path("a"));
  write_file(source.path("a/damaged"), noise(200'000, 1));
  write_file(source.path("good"), noise(200'000, 2));
  write_file(source.path("same"), noise(200'000, 1));
  must(link(source.path("same").c_str(), source.path("link").c_str()), "link");
  must(link(source.path("same").c_str(), source.path("z").c_str()), "link");
  SmallRepository repository;
  const auto snapshot = repository.back_up({source.path()});
  damage_first_blob(repository, snapshot, source.path("a/damaged"));
  const auto budget = GENERATE(std::size_t{0}, std::size_t{32u << 20});

  const TemporaryFolder target;
  RecordingMonitor monitor;
  restore::RestoreOptions options = to(target.path());
  options.memory_budget = budget;
  const auto progress = restore::run_restore(repository.repository(), snapshot, options, monitor, {});
  for (const std::string name : {"a/damaged", "same", "link", "z"}) {
    INFO(name);
    CHECK_FALSE(std::filesystem::exists(target.path(name)));
    CHECK(monitor.told(target.path(name) + ": "));
  }
  CHECK(read_text(target.path("good")) == noise(200'000, 2));
  CHECK(progress.error_count == 4);
  CHECK(monitor.told("damaged"));
  CHECK(status_of(target.path()).st_mtim.tv_nsec == status_of(source.path()).st_mtim.tv_nsec);
}

TEST_CASE("what is to be replaced stays until what replaces it is whole") {
  const TemporaryFolder source;
  write_file(source.path("damaged"), noise(200'000, 1));
  must(link(source.path("damaged").c_str(), source.path("link").c_str()), "link");
  write_file(source.path("good"), noise(200'000, 2));
  must(link(source.path("good").c_str(), source.path("z").c_str()), "link");
  must(symlink("good", source.path("symlink").c_str()), "symlink");
  SmallRepository repository;
  const auto snapshot = repository.back_up({source.path()});
  damage_first_blob(repository, snapshot, source.path("damaged"));
  const TemporaryFolder target;
  const std::vector<std::string> names{"damaged", "link", "good", "z", "symlink"};
  for (const std::string& name : names) write_file(target.path(name), "mine");
  // As a restore leaves it that was killed.
  write_file(target.path(restore::temporary_name("good")), "half");
  restore::RestoreOptions options = to(target.path());
  options.overwrite = restore::Overwrite::kAlways;
  options.memory_budget = GENERATE(std::size_t{0}, std::size_t{32u << 20});

  SECTION("damage") {
    const Restored restored = restore_all(repository, snapshot, options);
    CHECK(restored.errors.size() == 2);
    CHECK(read_text(target.path("damaged")) == "mine");
    CHECK(read_text(target.path("link")) == "mine");
    CHECK(read_text(target.path("good")) == noise(200'000, 2));
    CHECK(status_of(target.path("good")).st_ino == status_of(target.path("z")).st_ino);
    CHECK(std::filesystem::is_symlink(target.path("symlink")));
    CHECK(list_names(target.path()).size() == names.size());
  }
  SECTION("a destination that goes away") {
    std::shared_ptr<WatchedDestination> watched;
    repository.wrap([&](auto inner) { return watched = std::make_shared<WatchedDestination>(inner); });
    watched->reads_left = 20;
    try {
      restore_all(repository, snapshot, options);
      FAIL("it was not away");
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::kDestinationAway);
    }
    for (const std::string name : {"damaged", "link", "good", "z"}) {
      INFO(name);
      const std::string text = read_text(target.path(name));
      CHECK((text == "mine" || text == noise(200'000, 2)));
    }
  }
}

TEST_CASE("names of one inode that were read at different states are different files") {
  SmallRepository repository;
  const auto snapshot = repository.back_up_node([&](store::BlobSink& sink) {
    const snapshot::OwnerNames no_names;
    snapshot::TreeBuilder builder(sink, no_names);
    for (const std::string name : {"once", "same", "today"}) {
      store::v1::Node node = whole_node(sink, name == "today" ? "as it is today" : "as it was once");
      node.set_name(name);
      node.set_inode(77);
      node.set_links(3);
      if (name == "today") node.mutable_mtime()->set_seconds(1'700'000'000);
      builder.add(node);
    }
    const snapshot::BuiltTree built = builder.finish();
    store::v1::Node root;
    root.set_name("root");
    root.set_type(store::v1::NODE_TYPE_FOLDER);
    root.set_mode(0755);
    root.mutable_mtime()->set_seconds(1'600'000'000);
    root.mutable_ctime()->set_seconds(1'600'000'000);
    *root.mutable_totals() = built.totals;
    root.set_tree(built.id.value.data(), built.id.value.size());
    return root;
  });
  const TemporaryFolder target;
  const Restored restored = restore_all(repository, snapshot, to(target.path()));
  CHECK(restored.errors == std::vector<std::string>{});
  CHECK(read_text(target.path("once")) == "as it was once");
  CHECK(read_text(target.path("today")) == "as it is today");
  CHECK(status_of(target.path("once")).st_ino == status_of(target.path("same")).st_ino);
}

TEST_CASE("a blob that another pack holds as well is taken from there") {
  const TemporaryFolder source;
  write_file(source.path("file"), noise(900, 5));  // below the least chunk: one blob
  SmallRepository repository;
  const auto snapshot = repository.back_up({source.path()});
  store::CommitPlan plan;
  plan.packs = {store_pack(repository.repository(), {test_blob(repository.repository(), noise(900, 5))})};
  REQUIRE(repository.repository().commit(plan).committed);
  // Whichever of the two is asked first.
  damage_first_blob(repository, snapshot, source.path("file"));
  const TemporaryFolder target;
  const Restored restored = restore_all(repository, snapshot, to(target.path()));
  CHECK(restored.errors == std::vector<std::string>{});
  CHECK(read_text(target.path("file")) == noise(900, 5));
}

TEST_CASE("a false row of the index, which says another length, costs nothing where another one is true") {
  SmallRepository repository;
  const TestBlob good = test_blob(repository.repository(), noise(900, 5));
  TestBlob evil = test_blob(repository.repository(), noise(500, 6));
  evil.id = good.id;
  // The one that is there first is asked first.
  for (const TestBlob& blob : {evil, good}) {
    store::CommitPlan plan;
    plan.packs = {store_pack(repository.repository(), {blob})};
    REQUIRE(repository.repository().commit(plan).committed);
  }
  REQUIRE(repository.repository().index().find(good.id)->length == 500);
  const auto snapshot = repository.back_up_node([&](store::BlobSink& sink) {
    snapshot::ContentListBuilder list;
    list.add_blob(good.id, 900, sink);
    return plain_node(sink, 900, std::move(list));
  });
  const TemporaryFolder target;
  const Restored restored = restore_all(repository, snapshot, to(target.path()));
  CHECK(restored.errors == std::vector<std::string>{});
  CHECK(read_text(target.path("root")) == noise(900, 5));
}

TEST_CASE("a pack that is gone costs its files; a destination that is gone ends the restore") {
  const TemporaryFolder source;
  for (int number = 0; number < 10; ++number) {
    write_file(source.path("file" + std::to_string(number)),
               noise(60'000, static_cast<std::uint64_t>(number)));
  }
  SmallRepository repository;
  const auto snapshot = repository.back_up({source.path()});
  const TemporaryFolder target;
  SECTION("a pack") {
    const auto frames = data_frames(repository, snapshot);
    REQUIRE(frames.size() > 1);
    repository.destination().remove(frames.begin()->first);
    const Restored restored = restore_all(repository, snapshot, to(target.path()));
    CHECK(!restored.errors.empty());
    CHECK(restored.errors.size() < 10);
    CHECK(restored.progress.done_files + restored.errors.size() == 10);
  }
  SECTION("the destination") {
    std::shared_ptr<WatchedDestination> watched;
    repository.wrap([&](auto inner) { return watched = std::make_shared<WatchedDestination>(inner); });
    watched->is_away = true;
    try {
      restore_all(repository, snapshot, to(target.path()));
      FAIL("it went on");
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::kDestinationAway);
    }
  }
}

TEST_CASE("a folder whose tree is damaged costs what is in it, and no more") {
  const TemporaryFolder source;
  std::filesystem::create_directories(source.path("lost"));
  std::filesystem::create_directories(source.path("good"));
  write_file(source.path("lost/file"), "lost");
  write_file(source.path("good/file"), "good");
  SmallRepository repository;
  auto snapshot = repository.back_up({source.path()});
  // A tree that no pack holds in place of one of the folders'.
  const auto made = repository.back_up_node([&](store::BlobSink& sink) {
    const snapshot::OwnerNames no_names;
    snapshot::TreeBuilder builder(sink, no_names);
    snapshot::TreeReader reader(repository.repository(),
                                crypto::BlobId::from_bytes(as_bytes(snapshot.sources(0).root().tree())));
    while (auto entry = reader.next()) {
      if (entry->node.name() == "lost") entry->node.set_tree(std::string(32, 'x'));
      builder.add(entry->node);
    }
    store::v1::Node root = snapshot.sources(0).root();
    const snapshot::BuiltTree built = builder.finish();
    root.set_name("root");
    root.set_tree(built.id.value.data(), built.id.value.size());
    return root;
  });
  const TemporaryFolder target;
  RecordingMonitor monitor;
  restore::run_restore(repository.repository(), made, to(target.path()), monitor, {});
  CHECK(monitor.errors.size() == 1);
  CHECK(monitor.told(target.path("lost") + ": not everything in it could be restored"));
  CHECK(read_text(target.path("good/file")) == "good");
  CHECK(std::filesystem::is_empty(target.path("lost")));
}

TEST_CASE("differences are restored, many of one base and of several") {
  SmallRepository repository;
  std::vector<std::string> bases;
  std::vector<std::string> contents;
  for (std::uint64_t number = 0; number < 3; ++number) bases.push_back(noise(9000, number));
  for (std::uint64_t number = 0; number < 8; ++number) {
    contents.push_back(bases[number % 3].substr(0, 500 * number) + noise(100, 50 + number) +
                       bases[number % 3].substr(500 * number));
  }
  const auto snapshot = repository.back_up_node([&](store::BlobSink& sink) {
    snapshot::ContentListBuilder list;
    std::uint64_t length = 0;
    for (std::size_t number = 0; number < contents.size(); ++number) {
      const auto node = difference_node(repository, sink, bases[number % 3], contents[number]);
      list.add_difference(snapshot::difference_of(node.content(0)), contents[number].size(), sink);
      length += contents[number].size();
    }
    return plain_node(sink, length, std::move(list));
  });
  const auto budget = GENERATE(std::size_t{0}, std::size_t{32u << 20});
  const TemporaryFolder target;
  RecordingMonitor monitor;
  restore::RestoreOptions options = to(target.path());
  options.memory_budget = budget;
  restore::run_restore(repository.repository(), snapshot, options, monitor, {});
  CHECK(monitor.errors == std::vector<std::string>{});
  std::string expected;
  for (const std::string& content : contents) expected += content;
  CHECK(read_text(target.path("root")) == expected);
}

TEST_CASE("a difference that cannot be made costs its file, and says why") {
  SmallRepository repository;
  const std::string base = noise(9000, 1);
  const std::string content = base + "changed";
  std::string why;
  const auto snapshot = repository.back_up_node([&](store::BlobSink& sink) {
    store::v1::Node node = difference_node(repository, sink, base, content);
    store::v1::ContentEntry& entry = *node.mutable_content(0);
    SECTION("another output") {
      entry.set_id(std::string(32, 'x'));
      why = "is not what its id says";
    }
    SECTION("another length") {
      entry.set_length(content.size() - 1);
      node.set_size(content.size() - 1);
      why = "patch: ";
    }
    SECTION("a patch that is none") {
      const auto id = sink.put(crypto::BlobKind::kData, as_bytes(noise(300, 2)));
      entry.set_patch(std::string(as_text(id.view())));
      why = "patch: ";
    }
    SECTION("a base that nobody has") {
      entry.set_base(std::string(32, 'x'));
      why = "is missing in the repository";
    }
    SECTION("a patch that nobody has") {
      entry.set_patch(std::string(32, 'x'));
      why = "is missing in the repository";
    }
    return node;
  });
  if (why.empty()) return;
  const TemporaryFolder target;
  const Restored restored = restore_all(repository, snapshot, to(target.path()));
  REQUIRE(restored.errors.size() == 1);
  CAPTURE(restored.errors[0]);
  CHECK(restored.errors[0].find(target.path("root") + ": ") == 0);
  CHECK(restored.errors[0].find(why) != std::string::npos);
  CHECK_FALSE(std::filesystem::exists(target.path("root")));
}
