// What comes back is what was there: every type, all metadata, holes, hard links.
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include <catch2/catch.hpp>

#include "base/error.h"
#include "unit/restore/restore_fixture.h"

using namespace garner;
using namespace garner::testing;

namespace {

// Sets these of the flags that a user may set, and clears the others.
bool set_flags(const std::string& path, int flags) {
  const Fd fd = open_file(path, O_RDONLY | O_NONBLOCK);
  int current = 0;
  if (ioctl(fd.get(), FS_IOC_GETFLAGS, &current) != 0) return false;
  flags |= current & ~(FS_IMMUTABLE_FL | FS_APPEND_FL | FS_NODUMP_FL | FS_NOATIME_FL);
  return ioctl(fd.get(), FS_IOC_SETFLAGS, &flags) == 0;
}

void set_xattr(const std::string& path, const char* name, const std::string& value) {
  must(lsetxattr(path.c_str(), name, value.data(), value.size(), 0), std::string("lsetxattr ") + name);
}

// An access control list as the kernel takes it: version 2, then tag, permissions and id of each entry.
std::string acl(std::initializer_list<std::tuple<std::uint16_t, std::uint16_t, std::uint32_t>> entries) {
  ByteWriter writer;
  writer.u32(2);
  for (const auto& [tag, permissions, id] : entries) {
    writer.u16(tag);
    writer.u16(permissions);
    writer.u32(id);
  }
  return std::string(writer.data().begin(), writer.data().end());
}

// Takes protecting flags away at the end, so that the folder can be removed.
struct Unprotect {
  std::vector<std::string> paths;
  ~Unprotect() {
    for (const std::string& path : paths) {
      if (access(path.c_str(), F_OK) == 0) set_flags(path, 0);
    }
  }
};

}  // namespace

TEST_CASE("a tree of files, folders and symbolic links is restored as it was") {
  const TemporaryFolder source;
  write_file(source.path("small"), "hello");
  write_file(source.path("empty"), "");
  write_file(source.path("large"), noise(700'000, 1));
  std::filesystem::create_directories(source.path("a/b/c"));
  std::filesystem::create_directories(source.path("none"));
  write_file(source.path("a/b/c/deep"), noise(50'000, 2));
  write_file(source.path("a/\xff\x80 odd\nname"), "odd");
  write_file(source.path("a/" + std::string(255, 'n')), "long");
  must(symlink("/does/not/exist", source.path("a/link").c_str()), "symlink");
  must(symlink("..", source.path("a/up").c_str()), "symlink");
  for (int number = 0; number < 300; ++number) {
    write_file(source.path("a/b/file" + std::to_string(number)), "content " + std::to_string(number % 50));
  }
  must(chmod(source.path("small").c_str(), 0640), "chmod");
  must(chmod(source.path("a/b").c_str(), 0555), "chmod");
  must(chmod(source.path("none").c_str(), 0), "chmod");
  must(chmod(source.path("empty").c_str(), 0), "chmod");
  set_mtime(source.path("small"), -86'400 * 365, 123'456'789);
  set_mtime(source.path("large"), 4'500'000'000, 999'999'999);
  set_mtime(source.path("a/link"), 1'000'000, 1);
  set_mtime(source.path("a/b"), 1'500'000'000, 7);
  set_mtime(source.path(), 1'400'000'000, 9);

  SmallRepository repository;
  const auto snapshot = repository.back_up({source.path()});
  const TemporaryFolder target;
  const Restored restored = restore_all(repository, snapshot, to(target.path()));

  CHECK(restored.errors == std::vector<std::string>{});
  CHECK(TreeComparison::differences(source.path(), target.path()) == std::vector<std::string>{});
  CHECK(restored.progress.total_files == snapshot.totals().files());
  CHECK(restored.progress.done_files == restored.progress.total_files);
  CHECK(restored.progress.done_bytes == restored.progress.total_bytes);
  CHECK(restored.progress.skipped_files == 0);
}

TEST_CASE("batches of any size give the same") {
  const TemporaryFolder source;
  write_file(source.path("large"), noise(600'000, 3));
  write_file(source.path("copy"), noise(600'000, 3));
  for (int number = 0; number < 100; ++number) {
    write_file(source.path("file" + std::to_string(number)), noise(static_cast<std::size_t>(number) * 37, 4));
  }
  must(link(source.path("large").c_str(), source.path("link").c_str()), "link");
  SmallRepository repository;
  const auto snapshot = repository.back_up({source.path()});
  for (const std::size_t budget :
       {std::size_t{0}, std::size_t{1000}, std::size_t{20'000}, std::size_t{32u << 20}}) {
    for (const unsigned threads : {1u, 4u}) {
      const TemporaryFolder target;
      restore::RestoreOptions options = to(target.path());
      options.memory_budget = budget;
      options.threads = threads;
      const Restored restored = restore_all(repository, snapshot, options);
      CHECK(restored.errors == std::vector<std::string>{});
      CHECK(TreeComparison::differences(source.path(), target.path()) == std::vector<std::string>{});
      CHECK(restored.progress.done_bytes == restored.progress.total_bytes);
      CHECK(restored.progress.done_files == restored.progress.total_files);
    }
  }
}

TEST_CASE("holes come back as holes") {
  const TemporaryFolder source;
  constexpr off_t kSize = off_t{10} << 30;
  {
    const Fd file = open_file(source.path("sparse"), O_WRONLY | O_CREAT, 0644);
    must(ftruncate(file.get(), kSize), "ftruncate");
    write_at(file.get(), as_bytes(noise(500'000, 5)), 3u << 30, "sparse");
    write_at(file.get(), as_bytes(noise(500'000, 6)), std::uint64_t{9} << 30, "sparse");
    const Fd hole = open_file(source.path("hole"), O_WRONLY | O_CREAT, 0644);
    must(ftruncate(hole.get(), 1 << 20), "ftruncate");
    const Fd zeros = open_file(source.path("zeros"), O_WRONLY | O_CREAT, 0644);
    write_at(zeros.get(), Bytes(200'000, 0), 0, "zeros");
  }
  SmallRepository repository;
  const auto snapshot = repository.back_up({source.path()});
  const TemporaryFolder target;
  const Restored restored = restore_all(repository, snapshot, to(target.path()));
  CHECK(restored.errors == std::vector<std::string>{});
  CHECK(TreeComparison::differences(source.path(), target.path()) == std::vector<std::string>{});
  CHECK(status_of(target.path("sparse")).st_size == kSize);
  CHECK(status_of(target.path("sparse")).st_blocks * 512 < (4 << 20));
  CHECK(status_of(target.path("hole")).st_blocks == 0);
  CHECK(status_of(target.path("zeros")).st_blocks * 512 >= 196'000);
  CHECK(restored.progress.done_bytes == restored.progress.total_bytes);
}

TEST_CASE("hard links are restored as such, across folders and for every type") {
  const TemporaryFolder source;
  std::filesystem::create_directories(source.path("a"));
  std::filesystem::create_directories(source.path("z"));
  write_file(source.path("m"), noise(100'000, 7));
  write_file(source.path("none"), "");
  must(mkfifo(source.path("fifo").c_str(), 0600), "mkfifo");
  must(symlink("m", source.path("symlink").c_str()), "symlink");
  for (const std::string name : {"m", "none", "fifo", "symlink"}) {
    must(link(source.path(name).c_str(), source.path("a/" + name).c_str()), "link");
    must(link(source.path(name).c_str(), source.path("z/" + name).c_str()), "link");
  }
  set_mtime(source.path("m"), 1'000'000'000, 5);
  SmallRepository repository;
  const auto snapshot = repository.back_up({source.path()});
  const TemporaryFolder target;
  const Restored restored = restore_all(repository, snapshot, to(target.path()));
  CHECK(restored.errors == std::vector<std::string>{});
  CHECK(TreeComparison::differences(source.path(), target.path()) == std::vector<std::string>{});
  CHECK(status_of(target.path("m")).st_nlink == 3);
  CHECK(status_of(target.path("m")).st_ino == status_of(target.path("z/m")).st_ino);
  CHECK(restored.progress.done_files == 6);

  SECTION("a part of them is complete by itself") {
    const TemporaryFolder other;
    restore::RestoreOptions options = to(other.path());
    options.path = source.path("z");
    CHECK(restore_all(repository, snapshot, options).errors == std::vector<std::string>{});
    CHECK(read_text(other.path("m")) == noise(100'000, 7));
    CHECK(status_of(other.path("m")).st_nlink == 1);
  }
}

TEST_CASE("owners, devices, extended attributes and access control lists are restored by root") {
  if (!is_root()) return;
  const TemporaryFolder source;
  write_file(source.path("file"), noise(10'000, 8));
  write_file(source.path("setuid"), "program");
  std::filesystem::create_directories(source.path("folder"));
  write_file(source.path("folder/file"), "in it");
  must(mknod(source.path("char").c_str(), S_IFCHR | 0620, makedev(1, 3)), "mknod");
  must(mknod(source.path("block").c_str(), S_IFBLK | 0660, makedev(7, 300'000)), "mknod");
  must(mknod(source.path("socket").c_str(), S_IFSOCK | 0755, 0), "mknod");
  must(mkfifo(source.path("fifo").c_str(), 0604), "mkfifo");
  must(symlink("nowhere", source.path("link").c_str()), "symlink");
  for (const std::string name : {"file", "char", "block", "socket", "fifo", "link", "folder/file"}) {
    must(lchown(source.path(name).c_str(), 1234, 4321), "lchown");
  }
  must(chown(source.path("folder").c_str(), 77, 88), "chown");
  must(chown(source.path("setuid").c_str(), 55, 66), "chown");
  must(chmod(source.path("setuid").c_str(), 06755), "chmod");
  must(chmod(source.path("folder").c_str(), 03770), "chmod");
  set_xattr(source.path("file"), "user.note", std::string("a\0b", 3));
  set_xattr(source.path("file"), "user.empty", "");
  set_xattr(source.path("file"), "trusted.secret", std::string(3000, 'x'));
  set_xattr(
      source.path("setuid"), "security.capability",
      std::string("\x01\x00\x00\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", 20));
  set_xattr(source.path("link"), "trusted.link", "of the link itself");
  set_xattr(source.path("fifo"), "trusted.fifo", "of the fifo");
  set_xattr(source.path("folder"), "user.folder", "yes");
  const std::string list = acl({{1, 7, ~0u}, {2, 6, 1000}, {4, 5, ~0u}, {16, 7, ~0u}, {32, 0, ~0u}});
  set_xattr(source.path("file"), "system.posix_acl_access", list);
  set_xattr(source.path("folder"), "system.posix_acl_access", list);
  set_xattr(source.path("folder"), "system.posix_acl_default", list);
  set_mtime(source.path("char"), 111, 222);
  set_mtime(source.path("fifo"), 333, 444);
  set_mtime(source.path("link"), 555, 666);

  SmallRepository repository;
  const auto snapshot = repository.back_up({source.path()});
  const TemporaryFolder above;
  // A default list of the folder above must not stay on what is made in it.
  set_xattr(above.path(), "system.posix_acl_default",
            acl({{1, 7, ~0u}, {2, 7, 5}, {4, 7, ~0u}, {16, 7, ~0u}, {32, 7, ~0u}}));
  const Restored restored = restore_all(repository, snapshot, to(above.path("new/target")));
  CHECK(restored.errors == std::vector<std::string>{});
  CHECK(TreeComparison::differences(source.path(), above.path("new/target")) == std::vector<std::string>{});
}

TEST_CASE("inode flags are set after everything they forbid") {
  const TemporaryFolder source;
  std::filesystem::create_directories(source.path("fixed/inner"));
  write_file(source.path("fixed/file"), noise(30'000, 9));
  write_file(source.path("fixed/inner/log"), "appended");
  write_file(source.path("nodump"), "not dumped");
  must(link(source.path("fixed/file").c_str(), source.path("name").c_str()), "link");
  Unprotect unprotect;
  const TemporaryFolder target;
  for (const std::string& top : {source.path(), target.path()}) {
    for (const std::string name : {"/fixed", "/fixed/inner", "/fixed/file", "/fixed/inner/log"}) {
      unprotect.paths.push_back(top + name);
    }
  }
  if (!set_flags(source.path("fixed/file"), FS_IMMUTABLE_FL)) return;  // no such file system, or not root
  must(set_flags(source.path("nodump"), FS_NODUMP_FL | FS_NOATIME_FL) ? 0 : -1, "flags");
  must(set_flags(source.path("fixed/inner/log"), FS_APPEND_FL) ? 0 : -1, "flags");
  must(set_flags(source.path("fixed/inner"), FS_APPEND_FL) ? 0 : -1, "flags");
  must(set_flags(source.path("fixed"), FS_IMMUTABLE_FL) ? 0 : -1, "flags");

  SmallRepository repository;
  const auto snapshot = repository.back_up({source.path()});
  const Restored restored = restore_all(repository, snapshot, to(target.path()));
  CHECK(restored.errors == std::vector<std::string>{});
  CHECK(TreeComparison::differences(source.path(), target.path()) == std::vector<std::string>{});

  SECTION("and what is protected is replaced and skipped like anything else") {
    must(set_flags(target.path("fixed/file"), 0) ? 0 : -1, "flags");
    write_file(target.path("fixed/file"), "changed");
    must(set_flags(target.path("fixed/file"), FS_IMMUTABLE_FL) ? 0 : -1, "flags");
    restore::RestoreOptions options = to(target.path());
    options.overwrite = restore::Overwrite::kAlways;
    const Restored again = restore_all(repository, snapshot, options);
    CHECK(again.errors == std::vector<std::string>{});
    // The target itself was not empty, and keeps its time.
    const struct timespec time = status_of(source.path()).st_mtim;
    set_mtime(target.path(), time.tv_sec, time.tv_nsec);
    CHECK(TreeComparison::differences(source.path(), target.path()) == std::vector<std::string>{});
  }
}

TEST_CASE("a tree deeper than any path may be long is restored") {
  const TemporaryFolder source;
  constexpr int kDepth = 3000;
  {
    Fd at = open_folder(source.path());
    for (int depth = 0; depth < kDepth; ++depth) {
      must(mkdirat(at.get(), "d", 0755), "mkdirat");
      if (depth % 500 == 0) {
        const Fd file(must(openat(at.get(), "file", O_WRONLY | O_CREAT, 0644), "openat"));
        write_at(file.get(), as_bytes(noise(5000, static_cast<std::uint64_t>(depth))), 0, "file");
      }
      at = Fd(must(openat(at.get(), "d", O_RDONLY | O_DIRECTORY), "openat"));
    }
    const Fd file(must(openat(at.get(), "bottom", O_WRONLY | O_CREAT, 0644), "openat"));
    write_at(file.get(), as_bytes("deep"), 0, "bottom");
  }
  SmallRepository repository;
  const auto snapshot = repository.back_up({source.path()});
  const TemporaryFolder target;
  const Restored restored = restore_all(repository, snapshot, to(target.path()));
  CHECK(restored.errors == std::vector<std::string>{});
  CHECK(TreeComparison::differences(source.path(), target.path()) == std::vector<std::string>{});
  CHECK(restored.progress.done_files == 7);

  // std::filesystem does not get that deep.
  for (const std::string& top : {source.path(), target.path()}) {
    Fd at = open_folder(top);
    std::size_t depth = 0;
    for (;;) {
      unlinkat(at.get(), "file", 0);
      unlinkat(at.get(), "bottom", 0);
      const int next = openat(at.get(), "d", O_RDONLY | O_DIRECTORY);
      if (next < 0) break;
      at = Fd(next);
      ++depth;
    }
    remove_chain(top, "d");
  }
}
