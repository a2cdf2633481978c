#include "mount/node_table.h"

#include <catch2/catch.hpp>

namespace garner::client::mount {
namespace {

Entry entry(Role role, mode_t type, const std::string& reference = {}) {
  Entry made;
  made.role = role;
  made.status.st_mode = type | 0644;
  made.reference = reference;
  return made;
}

struct Table {
  NodeTable table{entry(Role::kTop, S_IFDIR)};
  std::shared_ptr<const Node> top = table.find(NodeTable::kTopId);
  std::shared_ptr<const Node> snapshots = table.look_up(top, "snapshots", entry(Role::kSnapshots, S_IFDIR));
  std::shared_ptr<const Node> root =
      table.look_up(snapshots, "4f2a91c0", entry(Role::kSnapshot, S_IFDIR, "4f2a91c0aa"));
  std::shared_ptr<const Node> folder = table.look_up(root, "letters", entry(Role::kInside, S_IFDIR));
};

TEST_CASE("a name has one node, as long as the kernel has not forgotten each look-up") {
  Table made;
  const auto file = made.table.look_up(made.folder, "one", entry(Role::kInside, S_IFREG));
  CHECK(made.table.look_up(made.folder, "one", entry(Role::kInside, S_IFREG)) == file);
  CHECK(made.table.look_up(made.folder, "two", entry(Role::kInside, S_IFREG)) != file);
  CHECK(made.table.look_up(made.root, "one", entry(Role::kInside, S_IFREG)) != file);
  const std::size_t all = made.table.size();
  made.table.forget(file->id, 1);
  CHECK(made.table.find(file->id) == file);
  made.table.forget(file->id, 1);
  CHECK(made.table.find(file->id) == nullptr);
  CHECK(made.table.size() == all - 1);
  // No id comes again.
  CHECK(made.table.look_up(made.folder, "one", entry(Role::kInside, S_IFREG))->id > file->id);
  made.table.forget(file->id, 5);
  made.table.forget(NodeTable::kTopId, 5);
  CHECK(made.table.find(NodeTable::kTopId) == made.top);
}

TEST_CASE(
    "what a name has come to stand for has another node, and the old one is there until it is forgotten") {
  Table made;
  const auto set = made.table.look_up(made.top, "sets", entry(Role::kSets, S_IFDIR));
  const auto before = made.table.look_up(set, "latest", entry(Role::kLink, S_IFLNK, "../a"));
  const auto after = made.table.look_up(set, "latest", entry(Role::kLink, S_IFLNK, "../b"));
  CHECK(before->id != after->id);
  CHECK(made.table.find(before->id)->entry.reference == "../a");
  made.table.forget(before->id, 1);
  CHECK(made.table.look_up(set, "latest", entry(Role::kLink, S_IFLNK, "../b")) == after);
}

TEST_CASE("a node knows where it is though the folders above it were forgotten") {
  Table made;
  const auto file = made.table.look_up(made.folder, "one", entry(Role::kInside, S_IFREG));
  for (const auto& node : {made.folder, made.root, made.snapshots}) made.table.forget(node->id, 1);
  const Location location = locate(made.table.find(file->id));
  CHECK(location.path == "letters/one");
  CHECK(location.snapshot == "4f2a91c0aa");
  CHECK(location.root == made.root->entry.status.st_ino);
  CHECK(locate(made.root).path.empty());
  CHECK(path_in(locate(made.root), "x") == "x");
  CHECK(path_in(locate(made.folder), "x") == "letters/x");
  CHECK(is_lasting(*made.root));
  CHECK(is_lasting(*made.folder));
  CHECK_FALSE(is_lasting(*made.snapshots));
  CHECK_FALSE(is_lasting(*made.top));
}

TEST_CASE("a version knows where it is, and is another one when it is elsewhere") {
  Table made;
  const auto versions = made.table.look_up(made.top, "versions", entry(Role::kVersions, S_IFDIR));
  const auto home = made.table.look_up(versions, "home", entry(Role::kPath, S_IFDIR));
  const auto file = made.table.look_up(home, "list", entry(Role::kPath, S_IFDIR));
  CHECK(source_path(*versions) == "/");
  CHECK(source_path(*file) == "/home/list");

  Entry of_it = entry(Role::kVersion, S_IFREG);
  of_it.location = std::make_shared<const Location>(Location{"4f2a91c0aa", "list"});
  const auto version = made.table.look_up(file, "2026-11-29T07:55:00", of_it);
  CHECK(locate(version).snapshot == "4f2a91c0aa");
  CHECK(locate(version).path == "list");
  of_it.location = std::make_shared<const Location>(*of_it.location);
  CHECK(made.table.look_up(file, "2026-11-29T07:55:00", of_it) == version);
  of_it.location = std::make_shared<const Location>(Location{"0123456789", "list"});
  CHECK(made.table.look_up(file, "2026-11-29T07:55:00", of_it) != version);
  CHECK_FALSE(is_lasting(*file));
}

}  // namespace
}  // namespace garner::client::mount
