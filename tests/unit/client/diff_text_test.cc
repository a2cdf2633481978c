#include "diff_text.h"

#include <catch2/catch.hpp>

namespace garner::client {
namespace {

v1::DiffChange diff_change(v1::DiffKind kind, const std::string& path, const std::string& type = "file") {
  v1::DiffChange change;
  change.set_kind(kind);
  change.set_path(path);
  change.set_type(type);
  return change;
}

TEST_CASE("a change is a line, and a folder ends with a slash") {
  CHECK(diff_line(diff_change(v1::DIFF_KIND_ADDED, "/home/new"), false) == "+ /home/new");
  CHECK(diff_line(diff_change(v1::DIFF_KIND_REMOVED, "/home/docs", "folder"), false) == "- /home/docs/");
  CHECK(diff_line(diff_change(v1::DIFF_KIND_ADDED, "/", "folder"), false) == "+ /");
  v1::DiffChange renamed = diff_change(v1::DIFF_KIND_RENAMED, "/home/b");
  renamed.set_old_path("/home/a");
  CHECK(diff_line(renamed, false) == "R /home/a -> /home/b");
  v1::DiffChange type = diff_change(v1::DIFF_KIND_TYPE, "/home/x", "folder");
  type.set_old_type("symlink");
  CHECK(diff_line(type, false) == "T /home/x/ (symlink -> folder)");
}

TEST_CASE("metadata that differs is named, of changed content only when metadata is asked for") {
  v1::DiffChange changed = diff_change(v1::DIFF_KIND_CHANGED, "/home/x");
  CHECK(diff_line(changed, true) == "M /home/x");
  changed.add_fields("mode");
  changed.add_fields("mtime");
  CHECK(diff_line(changed, false) == "M /home/x");
  CHECK(diff_line(changed, true) == "M /home/x (mode, mtime)");
  changed.set_kind(v1::DIFF_KIND_METADATA);
  CHECK(diff_line(changed, true) == "m /home/x (mode, mtime)");
}

TEST_CASE("names that would act on a terminal do not") {
  CHECK(diff_line(diff_change(v1::DIFF_KIND_ADDED, "/home/\x1b[2J\n"), false) == "+ /home/\\x1b[2J\\x0a");
}

TEST_CASE("the summary has a line for what there is, and says so when there is nothing") {
  CHECK(diff_facts({}, false, {}) == "Nothing has changed.\n");
  v1::DiffSummary summary;
  summary.mutable_added()->set_files(1234);
  summary.mutable_added()->set_bytes(1536);
  summary.mutable_removed()->set_folders(1);
  summary.set_changed(1);
  summary.set_changed_bytes_before(100);
  summary.set_changed_bytes_after(2048);
  summary.set_metadata(17);
  const std::string text = diff_facts(summary, false, {});
  const auto has = [&](const char* part) { return text.find(part) != std::string::npos; };
  CHECK(has("1,234 files, 1.5 KiB\n"));
  CHECK(has("1 folder\n"));
  CHECK(has("1, 100 B before, 2.0 KiB after\n"));
  CHECK(has("17 (--metadata shows them)"));
  CHECK_FALSE(has("Renamed"));
  CHECK_FALSE(has("Not compared"));
  CHECK(diff_facts(summary, true, {}).find("--metadata") == std::string::npos);
  // A link leads elsewhere now.
  v1::DiffSummary link;
  link.set_changed(1);
  CHECK(diff_facts(link, false, {}).find(" B ") == std::string::npos);
  CHECK(diff_facts(link, false, {}).ends_with(" 1\n"));
}

}  // namespace
}  // namespace garner::client
