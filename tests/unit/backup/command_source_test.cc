#include <unistd.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <sstream>

#include "backup/backup_run.h"
#include "base/error.h"
#include "restore/restore.h"
#include "support/memory_checkpoint.h"
#include "support/small_repository.h"

namespace garner::backup {
namespace {

using testing::MemoryCheckpoint;
using testing::SmallRepository;
using testing::TemporaryFolder;
using namespace std::chrono_literals;

struct Listener final : BackupMonitor {
  void progressed(const BackupProgress&) override {}
  void error(const SourceError& error) override {
    std::lock_guard lock(mutex);
    errors.push_back(error.path + ": " + error.message);
  }
  void command_said(const std::string& name, std::string_view line) override {
    std::lock_guard lock(mutex);
    said.push_back(name + ": " + std::string(line));
    if (heard) heard();
  }
  std::mutex mutex;
  std::vector<std::string> errors;
  std::vector<std::string> said;
  std::function<void()> heard;
};

struct IgnoredRestore final : restore::RestoreMonitor {
  void progressed(const restore::RestoreProgress&) override {}
  void error(const std::string& path, const std::string& message) override {
    FAIL_CHECK(path << ": " << message);
  }
};

std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  REQUIRE(file.good());
  std::ostringstream content;
  content << file.rdbuf();
  return content.str();
}

class Dumps {
 public:
  BackupOptions options(const std::vector<std::string>& commands,
                        const std::vector<std::string>& sources = {}) {
    BackupOptions options;
    options.run = Uuid::random();
    options.set.set_uuid(std::string(as_text(set.view())));
    options.set.set_name("test");
    for (const auto& source : sources) options.set.add_sources(source);
    int number = 0;
    for (const auto& command : commands)
      options.commands.push_back({"dump" + std::to_string(number++), {command, geteuid(), {}, 60s}});
    options.host = "host";
    options.threads = 2;
    return options;
  }
  BackupResult run(const BackupOptions& options, std::stop_token stop = {}) {
    return run_backup(small.repository(), checkpoint, options, system_clock(), monitor, stop);
  }
  v1::Snapshot snapshot(const crypto::BlobId& id) {
    for (const auto& entry : small.repository().state()->snapshots()) {
      if (entry.id() == as_text(id.view())) return entry.snapshot();
    }
    throw std::runtime_error("the snapshot is not listed");
  }
  // Restores one of its paths, or all.
  std::string restore(const v1::Snapshot& made, const std::string& path, const std::string& target) {
    IgnoredRestore ignored;
    restore::RestoreOptions options;
    options.path = path;
    options.target = target;
    run_restore(small.repository(), made, options, ignored, {});
    return target;
  }
  std::size_t packs() { return small.destination().list("packs/", "").size(); }

  SmallRepository small;
  MemoryCheckpoint checkpoint;
  Listener monitor;
  TemporaryFolder folder;
  Uuid set = Uuid::random();
};

// The numbers from 1 to `count`, a line each: the same each time, and no two chunks alike.
std::string numbers(int count) { return "seq 1 " + std::to_string(count); }

std::string numbers_written(int count) {
  std::string text;
  for (int i = 1; i <= count; ++i) text += std::to_string(i) + "\n";
  return text;
}

TEST_CASE("the output of a command is a file of the snapshot, and unchanged adds no data") {
  Dumps dumps;
  const std::string command = numbers(400'000) + "; echo told >&2";
  const BackupResult first = dumps.run(dumps.options({command}));
  CHECK(dumps.monitor.errors.empty());
  CHECK(dumps.monitor.said == std::vector<std::string>{"dump0: told"});
  CHECK_FALSE(dumps.checkpoint.load());
  const std::string expected = numbers_written(400'000);
  CHECK(first.progress.files == 1);
  CHECK(first.progress.source_bytes == expected.size());
  CHECK(first.progress.counters.read_bytes == expected.size());
  const v1::Snapshot made = dumps.snapshot(first.snapshot);
  REQUIRE(made.sources_size() == 1);
  CHECK(made.sources(0).path() == "/command/dump0");
  CHECK(made.sources(0).command());
  CHECK(made.set().sources().empty());
  CHECK(made.sources(0).root().mode() == 0600);
  CHECK(made.sources(0).root().uid() == geteuid());
  // All of it, by its name, and by its path.
  for (const char* path : {"", "dump0", "/command/dump0"}) {
    TemporaryFolder target;
    CHECK(content_of(dumps.restore(made, path, target.path("restored")) + "/dump0") == expected);
  }
  const std::size_t packs = dumps.packs();
  const BackupResult second = dumps.run(dumps.options({command}));
  CHECK(second.progress.counters.new_bytes == 0);
  CHECK(dumps.packs() == packs);
}

TEST_CASE("commands beside a path keep their paths in a restore of all") {
  Dumps dumps;
  std::ofstream(dumps.folder.path("file")) << "content";
  const BackupResult made = dumps.run(dumps.options({"echo one", "true"}, {dumps.folder.path()}));
  CHECK(made.progress.files == 3);
  TemporaryFolder target;
  const std::string restored = dumps.restore(dumps.snapshot(made.snapshot), "", target.path("all"));
  CHECK(content_of(restored + "/command/dump0") == "one\n");
  // Nothing is an output, too.
  CHECK(content_of(restored + "/command/dump1").empty());
  CHECK(content_of(restored + dumps.folder.path("file")) == "content");
}

TEST_CASE("a command that fails leaves nothing that looks good") {
  Dumps dumps;
  const auto fails = [&](const std::string& command, const std::string& reason) {
    try {
      dumps.run(dumps.options({command}));
      FAIL("it did not fail");
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::kReadFailed);
      CHECK_THAT(error.what(), Catch::Contains(reason));
    }
    CHECK(dumps.small.repository().state()->snapshots().empty());
    abandon_backup(dumps.small.repository(), dumps.checkpoint, Uuid::random());
  };
  fails(numbers(400'000) + "; echo no such database >&2; exit 3",
        "/command/dump0: its command ended with exit code 3: no such database");
  fails("echo partly; kill -9 $$", "killed by signal 9");
  BackupOptions slow = dumps.options({"echo partly; sleep 1000"});
  slow.commands[0].request.limit = 300ms;
  CHECK_THROWS_AS(dumps.run(slow), Error);
  CHECK(dumps.small.repository().state()->snapshots().empty());
}

TEST_CASE("beside other sources its last good output is kept and marked stale") {
  Dumps dumps;
  std::ofstream(dumps.folder.path("file")) << "content";
  const std::string path = dumps.folder.path();
  // Never good before: it is not in the snapshot.
  BackupResult made = dumps.run(dumps.options({"echo bad; exit 1"}, {path}));
  CHECK(made.progress.error_count == 1);
  CHECK(dumps.snapshot(made.snapshot).sources_size() == 1);
  dumps.run(dumps.options({"echo good"}, {path}));
  made = dumps.run(dumps.options({"echo bad; exit 1"}, {path}));
  CHECK(made.progress.error_count == 1);
  v1::Snapshot snapshot = dumps.snapshot(made.snapshot);
  REQUIRE(snapshot.sources_size() == 2);
  CHECK(snapshot.error_count() == 1);
  CHECK(snapshot.sources(1).root().stale());
  CHECK(content_of(dumps.restore(snapshot, "dump0", dumps.folder.path("restored")) + "/dump0") == "good\n");
  // One of two commands is enough, too; and a good one is not stale any more.
  made = dumps.run(dumps.options({"echo better", "false"}));
  snapshot = dumps.snapshot(made.snapshot);
  REQUIRE(snapshot.sources_size() == 1);
  CHECK_FALSE(snapshot.sources(0).root().stale());
  CHECK_THROWS_AS(dumps.run(dumps.options({"false", "false"})), Error);
}

TEST_CASE("another set's command of the same name is another command") {
  Dumps dumps;
  std::ofstream(dumps.folder.path("file")) << "content";
  dumps.run(dumps.options({"echo other"}, {dumps.folder.path()}));
  dumps.set = Uuid::random();
  const BackupResult made = dumps.run(dumps.options({"false"}, {dumps.folder.path()}));
  CHECK(dumps.snapshot(made.snapshot).sources_size() == 1);
  CHECK_THROWS_AS(dumps.run(dumps.options({"false"})), Error);
}

TEST_CASE("a run that is stopped in a command begins that again, and not one that was done") {
  Dumps dumps;
  const std::string marks = dumps.folder.path("marks");
  const std::string go_on = dumps.folder.path("go-on");
  BackupOptions options = dumps.options({"echo first >> " + marks + "; echo done",
                                         "echo second >> " + marks + "; " + numbers(100'000) +
                                             "; echo begun >&2; test -e " + go_on + " || sleep 1000"});
  std::stop_source stop;
  dumps.monitor.heard = [&] { stop.request_stop(); };
  try {
    dumps.run(options, stop.get_token());
    FAIL("it was not stopped");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::kCancelled);
  }
  dumps.monitor.heard = {};
  std::ofstream(go_on) << "";
  dumps.small.reopen();
  const BackupResult made = dumps.run(options);
  CHECK(content_of(marks) == "first\nsecond\nsecond\n");
  const v1::Snapshot snapshot = dumps.snapshot(made.snapshot);
  CHECK(snapshot.sources_size() == 2);
  const std::string restored = dumps.restore(snapshot, "", dumps.folder.path("restored"));
  CHECK(content_of(restored + "/command/dump0") == "done\n");
  CHECK(content_of(restored + "/command/dump1") == numbers_written(100'000));
}

}  // namespace
}  // namespace garner::backup
