#include "snapshot/tree.h"

#include <rapidcheck.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <iterator>
#include <set>
#include <string>
#include <vector>

#include "base/error.h"
#include "memory_blobs.h"
#include "sample_nodes.h"
#include "sample_trees.h"
#include "snapshot/node.h"
#include "snapshot/parse.h"

namespace garner::snapshot {
namespace {

using testing::id_bytes;
using testing::kNoNames;
using testing::MemoryBlobs;
using testing::sample_file;
using testing::sample_folder;
using testing::sample_link;

std::vector<v1::Node> numbered_nodes(std::size_t count) {
  std::vector<v1::Node> nodes;
  for (std::size_t i = 0; i < count; ++i)
    nodes.push_back(sample_file("file" + std::to_string(1'000'000 + i), i % 10));
  return nodes;
}

BuiltTree build_tree(const std::vector<v1::Node>& nodes, store::BlobSink& sink,
                     const OwnerNames& names = kNoNames) {
  return testing::build(sink, nodes, names);
}

std::vector<v1::Node> read_nodes(const crypto::BlobId& id, store::BlobSource& source) {
  std::vector<v1::Node> nodes;
  TreeReader reader(source, id);
  while (std::optional<NamedNode> named = reader.next()) nodes.push_back(std::move(named->node));
  return nodes;
}

bool same(const std::vector<v1::Node>& a, const std::vector<v1::Node>& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (serialize(a[i]) != serialize(b[i])) return false;
  }
  return true;
}

void require_damaged_tree(const crypto::BlobId& id, store::BlobSource& source) {
  try {
    read_nodes(id, source);
    FAIL("accepted");
  } catch (const Error& error) {
    REQUIRE(error.kind() == ErrorKind::kDamaged);
  }
}

TEST_CASE("a folder without entries is an empty blob") {
  MemoryBlobs blobs;
  const BuiltTree tree = build_tree({}, blobs);
  REQUIRE(blobs.all().begin()->second.empty());
  REQUIRE(read_nodes(tree.id, blobs).empty());
  REQUIRE_FALSE(find_in_tree(blobs, tree.id, "a"));
  REQUIRE(equal(tree.totals, v1::Totals()));
}

TEST_CASE("any nodes are read again, found by name, and add up") {
  REQUIRE(rc::check([] {
    const auto names = *rc::gen::container<std::set<std::string>>(
        rc::gen::suchThat(rc::gen::container<std::string>(rc::gen::arbitrary<char>()),
                          [](const std::string& name) { return is_valid_name(name); }));
    std::vector<v1::Node> nodes;
    v1::Totals totals;
    for (const std::string& name : names) {
      nodes.push_back(name.size() % 3 == 0 ? sample_link(name, "target") : sample_file(name, name.size()));
      add_to(totals, nodes.back());
    }
    MemoryBlobs blobs;
    const BuiltTree tree = build_tree(nodes, blobs);
    RC_ASSERT(same(read_nodes(tree.id, blobs), nodes));
    RC_ASSERT(equal(tree.totals, totals));
    for (const v1::Node& node : nodes) {
      const auto found = find_in_tree(blobs, tree.id, node.name());
      RC_ASSERT(found.has_value());
      RC_ASSERT(serialize(found->node) == serialize(node));
      RC_ASSERT(find_in_tree(blobs, tree.id, node.name() + "\x01").has_value() ==
                names.contains(node.name() + "\x01"));
    }
  }));
}

TEST_CASE("a huge folder is cut into pages of bounded size") {
  const std::size_t count = GENERATE(127u, 128u, 129u, 2048u, 2049u, 5000u, 100'000u);
  const std::vector<v1::Node> nodes = numbered_nodes(count);
  MemoryBlobs blobs;
  const BuiltTree tree = build_tree(nodes, blobs);
  REQUIRE(same(read_nodes(tree.id, blobs), nodes));
  REQUIRE(tree.totals.files() == count);
  std::size_t leaves = 0;
  std::size_t small = 0;
  for (const auto& [key, bytes] : blobs.all()) {
    REQUIRE(bytes.size() <= kPageBytes);
    const ParsedPage parsed = parse_page(as_bytes(bytes));
    if (parsed.page.nodes_size() == 0) continue;
    ++leaves;
    if (parsed.page.nodes_size() < static_cast<int>(kLeastPageEntries)) ++small;
  }
  REQUIRE(small <= 1);
  if (count == 100'000) {
    REQUIRE(leaves > 150);
    REQUIRE(leaves < 250);
  }
  // Reads only the pages on the way.
  blobs.reads = 0;
  REQUIRE(find_in_tree(blobs, tree.id, nodes[count / 2].name()));
  REQUIRE_FALSE(find_in_tree(blobs, tree.id, nodes[count / 2].name() + "x"));
  REQUIRE_FALSE(find_in_tree(blobs, tree.id, "a"));
  REQUIRE_FALSE(find_in_tree(blobs, tree.id, "z"));
  REQUIRE(blobs.reads <= 4 * 3);
}

TEST_CASE("one entry more, less or changed rewrites few pages") {
  const std::vector<v1::Node> nodes = numbered_nodes(100'000);
  MemoryBlobs blobs;
  build_tree(nodes, blobs);
  for (const std::ptrdiff_t at : {0, 50'000, 99'999}) {
    std::vector<v1::Node> changed = nodes;
    blobs.new_blobs = 0;
    changed.insert(changed.begin() + at,
                   sample_file(nodes[static_cast<std::size_t>(at)].name().substr(0, 10) + "!"));
    std::sort(changed.begin(), changed.end(),
              [](const auto& a, const auto& b) { return a.name() < b.name(); });
    build_tree(changed, blobs);
    REQUIRE(blobs.new_blobs <= 6);
    if (at != 50'000) continue;

    changed = nodes;
    blobs.new_blobs = 0;
    changed.erase(changed.begin() + at);
    build_tree(changed, blobs);
    REQUIRE(blobs.new_blobs <= 6);

    changed = nodes;
    blobs.new_blobs = 0;
    changed[static_cast<std::size_t>(at)].set_mode(0600);
    build_tree(changed, blobs);
    REQUIRE(blobs.new_blobs <= 2);
  }
}

TEST_CASE("nodes with large xattrs fill pages by bytes, and the largest node fits") {
  std::vector<v1::Node> nodes = numbered_nodes(300);
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    v1::Xattr* xattr = nodes[i].add_xattrs();
    xattr->set_name("user.large");
    xattr->set_value(std::string(i == 150 ? kMaximumXattrs - 100 : 64u << 10, 'x'));
  }
  MemoryBlobs blobs;
  const BuiltTree tree = build_tree(nodes, blobs);
  REQUIRE(same(read_nodes(tree.id, blobs), nodes));
  std::size_t above = 0;
  for (const auto& [key, bytes] : blobs.all()) {
    REQUIRE(bytes.size() <= kMaximumBlob);
    if (bytes.size() > kPageBytes) ++above;
  }
  REQUIRE(above == 1);
}

TEST_CASE("what a node can hold at most fits into it") {
  v1::Node node = sample_file(std::string(255, 'n'), 0);
  node.set_size(8ULL << 40);
  for (std::uint64_t i = 0; i < 8; ++i) {
    *node.add_content() = testing::sample_entry(v1::ENTRY_TYPE_BLOB, 1ULL << 40, i);
  }
  // The most that surrounds a byte of value: single-byte xattrs, by kMaximumXattrs' count of 16 bytes for
  // each.
  for (std::size_t total = 0, i = 0; total + 8 + 1 + 16 <= kMaximumXattrs; total += 8 + 1 + 16, ++i) {
    v1::Xattr* xattr = node.add_xattrs();
    xattr->set_name(std::to_string(10'000'000 + i));
    xattr->set_value("x");
  }
  REQUIRE(node.ByteSizeLong() <= kMaximumNode);
  MemoryBlobs blobs;
  const OwnerNames names{[](std::uint32_t) { return std::string(kMaximumOwnerName, 'u'); },
                         [](std::uint32_t) { return std::string(kMaximumOwnerName, 'g'); }};
  const BuiltTree tree = build_tree({node}, blobs, names);
  REQUIRE(blobs.all().begin()->second.size() <= kMaximumBlob);
  REQUIRE(same(read_nodes(tree.id, blobs), {node}));

  node.add_xattrs()->set_name("z");
  node.mutable_xattrs()->rbegin()->set_value(std::string(kMaximumBlob, 'x'));
  MemoryBlobs more;
  TreeBuilder builder(more, names);
  REQUIRE_THROWS_AS(builder.add(node), Error);
}

TEST_CASE("owners' names are recorded for each page, where there are some") {
  std::vector<v1::Node> nodes = numbered_nodes(6000);
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    nodes[i].set_uid(static_cast<std::uint32_t>(i % 5));
    nodes[i].set_gid(static_cast<std::uint32_t>(i / 100));
  }
  MemoryBlobs blobs;
  const OwnerNames names{
      [](std::uint32_t id) { return id == 3 ? std::string() : "user" + std::to_string(id); },
      [](std::uint32_t id) { return id == 7 ? std::string(256, 'g') : "group" + std::to_string(id); }};
  const BuiltTree tree = build_tree(nodes, blobs, names);
  TreeReader reader(blobs, tree.id);
  std::size_t count = 0;
  while (const auto named = reader.next()) {
    const std::uint32_t uid = named->node.uid();
    const std::uint32_t gid = named->node.gid();
    REQUIRE(named->user == (uid == 3 ? std::string() : "user" + std::to_string(uid)));
    REQUIRE(named->group == (gid == 7 ? std::string() : "group" + std::to_string(gid)));
    ++count;
  }
  REQUIRE(count == nodes.size());
  const auto found = find_in_tree(blobs, tree.id, nodes[4321].name());
  REQUIRE(found->user == "user1");
  REQUIRE(found->group == "group43");
  // Each page has the names that it needs, and no other.
  for (const auto& [key, bytes] : blobs.all()) {
    const ParsedPage parsed = parse_page(as_bytes(bytes));
    std::set<std::uint32_t> groups;
    for (const v1::Node& node : parsed.page.nodes()) groups.insert(node.gid());
    groups.erase(7);
    REQUIRE(parsed.page.groups_size() == static_cast<int>(groups.size()));
  }
}

TEST_CASE("pages are as long as their names make them, whoever owns the nodes") {
  // Many owners with long names: the page is cut by bytes, and by the same bytes as are written.
  std::vector<v1::Node> nodes = numbered_nodes(4000);
  for (std::size_t i = 0; i < nodes.size(); ++i) nodes[i].set_uid(static_cast<std::uint32_t>(i));
  MemoryBlobs blobs;
  const OwnerNames names{[](std::uint32_t id) { return std::string(245, 'u') + std::to_string(id); }, {}};
  const BuiltTree tree = build_tree(nodes, blobs, names);
  REQUIRE(same(read_nodes(tree.id, blobs), nodes));
  for (const auto& [key, bytes] : blobs.all()) REQUIRE(bytes.size() <= kPageBytes);
}

TEST_CASE("the builder refuses nodes out of order and nodes that are not valid") {
  MemoryBlobs blobs;
  const auto refused = [&](const v1::Node& node) {
    TreeBuilder builder(blobs, kNoNames);
    builder.add(sample_file("m"));
    try {
      builder.add(node);
    } catch (const Error& error) {
      return error.kind() == ErrorKind::kInternal;
    }
    return false;
  };
  REQUIRE(refused(sample_file("m")));
  REQUIRE(refused(sample_file("a")));
  REQUIRE(refused(sample_file("..")));
  REQUIRE(refused(sample_file("x/y")));
  REQUIRE_FALSE(refused(sample_file("n")));
}

TEST_CASE("a folder of more bytes than can be counted is read again, in one page and in many") {
  const std::size_t count = GENERATE(3u, 5000u);
  std::vector<v1::Node> nodes;
  for (std::size_t i = 0; i < count; ++i)
    nodes.push_back(sample_file("file" + std::to_string(10'000 + i), (1ULL << 63) - 1));
  MemoryBlobs blobs;
  const BuiltTree tree = build_tree(nodes, blobs);
  REQUIRE(tree.totals.files() == count);
  REQUIRE(tree.totals.bytes() == std::numeric_limits<std::uint64_t>::max());
  REQUIRE(same(read_nodes(tree.id, blobs), nodes));
  // As is the folder above, and the snapshot.
  const std::vector<v1::Node> above = {sample_folder("a", tree), sample_folder("b", tree)};
  const BuiltTree top = build_tree(above, blobs);
  REQUIRE(same(read_nodes(top.id, blobs), above));
  const v1::Snapshot snapshot = testing::sample_snapshot("set", 1, testing::sample_source("/a", above[0]),
                                                         testing::sample_source("/b", above[1]));
  REQUIRE_NOTHROW(validate(snapshot));
  REQUIRE(snapshot.totals().bytes() == std::numeric_limits<std::uint64_t>::max());
}

// A folder of two leaf pages below one page of references, to be broken.
struct TwoPages {
  MemoryBlobs blobs;
  v1::TreePage left;
  v1::TreePage right;
  v1::TreePage top;

  TwoPages() {
    for (const char* name : {"a", "b"}) *left.add_nodes() = sample_file(name);
    for (const char* name : {"c", "d"}) *right.add_nodes() = sample_file(name);
    for (const v1::TreePage* page : {&left, &right}) {
      v1::PageReference* reference = top.add_pages();
      reference->set_first_name(page->nodes(0).name());
      reference->set_nodes(2);
      reference->mutable_totals()->set_files(2);
      reference->mutable_totals()->set_bytes(200);
    }
  }
  crypto::BlobId put() {
    top.mutable_pages(0)->set_id(id_bytes(blobs.put(crypto::BlobKind::kTree, as_bytes(serialize(left)))));
    top.mutable_pages(1)->set_id(id_bytes(blobs.put(crypto::BlobKind::kTree, as_bytes(serialize(right)))));
    return blobs.put(crypto::BlobKind::kTree, as_bytes(serialize(top)));
  }
};

TEST_CASE("pages must be what the page above says") {
  TwoPages pages;
  REQUIRE(read_nodes(pages.put(), pages.blobs).size() == 4);
  SECTION("another first name") {
    pages.top.mutable_pages(1)->set_first_name("bb");
    const crypto::BlobId id = pages.put();
    require_damaged_tree(id, pages.blobs);
    REQUIRE_THROWS_AS(find_in_tree(pages.blobs, id, "c"), Error);
  }
  SECTION("another number of entries") {
    pages.top.mutable_pages(1)->set_nodes(3);
    require_damaged_tree(pages.put(), pages.blobs);
  }
  SECTION("other totals") {
    pages.top.mutable_pages(1)->mutable_totals()->set_bytes(201);
    require_damaged_tree(pages.put(), pages.blobs);
  }
  SECTION("names that belong into the next page") {
    pages.left.mutable_nodes(1)->set_name("cc");
    require_damaged_tree(pages.put(), pages.blobs);
  }
  SECTION("an empty page") {
    pages.right.clear_nodes();
    require_damaged_tree(pages.put(), pages.blobs);
  }
  SECTION("a page that is missing") {
    const crypto::BlobId id = pages.put();
    pages.blobs.remove(crypto::BlobKind::kTree,
                       crypto::BlobId::from_bytes(as_bytes(pages.top.pages(1).id())));
    REQUIRE_THROWS_AS(read_nodes(id, pages.blobs), Error);
  }
}

TEST_CASE("a page that refers to itself ends") {
  MemoryBlobs blobs;
  const crypto::BlobId id = testing::numbered_id(1);
  v1::TreePage page;
  v1::PageReference* reference = page.add_pages();
  reference->set_id(id_bytes(id));
  reference->set_first_name("a");
  reference->set_nodes(2);
  reference->mutable_totals()->set_files(2);
  blobs.replace(crypto::BlobKind::kTree, id, serialize(page));
  require_damaged_tree(id, blobs);
  REQUIRE_THROWS_AS(find_in_tree(blobs, id, "b"), Error);
}

TEST_CASE("damaged pages never crash a reader") {
  MemoryBlobs blobs;
  const BuiltTree tree = build_tree(numbered_nodes(600), blobs);
  REQUIRE(rc::check([&] {
    MemoryBlobs damaged = blobs;
    auto at = damaged.all().begin();
    std::advance(at, *rc::gen::inRange<std::size_t>(0, damaged.all().size()));
    const auto key = at->first;
    std::string bytes = at->second;
    if (*rc::gen::arbitrary<bool>()) {
      bytes.resize(*rc::gen::inRange<std::size_t>(0, bytes.size()));
    } else {
      const auto bit = *rc::gen::inRange<std::size_t>(0, bytes.size() * 8);
      bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
    }
    damaged.replace(key.first, key.second, bytes);
    try {
      read_nodes(tree.id, damaged);
    } catch (const Error& error) {
      // Not found: the id in a reference is another one by now.
      RC_ASSERT(error.kind() == ErrorKind::kDamaged || error.kind() == ErrorKind::kNewerFormat ||
                error.kind() == ErrorKind::kNotFound);
    }
  }));
}

TEST_CASE("a reader knows the totals of the whole tree before it reads on") {
  MemoryBlobs blobs;
  const BuiltTree tree = build_tree(numbered_nodes(6000), blobs);
  TreeReader reader(blobs, tree.id);
  REQUIRE(equal(reader.totals(), tree.totals));
}

}  // namespace
}  // namespace garner::snapshot
