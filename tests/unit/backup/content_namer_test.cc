#include "backup/content_namer.h"

#include <algorithm>

#include "backup_fixture.h"
#include "snapshot/node.h"

namespace garner::backup {
namespace {

// The node that it makes of the bytes, given in pieces.
store::v1::Node named(Backups& backups, const std::string& content, std::mt19937_64& random) {
  std::uint64_t taken = 0;
  ContentNamer namer(backups.small.repository().chunker(), backups.small.repository().hasher(),
                     [&](const crypto::BlobId&, std::uint64_t length) { taken += length; });
  ByteView rest = as_bytes(content);
  while (!rest.empty()) {
    const std::size_t piece = std::min<std::size_t>(rest.size(), 1 + random() % 100'000);
    namer.add(rest.first(piece));
    rest = rest.subspan(piece);
  }
  namer.end_range();
  CHECK(taken == content.size());
  return namer.finish();
}

void check_same(const store::v1::Node& named, const store::v1::Node& recorded) {
  CHECK(named.size() == recorded.size());
  REQUIRE(named.content_size() == recorded.content_size());
  for (int i = 0; i < named.content_size(); ++i)
    CHECK(snapshot::serialize(named.content(i)) == snapshot::serialize(recorded.content(i)));
}

TEST_CASE("content is cut and named as by a backup, whatever the pieces") {
  const std::uint64_t seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  Backups backups;
  TemporaryFolder folder;
  make_folders_durably(folder.path("source"));
  std::vector<std::string> contents{"", "x"};
  for (const std::size_t size : {1'000u, 40'000u, 500'000u, 6'000'000u})
    contents.push_back(random_text(random, size + random() % size));
  // As large as the longest chunk, where nothing cuts it.
  contents.emplace_back(backups.small.repository().chunker().sizes().maximum * std::size_t{3}, 'z');
  for (std::size_t i = 0; i < contents.size(); ++i)
    write_file(folder.path("source/" + std::to_string(i)), contents[i]);
  const crypto::BlobId id = backups.run(folder.path("source")).snapshot;
  for (std::size_t i = 0; i < contents.size(); ++i) {
    CAPTURE(i);
    check_same(named(backups, contents[i], random), backups.file(id, std::to_string(i)));
  }
}

TEST_CASE("holes are where they are told of") {
  Backups backups;
  std::vector<std::uint64_t> lengths;
  ContentNamer namer(backups.small.repository().chunker(), backups.small.repository().hasher(),
                     [&](const crypto::BlobId&, std::uint64_t length) { lengths.push_back(length); });
  namer.add_hole(4096);
  namer.add(as_bytes("data"));
  namer.end_range();
  namer.add_hole(100);
  const store::v1::Node node = namer.finish();
  CHECK(node.size() == 4200);
  REQUIRE(node.content_size() == 3);
  CHECK(node.content(0).type() == store::v1::ENTRY_TYPE_HOLE);
  CHECK(node.content(1).length() == 4);
  CHECK(node.content(2).length() == 100);
  CHECK(lengths == std::vector<std::uint64_t>{4});
}

}  // namespace
}  // namespace garner::backup
