#include "snapshot/content_reader.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "crypto/keyring.h"
#include "crypto/secret.h"
#include "memory_blobs.h"
#include "sample_nodes.h"

namespace garner::snapshot {
namespace {

using testing::MemoryBlobs;
using testing::sample_file;

// A file of a chunk, a hole, a difference, and another chunk.
struct Content {
  Content() {
    std::string changed = base;
    changed[500] = 'x';
    store::DifferenceCodec codec;
    const auto patch = codec.encode(as_bytes(base), as_bytes(changed), false);
    REQUIRE(patch);
    patch_id = blobs.put(crypto::BlobKind::kData, *patch);
    expected = "first " + std::string(10, '\0') + changed + " last";
    build(hasher.id(crypto::BlobKind::kData, as_bytes(changed)));
  }

  static crypto::Keyring make_keyring() {
    crypto::initialize_crypto();
    return crypto::Keyring::generate(system_clock().now());
  }
  static std::string noise() {
    std::string text;
    for (std::uint32_t i = 1; text.size() < 20'000; i = i * 1'664'525 + 1'013'904'223)
      text.push_back(static_cast<char>(i >> 24));
    return text;
  }

  void build(const crypto::BlobId& made) {
    ContentListBuilder list;
    list.add_blob(blobs.put(crypto::BlobKind::kData, as_bytes("first ")), 6, blobs);
    list.add_hole(10);
    list.add_difference({made, base_id, patch_id}, base.size(), blobs);
    list.add_blob(last_id, 5, blobs);
    node = sample_file("file", 0);
    node.set_size(list.length());
    for (v1::ContentEntry& entry : list.finish(blobs)) *node.add_content() = std::move(entry);
  }

  // With NUL bytes for holes.
  std::string read(std::uint64_t from = 0) {
    reader.begin(node, from);
    std::string text;
    holes = 0;
    while (const auto part = reader.next()) {
      if (part->content) CHECK(part->content->size() == part->length);
      text += part->content ? std::string(as_text(*part->content)) : std::string(part->length, '\0');
      holes += part->content ? 0 : 1;
    }
    return text;
  }
  ErrorKind error(std::uint64_t from = 0) {
    try {
      read(from);
    } catch (const Error& error) {
      return error.kind();
    }
    FAIL("it was read");
    return ErrorKind::kInternal;
  }

  const std::string base = noise();
  crypto::Keyring keyring = make_keyring();
  crypto::BlobHasher hasher{keyring};
  MemoryBlobs blobs;
  crypto::BlobId base_id = blobs.put(crypto::BlobKind::kData, as_bytes(base));
  crypto::BlobId last_id = blobs.put(crypto::BlobKind::kData, as_bytes(" last"));
  crypto::BlobId patch_id;
  std::string expected;
  v1::Node node;
  int holes = 0;
  ContentReader reader{blobs, hasher};
};

TEST_CASE("a file is read from front to back, differences whole and holes as holes, again and again") {
  Content content;
  CHECK(content.read() == content.expected);
  CHECK(content.holes == 1);
  const v1::Node whole = content.node;
  content.node = sample_file("empty", 0);
  content.node.clear_content();
  content.node.set_size(0);
  CHECK(content.read().empty());
  content.node = whole;
  CHECK(content.read() == content.expected);
}

TEST_CASE("a file is read from any byte on, and what lies before is not read") {
  Content content;
  const std::uint64_t size = content.expected.size();
  for (const std::uint64_t from :
       std::vector<std::uint64_t>{0, 1, 5, 6, 7, 15, 16, 17, 516, size - 6, size - 5, size - 1}) {
    INFO(from);
    CHECK(content.read(from) == content.expected.substr(from));
  }
  CHECK(content.read(size).empty());
  CHECK(content.read(size + 1).empty());
  CHECK(content.read(~std::uint64_t{0}).empty());
  content.blobs.remove(crypto::BlobKind::kData, content.base_id);
  CHECK(content.read(size - 5) == " last");
  CHECK(content.error(size - 6) == ErrorKind::kNotFound);
}

TEST_CASE("from the middle of a large file on one list a level is read") {
  Content content;
  ContentListBuilder list;
  constexpr std::uint64_t kEntries = 200'000;
  for (std::uint64_t number = 0; number < kEntries; ++number) {
    ByteWriter bytes;
    bytes.u64(number);
    list.add_blob(content.blobs.put(crypto::BlobKind::kData, bytes.data()), 8, content.blobs);
  }
  content.node.set_size(list.length());
  content.node.clear_content();
  for (v1::ContentEntry& entry : list.finish(content.blobs)) *content.node.add_content() = std::move(entry);
  for (const std::uint64_t number : std::vector<std::uint64_t>{0, 1, 77'777, kEntries / 2, kEntries - 1}) {
    INFO(number);
    content.blobs.reads = 0;
    content.reader.begin(content.node, number * 8 + 3);
    const auto part = content.reader.next();
    REQUIRE(part);
    REQUIRE(part->content);
    ByteWriter bytes;
    bytes.u64(number);
    CHECK(as_text(*part->content) == as_text(bytes.data()).substr(3));
    // A list of each level, of which there are two or three, and the chunk.
    CHECK(content.blobs.reads <= 4);
  }
}

TEST_CASE("content that is lost, or is not what it is said to be, is an error") {
  Content content;
  SECTION("a chunk is lost") {
    content.blobs.remove(crypto::BlobKind::kData, content.last_id);
    CHECK(content.error() == ErrorKind::kNotFound);
  }
  SECTION("a base is lost") {
    content.blobs.remove(crypto::BlobKind::kData, content.base_id);
    CHECK(content.error() == ErrorKind::kNotFound);
  }
  SECTION("a chunk has another length") {
    content.blobs.replace(crypto::BlobKind::kData, content.last_id, " later");
    CHECK(content.error() == ErrorKind::kDamaged);
  }
  SECTION("a difference makes something else") {
    content.build(content.last_id);
    CHECK(content.error() == ErrorKind::kDamaged);
  }
  SECTION("it is longer than the file") {
    content.node.set_size(content.node.size() - 1);
    CHECK(content.error() == ErrorKind::kDamaged);
  }
  SECTION("it is shorter than the file") {
    content.node.set_size(content.node.size() + 1);
    CHECK(content.error() == ErrorKind::kDamaged);
    CHECK(content.error(content.expected.size()) == ErrorKind::kDamaged);
  }
}

}  // namespace
}  // namespace garner::snapshot
