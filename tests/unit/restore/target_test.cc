// Where things land, what a target must be, and that nothing is ever written outside of it.
#include <sys/mount.h>
#include <sys/sysmacros.h>

#include <atomic>
#include <thread>

#include <catch2/catch.hpp>

#include "base/error.h"
#include "unit/restore/restore_fixture.h"

using namespace garner;
using namespace garner::testing;

namespace {

ErrorKind kind_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    return error.kind();
  }
  return ErrorKind::kInternal;
}

struct Sources {
  TemporaryFolder folder;
  Sources() {
    std::filesystem::create_directories(folder.path("one/in"));
    write_file(folder.path("one/in/file"), "first");
    write_file(folder.path("two"), "second");
  }
};

}  // namespace

TEST_CASE("what a path names lands in the target") {
  const Sources sources;
  SmallRepository repository;
  const TemporaryFolder target;
  SECTION("the content of the only source") {
    const auto snapshot = repository.back_up({sources.folder.path("one")});
    restore_all(repository, snapshot, to(target.path()));
    CHECK(read_text(target.path("in/file")) == "first");
  }
  SECTION("the content of a folder in it") {
    const auto snapshot = repository.back_up({sources.folder.path("one")});
    restore::RestoreOptions options = to(target.path());
    options.path = "in";
    restore_all(repository, snapshot, options);
    CHECK(read_text(target.path("file")) == "first");
  }
  SECTION("a file under its name") {
    const auto snapshot = repository.back_up({sources.folder.path("one")});
    restore::RestoreOptions options = to(target.path("new"));
    options.path = sources.folder.path("one/in/file");
    const Restored restored = restore_all(repository, snapshot, options);
    CHECK(read_text(target.path("new/file")) == "first");
    CHECK(restored.progress.total_files == 1);
  }
  SECTION("a source that is a file under its name") {
    const auto snapshot = repository.back_up({sources.folder.path("two")});
    restore_all(repository, snapshot, to(target.path()));
    CHECK(read_text(target.path("two")) == "second");
  }
  SECTION("several sources under their paths") {
    const auto snapshot = repository.back_up({sources.folder.path("one"), sources.folder.path("two")});
    const Restored restored = restore_all(repository, snapshot, to(target.path()));
    CHECK(restored.errors == std::vector<std::string>{});
    CHECK(read_text(target.path() + sources.folder.path("one/in/file")) == "first");
    CHECK(read_text(target.path() + sources.folder.path("two")) == "second");
  }
  SECTION("a source that lies in another") {
    const auto snapshot = repository.back_up({sources.folder.path("one"), sources.folder.path("one/in")});
    const Restored restored = restore_all(repository, snapshot, to(target.path()));
    CHECK(restored.errors == std::vector<std::string>{});
    CHECK(
        TreeComparison::differences(sources.folder.path("one"), target.path() + sources.folder.path("one")) ==
        std::vector<std::string>{});
  }
  SECTION("a path that is not there") {
    const auto snapshot = repository.back_up({sources.folder.path("one")});
    restore::RestoreOptions options = to(target.path());
    options.path = "missing";
    CHECK(kind_of([&] { restore_all(repository, snapshot, options); }) == ErrorKind::kNotFound);
  }
}

TEST_CASE("a target must be an empty folder") {
  const Sources sources;
  SmallRepository repository;
  const auto snapshot = repository.back_up({sources.folder.path("one")});
  const TemporaryFolder target;
  const auto restore_here = [&] { restore_all(repository, snapshot, to(target.path())); };

  SECTION("one that holds something is refused, and stays as it is") {
    write_file(target.path("mine"), "mine");
    CHECK(kind_of(restore_here) == ErrorKind::kAlreadyExists);
    CHECK(read_text(target.path("mine")) == "mine");
    CHECK_FALSE(std::filesystem::exists(target.path("in")));
  }
  SECTION("a dry run refuses it as well") {
    write_file(target.path("mine"), "mine");
    restore::RestoreOptions options = to(target.path());
    options.dry_run = true;
    CHECK(kind_of([&] { restore_all(repository, snapshot, options); }) == ErrorKind::kAlreadyExists);
  }
  SECTION("an empty lost+found, as a new file system has it, is nothing") {
    std::filesystem::create_directory(target.path("lost+found"));
    restore_here();
    CHECK(read_text(target.path("in/file")) == "first");
  }
  SECTION("a lost+found with something in it is something") {
    std::filesystem::create_directory(target.path("lost+found"));
    write_file(target.path("lost+found/#12"), "found");
    CHECK(kind_of(restore_here) == ErrorKind::kAlreadyExists);
  }
  SECTION("a file is no target") {
    write_file(target.path("file"), "file");
    CHECK(kind_of([&] { restore_all(repository, snapshot, to(target.path("file"))); }) ==
          ErrorKind::kInvalidInput);
    CHECK(kind_of([&] { restore_all(repository, snapshot, to(target.path("file/below"))); }) ==
          ErrorKind::kInvalidInput);
  }
  SECTION("nor is a path that is not absolute") {
    CHECK(kind_of([&] { restore_all(repository, snapshot, to("here")); }) == ErrorKind::kInvalidInput);
  }
  SECTION("a link to a folder, which the user named, is followed") {
    std::filesystem::create_directory(target.path("real"));
    must(symlink("real", target.path("link").c_str()), "symlink");
    restore_all(repository, snapshot, to(target.path("link")));
    CHECK(read_text(target.path("real/in/file")) == "first");
  }
}

TEST_CASE("a dry run counts and changes nothing") {
  const Sources sources;
  SmallRepository repository;
  const auto snapshot = repository.back_up({sources.folder.path("one"), sources.folder.path("two")});
  const TemporaryFolder target;
  restore::RestoreOptions options = to(target.path("new"));
  options.dry_run = true;
  const Restored restored = restore_all(repository, snapshot, options);
  CHECK(restored.progress.total_files == 2);
  CHECK(restored.progress.done_files == 2);
  CHECK(restored.progress.done_bytes == 11);
  CHECK(restored.progress.skipped_files == 0);
  CHECK_FALSE(std::filesystem::exists(target.path("new")));

  options.dry_run = false;
  restore_all(repository, snapshot, options);
  write_file(target.path("new") + sources.folder.path("two"), "changed");
  options.dry_run = true;
  options.overwrite = restore::Overwrite::kAlways;
  const Restored again = restore_all(repository, snapshot, options);
  CHECK(again.progress.done_files == 1);
  CHECK(again.progress.skipped_files == 1);
  CHECK(read_text(target.path("new") + sources.folder.path("two")) == "changed");
}

TEST_CASE("links that were planted in the target are never followed") {
  const TemporaryFolder source;
  std::filesystem::create_directories(source.path("folder/below"));
  write_file(source.path("folder/below/file"), "restored");
  write_file(source.path("file"), noise(50'000, 1));
  SmallRepository repository;
  const auto snapshot = repository.back_up({source.path()});
  const TemporaryFolder outside;
  write_file(outside.path("victim"), "untouched");
  const auto before = status_of(outside.path());
  const TemporaryFolder target;
  restore::RestoreOptions options = to(target.path());

  const auto check_outside = [&] {
    CHECK(read_text(outside.path("victim")) == "untouched");
    CHECK_FALSE(std::filesystem::exists(outside.path("below")));
    CHECK(status_of(outside.path()).st_mode == before.st_mode);
    CHECK(status_of(outside.path()).st_mtim.tv_nsec == before.st_mtim.tv_nsec);
  };
  must(symlink(outside.path().c_str(), target.path("folder").c_str()), "symlink");
  must(symlink(outside.path("victim").c_str(), target.path("file").c_str()), "symlink");

  SECTION("they are replaced") {
    options.overwrite = restore::Overwrite::kAlways;
    const Restored restored = restore_all(repository, snapshot, options);
    CHECK(restored.errors == std::vector<std::string>{});
    // The target itself was not empty, and keeps its time.
    const struct timespec time = status_of(source.path()).st_mtim;
    set_mtime(target.path(), time.tv_sec, time.tv_nsec);
    CHECK(TreeComparison::differences(source.path(), target.path()) == std::vector<std::string>{});
    check_outside();
  }
  SECTION("or kept, and told of, in what was an unfinished restore") {
    options.resuming = true;
    const Restored restored = restore_all(repository, snapshot, options);
    CHECK(restored.errors.size() == 2);
    CHECK(std::filesystem::is_symlink(target.path("folder")));
    CHECK(std::filesystem::is_symlink(target.path("file")));
    check_outside();
  }
  SECTION("or kept, and what belongs below is left out") {
    options.overwrite = restore::Overwrite::kNever;
    const Restored restored = restore_all(repository, snapshot, options);
    CHECK(restored.errors.size() == 1);
    CHECK(restored.progress.skipped_files == 1);
    CHECK(std::filesystem::is_symlink(target.path("folder")));
    check_outside();
  }
}

TEST_CASE("links that are planted while a restore runs are never followed") {
  const TemporaryFolder source;
  for (int folder = 0; folder < 60; ++folder) {
    const std::string path = source.path("folder" + std::to_string(folder));
    std::filesystem::create_directories(path + "/below");
    for (int file = 0; file < 10; ++file) {
      write_file(path + "/below/file" + std::to_string(file), noise(3000, static_cast<std::uint64_t>(file)));
    }
  }
  SmallRepository repository;
  const auto snapshot = repository.back_up({source.path()});
  const TemporaryFolder outside;
  std::filesystem::create_directories(outside.path("below"));
  const TemporaryFolder target;

  // Exchanges folders for links to the outside, wherever it finds one, until the restore has ended.
  std::atomic<bool> done = false;
  std::thread attacker([&] {
    for (unsigned round = 0; !done; ++round) {
      const std::string folder = target.path("folder" + std::to_string(round % 60));
      const std::string aside = target.path("aside" + std::to_string(round));
      if (rename(folder.c_str(), aside.c_str()) == 0) {
        if (symlink(outside.path().c_str(), folder.c_str()) != 0) continue;
      }
      const std::string file = folder + "/below/file3";
      if (unlink(file.c_str()) == 0 && symlink(outside.path("planted").c_str(), file.c_str()) != 0) continue;
    }
  });
  restore::RestoreOptions options = to(target.path());
  options.memory_budget = 2000;  // many batches: files are opened again all the time
  const Restored restored = restore_all(repository, snapshot, options);
  done = true;
  attacker.join();
  CHECK(std::filesystem::is_empty(outside.path("below")));
  CHECK_FALSE(std::filesystem::exists(outside.path("planted")));
  CHECK(restored.progress.error_count == restored.errors.size());
}

TEST_CASE("what cannot be set as a user who is not root is told, and the rest is restored") {
  if (!is_root()) return;
  const TemporaryFolder source;
  write_file(source.path("mine"), noise(20'000, 2));
  write_file(source.path("setuid"), "program");
  must(chmod(source.path("setuid").c_str(), 04755), "chmod");
  std::filesystem::create_directories(source.path("folder/readonly"));
  write_file(source.path("folder/readonly/file"), "content");
  must(chmod(source.path("folder/readonly").c_str(), 0500), "chmod");
  must(chmod(source.path("mine").c_str(), 0400), "chmod");
  must(mknod(source.path("device").c_str(), S_IFBLK | 0600, makedev(7, 1)), "mknod");
  must(lchown(source.path("mine").c_str(), 65534, 65534), "lchown");

  SmallRepository repository;
  const auto snapshot = repository.back_up({source.path()});
  const TemporaryFolder target;
  must(chown(target.path().c_str(), 65534, 65534), "chown");
  repository.give_to(65534);
  CHECK(as_nobody([&] {
    RecordingMonitor monitor;
    restore::RestoreOptions options = to(target.path());
    options.threads = 2;
    const auto check = [&](bool condition, const char* what) {
      if (condition) return true;
      fprintf(stderr, "as nobody: %s\n", what);
      for (const std::string& error : monitor.errors) fprintf(stderr, "  %s\n", error.c_str());
      return false;
    };
    restore::RestoreProgress progress = run_restore(repository.repository(), snapshot, options, monitor, {});
    bool good = check(monitor.told("setuid: owner 0:0 could not be set: Operation not permitted"), "owner");
    good &=
        check(monitor.told("device: the block device could not be made: Operation not permitted"), "device");
    good &= check(!monitor.told("mine: "), "nothing is said of a file of one's own");
    good &= check(progress.error_count == monitor.errors.size(), "count");
    good &= check(progress.done_files == 3, "files");
    good &= check((status_of(target.path("setuid")).st_mode & 07777) == 0755, "set-user-id is left out");
    good &= check((status_of(target.path("folder/readonly")).st_mode & 07777) == 0500, "mode of the folder");
    good &= check((status_of(target.path("mine")).st_mode & 07777) == 0400, "mode of the file");

    // A second run gets past folders that only their owner may change, and rewrites nothing.
    options.resuming = true;
    monitor.errors.clear();
    progress = run_restore(repository.repository(), snapshot, options, monitor, {});
    good &= check(progress.skipped_files == 3 && progress.done_files == 0, "skipped");
    good &= check((status_of(target.path("folder/readonly")).st_mode & 07777) == 0500, "mode again");
    return good;
  }));

  SECTION("a target that may not be written to is refused") {
    const TemporaryFolder forbidden;
    must(chmod(forbidden.path().c_str(), 0755), "chmod");
    CHECK(as_nobody([&] {
      return kind_of([&] { restore_all(repository, snapshot, to(forbidden.path())); }) ==
                 ErrorKind::kPermissionDenied &&
             kind_of([&] { restore_all(repository, snapshot, to(forbidden.path("new"))); }) ==
                 ErrorKind::kPermissionDenied;
    }));
  }
}

TEST_CASE("a target that fills up says how much is missing, and the restore goes on when there is room") {
  const TemporaryFolder mounted;
  if (mount("tmpfs", mounted.path().c_str(), "tmpfs", 0, "size=1m") != 0)
    return;  // not root, or not permitted
  struct Unmount {
    const std::string& path;
    ~Unmount() { umount2(path.c_str(), MNT_DETACH); }
  } unmount{mounted.path()};
  const TemporaryFolder source;
  for (int number = 0; number < 30; ++number) {
    write_file(source.path("file" + std::to_string(number)),
               noise(100'000, static_cast<std::uint64_t>(number)));
  }
  SmallRepository repository;
  const auto snapshot = repository.back_up({source.path()});
  std::string message;
  try {
    restore_all(repository, snapshot, to(mounted.path("target")));
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::kTargetFull);
    message = error.what();
  }
  CHECK(message.find("No space left on device") != std::string::npos);
  INFO(message);
  CHECK(message.find(" of " + human_bytes(3'000'000) + " are still to be written") != std::string::npos);

  must(mount("tmpfs", mounted.path().c_str(), "tmpfs", MS_REMOUNT, "size=8m"), "remount");
  restore::RestoreOptions options = to(mounted.path("target"));
  options.resuming = true;
  const Restored restored = restore_all(repository, snapshot, options);
  CHECK(restored.errors == std::vector<std::string>{});
  CHECK(TreeComparison::differences(source.path(), mounted.path("target")) == std::vector<std::string>{});
}

TEST_CASE("a snapshot that would lead out of the target is refused") {
  const Sources sources;
  SmallRepository repository;
  const auto snapshot = repository.back_up({sources.folder.path("one"), sources.folder.path("two")});
  const TemporaryFolder target;
  store::v1::Snapshot hostile = snapshot;
  SECTION("by the path of a source") {
    hostile.mutable_sources(0)->set_path("/a/../../../outside");
    hostile.mutable_sources(0)->mutable_root()->set_name("outside");
  }
  SECTION("by the name of a root") { hostile.mutable_sources(1)->mutable_root()->set_name(".."); }
  SECTION("by a root that is a file called /") {
    hostile.mutable_sources(1)->set_path("/");
    hostile.mutable_sources(1)->mutable_root()->set_name("/");
  }
  SECTION("by a root with a slash in its name") {
    hostile.mutable_sources(1)->mutable_root()->set_name("../outside");
  }
  CHECK(kind_of([&] { restore_all(repository, hostile, to(target.path("in"))); }) == ErrorKind::kDamaged);
  CHECK(std::filesystem::is_empty(target.path()));
}

TEST_CASE("folders above the sources are open to all, whatever the process takes from new ones") {
  const Sources sources;
  SmallRepository repository;
  const auto snapshot = repository.back_up({sources.folder.path("one"), sources.folder.path("two")});
  const TemporaryFolder target;
  const mode_t mask = umask(077);
  restore_all(repository, snapshot, to(target.path("in")));
  umask(mask);
  for (std::string above = parent_path(sources.folder.path("one")); above != "/";
       above = parent_path(above)) {
    INFO(above);
    CHECK((status_of(target.path("in") + above).st_mode & 07777) == 0755);
  }
}

TEST_CASE("a program that somebody else put in the place of one that lends rights is given none") {
  if (geteuid() != 0) return;
  const TemporaryFolder source;
  write_file(source.path("tool"), "good");
  must(chmod(source.path("tool").c_str(), 04755), "chmod");
  set_mtime(source.path("tool"), 1'000'000'000, 5);
  SmallRepository repository;
  const auto snapshot = repository.back_up({source.path()});
  const TemporaryFolder target;
  write_file(target.path("tool"), "evil");
  must(chown(target.path("tool").c_str(), 1000, 1000), "chown");
  set_mtime(target.path("tool"), 1'000'000'000, 5);
  restore::RestoreOptions options = to(target.path());
  options.overwrite =
      GENERATE(restore::Overwrite::kNever, restore::Overwrite::kOlder, restore::Overwrite::kAlways);
  const Restored restored = restore_all(repository, snapshot, options);
  CHECK(restored.errors == std::vector<std::string>{});
  const struct stat status = status_of(target.path("tool"));
  if (options.overwrite == restore::Overwrite::kAlways) {
    CHECK(read_text(target.path("tool")) == "good");
    CHECK(status.st_uid == 0);
    CHECK((status.st_mode & 07777) == 04755);
  } else {
    CHECK(read_text(target.path("tool")) == "evil");
    CHECK(status.st_uid == 1000);
    CHECK((status.st_mode & S_ISUID) == 0);
  }
}
