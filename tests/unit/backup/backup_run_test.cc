#include "backup/backup_run.h"

#include <fcntl.h>
#include <sys/mman.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <cerrno>
#include <random>

#include "base/error.h"
#include "snapshot/node.h"
#include "support/forge_removal.h"
#include "support/hooked_destination.h"
#include "unit/backup/backup_fixture.h"
#include "unit/backup/failing_file.h"

namespace garner::backup {
namespace {

TEST_CASE("a backup restores to what was there") {
  Sources sources(1);
  Backups backups;
  const BackupResult result = backups.run(sources.root());
  CHECK(backups.monitor.errors.empty());
  CHECK(result.progress.files == 6 * 12 + 3);
  CHECK(result.progress.counters.read_bytes <= result.progress.source_bytes);
  CHECK(result.progress.counters.new_bytes > 3'000'000);
  CHECK(backups.differences(result.snapshot, sources.root()).empty());
  CHECK_FALSE(backups.checkpoint.load());
  CHECK(objects(backups.small, "packs/") > 10);
}

TEST_CASE("an unchanged tree is not read again and costs one record") {
  Sources sources(2);
  Backups backups;
  const BackupResult first = backups.run(sources.root());
  const std::size_t packs = objects(backups.small, "packs/");
  const std::size_t records = objects(backups.small, "log/");
  const BackupResult second = backups.run(sources.root());
  CHECK(second.progress.counters.read_bytes == 0);
  CHECK(second.progress.counters.new_bytes == 0);
  CHECK(objects(backups.small, "packs/") == packs);
  CHECK(objects(backups.small, "log/") == records + 1);
  CHECK(second.snapshot != first.snapshot);
  CHECK(backups.snapshot(second.snapshot).sources(0).SerializeAsString() ==
        backups.snapshot(first.snapshot).sources(0).SerializeAsString());
  CHECK(backups.snapshot(second.snapshot).sequence() == 2);
}

TEST_CASE("a full scan reads everything and stores nothing again") {
  Sources sources(3);
  Backups backups;
  const BackupResult first = backups.run(sources.root());
  BackupOptions options = backups.options({sources.root()});
  options.full_scan = true;
  const BackupResult second = backups.run(options);
  CHECK(second.progress.counters.read_bytes == first.progress.counters.read_bytes);
  CHECK(second.progress.counters.new_bytes == 0);
  CHECK(backups.differences(second.snapshot, sources.root()).empty());
}

TEST_CASE("a file is cut alike whether or not an earlier version is known") {
  TemporaryFolder folder;
  std::mt19937_64 random(8);
  // Few enough chunks for the node itself, or so many that they stand in lists.
  const std::size_t size = GENERATE(20'000u, 400'000u);
  const std::string content = random_text(random, size);
  const auto path = [&](const std::string& name) { return folder.path(name); };
  const std::vector<std::string> names = {"longer", "shorter", "inserted", "changed",
                                          "hole",   "filled",  "same"};
  for (const std::string& name : names) write_file(path(name), content);
  const Fd sparse = open_file(path("filled"), O_RDWR);
  REQUIRE(ftruncate(sparse.get(), static_cast<off_t>(size * 3)) == 0);
  Backups backups;
  backups.run(folder.path());

  std::string text = content;
  write_file(path("longer"), content + content.substr(0, size / 4));
  write_file(path("shorter"), content.substr(0, size / 2 + 1));
  write_file(path("inserted"), "x" + content);
  text[size / 2] ^= 1;
  write_file(path("changed"), text);
  const Fd holed = open_file(path("hole"), O_RDWR);
  REQUIRE(fallocate(holed.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 8192,
                    static_cast<off_t>(size / 2)) == 0);
  write_at(sparse.get(), as_bytes(content), size * 3 / 2, path("filled"));
  const BackupResult known = backups.run(folder.path());

  BackupOptions options = backups.options({folder.path()});
  options.set.set_uuid(std::string(as_text(Uuid::random().view())));
  options.host = "another";
  const BackupResult fresh = backups.run(options);
  for (const std::string& name : names) {
    INFO(name);
    CHECK(backups.chunks(known.snapshot, name) == backups.chunks(fresh.snapshot, name));
  }
  CHECK(backups.differences(known.snapshot, folder.path()).empty());
}

TEST_CASE("what was changed, added, removed and replaced is what the next snapshot has") {
  Sources sources(4);
  Backups backups;
  backups.run(sources.root());
  write_file(sources.root() + "/folder0/file3", "changed");
  write_file(sources.root() + "/folder2/new", "new");
  remove_file(sources.root() + "/folder4/file0");
  remove_file(sources.root() + "/folder4/file11");
  remove_file(sources.root() + "/empty");
  make_folders_durably(sources.root() + "/empty/now a folder");
  const BackupResult second = backups.run(sources.root());
  CHECK(backups.differences(second.snapshot, sources.root()).empty());
  CHECK(second.progress.counters.new_bytes == 10);
}

TEST_CASE("a file whose times are too fresh to be trusted is read again") {
  Sources sources(5, 1, 1);
  Backups backups;
  const Clock& now = system_clock();
  const auto first = backups.options({sources.root()});
  run_backup(backups.small.repository(), backups.checkpoint, first, now, backups.monitor, {});
  write_file(sources.root() + "/empty", "written while the snapshot was made, for all its times tell");
  age(sources.root() + "/empty");
  const auto second = run_backup(backups.small.repository(), backups.checkpoint,
                                 backups.options({sources.root()}), now, backups.monitor, {});
  CHECK(backups.differences(second.snapshot, sources.root()).empty());
}

TEST_CASE("what is stored through a mapping after a file was read is seen by the next backup") {
  TemporaryFolder folder;
  make_folders_durably(folder.path("source"));
  const std::string path = folder.path("source/mapped");
  write_file(path, std::string(4096, 'a'));
  const Fd file = open_file(path, O_RDWR);
  void* const memory = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
  REQUIRE(memory != MAP_FAILED);
  // The page is dirty, and its file's time has been set, when it is read.
  auto* const text = static_cast<volatile char*>(memory);
  text[0] = 'b';
  Backups backups;
  backups.run(folder.path("source"));
  text[0] = 'c';
  const auto second = backups.run(folder.path("source"));
  CHECK(second.progress.counters.read_bytes == 4096);
  CHECK(backups.differences(second.snapshot, folder.path("source")).empty());
  CHECK(munmap(memory, 4096) == 0);
}

TEST_CASE("what is below a folder that could not be looked at counts as last seen before that") {
  const std::string failing = GENERATE("/one", "/one/below");  // a source, and a folder in it
  CAPTURE(failing);
  TemporaryFolder folder;
  for (const char* path : {"one/below", "two"}) make_folders_durably(folder.path(path));
  write_file(folder.path("one/below/file"), "content");
  age(folder.path("one/below/file"));
  Backups backups;
  BackupOptions options = backups.options({folder.path("one"), folder.path("two")});
  options.retry_delays.clear();
  const auto run = [&] {
    options.run = Uuid::random();
    return backups.run(options);
  };
  run();
  CHECK(run().progress.counters.read_bytes == 0);
  {
    const FailingStatus fault(folder.path() + failing, EIO, 1'000);
    const auto stale = run();
    CHECK(backups.snapshot(stale.snapshot).error_count() == 1);
    CHECK(backups.monitor.unreadable == std::set{folder.path() + failing});
    CHECK(backups.snapshot(stale.snapshot).totals().files() == 1);
  }
  CHECK(run().progress.counters.read_bytes == 7);
  CHECK(run().progress.counters.read_bytes == 0);
}

TEST_CASE("what is listed and not found is kept as it was, and what has vanished is not") {
  TemporaryFolder folder;
  make_folders_durably(folder.path("source/mount"));
  for (const char* path : {"source/file", "source/mount/file"}) write_file(folder.path(path), "first");
  Backups backups;
  BackupOptions options = backups.options({folder.path("source")});
  options.retry_delays = {std::chrono::milliseconds(1)};
  const auto run = [&] {
    options.run = Uuid::random();
    backups.monitor.errors.clear();
    return backups.snapshot(backups.run(options).snapshot);
  };
  run();
  for (const char* path : {"source/file", "source/mount/file"}) write_file(folder.path(path), "second");
  const std::string failing = GENERATE("source/file", "source/mount");
  CAPTURE(failing);
  {
    const FailingStatus fault(folder.path(failing), ENOENT, 1'000);
    CHECK(run().totals().files() == 2);
    REQUIRE(backups.monitor.errors.size() == 1);
    CHECK(backups.monitor.errors[0].starts_with(folder.path(failing) + ": "));
  }
  {
    const FailingStatus fault(folder.path(failing), ENOENT, 1);
    CHECK(run().totals().bytes() == 12);
    CHECK(backups.monitor.errors.empty());
    CHECK(fault.left() == 0);
  }
  const FailingStatus fault(folder.path("source/file"), ENOENT, 1, /*vanishes=*/true);
  CHECK(run().totals().files() == 1);
  CHECK(backups.monitor.errors.empty());
}

// What a set's source becomes in run upon run, and what each has told.
class Runs {
 public:
  explicit Runs(const std::vector<std::string>& sources) : options_(backups.options(sources)) {
    options_.retry_delays = {std::chrono::milliseconds(1)};
  }
  v1::Snapshot operator()() {
    options_.run = Uuid::random();
    backups.monitor.errors.clear();
    result = backups.run(options_);
    return backups.snapshot(result.snapshot);
  }
  // What the only error of the last run says; empty where it told none.
  std::string error() {
    if (backups.monitor.errors.empty()) return "";
    REQUIRE(backups.monitor.errors.size() == 1);
    return backups.monitor.errors[0];
  }
  BackupOptions& options() { return options_; }

  Backups backups;
  BackupResult result;

 private:
  BackupOptions options_;
};

TEST_CASE("what is there and cannot be opened for that it is not found is kept as it was") {
  TemporaryFolder folder;
  make_folders_durably(folder.path("source"));
  const std::string path = GENERATE("source/file", "alone");  // in a folder, and a source by itself
  CAPTURE(path);
  for (const char* name : {"source/file", "source/other", "alone"}) write_file(folder.path(name), "first");
  Runs run({folder.path("source"), folder.path("alone")});
  run();
  write_file(folder.path(path), "second");
  {
    const FailingOpen fault(folder.path(path), ENOENT, 1'000);
    const v1::Snapshot made = run();
    CHECK(made.totals().files() == 3);
    CHECK(made.totals().bytes() == 15);
    CHECK(run.error().starts_with(folder.path(path) + ": "));
  }
  {
    const FailingOpen fault(folder.path(path), ENOENT, 1);
    CHECK(run().totals().bytes() == 16);
    CHECK(run.error().empty());
    CHECK(fault.left() == 0);
  }
  write_file(folder.path(path), "third");
  const FailingOpen fault(folder.path(path), ENOENT, 1, /*vanishes=*/true);
  // A file that has vanished is no error. A source is.
  const bool is_source = path == "alone";
  CHECK(run().totals().files() == (is_source ? 3 : 2));
  CHECK(run.error().empty() != is_source);
}

TEST_CASE("what is there and not found counts as it was where its content is read once only, too") {
  TemporaryFolder folder;
  for (const char* name : {"file", "other"}) write_file(folder.path(name), "first");
  Runs run({folder.path()});
  run.options().set.add_rules("once file");
  run();
  write_file(folder.path("file"), "second");
  {
    const FailingOpen fault(folder.path("file"), ENOENT, 1'000);
    const v1::Snapshot made = run();
    CHECK(made.totals().files() == 2);
    CHECK(run.error().starts_with(folder.path("file") + ": "));
    CHECK(run.backups.file(run.result.snapshot, "file").stale());
  }
  const FailingOpen fault(folder.path("file"), ENOENT, 1, /*vanishes=*/true);
  CHECK(run().totals().files() == 1);
  CHECK(run.error().empty());
}

TEST_CASE("a source that is removed while it is backed up is told, and kept as it was") {
  TemporaryFolder folder;
  for (const char* name : {"source", "other"}) make_folders_durably(folder.path(name));
  write_file(folder.path("source/file"), "first");
  Runs run({folder.path("source"), folder.path("other")});
  run();
  const FailingStatus fault(folder.path("source"), ENOENT, 1'000, /*vanishes=*/false, /*before=*/1);
  CHECK(run().totals().files() == 1);
  CHECK(run.error().starts_with(folder.path("source") + ": "));
}

TEST_CASE("a file that ends before its size says is kept as it was") {
  TemporaryFolder folder;
  write_file(folder.path("file"), "first");
  Runs run({folder.path()});
  run();
  write_file(folder.path("file"), "second");
  write_file(folder.path("new"), "x");
  {
    const EarlyEnd fault(folder.path("file"), 3);
    run();
    CHECK_THAT(run.error(), Catch::StartsWith(folder.path("file") + ": ") && Catch::Contains("3 of the 6"));
    const v1::Node file = run.backups.file(run.result.snapshot, "file");
    CHECK(file.stale());
    CHECK(file.size() == 5);
  }
  {
    const EarlyEnd fault(folder.path("new"), 0);
    write_file(folder.path("new"), "xy");
    run();
    CHECK(run.error().starts_with(folder.path("new") + ": "));
    CHECK(run.backups.file(run.result.snapshot, "file").size() == 6);
  }
  run();
  CHECK(run.error().empty());
  CHECK(run.backups.differences(run.result.snapshot, folder.path()).empty());
}

TEST_CASE("files of which the kernel makes up the size have what can be read of them") {
  const std::string path = "/sys/devices/system/cpu/online";
  std::ifstream made_up(path);
  std::string content;
  if (!std::getline(made_up, content)) {
    WARN("not tested: there is no " << path);
    return;
  }
  Runs run({path});
  const v1::Snapshot made = run();
  CHECK(run.error().empty());
  CHECK(made.sources(0).root().size() == content.size() + 1);
  CHECK_FALSE(made.sources(0).root().stale());
}

TEST_CASE("an empty folder in the place of a source that was not empty is not taken for it") {
  TemporaryFolder folder;
  const std::string source = folder.path("source");
  for (const char* path : {"source/below", "other"}) make_folders_durably(folder.path(path));
  write_file(source + "/file", "content");
  write_file(source + "/below/file", "content");
  Runs run({source, folder.path("other")});
  // What stands in its place while it is not mounted: an empty folder.
  const auto unmount = [&](const std::string& path) {
    REQUIRE(rename(path.c_str(), folder.path("mounted elsewhere").c_str()) == 0);
    make_folders_durably(path);
  };
  const auto mount = [&](const std::string& path) {
    REQUIRE(rmdir(path.c_str()) == 0);
    REQUIRE(rename(folder.path("mounted elsewhere").c_str(), path.c_str()) == 0);
  };
  run();
  unmount(source);
  for (int time = 0; time < 2; ++time) {
    const v1::Snapshot made = run();
    CHECK_THAT(run.error(), Catch::StartsWith(source + ": ") && Catch::Contains("mounted"));
    CHECK(made.totals().files() == 2);
    CHECK(made.sources(0).root().stale());
    CHECK_FALSE(made.sources(1).root().stale());
  }
  mount(source);
  const v1::Snapshot made = run();
  CHECK(run.error().empty());
  CHECK(made.totals().files() == 2);
  CHECK_FALSE(made.sources(0).root().stale());

  // A folder in it may be emptied, or become another one.
  unmount(source + "/below");
  CHECK(run().totals().files() == 1);
  CHECK(run.error().empty());
  // So may the source be emptied by hand. What was empty may become another folder.
  remove_file(source + "/file");
  REQUIRE(rmdir((source + "/below").c_str()) == 0);
  CHECK(run().totals().files() == 0);
  CHECK(run.error().empty());
  REQUIRE(rmdir(source.c_str()) == 0);
  make_folders_durably(source);
  run();
  CHECK(run.error().empty());
}

TEST_CASE("a source that is a link to a file is that file, under the link's name") {
  TemporaryFolder folder;
  make_folders_durably(folder.path("real"));
  write_file(folder.path("real/file"), "content");
  const std::string link = folder.path("link");
  const std::string target = GENERATE(true, false) ? "real/file" : folder.path("real/file");
  REQUIRE(symlink(target.c_str(), link.c_str()) == 0);
  Runs run({link});
  const v1::Node file = run().sources(0).root();
  CHECK(run.error().empty());
  CHECK(file.type() == v1::NODE_TYPE_FILE);
  CHECK(file.name() == "link");
  CHECK(file.size() == 7);
  run();
  CHECK(run.result.progress.counters.read_bytes == 0);

  write_file(folder.path("real/file"), "other content");
  {
    const FailingOpen fault(folder.path("real/file"), EIO, 1'000);
    CHECK(run().sources(0).root().stale());
    CHECK(run.error().starts_with(link + ": "));
  }
  CHECK(run().sources(0).root().size() == 13);
  TemporaryFolder restored;
  QuietRestore monitor;
  restore::RestoreOptions options;
  options.target = restored.path();
  run_restore(run.backups.small.repository(), run.backups.snapshot(run.result.snapshot), options, monitor,
              {});
  CHECK(as_text(read_file(restored.path("link"), 100)) == "other content");

  // What leads to no file and no folder is the link itself, as one that is met on the way is.
  remove_file(link);
  REQUIRE(symlink("/dev/null", link.c_str()) == 0);
  CHECK(run().sources(0).root().type() == v1::NODE_TYPE_SYMLINK);
}

TEST_CASE("several sources, a file as a source, and a source that is gone") {
  Sources sources(6);
  Backups backups;
  const std::string missing = sources.root() + "/never was";
  const auto result =
      backups.run(backups.options({sources.root() + "/folder0", sources.root() + "/large", missing}));
  const v1::Snapshot made = backups.snapshot(result.snapshot);
  REQUIRE(made.sources_size() == 2);
  CHECK(made.sources(1).root().type() == v1::NODE_TYPE_FILE);
  CHECK(made.error_count() == 1);
  REQUIRE(backups.monitor.errors.size() == 1);
  CHECK(backups.monitor.errors[0].starts_with(missing));
  CHECK_THROWS_AS(backups.run(missing), Error);
}

TEST_CASE("folders that are excluded, caches and other file systems are left out") {
  Sources sources(7);
  Backups backups;
  write_file(sources.root() + "/folder2/CACHEDIR.TAG", "Signature: 8a477f597d28d172789f06886806bc55\n");
  BackupOptions options = backups.options({sources.root()});
  options.set.set_exclude_caches(true);
  options.excluded_folders = {sources.root() + "/folder4"};
  const auto result = backups.run(options);
  const v1::Snapshot made = backups.snapshot(result.snapshot);
  snapshot::TreeReader reader(backups.small.repository(),
                              crypto::BlobId::from_bytes(as_bytes(made.sources(0).root().tree())));
  std::map<std::string, std::uint64_t> files;
  while (const auto named = reader.next()) files[named->node.name()] = named->node.totals().files();
  CHECK(files.at("folder0") == 13);
  CHECK(files.at("folder2") == 0);
  CHECK_FALSE(files.contains("folder4"));
}

TEST_CASE("a run that is cut off at any checkpoint goes on and loses nothing") {
  const auto seed = GENERATE(11u, 12u, 13u);
  CAPTURE(seed);
  Sources sources(seed, 10, 20);
  Backups backups;
  const BackupOptions options = backups.options({sources.root()});
  std::mt19937_64 random(seed);
  std::optional<BackupResult> result;
  int cuts = 0;
  for (int attempt = 0; attempt < 200 && !result; ++attempt) {
    const bool last = attempt >= 20;
    (random() % 2 ? backups.checkpoint.cut_before_save : backups.checkpoint.cut_after_save) =
        last ? 0 : 1 + static_cast<int>(random() % 3);
    std::stop_source stop;
    // A stop at a random moment makes checkpoints in the middle of things; a small tree has hardly any
    // otherwise.
    std::jthread stopper([&, wait = random() % 30'000] {
      std::this_thread::sleep_for(std::chrono::microseconds(wait));
      if (!last) stop.request_stop();
    });
    try {
      result = backups.run(options, stop.get_token());
    } catch (const testing::PowerCut&) {
      ++cuts;
    } catch (const Error& error) {
      REQUIRE(error.kind() == ErrorKind::kCancelled);
    }
    if (random() % 2) backups.small.reopen();
    backups.checkpoint.cut_before_save = backups.checkpoint.cut_after_save = 0;
  }
  REQUIRE(result);
  CAPTURE(cuts);
  CHECK(backups.differences(result->snapshot, sources.root()).empty());
  CHECK(backups.small.repository().state()->snapshots_size() == 1);
  CHECK(backups.small.repository().state()->roots_size() == 0);
  CHECK(list_names(*backups.small.destination().staging_folder()).empty());
}

TEST_CASE("a run that is cut off after its commit learns that it has won") {
  Sources sources(21, 2, 3);
  Backups backups;
  const BackupOptions options = backups.options({sources.root()});
  const BackupResult first = backups.run(options);
  // A crash may bring back the name that a pack of the run had before it was published.
  const std::string staging = *backups.small.destination().staging_folder();
  write_file(staging + "/" + options.run.text() + "-" + Uuid::random().text(), "a pack");
  const BackupResult again = backups.run(options);
  CHECK(again.snapshot == first.snapshot);
  CHECK(backups.small.repository().state()->snapshots_size() == 1);
  CHECK(list_names(staging).empty());
}

TEST_CASE("once the walk is over a run looks at the source no more, and commits what it decided on") {
  Sources sources(29, 2, 3);
  Backups backups;
  std::shared_ptr<testing::HookedDestination> hooked;
  backups.small.wrap([&](std::shared_ptr<destination::Destination> inner) {
    return hooked = std::make_shared<testing::HookedDestination>(std::move(inner));
  });
  backups.run(sources.root());
  write_file(sources.root() + "/folder0/file0", "a change");
  const BackupOptions options = backups.options({sources.root()});
  hooked->before_put_exclusive = [](const std::string&) {
    throw Error(ErrorKind::kDestinationAway, "it is gone");
  };
  CHECK_THROWS_AS(backups.run(options), Error);
  REQUIRE(backups.checkpoint.load());
  REQUIRE(backups.checkpoint.load()->snapshot);
  const std::string decided = snapshot::serialize(*backups.checkpoint.load()->snapshot);

  write_file(sources.root() + "/folder0/file0", "later");
  remove_file(sources.root() + "/large");
  const bool known = GENERATE(true, false);
  if (!known) {
    // What the run rests on goes meanwhile: there is nothing for it but to read again.
    testing::forge_removal(
        backups.small.repository(),
        {crypto::BlobId::from_bytes(as_bytes(backups.small.repository().state()->snapshots(0).id()))},
        backups.small.repository().index().live_packs());
  }
  backups.small.reopen();
  const BackupResult result = backups.run(options);
  CHECK((snapshot::serialize(backups.snapshot(result.snapshot)) == decided) == known);
  if (known) {
    CHECK(result.snapshot ==
          backups.small.repository().hasher().id(crypto::BlobKind::kSnapshot, as_bytes(decided)));
    CHECK(result.progress.files == 2 * 3 + 3);
    CHECK(result.progress.counters.read_bytes == 8);
    CHECK(backups.file(result.snapshot, "large").size() == 3'000'000);
  } else {
    CHECK(backups.differences(result.snapshot, sources.root()).empty());
  }
  CHECK_FALSE(backups.checkpoint.load());
}

TEST_CASE("content whose packs were removed is stored again though its tree is known") {
  Sources sources(22, 3, 4);
  Backups backups;
  const std::string changing = sources.root() + "/folder0/file0";
  const std::string before = random_text(sources.random(), 200'000);
  write_file(changing, before);
  const BackupResult first = backups.run(sources.root());
  write_file(changing, "something else");
  backups.run(sources.root());
  // Everything of the first snapshot that a prune would find unreferenced and in packs of its own: here, all
  // its data packs go, as if the rest had been rewritten; the trees stay.
  std::vector<store::ObjectName> packs;
  backups.small.repository().index().for_each(
      [&](const crypto::BlobId&, const store::BlobLocation& location) {
        if (location.kind == crypto::BlobKind::kData) packs.push_back(location.pack);
      });
  std::sort(packs.begin(), packs.end());
  packs.erase(std::unique(packs.begin(), packs.end()), packs.end());
  std::vector<crypto::BlobId> all;
  for (const auto& entry : backups.small.repository().state()->snapshots()) {
    all.push_back(crypto::BlobId::from_bytes(as_bytes(entry.id())));
  }
  testing::forge_removal(backups.small.repository(), all, packs);
  write_file(changing, before);
  const BackupResult third = backups.run(sources.root());
  CHECK(third.snapshot != first.snapshot);
  CHECK(backups.differences(third.snapshot, sources.root()).empty());
}

TEST_CASE("a snapshot whose base and packs are removed while it is made is complete all the same") {
  const bool still_there = GENERATE(true, false);  // condemned only, or deleted
  CAPTURE(still_there);
  Sources sources(23, 3, 4);
  Backups backups;
  const BackupResult first = backups.run(sources.root());
  write_file(sources.root() + "/folder0/file0", "a little change");
  const std::vector<store::ObjectName> packs = backups.small.repository().index().live_packs();
  RemovingCheckpoint checkpoint(backups.checkpoint, [&] {
    if (still_there) {
      testing::forge_condemn(backups.small.repository(), {first.snapshot}, packs);
    } else {
      testing::forge_removal(backups.small.repository(), {first.snapshot}, packs);
    }
  });
  const BackupResult second =
      run_backup(backups.small.repository(), checkpoint, backups.options({sources.root()}), backups.clock,
                 backups.monitor, {});
  CHECK(backups.differences(second.snapshot, sources.root()).empty());
  if (still_there) CHECK(second.progress.counters.read_bytes < 100'000);  // rescued, not read again
}

TEST_CASE("a run whose base is forgotten and pruned in mid-walk reads everything, and ends with a snapshot") {
  Sources sources(24, 3, 4);
  // Of these the first is as it was, and is taken from the earlier tree when the second is found not to be.
  const std::string folder = sources.root() + "/changing";
  make_folders_durably(folder);
  write_file(folder + "/as it was", random_text(sources.random(), 10'000));
  write_file(folder + "/changed", random_text(sources.random(), 5'000'000));
  Backups backups;
  const BackupResult first = backups.run(sources.root());
  write_file(folder + "/changed", random_text(sources.random(), 5'000'000));
  const std::vector<store::ObjectName> packs = backups.small.repository().index().live_packs();
  // The first save comes before the first piece of that file is read: no more may be unsaved.
  BackupOptions options = backups.options({sources.root()});
  options.pace.bytes = options.pace.most_unsaved = 64u << 10;
  bool in_mid_walk = false;
  RemovingCheckpoint checkpoint(backups.checkpoint, [&] {
    testing::forge_removal(backups.small.repository(), {first.snapshot}, packs);
    in_mid_walk = !backups.checkpoint.load()->snapshot;
  });
  const BackupResult second =
      run_backup(backups.small.repository(), checkpoint, options, backups.clock, backups.monitor, {});
  CHECK(in_mid_walk);
  CHECK(backups.monitor.errors.empty());
  CHECK(backups.differences(second.snapshot, sources.root()).empty());
  CHECK(backups.snapshot(second.snapshot).parent().empty());
}

TEST_CASE("a run whose own packs were taken for orphans reads what was in them again") {
  Sources sources(25, 2, 3);
  Backups backups;
  std::vector<store::ObjectName> packs;
  RemovingCheckpoint checkpoint(backups.checkpoint, [&] {
    const auto known = backups.checkpoint.load();
    for (const auto& pack : known->packs) {
      for (const auto& delivery : pack.deliveries) packs.push_back(delivery.name);
    }
    testing::forge_condemn(backups.small.repository(), {}, packs);
  });
  const BackupResult result =
      run_backup(backups.small.repository(), checkpoint, backups.options({sources.root()}), backups.clock,
                 backups.monitor, {});
  REQUIRE(!packs.empty());
  for (const store::ObjectName& name : packs) CHECK_FALSE(backups.small.repository().index().is_named(name));
  CHECK(backups.differences(result.snapshot, sources.root()).empty());
}

TEST_CASE("a run whose own packs were taken for orphans stores what they hold again") {
  const bool still_there = GENERATE(true, false);  // condemned only, or deleted
  CAPTURE(still_there);
  Sources sources(25, 3, 4);
  Backups backups;
  std::shared_ptr<testing::HookedDestination> hooked;
  backups.small.wrap([&](std::shared_ptr<destination::Destination> inner) {
    return hooked = std::make_shared<testing::HookedDestination>(std::move(inner));
  });
  store::Repository& repository = backups.small.repository();
  std::vector<std::string> orphans;
  // Somebody else's record comes just before the run's.
  hooked->before_put_exclusive = [&](const std::string&) {
    store::Record record = testing::next_record(repository);
    for (const destination::ObjectInfo& pack : hooked->list("packs/", {})) {
      orphans.push_back(pack.key);
      const Bytes name = from_hex(base_name(pack.key));
      record.body.add_condemn(name.data(), name.size());
    }
    REQUIRE(testing::put_record(repository, record, repository.writer()));
    for (const std::string& key : orphans) {
      if (!still_there) hooked->remove(key);
    }
  };
  const TemporaryFolder counter;  // over both attempts, where there are two
  BackupOptions options = backups.options({sources.root()});
  options.read_counter_file = counter.path("read");
  const BackupResult result = backups.run(options);
  REQUIRE_FALSE(orphans.empty());
  for (const store::ObjectName& pack : repository.index().live_packs()) {
    CHECK(std::ranges::find(orphans, store::pack_key(pack)) == orphans.end());
  }
  CHECK(backups.differences(result.snapshot, sources.root()).empty());
  // Read from the packs while they are there, otherwise from the source once more. (The totals count a file
  // with two names twice.)
  const std::uint64_t size = backups.snapshot(result.snapshot).totals().bytes();
  CHECK((result.progress.counters.read_bytes <= size) == still_there);
}

TEST_CASE("what is in a pack that was put twice, and removed in between, is stored again") {
  Sources sources(27, 3, 4);
  Backups backups;
  std::shared_ptr<testing::HookedDestination> hooked;
  backups.small.wrap([&](std::shared_ptr<destination::Destination> inner) {
    return hooked = std::make_shared<testing::HookedDestination>(std::move(inner));
  });
  const bool dies = GENERATE(false, true);  // before its commit, and another process takes over what is there
  CAPTURE(dies);
  std::optional<store::ObjectName> removed;
  hooked->before_put_file = [&](const std::string& key) {
    if (removed) return;
    removed = store::ObjectName::from_hex(base_name(key));
    hooked->put(key, as_bytes("the first one"));
    testing::forge_removal(backups.small.repository(), {}, {*removed});
    if (dies) hooked->before_put_exclusive = [](const std::string&) { throw testing::PowerCut(); };
  };
  const BackupOptions options = backups.options({sources.root()});
  if (dies) {
    CHECK_THROWS_AS(backups.run(options), testing::PowerCut);
    backups.small.wrap([](std::shared_ptr<destination::Destination> inner) { return inner; });
  }
  const BackupResult result = backups.run(options);
  REQUIRE(removed);
  backups.small.reopen();
  CHECK_FALSE(backups.small.repository().index().is_named(*removed));
  CHECK(backups.differences(result.snapshot, sources.root()).empty());
}

TEST_CASE("the blob that is stored of a snapshot is the one that is listed, whoever was first in the log") {
  Sources sources(26, 1, 2);
  Backups backups;
  std::shared_ptr<testing::HookedDestination> hooked;
  backups.small.wrap([&](std::shared_ptr<destination::Destination> inner) {
    return hooked = std::make_shared<testing::HookedDestination>(std::move(inner));
  });
  store::Repository& repository = backups.small.repository();
  const BackupOptions options = backups.options({sources.root()});
  // A run of the same set on another machine.
  hooked->before_put_exclusive = [&](const std::string&) {
    testing::forge_record_by_other(repository, [&](store::Record& record) {
      v1::SnapshotEntry& entry = *record.body.add_add_snapshots();
      *entry.mutable_snapshot() = testing::test_snapshot(Uuid::random(), Uuid::random());
      *entry.mutable_snapshot()->mutable_set() = options.set;
      entry.mutable_snapshot()->set_sequence(1);
      const auto id =
          repository.hasher().id(crypto::BlobKind::kSnapshot, as_bytes(entry.snapshot().SerializeAsString()));
      entry.set_id(id.value.data(), id.value.size());
    });
  };
  const BackupResult result = backups.run(options);
  REQUIRE(repository.state()->snapshots_size() == 2);
  CHECK(as_text(repository.read(crypto::BlobKind::kSnapshot, result.snapshot)) ==
        backups.snapshot(result.snapshot).SerializeAsString());
}

TEST_CASE("a destination that is gone when a run's threads begin ends the run with its error") {
  Sources sources(28, 2, 3);
  Backups backups;
  std::shared_ptr<testing::HookedDestination> hooked;
  backups.small.wrap([&](std::shared_ptr<destination::Destination> inner) {
    return hooked = std::make_shared<testing::HookedDestination>(std::move(inner));
  });
  const BackupOptions options = backups.options({sources.root()});
  std::atomic<int> asked = 0;
  int ended = 0;
  std::optional<BackupResult> result;
  for (int away_at = 1; !result; ++away_at) {
    asked = 0;
    hooked->before_staging_folder = [&] {
      if (++asked >= away_at) throw Error(ErrorKind::kDestinationAway, "it is gone");
    };
    try {
      result = backups.run(options);
    } catch (const Error& error) {
      REQUIRE(error.kind() == ErrorKind::kDestinationAway);
      ++ended;
    }
  }
  CHECK(ended >= 2);
  CHECK(backups.differences(result->snapshot, sources.root()).empty());
}

TEST_CASE("a cancelled run leaves nothing but unreferenced packs") {
  Sources sources(24);
  Backups backups;
  const BackupOptions options = backups.options({sources.root()});
  backups.checkpoint.cut_after_save = 1;
  CHECK_THROWS_AS(backups.run(options), testing::PowerCut);
  abandon_backup(backups.small.repository(), backups.checkpoint, options.run);
  CHECK_FALSE(backups.checkpoint.load());
  CHECK(list_names(*backups.small.destination().staging_folder()).empty());
  CHECK(backups.small.repository().state()->snapshots_size() == 0);
}

}  // namespace
}  // namespace garner::backup
