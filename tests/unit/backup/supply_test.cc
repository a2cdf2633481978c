// Runs that are given what need not be read by destinations which they do not feed.
#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <set>

#include "snapshot/closure.h"
#include "store/record.h"
#include "unit/backup/many_backups.h"

namespace garner::backup {
namespace {

constexpr unsigned kDisk = 0;  // which supplies
constexpr unsigned kCloud = 1;

struct SuppliedBackups : ManyBackups {
  using ManyBackups::ManyBackups;

  BackupResult run_to(const std::vector<unsigned>& numbers, BackupOptions options,
                      const std::vector<unsigned>& suppliers = {}, std::stop_token stop = {}) {
    std::vector<RunTarget> fed = targets();
    for (unsigned number = 0; number < count(); ++number) {
      if (std::ranges::find(numbers, number) == numbers.end()) fed[number].repository = nullptr;
    }
    for (const unsigned number : suppliers)
      options.suppliers.push_back({"place" + std::to_string(number), &at(number)});
    return run_backup(fed, checkpoint, options, clock, monitor, stop);
  }
  BackupResult run_to(const std::vector<unsigned>& numbers, const std::string& source,
                      const std::vector<unsigned>& suppliers = {}) {
    return run_to(numbers, options(source), suppliers);
  }
  v1::Snapshot snapshot(unsigned number, const crypto::BlobId& id) {
    const auto state = at(number).state();
    return store::find_snapshot(*state, id.view())->snapshot();
  }
  std::set<store::ObjectName> data_packs(unsigned number) {
    std::set<store::ObjectName> packs;
    at(number).index().for_each([&](const crypto::BlobId&, const store::BlobLocation& location) {
      if (location.kind == crypto::BlobKind::kData) packs.insert(location.pack);
    });
    return packs;
  }
  // Flips a byte of a frame with data of the file there, and returns the files that have data in it.
  std::set<std::string> damage_frame_of(unsigned number, const crypto::BlobId& id, const std::string& file) {
    std::map<std::string, std::vector<store::BlobLocation>> files;
    snapshot::ClosureVisitor visitor;
    visitor.visit = [&](crypto::BlobKind kind, const crypto::BlobId& blob, const std::string& path) {
      if (kind == crypto::BlobKind::kData) files[path].push_back(at(number).index().find(blob).value());
      return true;
    };
    visitor.unreadable = [](auto, const auto&, const auto&, const std::string& error) { FAIL(error); };
    snapshot::walk_closure(snapshot(number, id), at(number), visitor);
    const store::BlobLocation hit = files.at(file).front();
    std::set<std::string> touched;
    for (const auto& [path, locations] : files) {
      if (std::ranges::any_of(locations, [&](const store::BlobLocation& one) {
            return one.pack == hit.pack && one.frame_offset == hit.frame_offset;
          }))
        touched.insert(path);
    }
    const std::string pack = path(number) + "/" + store::pack_key(hit.pack);
    std::filesystem::permissions(pack, std::filesystem::perms::owner_write,
                                 std::filesystem::perm_options::add);
    std::fstream stored(pack, std::ios::binary | std::ios::in | std::ios::out);
    const auto place = static_cast<std::streamoff>(hit.frame_offset + hit.frame_stored_length / 2);
    stored.seekg(place);
    const char before = static_cast<char>(stored.get());
    stored.seekp(place);
    stored.put(static_cast<char>(before ^ 1));
    REQUIRE(stored);
    return touched;
  }
};

TEST_CASE("what another destination has is not read for one that it supplies") {
  Sources sources(71);
  SuppliedBackups backups(2);
  const BackupResult first = backups.run_to({kDisk}, sources.root());
  const BackupResult supplied = backups.run_to({kCloud}, sources.root(), {kDisk});
  CHECK(supplied.progress.counters.read_bytes == 0);
  CHECK(supplied.suppliers == std::set<std::string>{"place0"});
  CHECK(supplied.targets[kCloud].counters.supplied_bytes >= first.progress.counters.new_bytes);
  CHECK(supplied.targets[kCloud].counters.new_bytes == first.progress.counters.new_bytes);
  backups.check_whole(supplied, {kCloud}, sources.root());
  const auto root_of = [&](unsigned number, const BackupResult& result) {
    return backups.snapshot(number, result.snapshot).sources(0).root().tree();
  };
  CHECK(root_of(kCloud, supplied) == root_of(kDisk, first));

  // What has changed since comes from there as well, as long as it has it.
  write_file(sources.root() + "/folder0/file0", "something else");
  CHECK(backups.run_to({kDisk}, sources.root()).progress.counters.read_bytes == 14);
  const BackupResult second = backups.run_to({kCloud}, sources.root(), {kDisk});
  CHECK(second.progress.counters.read_bytes == 0);
  CHECK(second.targets[kCloud].counters.new_bytes == 14);
  backups.check_whole(second, {kCloud}, sources.root());
}

TEST_CASE("what no destination has is read, and nothing else") {
  Sources sources(72);
  SuppliedBackups backups(2);
  backups.run_to({kDisk}, sources.root());
  write_file(sources.root() + "/folder0/file0", "something else");
  write_file(sources.root() + "/new", "that is new");
  const BackupResult supplied = backups.run_to({kCloud}, sources.root(), {kDisk});
  CHECK(supplied.progress.counters.read_bytes == 14 + 11);
  backups.check_whole(supplied, {kCloud}, sources.root());

  // Who is no supplier is none.
  SuppliedBackups others(2);
  const BackupResult first = others.run_to({kDisk}, sources.root());
  const BackupResult alone = others.run_to({kCloud}, sources.root());
  CHECK(alone.progress.counters.read_bytes == first.progress.counters.read_bytes);
  CHECK(alone.suppliers.empty());
}

TEST_CASE("who has an older snapshot than what is fed supplies nothing") {
  Sources sources(73);
  SuppliedBackups backups(2);
  backups.run_to({kDisk}, sources.root());
  write_file(sources.root() + "/folder0/file0", "something else");
  backups.run_to({kCloud}, sources.root());
  write_file(sources.root() + "/folder0/file1", "something new");
  const BackupResult result = backups.run_to({kCloud}, sources.root(), {kDisk});
  CHECK(result.progress.counters.read_bytes == 13);
  CHECK(result.suppliers.empty());
  CHECK(result.targets[kCloud].counters.supplied_bytes == 0);
  backups.check_whole(result, {kCloud}, sources.root());

  // The other way round it is the cloud that has what was read for it alone.
  const BackupResult disk = backups.run_to({kDisk}, sources.root(), {kCloud});
  CHECK(disk.progress.counters.read_bytes == 0);
  CHECK(disk.suppliers == std::set<std::string>{"place1"});
  backups.check_whole(disk, {kDisk}, sources.root());
}

TEST_CASE("what a supplier has damaged costs reading the files that it is of") {
  Sources sources(74);
  SuppliedBackups backups(2);
  const BackupResult first = backups.run_to({kDisk}, sources.root());
  const auto touched = backups.damage_frame_of(kDisk, first.snapshot, sources.root() + "/folder2/file3");
  std::uint64_t expected = 0;
  for (const std::string& path : touched) expected += std::filesystem::file_size(path);
  REQUIRE(expected > 0);
  REQUIRE(expected < first.progress.counters.read_bytes / 2);
  const BackupResult supplied = backups.run_to({kCloud}, sources.root(), {kDisk});
  CHECK(supplied.progress.counters.read_bytes == expected);
  backups.check_whole(supplied, {kCloud}, sources.root());

  // What a pack held that is not there at all.
  SuppliedBackups others(2);
  others.run_to({kDisk}, sources.root());
  const auto packs = others.data_packs(kDisk);
  REQUIRE(packs.size() > 2);
  std::filesystem::remove(others.path(kDisk) + "/" + store::pack_key(*packs.begin()));
  const BackupResult lacking = others.run_to({kCloud}, sources.root(), {kDisk});
  CHECK(lacking.progress.counters.read_bytes > 0);
  CHECK(lacking.progress.counters.read_bytes < first.progress.counters.read_bytes);
  others.check_whole(lacking, {kCloud}, sources.root());
}

TEST_CASE("of a frame of which little is still in use only that is handed on") {
  TemporaryFolder folder;
  const std::string source = folder.path("source");
  make_folders_durably(source);
  std::mt19937_64 random(84);
  for (int number = 0; number < 30; ++number)
    write_file(source + "/file" + std::to_string(number), random_text(random, 100));
  SuppliedBackups backups(2);
  backups.run_to({kDisk}, source);
  for (int number = 1; number < 30; ++number)
    std::filesystem::remove(source + "/file" + std::to_string(number));
  backups.run_to({kDisk}, source);
  const BackupResult supplied = backups.run_to({kCloud}, source, {kDisk});
  CHECK(supplied.progress.counters.read_bytes == 0);
  CHECK(supplied.targets[kCloud].counters.new_bytes == 100);
  CHECK(supplied.targets[kCloud].counters.supplied_bytes == 100);
  backups.check_whole(supplied, {kCloud}, source);
}

TEST_CASE("several destinations are each supplied with what they lack") {
  Sources sources(75);
  SuppliedBackups backups(3);
  // Of another set, which says nothing of this one's files.
  BackupOptions other = backups.options(sources.root() + "/folder0");
  other.set.set_uuid(std::string(as_text(Uuid::random().view())));
  other.host = "elsewhere";
  const BackupResult before = backups.run_to({2}, other);
  const BackupResult first = backups.run_to({kDisk}, sources.root());
  const BackupResult supplied = backups.run_to({kCloud, 2}, sources.root(), {kDisk});
  CHECK(supplied.progress.counters.read_bytes == 0);
  CHECK(supplied.targets[kCloud].counters.new_bytes == first.progress.counters.new_bytes);
  // A frame goes over whole where most of it is lacking, with what is not: how frames are filled is chance.
  CHECK(supplied.targets[2].counters.new_bytes + before.progress.counters.new_bytes >=
        first.progress.counters.new_bytes);
  CHECK(supplied.targets[2].counters.new_bytes < first.progress.counters.new_bytes);
  backups.check_whole(supplied, {kCloud, 2}, sources.root());
}

TEST_CASE("a supplied run that is cut off at any save goes on, and still reads nothing") {
  const auto seed = GENERATE(76u, 77u, 78u);
  CAPTURE(seed);
  Sources sources(seed, 8, 12);
  SuppliedBackups backups(2);
  backups.run_to({kDisk}, sources.root());
  BackupOptions options = backups.options(sources.root());
  const TemporaryFolder counter;
  options.read_counter_file = counter.path("read");
  std::mt19937_64 random(seed);
  std::optional<BackupResult> result;
  int cuts = 0;
  for (int attempt = 0; attempt < 100 && !result; ++attempt) {
    const bool last = attempt >= 12;
    (random() % 2 ? backups.checkpoint.cut_before_save : backups.checkpoint.cut_after_save) =
        last ? 0 : 1 + static_cast<int>(random() % 4);
    try {
      result = backups.run_to({kCloud}, options, {kDisk});
    } catch (const testing::PowerCut&) {
      ++cuts;
    }
    backups.checkpoint.cut_before_save = backups.checkpoint.cut_after_save = 0;
    if (random() % 2) backups.reopen();
  }
  REQUIRE(result);
  CHECK(cuts > 0);
  CHECK(result->progress.counters.read_bytes == 0);
  backups.check_whole(*result, {kCloud}, sources.root());
}

TEST_CASE("a supplied run goes on at destinations of which one has forgotten what it rests on") {
  Sources sources(85);
  SuppliedBackups backups(3);
  backups.run_to({kDisk}, sources.root());
  const BackupResult base = backups.run_to({kCloud, 2}, sources.root());
  write_file(sources.root() + "/new", "that is new");
  const BackupOptions options = backups.options(sources.root());
  backups.checkpoint.cut_after_save = 1;
  CHECK_THROWS_AS(backups.run_to({kCloud, 2}, options, {kDisk}), testing::PowerCut);
  store::CommitPlan forgetting;
  forgetting.removal.remove_snapshots = {base.snapshot};
  forgetting.removal.decided_on = backups.at(kCloud).state()->generation();
  REQUIRE(backups.at(kCloud).commit(forgetting).committed);
  backups.reopen();
  const BackupResult result = backups.run_to({kCloud, 2}, options, {kDisk});
  backups.check_whole(result, {kCloud, 2}, sources.root());
}

TEST_CASE("a run whose supplier goes away reads what that has not given") {
  Sources sources(79);
  SuppliedBackups backups(2);
  const BackupResult first = backups.run_to({kDisk}, sources.root());
  // When it is asked for a file of a folder that is looked at after others.
  std::string last;
  snapshot::ClosureVisitor visitor;
  visitor.visit = [&](crypto::BlobKind kind, const crypto::BlobId& id, const std::string& path) {
    if (kind == crypto::BlobKind::kData && path.find("folder4/file") != std::string::npos)
      last = store::pack_key(backups.at(kDisk).index().find(id).value().pack);
    return true;
  };
  visitor.unreadable = [](auto, const auto&, const auto&, const std::string& error) { FAIL(error); };
  snapshot::walk_closure(backups.snapshot(kDisk, first.snapshot), backups.at(kDisk), visitor);
  REQUIRE_FALSE(last.empty());
  backups.place(kDisk).before_get = [&](const std::string& key) {
    if (key == last) backups.place(kDisk).is_away = true;
  };
  BackupOptions options = backups.options(sources.root());
  options.threads = 1;
  const BackupResult result = backups.run_to({kCloud}, options, {kDisk});
  CHECK(result.targets[kCloud].counters.supplied_bytes > 0);
  CHECK(result.progress.counters.read_bytes > 0);
  CHECK(result.progress.counters.read_bytes < first.progress.counters.read_bytes);
  backups.check_whole(result, {kCloud}, sources.root());
}

TEST_CASE("a supplier that is away from the start is not missed") {
  Sources sources(80);
  SuppliedBackups backups(2);
  const BackupResult first = backups.run_to({kDisk}, sources.root());
  backups.place(kDisk).is_away = true;
  const BackupResult result = backups.run_to({kCloud}, sources.root(), {kDisk});
  CHECK(result.progress.counters.read_bytes == first.progress.counters.read_bytes);
  backups.check_whole(result, {kCloud}, sources.root());
}

TEST_CASE("what a supplier holds as differences is handed on as such") {
  TemporaryFolder folder;
  const std::string source = folder.path("source");
  make_folders_durably(source);
  std::mt19937_64 random(81);
  std::string text;
  while (text.size() < 300'000) text += "word" + std::to_string(random() % 5000) + " ";
  write_file(source + "/text", text);
  SuppliedBackups backups(2);
  backups.run_to({kDisk}, source);
  text.insert(text.size() / 2, "a word");
  write_file(source + "/text", text);
  backups.run_to({kDisk}, source);
  REQUIRE((store::features_of(*backups.at(kDisk).state()).read & store::kDifferencesFeature) != 0);
  const BackupResult supplied = backups.run_to({kCloud}, source, {kDisk});
  CHECK(supplied.progress.counters.read_bytes == 0);
  CHECK((store::features_of(*backups.at(kCloud).state()).read & store::kDifferencesFeature) != 0);
  backups.check_whole(supplied, {kCloud}, source);
}

TEST_CASE("of class once a supplier's content is what is kept") {
  Sources sources(82);
  SuppliedBackups backups(2);
  BackupOptions options = backups.options(sources.root());
  options.set.add_rules("once file0");
  backups.run_to({kDisk}, options);
  const std::string path = sources.root() + "/folder0/file0";
  std::ifstream before_file(path, std::ios::binary);
  const std::string before((std::istreambuf_iterator<char>(before_file)), {});
  write_file(path, "something else");
  BackupOptions later = options;
  later.run = Uuid::random();
  const BackupResult supplied = backups.run_to({kCloud}, later, {kDisk});
  CHECK(supplied.progress.counters.read_bytes == 0);
  write_file(path, before);
  const auto differences = backups.differences(kCloud, supplied.snapshot, sources.root());
  // Its times are those of the last write, which nobody can set back.
  CHECK(std::ranges::all_of(differences, [](const std::string& one) {
    return one.find("file0") != std::string::npos && one.find("content") == std::string::npos;
  }));
}

TEST_CASE("who names content otherwise supplies nothing") {
  Sources sources(83);
  SuppliedBackups backups(1);
  Backups other;
  other.run(sources.root());
  BackupOptions options = backups.options(sources.root());
  options.suppliers.push_back({"other keys", &other.small.repository()});
  const BackupResult result = backups.run_to({0}, options);
  CHECK(result.progress.counters.read_bytes > 0);
  CHECK(result.suppliers.empty());
  backups.check_whole(result, {0}, sources.root());
}

}  // namespace
}  // namespace garner::backup
