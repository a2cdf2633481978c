// Restores that are stopped, and what the overwrite policies do with what is there.
#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <random>
#include <thread>

#include "base/error.h"
#include "support/passing_destination.h"
#include "unit/restore/restore_fixture.h"

using namespace garner;
using namespace garner::testing;
using restore::Overwrite;

namespace {

struct Tree {
  TemporaryFolder folder;
  Tree() {
    std::filesystem::create_directories(folder.path("a/b"));
    std::filesystem::create_directories(folder.path("c"));
    for (int number = 0; number < 40; ++number) {
      const auto seed = static_cast<std::uint64_t>(number);
      write_file(folder.path("a/file" + std::to_string(number)), noise(7000, seed));
      write_file(folder.path("a/b/file" + std::to_string(number)), noise(100 * seed, seed));
    }
    write_file(folder.path("c/large"), noise(400'000, 77));
    must(link(folder.path("c/large").c_str(), folder.path("c/link").c_str()), "link");
    must(symlink("large", folder.path("c/symlink").c_str()), "symlink");
    set_mtime(folder.path("a"), 1'000'000'000, 1);
    set_mtime(folder.path("c/large"), 1'100'000'000, 2);
  }
};

// Stops the restore after so many reads of the destination.
class StoppingDestination final : public PassingDestination {
 public:
  using PassingDestination::PassingDestination;

  void stop_after(int reads) {
    left_ = reads;
    source_ = std::stop_source();
  }
  std::stop_token token() const { return source_.get_token(); }

  Bytes get(const std::string& key, std::uint64_t offset, std::uint64_t length) override {
    if (--left_ == 0) source_.request_stop();
    return inner_->get(key, offset, length);
  }

 private:
  std::atomic<int> left_ = -1;
  std::stop_source source_;
};

Restored restore_with(SmallRepository& repository, const store::v1::Snapshot& snapshot,
                      const std::string& target, Overwrite overwrite) {
  restore::RestoreOptions options = to(target);
  options.overwrite = overwrite;
  return restore_all(repository, snapshot, options);
}

}  // namespace

TEST_CASE("a restore that is stopped anywhere goes on where it stopped") {
  const Tree tree;
  SmallRepository repository;
  const auto snapshot = repository.back_up({tree.folder.path()});
  std::shared_ptr<StoppingDestination> stopping;
  repository.wrap([&](auto inner) { return stopping = std::make_shared<StoppingDestination>(inner); });

  const auto seed = std::random_device()();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 5; ++round) {
    const TemporaryFolder target;
    restore::RestoreOptions options = to(target.path());
    options.memory_budget = 30'000;
    options.threads = static_cast<unsigned>(1 + random() % 3);
    // Later attempts get further, for the large file begins anew each time.
    unsigned reach = 0;
    for (bool finished = false; !finished; options.resuming = true) {
      reach += 30;
      stopping->stop_after(static_cast<int>(1 + random() % reach));
      RecordingMonitor monitor;
      try {
        const auto progress =
            restore::run_restore(repository.repository(), snapshot, options, monitor, stopping->token());
        finished = true;
        CHECK(progress.done_files + progress.skipped_files == progress.total_files);
        CHECK(progress.done_bytes == progress.total_bytes);
      } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::kCancelled);
        // Whatever looks right is right.
        for (int number = 0; number < 40; ++number) {
          const std::string name = "a/file" + std::to_string(number);
          struct stat status {};
          if (lstat(target.path(name).c_str(), &status) != 0) continue;
          const struct stat original = status_of(tree.folder.path(name));
          if (status.st_mtim.tv_sec != original.st_mtim.tv_sec ||
              status.st_mtim.tv_nsec != original.st_mtim.tv_nsec) {
            continue;
          }
          CHECK(read_text(target.path(name)) == read_text(tree.folder.path(name)));
        }
      }
      CHECK(monitor.errors == std::vector<std::string>{});
    }
    CHECK(TreeComparison::differences(tree.folder.path(), target.path()) == std::vector<std::string>{});
  }
}

TEST_CASE("a stop is obeyed at once") {
  const Tree tree;
  SmallRepository repository;
  const auto snapshot = repository.back_up({tree.folder.path()});
  const TemporaryFolder target;
  RecordingMonitor monitor;
  std::stop_source stop;
  stop.request_stop();
  try {
    restore::run_restore(repository.repository(), snapshot, to(target.path()), monitor, stop.get_token());
    FAIL("it was not stopped");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::kCancelled);
  }
  CHECK(std::filesystem::is_empty(target.path()));
}

TEST_CASE("run again, a restore skips what is right, and mends what is not") {
  const Tree tree;
  SmallRepository repository;
  const auto snapshot = repository.back_up({tree.folder.path()});
  const TemporaryFolder target;
  restore::RestoreOptions options = to(target.path());
  restore_all(repository, snapshot, options);
  options.resuming = true;

  SECTION("nothing is read or written when everything is right") {
    const auto inode = status_of(target.path("a/file1")).st_ino;
    const Restored again = restore_all(repository, snapshot, options);
    CHECK(again.progress.skipped_files == again.progress.total_files);
    CHECK(again.progress.done_files == 0);
    CHECK(again.progress.read_bytes == 0);
    CHECK(again.progress.done_bytes == again.progress.total_bytes);
    CHECK(status_of(target.path("a/file1")).st_ino == inode);
  }
  SECTION("what differs is somebody's, and stays until a policy gives it up") {
    must(unlink(target.path("a/file1").c_str()), "unlink");
    must(truncate(target.path("a/file2").c_str(), 100), "truncate");
    set_mtime(target.path("a/file3"), 2'000'000'000);
    must(unlink(target.path("a/file4").c_str()), "unlink");
    must(mkfifo(target.path("a/file4").c_str(), 0600), "mkfifo");
    must(unlink(target.path("c/link").c_str()), "unlink");
    write_file(target.path("c/link"), "not a link");
    must(unlink(target.path("c/symlink").c_str()), "unlink");
    must(symlink("elsewhere", target.path("c/symlink").c_str()), "symlink");
    const Restored again = restore_all(repository, snapshot, options);
    CHECK(again.errors.size() == 5);
    CHECK(again.progress.done_files == 1);
    CHECK(read_text(target.path("a/file1")) == read_text(tree.folder.path("a/file1")));
    CHECK(read_text(target.path("c/link")) == "not a link");
    CHECK(status_of(target.path("a/file2")).st_size == 100);

    options.overwrite = Overwrite::kAlways;
    const Restored replaced = restore_all(repository, snapshot, options);
    CHECK(replaced.errors == std::vector<std::string>{});
    CHECK(replaced.progress.done_files == 4);
    CHECK(TreeComparison::differences(tree.folder.path(), target.path()) == std::vector<std::string>{});
  }
  SECTION("metadata alone") {
    must(chmod(target.path("a/file5").c_str(), 0600), "chmod");
    must(chmod(target.path("a").c_str(), 0711), "chmod");
    set_mtime(target.path("a/b"), 5);
    const Restored again = restore_all(repository, snapshot, options);
    CHECK(again.progress.skipped_files == again.progress.total_files);
    CHECK(again.progress.read_bytes == 0);
    CHECK(TreeComparison::differences(tree.folder.path(), target.path()) == std::vector<std::string>{});
  }
  SECTION("a folder that is not empty is not thrown away for a file") {
    must(unlink(target.path("a/file6").c_str()), "unlink");
    std::filesystem::create_directory(target.path("a/file6"));
    write_file(target.path("a/file6/mine"), "mine");
    const Restored again = restore_all(repository, snapshot, options);
    CHECK(again.errors.size() == 1);
    CHECK(read_text(target.path("a/file6/mine")) == "mine");
  }
}

TEST_CASE("a policy decides what becomes of what is there") {
  const TemporaryFolder source;
  for (const std::string name : {"same", "older", "newer", "missing", "type"})
    write_file(source.path(name), "snapshot");
  std::filesystem::create_directory(source.path("folder"));
  write_file(source.path("folder/in"), "snapshot");
  std::filesystem::create_directory(source.path("new folder"));
  must(chmod(source.path("new folder").c_str(), 0750), "chmod");
  for (const std::string name : {"same", "older", "newer", "missing", "type", "folder/in"}) {
    set_mtime(source.path(name), 1'000'000'000, 500);
  }
  SmallRepository repository;
  const auto snapshot = repository.back_up({source.path()});

  const TemporaryFolder target;
  write_file(target.path("same"), "mine !!!");  // as long as the other: taken for the same
  set_mtime(target.path("same"), 1'000'000'000, 500);
  write_file(target.path("older"), "mine");
  set_mtime(target.path("older"), 1'000'000'000, 499);
  write_file(target.path("newer"), "mine");
  set_mtime(target.path("newer"), 1'000'000'001);
  must(symlink("nowhere", target.path("type").c_str()), "symlink");
  set_mtime(target.path("type"), 1'000'000'001);
  write_file(target.path("other"), "mine");
  std::filesystem::create_directory(target.path("folder"));
  write_file(target.path("folder/mine"), "mine");

  const auto text = [&](const std::string& name) { return read_text(target.path(name)); };
  must(chmod(target.path("same").c_str(), 0600), "chmod");
  must(chmod(target.path("folder").c_str(), 0710), "chmod");
  must(chmod(target.path().c_str(), 01777), "chmod");
  SECTION("never") {
    const Restored restored = restore_with(repository, snapshot, target.path(), Overwrite::kNever);
    CHECK(restored.errors == std::vector<std::string>{});
    CHECK(text("older") == "mine");
    CHECK(text("newer") == "mine");
    CHECK(std::filesystem::is_symlink(target.path("type")));
    CHECK(restored.progress.done_files == 2);
    CHECK(restored.progress.skipped_files == 4);
    CHECK((status_of(target.path("same")).st_mode & 07777) == 0600);
    CHECK((status_of(target.path("folder")).st_mode & 07777) == 0710);
    CHECK((status_of(target.path("new folder")).st_mode & 07777) == 0750);
  }
  SECTION("older") {
    const Restored restored = restore_with(repository, snapshot, target.path(), Overwrite::kOlder);
    CHECK(restored.errors == std::vector<std::string>{});
    CHECK(text("older") == "snapshot");
    CHECK(text("newer") == "mine");
    CHECK(std::filesystem::is_symlink(target.path("type")));
    CHECK(restored.progress.done_files == 3);
    CHECK(restored.progress.skipped_files == 3);
  }
  SECTION("always") {
    const Restored restored = restore_with(repository, snapshot, target.path(), Overwrite::kAlways);
    CHECK(restored.errors == std::vector<std::string>{});
    CHECK(text("older") == "snapshot");
    CHECK(text("newer") == "snapshot");
    CHECK(text("type") == "snapshot");
    CHECK(restored.progress.done_files == 5);
    CHECK(restored.progress.skipped_files == 1);
  }
  // Who may write in the target is nothing that the snapshot decides.
  CHECK((status_of(target.path()).st_mode & 07777) == 01777);
  CHECK(text("same") == "mine !!!");
  CHECK(text("missing") == "snapshot");
  CHECK(text("folder/in") == "snapshot");
  CHECK(text("folder/mine") == "mine");
  CHECK(text("other") == "mine");
}

TEST_CASE("a file that an interrupted restore left unfinished is replaced under every policy") {
  const TemporaryFolder source;
  write_file(source.path("file"), noise(20'000, 3));
  SmallRepository repository;
  const auto snapshot = repository.back_up({source.path()});
  const TemporaryFolder target;
  const auto overwrite =
      GENERATE(Overwrite::kRefuse, Overwrite::kNever, Overwrite::kOlder, Overwrite::kAlways);
  write_file(target.path("file"), "the beginning");
  must(chmod(target.path("file").c_str(), 01600), "chmod");
  restore::RestoreOptions options = to(target.path());
  options.overwrite = overwrite;
  // Where something may be replaced anyway it may have been the restore of another snapshot.
  options.resuming = overwrite == Overwrite::kRefuse;
  restore_all(repository, snapshot, options);
  CHECK(read_text(target.path("file")) == noise(20'000, 3));
}
