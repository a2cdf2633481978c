#include "reference_text.h"

#include <catch2/catch.hpp>

namespace garner::client {
namespace {

v1::Referrer referrer(const std::string& path, std::uint64_t bytes) {
  v1::Referrer one;
  one.mutable_found()->set_path(path);
  one.mutable_found()->set_type("file");
  one.mutable_found()->set_set("home");
  one.mutable_found()->set_snapshots(2);
  one.set_bytes(bytes);
  one.add_destinations("disk");
  one.add_destinations("usb");
  return one;
}

std::string text_of(const v1::FindReferencesResponse& answer, bool everywhere = true) {
  return reference_text(answer, "letter", everywhere, Terminal{});
}
std::string first_line(const v1::FindReferencesResponse& answer, bool everywhere = true) {
  const std::string text = text_of(answer, everywhere);
  return text.substr(0, text.find('\n'));
}

TEST_CASE("whether a file is in a backup is said first") {
  v1::FindReferencesResponse answer;
  v1::ContentReferences& content = *answer.mutable_content();
  CHECK(first_line(answer) == "letter is empty: there is no content to look for.");
  content.set_bytes(1000);
  CHECK(first_line(answer) == "None of it is in any backup.");
  CHECK_FALSE(is_referenced(answer));
  answer.mutable_summary()->set_snapshots(3);
  CHECK(first_line(answer, false) == "None of it is in what was searched (3 snapshots).");
  answer.mutable_summary()->set_not_asked("usb is away");
  CHECK(first_line(answer) == "None of it is in any backup that could be searched.");

  content.set_found_bytes(737);
  *answer.add_matches() = referrer("/home/old", 700);
  CHECK(first_line(answer) ==
        "No file has exactly this content; 73 % of it (737 B) is in backups, most of it in /home/old.");
  CHECK(text_of(answer).find("    700 B of it; ") != std::string::npos);
  CHECK_FALSE(is_referenced(answer));
  content.set_found_bytes(1);
  CHECK(first_line(answer).find("; less than 1 % of it (1 B)") != std::string::npos);
  content.set_found_bytes(1000);
  CHECK(first_line(answer).find("; all of it (1000 B)") != std::string::npos);

  content.set_files(1);
  content.set_snapshots(1);
  CHECK(first_line(answer) == "Yes: 1 file in 1 snapshot has exactly this content.");
  content.set_files(3);
  content.set_snapshots(1200);
  CHECK(first_line(answer) == "Yes: 3 files in 1,200 snapshots have exactly this content.");
  CHECK(is_referenced(answer));
  CHECK(text_of(answer).find(" of it; ") == std::string::npos);
  CHECK(text_of(answer).find("\n    at disk, usb\n") != std::string::npos);
}

TEST_CASE("what a blob is needed for, or that it is needed for nothing") {
  v1::FindReferencesResponse answer;
  v1::BlobReferences& blob = *answer.mutable_blob();
  const std::string id(64, 'a');
  blob.set_id(id);
  CHECK(text_of(answer) == "No destination that can be asked has blob " + id + ".\n");
  CHECK_FALSE(is_referenced(answer));

  blob.set_kind("data");
  blob.set_bytes(65536);
  v1::BlobPlace& place = *blob.add_places();
  place.set_destination("disk");
  place.set_pack(std::string(64, 'b'));
  place.set_pack_bytes(32u << 20);
  CHECK(first_line(answer).starts_with("Nothing in any snapshot points at it: "));
  CHECK(text_of(answer).find("Blob " + id +
                             ", data of 64.0 KiB:\n  at disk in pack bbbbbbbbbbbbbbbb of 32.0 MiB\n") !=
        std::string::npos);
  // Where not all was searched nobody knows.
  answer.mutable_summary()->set_snapshots(2);
  CHECK(first_line(answer, false) == "Nothing points at it in what was searched (2 snapshots).");
  answer.mutable_summary()->set_errors(1);
  CHECK(first_line(answer) == "Nothing points at it in any backup that could be searched.");

  blob.set_files(1);
  blob.set_snapshots(2);
  *answer.add_matches() = referrer("/home/a", 65536);
  answer.mutable_matches(0)->set_pointed_at_by("tree page 0123");
  CHECK(first_line(answer) == "1 file or folder in 2 snapshots has it as a part.");
  CHECK(text_of(answer).ends_with("    by tree page 0123\n"));
  CHECK(is_referenced(answer));

  blob.set_kind("snapshot");
  CHECK(first_line(answer) == "It is a snapshot: garner ls aaaaaaaaaaaaaaaa shows what is in it.");
}

TEST_CASE("how much of a pack is needed") {
  v1::FindReferencesResponse answer;
  v1::PackReferences& pack = *answer.mutable_pack();
  pack.set_name(std::string(64, 'c'));
  pack.set_destination("disk");
  pack.set_stored_bytes(1024);
  v1::PackPart& part = *pack.add_parts();
  part.set_kind("data");
  part.set_blobs(10);
  part.set_bytes(2048);
  CHECK(first_line(answer) == "Nothing in it is pointed at in any backup.");
  CHECK_FALSE(is_referenced(answer));
  part.set_referenced_blobs(5);
  part.set_referenced_bytes(1024);
  pack.set_files(7);
  pack.set_snapshots(2);
  CHECK(first_line(answer) ==
        "7 files and folders in 2 snapshots have a part of it; 50 % of its content is pointed at.");
  CHECK(text_of(answer).find("  data: 10 blobs of 2.0 KiB, 5 of 1.0 KiB pointed at\n") != std::string::npos);
  CHECK(is_referenced(answer));
  pack.set_damage("it is gone");
  CHECK(text_of(answer).find("  its directory cannot be read (it is gone); the index says:\n") !=
        std::string::npos);
}

TEST_CASE("names do nothing to a terminal, and lines fit it") {
  v1::FindReferencesResponse answer;
  answer.mutable_content()->set_bytes(10);
  answer.mutable_content()->set_files(1);
  *answer.add_matches() = referrer("/home/\x1b[2J", 10);
  CHECK(text_of(answer).find('\x1b') == std::string::npos);
  Terminal narrow;
  narrow.interactive = true;
  narrow.width = 40;
  const std::string text = reference_text(answer, "letter", true, narrow);
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    REQUIRE(end != std::string::npos);
    CHECK(end - at <= 40);
    at = end + 1;
  }
}

}  // namespace
}  // namespace garner::client
