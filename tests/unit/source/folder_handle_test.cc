#include "source/folder_handle.h"

#include <dirent.h>
#include <sys/resource.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <cerrno>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "base/error.h"
#include "real_files.h"
#include "source/metadata.h"
#include "support/temporary_folder.h"

namespace garner::source {
namespace {

using testing::must;
using testing::open_folder;
using testing::TemporaryFolder;
using testing::write_file;

// A soft limit on descriptors while it lives.
class DescriptorLimit {
 public:
  explicit DescriptorLimit(rlim_t limit) {
    must(getrlimit(RLIMIT_NOFILE, &before_), "getrlimit");
    rlimit changed = before_;
    changed.rlim_cur = limit;
    must(setrlimit(RLIMIT_NOFILE, &changed), "setrlimit");
  }
  ~DescriptorLimit() { setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

std::size_t open_descriptors() {
  DIR* const folder = opendir("/proc/self/fd");
  REQUIRE(folder != nullptr);
  std::size_t count = 0;
  while (readdir(folder) != nullptr) ++count;
  closedir(folder);
  return count;
}

std::uint64_t inode_of(FolderHandle& folder) {
  const FolderHandle::Use use(folder);
  return read_status(use.fd(), "").inode;
}

// Folders of one name, one in the other, made and removed without ever naming a path. In memory where that
// can be: a disk takes its time to remove 20,000.
class FolderChain {
 public:
  FolderChain(std::string name, std::size_t depth) : name_(std::move(name)) {
    path_ = std::string(access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp") + "/garner-test-XXXXXX";
    if (mkdtemp(path_.data()) == nullptr)
      throw std::system_error(errno, std::generic_category(), "making " + path_);
    Fd at = open_folder(path_);
    for (std::size_t i = 0; i < depth; ++i) {
      must(mkdirat(at.get(), name_.c_str(), 0755), "mkdirat");
      at = Fd(must(openat(at.get(), name_.c_str(), O_RDONLY | O_DIRECTORY), "openat"));
    }
  }
  FolderChain(const FolderChain&) = delete;
  FolderChain& operator=(const FolderChain&) = delete;
  ~FolderChain() {
    testing::remove_chain(path_, name_);
    rmdir(path_.c_str());
  }
  const std::string& path() const { return path_; }

 private:
  std::string name_;
  std::string path_;
};

std::vector<std::shared_ptr<FolderHandle>> open_chain(const std::string& path, const std::string& name,
                                                      std::size_t depth) {
  std::vector<std::shared_ptr<FolderHandle>> chain{FolderHandle::open_root(path)};
  while (chain.size() <= depth) chain.push_back(FolderHandle::open_child(chain.back(), name));
  return chain;
}

ErrorKind kind_of(const std::function<void()>& work, std::string* message = nullptr) {
  try {
    work();
  } catch (const Error& error) {
    if (message != nullptr) *message = error.what();
    return error.kind();
  }
  FAIL("no error");
  return ErrorKind::kInternal;
}

TEST_CASE("a folder is used through its descriptor, and knows its path") {
  const TemporaryFolder folder;
  must(mkdir(folder.path("a").c_str(), 0755), "mkdir");
  must(mkdir(folder.path("a/b").c_str(), 0755), "mkdir");
  write_file(folder.path("a/b/file"), "x");
  const auto root = FolderHandle::open_root(folder.path());
  const auto b = FolderHandle::open_child(FolderHandle::open_child(root, "a"), "b");
  REQUIRE(b->path() == folder.path("a/b"));
  const FolderHandle::Use use(*b);
  REQUIRE(list_folder(use.fd(), b->path()).size() == 1);
}

TEST_CASE("the root's path has one slash") {
  REQUIRE(FolderHandle::open_child(FolderHandle::open_root("/"), "proc")->path() == "/proc");
}

TEST_CASE("only the root may be a link") {
  const TemporaryFolder folder;
  must(mkdir(folder.path("real").c_str(), 0755), "mkdir");
  must(symlink("real", folder.path("link").c_str()), "symlink");
  write_file(folder.path("file"), "x");
  REQUIRE(inode_of(*FolderHandle::open_root(folder.path("link"))) ==
          inode_of(*FolderHandle::open_root(folder.path("real"))));
  const auto root = FolderHandle::open_root(folder.path());
  REQUIRE(kind_of([&] { FolderHandle::open_child(root, "link"); }) == ErrorKind::kReadFailed);
  REQUIRE(kind_of([&] { FolderHandle::open_child(root, "file"); }) == ErrorKind::kReadFailed);
  REQUIRE(kind_of([&] { FolderHandle::open_child(root, "missing"); }) == ErrorKind::kNotFound);
  REQUIRE(kind_of([&] { FolderHandle::open_root(folder.path("missing")); }) == ErrorKind::kNotFound);
  REQUIRE(kind_of([&] { FolderHandle::open_root(folder.path("file")); }) == ErrorKind::kReadFailed);
}

TEST_CASE("descriptors are bounded, and folders are opened again when they are needed") {
  const FolderChain folder("d", 300);
  {
    const std::size_t before = open_descriptors();
    const DescriptorLimit limit(before + 100);  // half of it is less than the least capacity: 64
    const auto chain = open_chain(folder.path(), "d", 300);
    REQUIRE(open_descriptors() <= before + 64);
    std::vector<std::uint64_t> inodes;
    for (const auto& handle : chain) inodes.push_back(inode_of(*handle));
    for (std::size_t i = chain.size(); i-- > 0;) REQUIRE(inode_of(*chain[i]) == inodes[i]);
    REQUIRE(open_descriptors() <= before + 64);
    // A folder in use stays open, whatever else is opened.
    const FolderHandle::Use use(*chain[150]);
    for (const auto& handle : chain) inode_of(*handle);
    REQUIRE(read_status(use.fd(), "").inode == inodes[150]);
  }
}

TEST_CASE("when the process has no descriptors left, idle ones are given up") {
  const FolderChain folder("d", 100);
  const auto chain = open_chain(folder.path(), "d", 60);
  int error_number = 0;
  std::shared_ptr<FolderHandle> child;
  {
    // Nothing is asserted in here: a sanitizer needs descriptors for its own checks.
    const DescriptorLimit limit(open_descriptors());  // the one that counting takes is all that is left
    std::vector<Fd> others;
    for (int fd = dup(0); fd >= 0; fd = dup(0)) others.emplace_back(fd);
    error_number = errno;
    child = FolderHandle::open_child(chain.back(), "d");
  }
  REQUIRE(error_number == EMFILE);
  REQUIRE(child->path().ends_with("/d/d"));
}

TEST_CASE("a folder that was replaced is not taken for the one it was") {
  const TemporaryFolder folder;
  const DescriptorLimit limit(128);
  for (const char* name : {"a", "a/b", "others"}) must(mkdir(folder.path(name).c_str(), 0755), "mkdir");
  for (int i = 0; i < 70; ++i) must(mkdir(folder.path("others/" + std::to_string(i)).c_str(), 0755), "mkdir");
  const auto root = FolderHandle::open_root(folder.path());
  const auto a = FolderHandle::open_child(root, "a");
  const auto b = FolderHandle::open_child(a, "b");
  const auto others = FolderHandle::open_child(root, "others");
  const auto close_all_but_others = [&] {
    std::vector<std::shared_ptr<FolderHandle>> handles;
    for (int i = 0; i < 70; ++i) handles.push_back(FolderHandle::open_child(others, std::to_string(i)));
    return handles;
  };

  close_all_but_others();
  must(rename(folder.path("a").c_str(), folder.path("moved").c_str()), "rename");
  must(mkdir(folder.path("a").c_str(), 0755), "mkdir");
  must(mkdir(folder.path("a/b").c_str(), 0755), "mkdir");
  std::string message;
  REQUIRE(kind_of([&] { inode_of(*b); }, &message) == ErrorKind::kReadFailed);
  REQUIRE_THAT(message, Catch::Contains(folder.path("a") + " was replaced while it was being read"));

  must(rmdir(folder.path("a/b").c_str()), "rmdir");
  must(rmdir(folder.path("a").c_str()), "rmdir");
  REQUIRE(kind_of([&] { inode_of(*b); }) == ErrorKind::kNotFound);
  must(symlink("moved", folder.path("a").c_str()), "symlink");
  REQUIRE(kind_of([&] { inode_of(*b); }) == ErrorKind::kReadFailed);
  // The same folder again.
  must(unlink(folder.path("a").c_str()), "unlink");
  must(rename(folder.path("moved").c_str(), folder.path("a").c_str()), "rename");
  REQUIRE(inode_of(*b) > 0);
}

TEST_CASE("20,000 folders deep: opened, used out of order, and let go") {
  constexpr std::size_t kDepth = 20'000;
  const FolderChain folder("d", kDepth);
  {
    const DescriptorLimit limit(1024);
    std::shared_ptr<FolderHandle> deepest = FolderHandle::open_root(folder.path());
    std::weak_ptr<FolderHandle> root = deepest;
    std::vector<std::shared_ptr<FolderHandle>> some;
    for (std::size_t i = 0; i < kDepth; ++i) {
      deepest = FolderHandle::open_child(deepest, "d");
      if (i % 4000 == 0) some.push_back(deepest);
    }
    REQUIRE(deepest->path().size() == folder.path().size() + 2 * kDepth);
    for (const auto& handle : some) inode_of(*handle);
    inode_of(*deepest);  // all the way down again
    some.clear();
    const std::size_t before = open_descriptors();
    deepest.reset();  // all 20,000 go with it
    REQUIRE(root.expired());
    REQUIRE(open_descriptors() < before);
  }
}

TEST_CASE("paths longer than the kernel takes") {
  const std::string name(250, 'n');
  const FolderChain folder(name, 24);
  const auto chain = open_chain(folder.path(), name, 24);
  REQUIRE(chain.back()->path().size() > 6000);
  REQUIRE(inode_of(*chain.back()) > 0);
}

TEST_CASE("many threads use, open and let go of folders at the same time") {
  constexpr std::size_t kDepth = 120;
  const FolderChain folder("d", kDepth);
  {
    const DescriptorLimit limit(1024);
    std::vector<std::shared_ptr<FolderHandle>> chain;
    {
      const DescriptorLimit narrow(150);  // the pool's capacity is taken from it
      chain = open_chain(folder.path(), "d", kDepth);
    }
    std::vector<std::uint64_t> inodes;
    for (const auto& handle : chain) inodes.push_back(inode_of(*handle));
    std::atomic<int> wrong = 0;
    std::vector<std::thread> threads;
    for (unsigned seed = 0; seed < 4; ++seed) {
      threads.emplace_back([&, seed] {
        std::mt19937 random(seed);
        for (int i = 0; i < 1500; ++i) {
          const std::size_t at = random() % kDepth;
          const FolderHandle::Use use(*chain[at]);
          if (read_status(use.fd(), "").inode != inodes[at]) ++wrong;
          const auto child = FolderHandle::open_child(chain[at], "d");
          if (inode_of(*child) != inodes[at + 1]) ++wrong;
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    REQUIRE(wrong == 0);
  }
}

}  // namespace
}  // namespace garner::source
