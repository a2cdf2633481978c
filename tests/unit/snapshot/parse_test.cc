#include "snapshot/parse.h"

#include <google/protobuf/stubs/logging.h>
#include <rapidcheck.h>

#include <catch2/catch.hpp>
#include <string>

#include "base/error.h"
#include "sample_nodes.h"

namespace garner::snapshot {
namespace {

using testing::id_bytes;
using testing::sample_entry;
using testing::sample_file;
using testing::sample_folder;
using testing::sample_link;
using testing::sample_snapshot;
using testing::sample_source;

std::string sample_page() {
  v1::TreePage page;
  for (int i = 10; i < 30; ++i) {
    v1::Node node = sample_file("file" + std::to_string(i), static_cast<std::uint64_t>(i));
    v1::Xattr* xattr = node.add_xattrs();
    xattr->set_name("user.note");
    xattr->set_value(std::string("\0x", 2));
    *page.add_nodes() = node;
  }
  *page.add_nodes() = sample_folder("folder", {});
  *page.add_nodes() = sample_link("link", "somewhere");
  page.add_users()->set_name("root");
  return serialize(page);
}

std::string sample_list() {
  v1::ContentList list;
  for (std::uint64_t i = 1; i < 50; ++i) {
    *list.add_entries() = sample_entry(i % 7 == 0 ? v1::ENTRY_TYPE_HOLE : v1::ENTRY_TYPE_BLOB, i, i);
  }
  return serialize(list);
}

std::string sample_snapshot_blob() {
  return serialize(sample_snapshot("home", 1000, sample_source("/home", sample_folder("x", {})),
                                   sample_source("/etc/hosts", sample_file("x"))));
}

template <typename Parse>
void check_hostile_bytes(const std::string& blob, Parse parse) {
  const google::protobuf::LogSilencer silencer;  // it tells of text that is no UTF-8
  REQUIRE(parse(as_bytes(blob)) == blob);
  const auto survives = [&](const std::string& bytes) {
    try {
      parse(as_bytes(bytes));
    } catch (const Error& error) {
      return error.kind() == ErrorKind::kDamaged || error.kind() == ErrorKind::kNewerFormat;
    }
    return true;  // what is still valid may pass: that it is another blob its id tells
  };
  for (std::size_t size = 0; size < blob.size(); ++size) REQUIRE(survives(blob.substr(0, size)));
  for (std::size_t bit = 0; bit < blob.size() * 8; ++bit) {
    std::string flipped = blob;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    REQUIRE(survives(flipped));
  }
  REQUIRE(rc::check("random bytes", [&](const std::string& bytes) { RC_ASSERT(survives(bytes)); }));
  REQUIRE(rc::check("spliced bytes", [&] {
    std::string bytes = blob;
    const auto at = *rc::gen::inRange<std::size_t>(0, bytes.size());
    const auto from = *rc::gen::inRange<std::size_t>(0, bytes.size());
    const auto length = *rc::gen::inRange<std::size_t>(0, bytes.size());
    bytes.insert(at, blob.substr(from, length));
    RC_ASSERT(survives(bytes));
  }));
}

template <typename Parse>
void require_damaged_blob(const std::string& blob, Parse parse) {
  try {
    parse(as_bytes(blob));
    FAIL("accepted");
  } catch (const Error& error) {
    REQUIRE(error.kind() == ErrorKind::kDamaged);
  }
}

TEST_CASE("truncated and flipped tree pages never crash") {
  check_hostile_bytes(sample_page(), [](ByteView bytes) { return serialize(parse_page(bytes).page); });
}

TEST_CASE("truncated and flipped content lists never crash") {
  check_hostile_bytes(sample_list(), [](ByteView bytes) { return serialize(parse_list(bytes)); });
}

TEST_CASE("truncated and flipped snapshots never crash") {
  check_hostile_bytes(sample_snapshot_blob(),
                      [](ByteView bytes) { return serialize(parse_snapshot(bytes)); });
}

TEST_CASE("a page's summary is what it holds") {
  const ParsedPage parsed = parse_page(as_bytes(sample_page()));
  REQUIRE(parsed.summary.first_name == "file10");
  REQUIRE(parsed.summary.nodes == 22);
  REQUIRE(parsed.summary.totals.files() == 20);
  REQUIRE(parsed.summary.totals.folders() == 1);
  REQUIRE(parsed.summary.totals.others() == 1);
  REQUIRE(parsed.summary.totals.bytes() == 390);
}

TEST_CASE("small input cannot ask for much memory") {
  // Two bytes each: an empty node; an empty entry; a node of empty xattrs.
  std::string nodes;
  std::string entries;
  std::string xattrs;
  while (xattrs.size() < kMaximumBlob - 100) {
    nodes += std::string("\x0a\x00", 2);
    entries += std::string("\x0a\x00", 2);
    xattrs += std::string("\x5a\x00", 2);
  }
  require_damaged_blob(nodes, parse_page);
  require_damaged_blob(entries, parse_list);
  v1::TreePage page;
  page.add_nodes();
  REQUIRE(page.mutable_nodes(0)->ParseFromString(xattrs));
  require_damaged_blob(page.SerializeAsString(), parse_page);
}

TEST_CASE("blobs longer than the bound are refused") {
  v1::TreePage page;
  v1::Node node = sample_file("a");
  v1::Xattr* xattr = node.add_xattrs();
  xattr->set_name("user.a");
  xattr->set_value(std::string(kMaximumXattrs - 6, 'x'));
  *page.add_nodes() = node;
  REQUIRE_NOTHROW(parse_page(as_bytes(serialize(page))));
  page.mutable_nodes(0)->mutable_xattrs(0)->set_value(std::string(kMaximumBlob, 'x'));
  require_damaged_blob(serialize(page), parse_page);
}

TEST_CASE("pages and lists of more entries than may be are refused") {
  v1::TreePage page;
  for (std::size_t i = 0; i < kMaximumPageEntries; ++i)
    *page.add_nodes() = sample_file(std::to_string(10000 + i));
  REQUIRE_NOTHROW(parse_page(as_bytes(serialize(page))));
  *page.add_nodes() = sample_file("x");
  require_damaged_blob(serialize(page), parse_page);

  v1::ContentList list;
  for (std::size_t i = 0; i < kMaximumListEntries; ++i) {
    *list.add_entries() = sample_entry(v1::ENTRY_TYPE_BLOB, 1, i);
  }
  REQUIRE_NOTHROW(parse_list(as_bytes(serialize(list))));
  *list.add_entries() = sample_entry(v1::ENTRY_TYPE_BLOB, 1, 0);
  require_damaged_blob(serialize(list), parse_list);
}

TEST_CASE("a stored snapshot has a sequence number") {
  v1::Snapshot snapshot = sample_snapshot("home", 1000, sample_source("/home", sample_folder("x", {})));
  REQUIRE_NOTHROW(parse_snapshot(as_bytes(serialize(snapshot))));
  snapshot.set_sequence(0);
  require_damaged_blob(serialize(snapshot), parse_snapshot);
}

TEST_CASE("fields of a later version are kept") {
  v1::Node node = sample_file("a");
  std::string bytes = serialize(node);
  bytes += std::string("\xc0\x3e\x05", 3);  // field 1000, a varint
  v1::TreePage page;
  REQUIRE(page.add_nodes()->ParseFromString(bytes));
  REQUIRE(serialize(parse_page(as_bytes(serialize(page))).page.nodes(0)) == bytes);
}

}  // namespace
}  // namespace garner::snapshot
