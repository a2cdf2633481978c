#include "catalog/history/history.h"

#include <catch2/catch.hpp>
#include <fstream>
#include <stop_token>

#include "base/error.h"
#include "base/file.h"
#include "catalog/database.h"
#include "history_support.h"

namespace garner::catalog {
namespace {

using testing::build;
using testing::MemoryBlobs;
using testing::sample_file;
using testing::sample_folder;
using testing::sample_snapshot;
using testing::sample_source;
using Names = std::vector<std::string>;

v1::Snapshot snapshot_of(const snapshot::BuiltTree& tree, std::int64_t finished) {
  return sample_snapshot("home", finished, sample_source("/home", sample_folder("x", tree)));
}

v1::Snapshot snapshot_of(MemoryBlobs& blobs, const std::vector<v1::Node>& nodes, std::int64_t finished) {
  return snapshot_of(build(blobs, nodes), finished);
}

// Files of the names that a huge folder has.
std::vector<v1::Node> numbered_files(std::size_t count) {
  std::vector<v1::Node> nodes;
  for (std::size_t i = 0; i < count; ++i) nodes.push_back(sample_file("n" + std::to_string(10'000 + i)));
  return nodes;
}

// A file of more chunks than a node has room for.
v1::Node long_file(MemoryBlobs& blobs, const std::string& name, std::uint64_t first_chunk) {
  snapshot::ContentListBuilder builder;
  for (std::uint64_t chunk = first_chunk; chunk < first_chunk + 20; ++chunk)
    builder.add_blob(testing::numbered_id(chunk), 5, blobs);
  v1::Node node = testing::sample_node(name, v1::NODE_TYPE_FILE);
  node.set_size(builder.length());
  for (v1::ContentEntry& entry : builder.finish(blobs)) *node.add_content() = std::move(entry);
  return node;
}

TEST_CASE("a new snapshot costs rows and reads for what is new in it") {
  HistoryOfSamples sample;
  const auto with = [&](std::uint64_t size, std::int64_t finished) {
    std::vector<v1::Node> folders;
    for (const char* name : {"a", "b", "c", "d"}) {
      std::vector<v1::Node> files = numbered_files(50);
      if (*name == 'c') files[7] = sample_file("n10007", size);
      folders.push_back(sample_folder(name, build(sample.blobs, files)));
    }
    return snapshot_of(sample.blobs, folders, finished);
  };
  sample.add(with(1, 1));
  const History::Size before = sample.history->size();
  CHECK(before.items == 1 + 4 + 4 * 50);
  CHECK(before.versions == before.items);

  const std::size_t reads = sample.blobs.reads;
  sample.add(with(2, 2));
  CHECK(sample.blobs.reads - reads == 2);  // the source and the folder
  const History::Size after = sample.history->size();
  CHECK(after.items == before.items);
  CHECK(after.versions == before.versions + 3);
  CHECK(sample.spans({"/home", "c", "n10007"}) == "1-1 2-2");
  CHECK(sample.spans({"/home", "c", "n10008"}) == "1-2");
  CHECK(sample.spans({"/home", "d"}) == "1-2");

  // One that is there is not read again, and nothing is read for one in which nothing changed.
  sample.add(with(2, 2));
  sample.add(with(2, 3));
  CHECK(sample.blobs.reads - reads == 2);
  CHECK(sample.history->snapshots().size() == 3);
  CHECK(sample.spans({"/home", "c", "n10007"}) == "1-1 2-3");
  CHECK(sample.is_right());
}

TEST_CASE("what is forgotten takes with it what only it had, and its number") {
  HistoryOfSamples sample;
  const auto inner = [&](std::uint64_t size) {
    return sample_folder("folder", build(sample.blobs, {sample_file("x", size)}));
  };
  sample.add(snapshot_of(sample.blobs, {sample_file("a", 1), inner(10)}, 1));
  sample.add(
      snapshot_of(sample.blobs, {sample_file("a", 2), inner(20), long_file(sample.blobs, "long", 100)}, 2));
  sample.add(snapshot_of(sample.blobs, {sample_file("a", 1)}, 3));
  CHECK(sample.spans({"/home", "a"}) == "1-1 2-2 3-3");
  CHECK(sample.spans({"/home", "folder", "x"}) == "1-1 2-2");
  CHECK(sample.history->size().parts == 20);  // the list is the content itself

  const std::vector<History::Known> known = sample.history->snapshots();
  sample.history->keep({known[0].id, known[2].id}, {});
  CHECK(sample.spans({"/home", "a"}) == "1-1 3-3");
  CHECK(sample.spans({"/home", "folder", "x"}) == "1-1");
  CHECK(sample.spans({"/home", "long"}) == "unknown");
  CHECK(sample.history->size().parts == 0);
  CHECK(sample.is_right());

  sample.history->keep({}, {});
  CHECK(sample.history->snapshots().empty());
  sample.add(snapshot_of(sample.blobs, {sample_file("a", 1), inner(10)}, 4));
  CHECK(sample.history->snapshots().front().number == 4);
  CHECK(sample.spans({"/home", "a"}) == "4-4");
  CHECK(sample.is_right());
}

TEST_CASE("a call of keep that was stopped has forgotten, and the next one removes what is left") {
  HistoryOfSamples sample;
  sample.add(snapshot_of(sample.blobs, {sample_file("a", 1)}, 1));
  sample.add(snapshot_of(sample.blobs, {sample_file("b", 1)}, 2));
  const std::vector<crypto::BlobId> kept{sample.history->snapshots()[1].id};
  std::stop_source stop;
  stop.request_stop();
  CHECK_THROWS_AS(sample.history->keep(kept, stop.get_token()), Error);
  sample.open();
  CHECK(sample.history->snapshots().size() == 1);
  CHECK(sample.spans({"/home", "a"}).empty());
  CHECK(sample.history->size().items == 3);
  sample.history->keep(kept, {});
  CHECK(sample.history->size().items == 2);
  CHECK(sample.is_right());
}

TEST_CASE("a folder that cannot be read is told of, and looked at again with the next snapshot") {
  HistoryOfSamples sample;
  const auto with = [&](const snapshot::BuiltTree& docs, std::int64_t finished) {
    const snapshot::BuiltTree user = build(sample.blobs, {sample_folder("docs", docs), sample_file("z", 2)});
    return snapshot_of(sample.blobs, {sample_folder("user", user)}, finished);
  };
  const Names folder{"/home", "user", "docs"};
  const Names file{"/home", "user", "docs", "x"};
  const snapshot::BuiltTree lost = build(sample.blobs, {sample_file("x", 9)});
  sample.add(with(build(sample.blobs, {sample_file("x", 1)}), 1));
  for (const std::int64_t finished : {2, 3}) {
    const v1::Snapshot snapshot = with(lost, finished);
    MemoryBlobs less = sample.blobs;
    less.remove(crypto::BlobKind::kTree, lost.id);
    const std::vector<Unreadable> unreadable = sample.add(snapshot, less);
    REQUIRE(unreadable.size() == 1);
    CHECK(unreadable[0].path == "/home/user/docs");
    CHECK(unreadable[0].message.find("no such blob") != std::string::npos);
  }
  CHECK(sample.spans(file) == "1-1");
  CHECK(sample.spans(folder) == "1-1 2-3?");
  CHECK(sample.spans({"/home"}) == "1-1 2-3?");
  CHECK(sample.spans({"/home", "user", "z"}) == "1-3");

  // It has the same tree, and so have the folders above.
  CHECK(sample.add(with(lost, 4)).empty());
  CHECK(sample.spans(file) == "1-1 4-4");
  CHECK(sample.spans(folder) == "1-1 2-3? 4-4");
  const std::vector<Gap> gaps = sample.history->gaps();
  REQUIRE(gaps.size() == 1);
  CHECK(gaps[0].path == "/home/user/docs");
  CHECK(gaps[0].span.first == 2);
  CHECK(gaps[0].span.last == 3);
  CHECK(gaps[0].is_folder);
}

TEST_CASE("a list that cannot be read leaves out what is in it until it can be") {
  HistoryOfSamples sample;
  const v1::Node file = long_file(sample.blobs, "long", 100);
  REQUIRE(file.content(0).type() == v1::ENTRY_TYPE_LIST);
  const snapshot::BuiltTree tree = build(sample.blobs, {file});
  MemoryBlobs less = sample.blobs;
  less.remove(crypto::BlobKind::kList, id_from(file.content(0).id()));
  const std::vector<Unreadable> unreadable = sample.add(snapshot_of(tree, 1), less);
  REQUIRE(unreadable.size() == 1);
  CHECK(unreadable[0].path == "/home/long");
  REQUIRE(sample.history->gaps().size() == 1);
  CHECK_FALSE(sample.history->gaps()[0].is_folder);

  const auto references = [&] {
    std::size_t count = 0;
    sample.history->references(
        {prefix_of(testing::numbered_id(105).view()), prefix_of(as_bytes(file.content(0).id()))},
        [&](const Reference&) { ++count; });
    return count;
  };
  CHECK(references() == 1);
  sample.add(snapshot_of(tree, 2));
  CHECK(references() == 3);  // the list in both, the chunk in the second one
  CHECK(sample.history->gaps().size() == 1);
}

// As if the process were killed where the blob is to be read.
class KilledAt : public store::BlobSource {
 public:
  KilledAt(store::BlobSource& source, const crypto::BlobId& id) : source_(source), id_(id) {}
  Bytes read(crypto::BlobKind kind, const crypto::BlobId& id) override {
    if (id == id_) throw Killed();
    return source_.read(kind, id);
  }

 private:
  store::BlobSource& source_;
  const crypto::BlobId id_;
};

// More than one transaction: 9,000 files in 9 folders.
std::vector<v1::Node> many_folders(MemoryBlobs& blobs, std::uint64_t size) {
  std::vector<v1::Node> folders;
  for (const char* name : {"a", "b", "c", "d", "e", "f", "g", "h", "i"}) {
    std::vector<v1::Node> files = numbered_files(1000);
    files.push_back(sample_file("z", size));
    files.push_back(sample_file(std::string("z") + name, size));
    folders.push_back(sample_folder(name, build(blobs, files)));
  }
  return folders;
}

TEST_CASE("a process that is killed has kept what it had done, and what comes next may be another snapshot") {
  HistoryOfSamples sample;
  const std::vector<v1::Node> first = many_folders(sample.blobs, 1);
  const std::vector<v1::Node> second = many_folders(sample.blobs, 2);
  sample.add(snapshot_of(sample.blobs, first, 1));
  const v1::Snapshot next = snapshot_of(sample.blobs, second, 2);
  KilledAt killed(sample.blobs, id_from(second[8].tree()));
  CHECK_THROWS_AS(sample.add(next, killed), Killed);
  sample.open();
  CHECK(sample.history->snapshots().size() == 1);
  CHECK(sample.is_right());

  SECTION("it goes on") {
    const std::size_t reads = sample.blobs.reads;
    sample.add(next);
    CHECK(sample.blobs.reads - reads < 4 * 6);  // four pages a folder, of those that were not done
    CHECK(sample.is_right());
  }
  SECTION("the next snapshot is as the first was") {
    sample.add(snapshot_of(sample.blobs, first, 3));
    CHECK(sample.is_right());
    CHECK(sample.spans({"/home", "a", "z"}) == "1-2");
  }
  SECTION("the folders are files now") {
    std::vector<v1::Node> files;
    for (const v1::Node& folder : first)
      files.push_back(long_file(sample.blobs, folder.name(), 100 * files.size()));
    const v1::Snapshot other = snapshot_of(sample.blobs, files, 3);
    // Twice, so that it is cut off in the midst of what it removes.
    KilledAt again(sample.blobs, id_from(files[8].content(0).id()));
    CHECK_THROWS_AS(sample.add(other, again), Killed);
    sample.open();
    CHECK(sample.is_right());
    sample.add(snapshot_of(sample.blobs, {}, 4));
    CHECK(sample.is_right());
    sample.add(snapshot_of(sample.blobs, second, 5));
    CHECK(sample.is_right());
  }
}

TEST_CASE("folders of any depth are compared with bounded memory, and nothing of them is missed") {
  HistoryOfSamples sample;
  const auto nested = [&](std::uint64_t size, std::size_t count) {
    snapshot::BuiltTree tree = build(sample.blobs, {sample_file("x", size)});
    for (int depth = 0; depth < 24; ++depth) {
      std::vector<v1::Node> nodes = numbered_files(count);
      nodes.insert(nodes.begin(), {sample_file("a", size), sample_folder("m", tree)});
      nodes.push_back(sample_file("z", size));
      tree = build(sample.blobs, nodes);
    }
    return tree;
  };
  sample.add(snapshot_of(nested(1, 3), 1));
  CHECK(sample.is_right());
  sample.add(snapshot_of(nested(2, 300), 2));
  CHECK(sample.is_right());
  sample.add(snapshot_of(sample.blobs, {}, 3));
  CHECK(sample.is_right());
  CHECK(sample.spans({"/home", "m", "m"}) == "1-1 2-2");
}

TEST_CASE("what has gone from the history is not found") {
  HistoryOfSamples sample;
  sample.add(snapshot_of(sample.blobs, {sample_file("a", 1)}, 1));
  const ItemNumber item = *sample.find({"/home", "a"});
  CHECK(sample.history->path_of(item) == "/home/a");
  CHECK_FALSE(sample.history->item(0, "/hom"));
  const ItemNumber home = *sample.find({"/home"});
  CHECK(sample.history->versions(home, "a").size() == 1);
  CHECK(sample.history->versions(home, "b").empty());
  sample.add(snapshot_of(sample.blobs, {}, 2));
  sample.history->keep({sample.history->snapshots()[1].id}, {});
  CHECK_THROWS_AS(sample.history->path_of(item), Error);
  CHECK(sample.history->versions(item).empty());
  CHECK(sample.history->versions(home, "a").empty());
}

TEST_CASE("a file that is torn, or of another program, is made anew") {
  HistoryOfSamples sample;
  const v1::Snapshot snapshot = snapshot_of(sample.blobs, numbered_files(1000), 1);
  sample.add(snapshot);
  sample.open();
  CHECK(sample.history->snapshots().size() == 1);
  sample.history.reset();
  SECTION("garbage") { std::ofstream(sample.file()) << std::string(10'000, 'x'); }
  SECTION("a page that was never written") {
    std::fstream file(sample.file(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(0, std::ios::end);
    const auto size = static_cast<std::size_t>(file.tellp());
    REQUIRE(size > 3 * 4096);
    file.seekp(2 * 4096);
    file << std::string(size - 2 * 4096, '\0');
  }
  SECTION("another version") { Database(sample.file()).set_user_version(7); }
  SECTION("another program's") {
    remove_file(sample.file());
    Database(sample.file()).execute("CREATE TABLE things (name TEXT)");
  }
  sample.open();
  CHECK(sample.history->snapshots().empty());
  CHECK(sample.history->items(0, "", 10).empty());
  sample.add(snapshot);
  CHECK(sample.is_right());
  sample.open();
  CHECK(sample.history->snapshots().size() == 1);
}

TEST_CASE("the content of a node is that of its bytes, however they are stored") {
  v1::Node file = sample_file("f", 100);
  const BlobPrefix one = content_of(file);
  CHECK(one == prefix_of(as_bytes(file.content(0).id())));
  v1::ContentEntry& entry = *file.mutable_content(0);
  entry.set_type(v1::ENTRY_TYPE_DIFFERENCE);
  entry.set_base(testing::id_bytes(7));
  entry.set_patch(testing::id_bytes(8));
  CHECK(content_of(file) == one);

  *file.add_content() = testing::sample_entry(v1::ENTRY_TYPE_HOLE, 50, 0);
  v1::Node other = file;
  *other.mutable_content(0) = testing::sample_entry(v1::ENTRY_TYPE_BLOB, 100, 100);
  CHECK(content_of(file) == content_of(other));
  other.mutable_content(1)->set_length(51);
  CHECK(content_of(file) != content_of(other));

  CHECK(content_of(testing::sample_link("l", "a")) != content_of(testing::sample_link("l", "b")));
  v1::Node device = testing::sample_node("d", v1::NODE_TYPE_BLOCK_DEVICE);
  const BlobPrefix none = content_of(device);
  device.set_device_major(1);
  CHECK(content_of(device) != none);
}

}  // namespace
}  // namespace garner::catalog
