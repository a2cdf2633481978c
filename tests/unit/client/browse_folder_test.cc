#include "browse/folder.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <string>
#include <vector>

namespace garner::client::browse {
namespace {

v1::FileNode node(const std::string& name, std::uint32_t mode = S_IFREG | 0644, std::uint64_t size = 1) {
  v1::FileNode made;
  made.set_name(name);
  made.set_mode(mode);
  made.set_size(size);
  return made;
}

v1::DiffChange node_change(v1::DiffKind kind, const std::string& path, const std::string& type = "file") {
  v1::DiffChange made;
  made.set_kind(kind);
  made.set_path_bytes(path);
  made.set_type(type);
  made.set_old_size(7);
  return made;
}

// "M name"
std::vector<std::string> folder_lines(const Folder& folder) {
  std::vector<std::string> all;
  for (const Folder::Row& row : folder.rows()) all.push_back(letter(row.mark) + (" " + row.node->name()));
  return all;
}

using Lines = std::vector<std::string>;

TEST_CASE("what changed is marked, and what was removed stands where it was") {
  FolderChanges changes("/home/ann");
  changes.add(node_change(v1::DIFF_KIND_METADATA, "/home/ann", "folder"));
  changes.add(node_change(v1::DIFF_KIND_ADDED, "/home/ann/new"));
  changes.add(node_change(v1::DIFF_KIND_CHANGED, "/home/ann/text"));
  changes.add(node_change(v1::DIFF_KIND_METADATA, "/home/ann/mode"));
  changes.add(node_change(v1::DIFF_KIND_REMOVED, "/home/ann/gone", "folder"));
  changes.add(node_change(v1::DIFF_KIND_REMOVED, "/home/ann/gone/inside"));
  changes.add(node_change(v1::DIFF_KIND_CHANGED, "/home/anna"));
  changes.add(node_change(v1::DIFF_KIND_ADDED, "/home/bob/new"));
  Folder folder;
  folder.set_nodes({node("mode"), node("new"), node("same"), node("text")});
  folder.set_changes(changes);
  CHECK(folder_lines(folder) == Lines{"- gone", "m mode", "+ new", "  same", "M text"});
  CHECK(changes.count() == 4);
  CHECK(folder.rows()[0].is_folder());
  CHECK(folder.rows()[0].node->size() == 7);
  CHECK(folder.size() == 4);
}

TEST_CASE("a folder is marked for what changed in it, however deep") {
  FolderChanges changes("/");
  changes.add(node_change(v1::DIFF_KIND_METADATA, "/a", "folder"));
  changes.add(node_change(v1::DIFF_KIND_ADDED, "/a/b/c/new"));
  changes.add(node_change(v1::DIFF_KIND_METADATA, "/quiet/deep/mode"));
  changes.add(node_change(v1::DIFF_KIND_ADDED, "/fresh", "folder"));
  changes.add(node_change(v1::DIFF_KIND_ADDED, "/fresh/file"));
  CHECK(changes.mark("a") == Mark::kContent);
  CHECK(changes.mark("quiet") == Mark::kMetadata);
  CHECK(changes.mark("fresh") == Mark::kAdded);
  CHECK(changes.mark("other") == Mark::kNone);
}

TEST_CASE("what was renamed was removed here and added there") {
  v1::DiffChange renamed = node_change(v1::DIFF_KIND_RENAMED, "/top/in/new name");
  renamed.set_old_path_bytes("/top/old name");
  FolderChanges changes("/top");
  changes.add(renamed);
  CHECK(changes.mark("old name") == Mark::kRemoved);
  CHECK(changes.mark("in") == Mark::kContent);
}

TEST_CASE("what changed its type is there once, and changed") {
  FolderChanges changes("/top");
  changes.add(node_change(v1::DIFF_KIND_TYPE, "/top/thing", "folder"));
  changes.add(node_change(v1::DIFF_KIND_ADDED, "/top/thing/inside"));
  Folder folder;
  folder.set_nodes({node("thing", S_IFDIR | 0755)});
  folder.set_changes(changes);
  CHECK(folder_lines(folder) == Lines{"M thing"});
}

TEST_CASE("in a folder that was not there before all is added") {
  FolderChanges changes("/top");
  changes.set_all_added();
  Folder folder;
  folder.set_nodes({node("a"), node("b")});
  folder.set_changes(changes);
  CHECK(folder_lines(folder) == Lines{"+ a", "+ b"});
}

TEST_CASE("a filter is of words in names, and of what was removed as well") {
  FolderChanges changes("/top");
  changes.add(node_change(v1::DIFF_KIND_REMOVED, "/top/Report old.txt"));
  Folder folder;
  folder.set_nodes({node("picture.png"), node("report.txt"), node("report.pdf")});
  folder.set_changes(changes);
  folder.filter("TXT report");
  CHECK(folder_lines(folder) == Lines{"- Report old.txt", "  report.txt"});
  CHECK(folder.find("report.txt") == 1u);
  CHECK(folder.find("picture.png") == std::nullopt);
  folder.filter("");
  CHECK(folder.rows().size() == 4);
}

TEST_CASE("names are in the order of their bytes") {
  FolderChanges changes("/");
  changes.add(node_change(v1::DIFF_KIND_REMOVED, "/b\xff"));
  Folder folder;
  folder.set_nodes({node("B"), node("a"), node("b"), node("\xc3\xa4")});
  folder.set_changes(changes);
  CHECK(folder_lines(folder) == Lines{"  B", "  a", "  b", "- b\xff", "  \xc3\xa4"});
}

TEST_CASE("modes are as ls has them") {
  CHECK(mode_text(S_IFREG | 0644) == "-rw-r--r--");
  CHECK(mode_text(S_IFDIR | S_ISVTX | 0777) == "drwxrwxrwt");
  CHECK(mode_text(S_IFREG | S_ISUID | S_ISGID | 0745) == "-rwsr-Sr-x");
  CHECK(mode_text(S_IFLNK | 0777) == "lrwxrwxrwx");
}

}  // namespace
}  // namespace garner::client::browse
