#include "snapshot/content_reader.h"

#include <catch2/catch.hpp>
#include <string>

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
  std::string read() {
    reader.begin(node);
    std::string text;
    holes = 0;
    while (const auto part = reader.next()) {
      if (part->content) CHECK(part->content->size() == part->length);
      text += part->content ? std::string(as_text(*part->content)) : std::string(part->length, '\0');
      holes += part->content ? 0 : 1;
    }
    return text;
  }
  ErrorKind error() {
    try {
      read();
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
  }
}

}  // namespace
}  // namespace garner::snapshot
