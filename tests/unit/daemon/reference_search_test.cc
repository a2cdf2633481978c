#include "reference_search.h"

#include <algorithm>
#include <fstream>
#include <random>

#include "base/error.h"
#include "snapshot/content_list.h"
#include "snapshot/snapshot.h"
#include "two_disks.h"

namespace garner::daemon {
namespace {

using catalog::RunKind;

std::string noise(std::size_t size, unsigned seed) {
  std::mt19937 random(seed);
  std::string text(size, '\0');
  for (char& letter : text) letter = static_cast<char>(random());
  return text;
}

struct References : WorkingMachine {
  std::string path(const std::string& name) const { return folder.path("source/" + name); }
  std::string write(const std::string& name, const std::string& content) const {
    std::ofstream(path(name), std::ios::binary) << content;
    return path(name);
  }

  v1::FindReferencesResponse find(const v1::FindReferencesRequest& request) {
    ReferenceSearch search(here.destinations, histories, request);
    const std::atomic<bool> cancelled = false;
    v1::FindReferencesResponse all;
    for (v1::FindReferencesResponse page; search.next_page(page, cancelled); page.Clear())
      all.MergeFrom(page);
    CHECK(all.has_summary());
    CHECK(all.summary().matches() == static_cast<std::uint64_t>(all.matches_size()));
    return all;
  }
  v1::FindReferencesResponse content(const std::string& file) {
    v1::FindReferencesRequest request;
    request.set_content(file);
    return find(request);
  }
  v1::FindReferencesResponse blob(const std::string& id) {
    v1::FindReferencesRequest request;
    request.set_blob(id);
    return find(request);
  }
  v1::FindReferencesResponse pack(const std::string& name) {
    v1::FindReferencesRequest request;
    request.set_pack(name);
    return find(request);
  }
  // The snapshot that is listed under that id.
  store::v1::Snapshot snapshot(const std::string& id) {
    const auto state = here.destinations.open("a")->state();
    return store::find_snapshot(*state, crypto::BlobId::from_bytes(from_hex(id)).view())->snapshot();
  }
  store::v1::Node node(const std::string& id, const std::string& name) {
    return snapshot::find_node(snapshot(id), path(name), *here.destinations.open("a")).named.node;
  }
  void forget(const std::string& id) {
    StoredRequest request;
    request.destinations = {"a"};
    request.forget.add_names(id);
    execute(RunKind::kForget, request);
  }
  void prune() {
    StoredRequest request;
    request.destinations = {"a"};
    request.prune.set_grace_seconds(0);
    execute(RunKind::kPrune, request);
  }

  Histories histories{here.destinations, folder.path("state/histories")};
};

std::string hex(const std::string& id) { return to_hex(as_bytes(id)); }

TEST_CASE("a file's content is found wherever it ever stood, and only where all of it does") {
  References here;
  const std::string large = noise(1'500'000, 1);
  here.write("large", large);
  here.write("copy", large);
  const std::string first = here.back_up("a");
  here.write("large", large.substr(0, 700'000) + "more" + large.substr(700'000));
  const std::string last = here.back_up("b");

  const std::string outside = here.folder.path("outside");
  std::ofstream(outside, std::ios::binary) << large;
  const v1::FindReferencesResponse found = here.content(outside);
  CHECK(found.content().bytes() == large.size());
  CHECK(found.content().found_bytes() == large.size());
  CHECK(found.content().files() == 2);
  CHECK(found.content().snapshots() == 2);
  REQUIRE(found.matches_size() == 2);
  CHECK(found.matches(0).found().path() == here.path("copy"));
  CHECK(found.matches(0).found().snapshots() == 2);
  CHECK(found.matches(0).destinations_size() == 2);
  CHECK(found.matches(1).found().path() == here.path("large"));
  CHECK(found.matches(1).found().snapshots() == 1);
  CHECK(found.matches(1).found().last_snapshot() == first);
  CHECK(found.matches(1).bytes() == large.size());

  // What it has become, and a link to that.
  const v1::FindReferencesResponse now = here.content(here.path("large"));
  CHECK(now.content().files() == 1);
  REQUIRE(now.matches_size() == 1);
  CHECK(now.matches(0).found().first_snapshot() == last);
  std::filesystem::create_symlink("large", here.path("link"));
  CHECK(here.content(here.path("link")).content().files() == 1);
}

TEST_CASE("of a file that is nowhere whole it is told how much is there, and who has most of it") {
  References here;
  const std::string large = noise(2'000'000, 2);
  here.write("most", large);
  here.write("some", large.substr(0, 600'000));
  here.back_up("a");
  const std::string other = here.write("outside", large.substr(0, 1'500'000) + noise(500'000, 3));
  const v1::FindReferencesResponse found = here.content(other);
  CHECK(found.content().files() == 0);
  // But for a chunk where the two meet.
  CHECK(found.content().found_bytes() > 1'000'000);
  CHECK(found.content().found_bytes() <= 1'500'000);
  REQUIRE(found.matches_size() == 2);
  CHECK(found.matches(0).found().path() == here.path("most"));
  CHECK(found.matches(0).bytes() == found.content().found_bytes());
  CHECK(found.matches(1).found().path() == here.path("some"));
  CHECK(found.matches(1).bytes() < found.matches(0).bytes());

  const v1::FindReferencesResponse none = here.content(here.write("outside", noise(300'000, 4)));
  CHECK(none.content().found_bytes() == 0);
  CHECK(none.matches().empty());
  CHECK(here.content(here.write("outside", "")).content().bytes() == 0);
}

TEST_CASE("what is no file has no content, and what cannot be looked for is refused") {
  References here;
  here.back_up("a");
  const auto kind = [&](const auto& ask) { return kind_of([&] { ask(); }); };
  CHECK(kind([&] { here.content(here.folder.path("source")); }) == ErrorKind::kInvalidInput);
  CHECK(kind([&] { here.content("/dev/null"); }) == ErrorKind::kInvalidInput);
  CHECK(kind([&] { here.content("file"); }) == ErrorKind::kInvalidInput);
  CHECK(kind([&] { here.content(here.path("missing")); }) == ErrorKind::kNotFound);
  CHECK(kind([&] { here.blob("0123456789abcde"); }) == ErrorKind::kInvalidInput);
  CHECK(kind([&] { here.blob("0123456789abcdeg"); }) == ErrorKind::kInvalidInput);
  CHECK(kind([&] { here.blob(std::string(16, '0')); }) == ErrorKind::kNotFound);
  CHECK(kind([&] { here.pack("0123456"); }) == ErrorKind::kInvalidInput);
  CHECK(kind([&] { here.pack("00000000"); }) == ErrorKind::kNotFound);
  CHECK(kind([&] { here.find({}); }) == ErrorKind::kInvalidInput);
  v1::FindReferencesRequest many;
  many.set_content(here.path("file"));
  many.set_limit(ReferenceSearch::kMostMatches + 1);
  CHECK(kind([&] { here.find(many); }) == ErrorKind::kInvalidInput);
}

TEST_CASE("a blob is told with its place, with who has it and with what names it") {
  References here;
  here.write("large", noise(3'000'000, 5));
  const std::string first = here.back_up("a");
  const std::string last = here.back_up("a");
  const store::v1::Snapshot snapshot = here.snapshot(last);

  // The only blob of a small file: the page of the folder has the node.
  const std::string small = hex(here.node(last, "file").content(0).id());
  for (const std::string& given : {small, small.substr(0, 16), small.substr(0, 21)}) {
    const v1::FindReferencesResponse found = here.blob(given);
    CHECK(found.blob().id() == small);
    CHECK(found.blob().kind() == "data");
    CHECK(found.blob().bytes() == 17);
    REQUIRE(found.blob().places_size() == 1);
    CHECK(found.blob().places(0).destination() == "a");
    CHECK(found.blob().files() == 1);
    CHECK(found.blob().snapshots() == 2);
    REQUIRE(found.matches_size() == 1);
    CHECK(found.matches(0).found().path() == here.path("file"));
    CHECK(found.matches(0).found().first_snapshot() == first);
    CHECK(found.matches(0).found().last_snapshot() == last);
    CHECK(found.matches(0).pointed_at_by() == "tree page " + hex(snapshot.sources(0).root().tree()));
  }

  // The list of a large one, and a chunk in it.
  const store::v1::Node large = here.node(last, "large");
  REQUIRE(large.content(0).type() == store::v1::ENTRY_TYPE_LIST);
  const std::string list = hex(large.content(0).id());
  CHECK(here.blob(list).blob().kind() == "content list");
  std::string chunk;
  snapshot::for_each_entry(large, *here.here.destinations.open("a"),
                           [&](std::uint64_t, const store::v1::ContentEntry& entry) {
                             chunk = hex(entry.id());
                             return false;
                           });
  const v1::FindReferencesResponse in_list = here.blob(chunk);
  REQUIRE(in_list.matches_size() == 1);
  CHECK(in_list.matches(0).pointed_at_by() == "content list " + list);

  const v1::FindReferencesResponse tree = here.blob(hex(snapshot.sources(0).root().tree()));
  CHECK(tree.blob().kind() == "tree page");
  REQUIRE(tree.matches_size() == 1);
  CHECK(tree.matches(0).found().type() == "folder");
  CHECK(tree.matches(0).pointed_at_by() == "snapshot " + last);

  const v1::FindReferencesResponse itself = here.blob(first);
  CHECK(itself.blob().kind() == "snapshot");
  CHECK(itself.blob().snapshots() == 1);
  CHECK(itself.matches().empty());
}

TEST_CASE("what nothing points at any more is told as such, until prune has taken it") {
  References here;
  here.write("gone", noise(400'000, 6));
  const std::string first = here.back_up("a");
  const std::string blob = hex(here.node(first, "gone").content(0).id());
  const std::string pack = here.blob(blob).blob().places(0).pack();
  CHECK(here.pack(pack).pack().files() == 2);
  std::filesystem::remove(here.path("gone"));
  here.back_up("a");
  const std::string outside = here.folder.path("outside");
  std::ofstream(outside, std::ios::binary) << noise(400'000, 6);
  CHECK(here.content(outside).content().files() == 1);

  here.forget(first);
  const v1::FindReferencesResponse left = here.blob(blob);
  CHECK(left.blob().kind() == "data");
  CHECK(left.blob().places_size() == 1);
  CHECK(left.blob().files() == 0);
  CHECK(left.blob().snapshots() == 0);
  CHECK(here.content(outside).content().found_bytes() == 0);
  const v1::FindReferencesResponse held = here.pack(pack);
  CHECK(held.pack().files() == 1);
  REQUIRE(held.pack().parts_size() == 1);
  CHECK(held.pack().parts(0).referenced_blobs() == 1);
  CHECK(held.pack().parts(0).referenced_bytes() == 17);
  CHECK(held.pack().parts(0).bytes() >= 400'000);

  here.prune();
  CHECK(here.blob(blob).blob().kind().empty());
  CHECK(kind_of([&] { here.blob(blob.substr(0, 16)); }) == ErrorKind::kNotFound);
  CHECK(kind_of([&] { here.pack(pack); }) == ErrorKind::kNotFound);
}

TEST_CASE("a pack is told with what is in it, also when it is damaged") {
  References here;
  const std::string id = here.back_up("a");
  const std::string blob = hex(here.node(id, "file").content(0).id());
  const std::string pack = here.blob(blob).blob().places(0).pack();
  const v1::FindReferencesResponse found = here.pack(pack.substr(0, 8));
  CHECK(found.pack().name() == pack);
  CHECK(found.pack().destination() == "a");
  CHECK(found.pack().damage().empty());
  CHECK(found.pack().snapshots() == 1);
  REQUIRE(found.pack().parts_size() == 1);
  CHECK(found.pack().parts(0).kind() == "data");
  CHECK(found.pack().parts(0).blobs() == 1);
  CHECK(found.pack().parts(0).referenced_bytes() == 17);
  REQUIRE(found.matches_size() == 1);
  CHECK(found.matches(0).found().path() == here.path("file"));

  const std::string object = here.folder.path("a/packs/" + pack.substr(0, 2) + "/" + pack);
  CHECK(found.pack().stored_bytes() == std::filesystem::file_size(object));
  std::filesystem::remove(object);
  const v1::FindReferencesResponse damaged = here.pack(pack);
  CHECK_FALSE(damaged.pack().damage().empty());
  CHECK(damaged.pack().parts(0).referenced_bytes() == 17);
  CHECK(damaged.matches_size() == 1);
}

TEST_CASE("only chosen snapshots count, and no more is told than is asked for") {
  References here;
  const std::string first = here.back_up("a");
  for (int i = 0; i < 300; ++i) here.write("again" + std::to_string(i), "what is backed up");
  here.back_up("a");
  v1::FindReferencesRequest request;
  request.set_content(here.path("file"));
  const v1::FindReferencesResponse all = here.find(request);
  CHECK(all.content().files() == 301);
  CHECK(all.matches_size() == 301);
  CHECK(std::is_sorted(all.matches().begin(), all.matches().end(),
                       [](const v1::Referrer& a, const v1::Referrer& b) {
                         return a.found().path_bytes() < b.found().path_bytes();
                       }));
  request.set_limit(7);
  const v1::FindReferencesResponse few = here.find(request);
  CHECK(few.content().files() == 301);
  CHECK(few.matches_size() == 7);
  CHECK(few.summary().limited());
  request.add_names(first);
  const v1::FindReferencesResponse before = here.find(request);
  CHECK(before.content().files() == 1);
  CHECK(before.summary().snapshots() == 1);
  CHECK_FALSE(before.summary().limited());

  ReferenceSearch search(here.here.destinations, here.histories, request);
  const std::atomic<bool> cancelled = true;
  v1::FindReferencesResponse page;
  CHECK_FALSE(search.next_page(page, cancelled));
}

TEST_CASE("where keys are others the content is named by them as well") {
  References here;
  here.here.add("own", here.folder.path("own"), with_password("its own"));
  here.back_up("own");
  const v1::FindReferencesResponse found = here.content(here.path("file"));
  CHECK(found.content().files() == 1);
  here.back_up("a");
  CHECK(here.content(here.path("file")).content().files() == 2);
  CHECK(here.content(here.path("file")).content().snapshots() == 2);
}

}  // namespace
}  // namespace garner::daemon
