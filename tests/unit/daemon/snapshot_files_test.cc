#include "snapshot_files.h"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "two_disks.h"

namespace garner::daemon {
namespace {

// A snapshot of a few files.
struct Mounted : WorkingMachine {
  Mounted() {
    std::filesystem::create_directories(folder.path("source/letters/old"));
    std::ofstream(folder.path("source/letters/one")) << "dear";
    std::ofstream(folder.path("source/letters/sparse")) << "begin";
    std::filesystem::resize_file(folder.path("source/letters/sparse"), 3u << 20);
    for (int number = 1000; number < 2500; ++number)
      std::ofstream(folder.path("source/letters/old/" + std::to_string(number))) << number;
    std::filesystem::create_symlink("letters/one", folder.path("source/link"));
    id = back_up("a");
  }
  v1::LookUpNodeResponse look_up(const std::string& path, const std::string& snapshot) {
    v1::LookUpNodeRequest request;
    request.set_snapshot(snapshot);
    request.set_path(path);
    return files.look_up(request, "");
  }
  v1::FileNode node(const std::string& path) {
    const v1::LookUpNodeResponse response = look_up(path, id);
    REQUIRE(response.has_node());
    return response.node();
  }
  v1::ReadFolderResponse read_folder(const std::string& path, const std::string& after = {}) {
    v1::ReadFolderRequest request;
    request.set_snapshot(id);
    request.set_path(path);
    request.set_after(after);
    return files.read_folder(request);
  }
  std::string read(const std::string& path, std::uint64_t offset, std::uint32_t length) {
    v1::ReadContentRequest request;
    request.set_snapshot(id);
    request.set_path(path);
    request.set_offset(offset);
    request.set_length(length);
    return files.read_content(request).content();
  }

  std::string id;
  SnapshotFiles files{here.destinations};
};

TEST_CASE("nodes of a snapshot are found by their paths") {
  Mounted machine;
  CHECK(machine.node("").name().empty());
  CHECK(S_ISDIR(machine.node("").mode()));
  CHECK(machine.node("letters/one").name() == "one");
  CHECK(S_ISREG(machine.node("letters/one").mode()));
  CHECK(machine.node("letters/one").size() == 4);
  CHECK(S_ISLNK(machine.node("link").mode()));
  CHECK(machine.node("link").target() == "letters/one");
  for (const char* path :
       {"other", "letters/other", "letters/one/x", "/letters", "letters/", "../source", "."}) {
    INFO(path);
    CHECK_FALSE(machine.look_up(path, machine.id).has_node());
  }
  CHECK(machine.look_up("", "home@latest").snapshot_id() == machine.id);
}

TEST_CASE("a folder comes in pages, by name") {
  Mounted machine;
  int number = 1000;
  std::string after;
  int pages = 0;
  for (bool more = true; more; ++pages) {
    const v1::ReadFolderResponse page = machine.read_folder("letters/old", after);
    REQUIRE(page.nodes_size() > 0);
    for (const v1::FileNode& node : page.nodes()) CHECK(node.name() == std::to_string(number++));
    after = page.nodes(page.nodes_size() - 1).name();
    more = page.more();
  }
  CHECK(number == 2500);
  CHECK(pages > 1);
  CHECK(machine.read_folder("letters/old", after).nodes().empty());
  CHECK(kind_of([&] { machine.read_folder("letters/one"); }) == ErrorKind::kInvalidInput);
  CHECK(kind_of([&] { machine.read_folder("none"); }) == ErrorKind::kNotFound);
}

TEST_CASE("content is given from any byte on, holes as zeros, a MiB at once") {
  Mounted machine;
  CHECK(machine.read("letters/one", 0, 100) == "dear");
  CHECK(machine.read("letters/one", 1, 2) == "ea");
  CHECK(machine.read("letters/one", 4, 10).empty());
  CHECK(machine.read("letters/one", 0, 0).empty());
  const std::string begin = machine.read("letters/sparse", 0, 8u << 20);
  CHECK(begin.size() == SnapshotFiles::kMostContent);
  CHECK(begin.starts_with(std::string("begin\0\0", 7)));
  CHECK(machine.read("letters/sparse", (3u << 20) - 2, 10) == std::string(2, '\0'));
  CHECK(kind_of([&] { machine.read("letters", 0, 1); }) == ErrorKind::kInvalidInput);
  CHECK(kind_of([&] { machine.read("link", 0, 1); }) == ErrorKind::kInvalidInput);
}

TEST_CASE("what no destination lists is not there, and what cannot be asked is away") {
  Mounted machine;
  CHECK(kind_of([&] { machine.look_up("", std::string(64, '0')); }) == ErrorKind::kNotFound);
  v1::ReadFolderRequest short_id;
  short_id.set_snapshot(machine.id.substr(0, 8));
  CHECK(kind_of([&] { machine.files.read_folder(short_id); }) == ErrorKind::kInvalidInput);
  machine.take_away("a");
  SnapshotFiles others(machine.here.destinations);
  v1::LookUpNodeRequest request;
  request.set_snapshot(machine.id);
  CHECK(kind_of([&] { others.look_up(request, ""); }) == ErrorKind::kDestinationAway);
  machine.bring_back("a");
  CHECK(others.look_up(request, "").has_node());
}

}  // namespace
}  // namespace garner::daemon
