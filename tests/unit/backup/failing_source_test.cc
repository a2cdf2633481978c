// What a run does where its source fails, or is not what it was.
#include <catch2/catch.hpp>
#include <cerrno>
#include <filesystem>

#include "base/error.h"
#include "snapshot/node.h"
#include "unit/backup/backup_fixture.h"
#include "unit/backup/failing_file.h"

namespace garner::backup {
namespace {

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

TEST_CASE("a file that changes while it is read is read again, and marked where it does not settle") {
  TemporaryFolder folder;
  make_folders_durably(folder.path("source"));
  const std::string path = folder.path("source/file");
  write_file(path, "content");
  Runs run({folder.path("source")});
  const auto file = [&] { return run.backups.file(run.result.snapshot, "file"); };
  {
    const ChangesWhenRead once(path, 1);
    CHECK(run().totals().bytes() == 8);
    CHECK_FALSE(file().inconsistent());
  }
  {
    write_file(path, "other content");
    const ChangesWhenRead always(path, 1'000'000);
    CHECK(run().totals().files() == 1);
    CHECK(file().inconsistent());
    CHECK(run.error().empty());
  }
  // What was marked is never taken for what is there.
  run();
  CHECK(run.result.progress.counters.read_bytes > 0);
  CHECK_FALSE(file().inconsistent());
  CHECK(run.backups.differences(run.result.snapshot, folder.path("source")).empty());
}

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

}  // namespace
}  // namespace garner::backup
