#include <dirent.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <string>
#include <thread>
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

std::vector<std::string> names_in(const Fd& folder) {
  std::vector<std::string> names;
  for (const FolderEntry& entry : list_folder(folder.get(), "folder")) names.push_back(entry.name);
  return names;
}

TEST_CASE("entries come in the order of their bytes, whatever they are") {
  const TemporaryFolder folder;
  std::vector<std::string> names{"a",    "B", "new\nline", "\xff\xfe",
                                 "\x01", " ", "...",       std::string(255, 'n')};
  for (const std::string& name : names) write_file(folder.path(name), "");
  std::sort(names.begin(), names.end());
  REQUIRE(names_in(open_folder(folder.path())) == names);
}

TEST_CASE("entries have their types, where the file system tells") {
  const TemporaryFolder folder;
  write_file(folder.path("file"), "");
  must(mkdir(folder.path("folder").c_str(), 0755), "mkdir");
  must(symlink("x", folder.path("link").c_str()), "symlink");
  const auto entries = list_folder(open_folder(folder.path()).get(), folder.path());
  REQUIRE(entries.size() == 3);
  REQUIRE((entries[0].type == DT_REG || entries[0].type == DT_UNKNOWN));
  REQUIRE((entries[1].type == DT_DIR || entries[1].type == DT_UNKNOWN));
  REQUIRE((entries[2].type == DT_LNK || entries[2].type == DT_UNKNOWN));
}

TEST_CASE("a large folder, listed by several threads through one descriptor") {
  const TemporaryFolder folder;
  std::vector<std::string> names;
  for (int i = 0; i < 5000; ++i) {
    names.push_back("a rather long name of a file, number " + std::to_string(10'000 + i));
    write_file(folder.path(names.back()), "");
  }
  const Fd fd = open_folder(folder.path());
  std::vector<std::vector<std::string>> found(3);
  std::vector<std::thread> threads;
  for (auto& result : found) threads.emplace_back([&] { result = names_in(fd); });
  for (std::thread& thread : threads) thread.join();
  for (const auto& result : found) REQUIRE(result == names);
}

TEST_CASE("listing leaves no trace in the access time") {
  const TemporaryFolder folder;
  write_file(folder.path("file"), "");
  const timespec old[2] = {{1000, 0}, {2000, 0}};
  must(utimensat(AT_FDCWD, folder.path().c_str(), old, 0), "utimensat");
  const Fd fd(must(open(folder.path().c_str(), O_RDONLY | O_DIRECTORY | O_NOATIME), "open"));
  REQUIRE(names_in(fd).size() == 1);
  struct stat status {};
  must(fstat(fd.get(), &status), "fstat");
  REQUIRE(status.st_atim.tv_sec == 1000);
}

TEST_CASE("an empty folder, and what is no folder") {
  const TemporaryFolder folder;
  REQUIRE(names_in(open_folder(folder.path())).empty());
  write_file(folder.path("file"), "");
  const Fd file = open_file(folder.path("file"), O_RDONLY);
  REQUIRE_THROWS_AS(names_in(file), Error);
}

TEST_CASE("a folder that is removed while it is open is not found") {
  const TemporaryFolder folder;
  must(mkdir(folder.path("folder").c_str(), 0755), "mkdir");
  const Fd fd = open_folder(folder.path("folder"));
  must(rmdir(folder.path("folder").c_str()), "rmdir");
  try {
    list_folder(fd.get(), folder.path("folder"));
    FAIL("listed");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::kNotFound);
  }
}

TEST_CASE("folders that are caches say so") {
  const std::string signature = "Signature: 8a477f597d28d172789f06886806bc55";
  const TemporaryFolder folder;
  const std::string tag = folder.path("CACHEDIR.TAG");
  const auto is_cache = [&] { return is_cache_folder(open_folder(folder.path()).get()); };
  REQUIRE_FALSE(is_cache());
  write_file(tag, signature);
  REQUIRE(is_cache());
  write_file(tag, signature + "\n# comment\n");
  REQUIRE(is_cache());
  write_file(tag, " " + signature);
  REQUIRE_FALSE(is_cache());
  write_file(tag, signature.substr(0, 42));
  REQUIRE_FALSE(is_cache());
  write_file(folder.path("valid"), signature);
  must(unlink(tag.c_str()), "unlink");
  must(symlink("valid", tag.c_str()), "symlink");
  REQUIRE_FALSE(is_cache());
  must(unlink(tag.c_str()), "unlink");
  must(mkfifo(tag.c_str(), 0600), "mkfifo");  // waits for nobody
  REQUIRE_FALSE(is_cache());
  must(unlink(tag.c_str()), "unlink");
  must(mkdir(tag.c_str(), 0755), "mkdir");
  REQUIRE_FALSE(is_cache());
}

}  // namespace
}  // namespace garner::source
