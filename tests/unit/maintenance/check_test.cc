// Check finds what is damaged or missing, names what it touches, and finds nothing where nothing is.
#include <catch2/catch.hpp>

#include <set>

#include "base/error.h"
#include "store/log.h"
#include "support/difference_node.h"
#include "unit/maintenance/maintenance_fixture.h"

using namespace garner;
using namespace garner::testing;

namespace {

struct Checked {
  maintenance::CheckProgress progress;
  RecordingCheckMonitor monitor;
};

void check(SmallRepository& repository, Checked& checked, double read_data_percent = 0) {
  maintenance::CheckOptions options;
  options.read_data_percent = read_data_percent;
  options.threads = 2;
  checked.progress = maintenance::run_check(repository.repository(), options, checked.monitor, {});
}

struct CheckFixture {
  TemporaryFolder source;
  SmallRepository repository;
  CheckFixture() {
    std::filesystem::create_directories(source.path("folder/inner"));
    for (int number = 0; number < 60; ++number) {
      write_file(source.path("folder/file" + std::to_string(number)),
                 noise(9000, static_cast<std::uint64_t>(number)));
    }
    write_file(source.path("folder/inner/large"), noise(400'000, 100));
    repository.back_up({source.path()});
    write_file(source.path("folder/new"), noise(5000, 200));
    repository.back_up({source.path()});
  }

  std::vector<std::string> packs(store::PackKind kind) {
    std::vector<std::string> keys;
    for (const destination::ObjectInfo& object : repository.destination().list("packs/")) {
      const store::PackReader reader(repository.destination(), repository.repository().keyring(),
                                     store::ObjectName::from_hex(base_name(object.key)));
      if (reader.header().kind == kind) keys.push_back(object.key);
    }
    return keys;
  }
};

}  // namespace

TEST_CASE("a repository in order has no problems") {
  CheckFixture fixture;
  Checked checked;
  const auto percent = GENERATE(0.0, 100.0);
  check(fixture.repository, checked, percent);
  CHECK(checked.monitor.problems == std::vector<std::string>{});
  CHECK(checked.progress.problem_count == 0);
  CHECK(checked.progress.snapshots == 2);
  CHECK(checked.progress.packs == checked.progress.total_packs);
  if (percent == 100) CHECK(checked.progress.bytes_read > 900'000);
}

TEST_CASE("what no segment names is no problem") {
  CheckFixture fixture;
  const Bytes garbage(200'000, 7);
  fixture.repository.destination().put("packs/ab/" + std::string(64, 'a'), garbage);
  fixture.repository.destination().put("packs/readme.txt", garbage);
  Checked checked;
  check(fixture.repository, checked, 100);
  CHECK(checked.monitor.problems == std::vector<std::string>{});
}

TEST_CASE("a share of the data packs is read") {
  CheckFixture fixture;
  const auto all = fixture.packs(store::PackKind::kData).size();
  const auto metadata = fixture.packs(store::PackKind::kMetadata).size();
  REQUIRE(all > 4);
  // Of metadata everything is.
  Checked checked;
  check(fixture.repository, checked, 50);
  CHECK(checked.monitor.read.size() == metadata + (all + 1) / 2);
  CHECK(checked.progress.total_packs == metadata + all);
  Checked least;
  check(fixture.repository, least, 0.001);
  CHECK(least.monitor.read.size() == metadata + 1);
}

TEST_CASE("packs that are chosen are read whole, data and metadata, and told whether they are sound") {
  CheckFixture fixture;
  const std::string damaged = fixture.packs(store::PackKind::kData).back();
  const store::PackReader reader(fixture.repository.destination(), fixture.repository.repository().keyring(),
                                 store::ObjectName::from_hex(base_name(damaged)));
  const store::PackedFrame frame = reader.read_directory().frames.front();
  flip(fixture.repository, damaged, frame.offset + frame.stored_length / 2);
  const std::set<std::string> wanted{fixture.packs(store::PackKind::kData).front(), damaged,
                                     fixture.packs(store::PackKind::kMetadata).front()};
  Checked checked;
  maintenance::CheckOptions options;
  options.read_data_percent = 100;  // the choice counts
  options.threads = 2;
  std::size_t offered = 0;
  options.choose = [&](const std::vector<maintenance::PackSize>& there) {
    offered = there.size();
    std::vector<store::ObjectName> chosen{store::make_name(as_bytes("gone meanwhile"))};
    for (const maintenance::PackSize& pack : there) {
      CHECK(pack.size == *fixture.repository.destination().size(store::pack_key(pack.name)));
      if (wanted.contains(store::pack_key(pack.name))) chosen.push_back(pack.name);
    }
    return chosen;
  };
  checked.progress = maintenance::run_check(fixture.repository.repository(), options, checked.monitor, {});
  CHECK(offered ==
        fixture.packs(store::PackKind::kData).size() + fixture.packs(store::PackKind::kMetadata).size());
  REQUIRE(checked.monitor.read.size() == wanted.size());
  for (const auto& [name, sound] : checked.monitor.read) {
    CHECK(wanted.contains(store::pack_key(name)));
    CHECK(sound == (store::pack_key(name) != damaged));
  }
  CHECK(checked.progress.packs == checked.progress.total_packs);
}

TEST_CASE("a missing pack is named with the files and snapshots that it touches") {
  CheckFixture fixture;
  fixture.repository.destination().remove(fixture.packs(store::PackKind::kData).front());
  Checked checked;
  check(fixture.repository, checked);
  CHECK(checked.monitor.told(" is missing"));
  CHECK(checked.monitor.told(fixture.source.path("folder/")));
  CHECK(checked.monitor.told("its content is damaged or missing, in snapshot"));
  CHECK(checked.progress.problem_count == checked.monitor.problems.size());
}

TEST_CASE("a pack of another size is a problem") {
  CheckFixture fixture;
  const std::string key = fixture.packs(store::PackKind::kData).front();
  const std::string path = fixture.repository.path() + "/" + key;
  must(chmod(path.c_str(), 0600), "chmod");
  must(truncate(path.c_str(), 100'000), "truncate");
  Checked checked;
  check(fixture.repository, checked);
  CHECK(checked.monitor.told("has 100000 bytes instead of"));
  CHECK(checked.monitor.told(fixture.source.path("folder/")));
}

TEST_CASE("a flipped byte in data is found when data is read") {
  CheckFixture fixture;
  const std::string key = fixture.packs(store::PackKind::kData).front();
  const store::PackReader reader(fixture.repository.destination(), fixture.repository.repository().keyring(),
                                 store::ObjectName::from_hex(base_name(key)));
  const store::PackedFrame frame = reader.read_directory().frames.front();
  flip(fixture.repository, key, frame.offset + frame.stored_length / 2);
  Checked unread;
  check(fixture.repository, unread);
  CHECK(unread.monitor.problems == std::vector<std::string>{});
  Checked checked;
  check(fixture.repository, checked, 100);
  CHECK(checked.monitor.told("frame at "));
  CHECK(checked.monitor.told(fixture.source.path("folder/")));
  CHECK(checked.monitor.told(" in snapshot"));  // or snapshots: the second has a file of its own
}

TEST_CASE("packs that stand in each other's place are found") {
  CheckFixture fixture;
  const auto kind = GENERATE(store::PackKind::kData, store::PackKind::kMetadata);
  const auto keys = fixture.packs(kind);
  REQUIRE(keys.size() > 1);
  const auto path = [&](const std::string& key) { return fixture.repository.path() + "/" + key; };
  must(rename(path(keys[0]).c_str(), path("packs/aside").c_str()), "rename");
  must(rename(path(keys[1]).c_str(), path(keys[0]).c_str()), "rename");
  must(rename(path("packs/aside").c_str(), path(keys[1]).c_str()), "rename");
  Checked checked;
  check(fixture.repository, checked);
  CHECK((checked.monitor.told("do not agree") || checked.monitor.told(" bytes instead of ")));
  if (kind == store::PackKind::kData) CHECK(checked.monitor.told(fixture.source.path("folder/")));
}

TEST_CASE("a flipped byte in a directory is found without reading data") {
  CheckFixture fixture;
  const auto kind = GENERATE(store::PackKind::kData, store::PackKind::kMetadata);
  const std::string key = fixture.packs(kind).front();
  flip(fixture.repository, key, *fixture.repository.destination().size(key) - 5);
  Checked checked;
  check(fixture.repository, checked);
  CHECK(checked.monitor.told(" is damaged: "));
  Checked whole;
  check(fixture.repository, whole, 100);
  CHECK(whole.monitor.told(" is damaged: "));
}

TEST_CASE("damaged trees are named with their folders") {
  CheckFixture fixture;
  // Every metadata pack, in every frame of it, so that no copy is left.
  for (const std::string& key : fixture.packs(store::PackKind::kMetadata)) {
    const store::PackReader reader(fixture.repository.destination(),
                                   fixture.repository.repository().keyring(),
                                   store::ObjectName::from_hex(base_name(key)));
    for (const store::PackedFrame& frame : reader.read_directory().frames) {
      flip(fixture.repository, key, frame.offset + frame.stored_length / 2);
    }
  }
  fixture.repository.reopen();
  Checked checked;
  check(fixture.repository, checked);
  const auto& problems = checked.monitor.problems;
  const auto lost = std::ranges::find_if(problems, [](const std::string& line) {
    return line.find("in the folder is lost: tree ") != line.npos;
  });
  REQUIRE(lost != problems.end());
  CHECK(lost->find("tree ") == lost->rfind("tree "));  // it names the tree once
}

TEST_CASE("a blob that the index does not know is a problem of the files that hold it") {
  CheckFixture fixture;
  store::v1::Node file;
  file.set_name("root");
  file.set_type(store::v1::NODE_TYPE_FILE);
  file.mutable_mtime();
  file.mutable_ctime();
  file.set_size(10);
  store::v1::ContentEntry& entry = *file.add_content();
  entry.set_type(store::v1::ENTRY_TYPE_BLOB);
  entry.set_length(10);
  entry.set_id(std::string(32, 'x'));
  fixture.repository.back_up_node([&](store::BlobSink&) { return file; });
  Checked checked;
  check(fixture.repository, checked);
  CHECK(checked.monitor.problems.size() == 1);
  CHECK(checked.monitor.told("/made/root: its content is damaged or missing"));
}

TEST_CASE("damaged and missing segments and records are found") {
  CheckFixture fixture;
  SECTION("a record in the middle") {
    flip(fixture.repository, store::record_key(2), 60);
    Checked checked;
    check(fixture.repository, checked);
    CHECK(checked.monitor.told("log: "));
    CHECK(checked.monitor.told("record 2"));
  }
  SECTION("segments") {
    const auto segments = fixture.repository.destination().list("index/");
    if (segments.empty()) return;  // all are small enough to be in their records
    fixture.repository.destination().remove(segments.front().key);
    Checked checked;
    check(fixture.repository, checked);
    CHECK(checked.monitor.told("index segment " + segments.front().key));
  }
}

TEST_CASE("a check that is stopped ends") {
  CheckFixture fixture;
  RecordingCheckMonitor monitor;
  std::stop_source stop;
  stop.request_stop();
  try {
    maintenance::run_check(fixture.repository.repository(), {}, monitor, stop.get_token());
    FAIL("it was not stopped");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::kCancelled);
  }
}

TEST_CASE("a damaged or missing base or patch is named with the file that is a difference") {
  TemporaryFolder source;
  SmallRepository repository;
  const std::string base = noise(12'000, 1);
  repository.back_up_node([&](store::BlobSink& sink) { return whole_node(sink, base); });
  repository.back_up_node(
      [&](store::BlobSink& sink) { return difference_node(repository, sink, base, base + "changed"); });
  const auto state = repository.repository().state();
  const store::v1::ContentEntry entry = state->snapshots(1).snapshot().sources(0).root().content(0);
  const std::string second = to_hex(as_bytes(state->snapshots(1).id())).substr(0, 8);
  Checked whole;
  check(repository, whole, 100);
  CHECK(whole.monitor.problems == std::vector<std::string>{});

  const bool is_base = GENERATE(true, false);
  const auto location = repository.repository().index().find(
      crypto::BlobId::from_bytes(as_bytes(is_base ? entry.base() : entry.patch())));
  REQUIRE(location);
  const std::string key = store::pack_key(location->pack);
  SECTION("damaged") { flip(repository, key, location->frame_offset + location->frame_stored_length / 2); }
  SECTION("missing") { repository.destination().remove(key); }
  Checked checked;
  check(repository, checked, 100);
  CHECK(checked.monitor.told("/made/root: its content is damaged or missing"));
  CHECK(checked.monitor.told(second));
}

TEST_CASE(
    "content that is said to be longer or shorter than its blob is named, and nothing needs to be read for "
    "it") {
  SmallRepository repository;
  const std::string content = noise(12'000, 1);
  repository.back_up_node([&](store::BlobSink& sink) { return whole_node(sink, content); });
  const std::uint64_t said = GENERATE(11'999u, 12'001u);
  repository.back_up_node([&](store::BlobSink& sink) {
    snapshot::ContentListBuilder list;
    list.add_blob(sink.put(crypto::BlobKind::kData, as_bytes(content)), said, sink);
    return plain_node(sink, said, std::move(list));
  });
  const auto state = repository.repository().state();
  Checked checked;
  check(repository, checked, 0);
  REQUIRE(checked.monitor.problems.size() == 1);
  CHECK(checked.monitor.told("/made/root: its content has another length than is said"));
  CHECK(checked.monitor.told(to_hex(as_bytes(state->snapshots(1).id())).substr(0, 8)));
  CHECK_FALSE(checked.monitor.told(to_hex(as_bytes(state->snapshots(0).id())).substr(0, 8)));
}
