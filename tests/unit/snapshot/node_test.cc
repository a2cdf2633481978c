#include "snapshot/node.h"

#include <catch2/catch.hpp>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "base/error.h"
#include "sample_nodes.h"

namespace garner::snapshot {
namespace {

using testing::id_bytes;
using testing::sample_entry;
using testing::sample_file;
using testing::sample_folder;
using testing::sample_link;
using testing::sample_node;
using testing::sample_snapshot;
using testing::sample_source;

struct Rule {
  std::string name;
  std::function<void(v1::Node&)> breaks;
};

template <typename Message>
void require_damaged_message(const Message& message, const std::string& rule) {
  INFO(rule);
  try {
    validate(message);
  } catch (const Error& error) {
    REQUIRE(error.kind() == ErrorKind::kDamaged);
    return;
  }
  FAIL("accepted");
}

// A node of each type, with every field that its type may have.
std::vector<v1::Node> one_of_each_type() {
  v1::Node file = sample_file("file", 7);
  file.set_links(2);
  file.set_mount(3);
  file.set_inconsistent(true);
  file.set_inode_flags(0x10);
  *file.mutable_birth_time() = to_proto({-5, 999'999'999});
  auto* xattr = file.add_xattrs();
  xattr->set_name("user.a");
  xattr = file.add_xattrs();
  xattr->set_name("user.b");
  xattr->set_value(std::string("\0\xff", 2));
  BuiltTree tree;
  v1::Node device = sample_node("device", v1::NODE_TYPE_BLOCK_DEVICE);
  device.set_device_major(8);
  device.set_device_minor(1);
  return {file,
          sample_folder("folder", tree),
          sample_link("link", "target"),
          device,
          sample_node("null", v1::NODE_TYPE_CHARACTER_DEVICE),
          sample_node("fifo", v1::NODE_TYPE_FIFO),
          sample_node("socket", v1::NODE_TYPE_SOCKET)};
}

TEST_CASE("names are one component of a path") {
  for (const char* name : {"a", "...", ".hidden", "with space", "new\nline", "\xff\xfe", "-"}) {
    REQUIRE(is_valid_name(name));
  }
  REQUIRE(is_valid_name(std::string(255, 'x')));
  for (const char* name : {"", ".", "..", "/", "a/b", "a/", "/a"}) REQUIRE_FALSE(is_valid_name(name));
  REQUIRE_FALSE(is_valid_name(std::string(256, 'x')));
  REQUIRE_FALSE(is_valid_name(std::string("a\0b", 3)));
}

TEST_CASE("set names") {
  for (const char* name : {"home", "0", "a.b_c-d", "Home2"}) REQUIRE(is_valid_set_name(name));
  for (const char* name : {"", ".a", "-a", "_a", "a b", "a@b", "a~1", "a/b", "ä"})
    REQUIRE_FALSE(is_valid_set_name(name));
}

TEST_CASE("a node of each type is valid") {
  for (const v1::Node& node : one_of_each_type()) {
    INFO(node.name());
    REQUIRE_NOTHROW(validate(node));
    // The same bytes from what was parsed from them.
    v1::Node parsed;
    REQUIRE(parsed.ParseFromString(serialize(node)));
    REQUIRE(serialize(parsed) == serialize(node));
  }
}

TEST_CASE("a node that breaks a rule of every type is refused") {
  const std::vector<Rule> rules = {
      {"no name", [](v1::Node& n) { n.clear_name(); }},
      {"a path for a name", [](v1::Node& n) { n.set_name("a/b"); }},
      {"the root's name", [](v1::Node& n) { n.set_name("/"); }},
      {"no type", [](v1::Node& n) { n.clear_type(); }},
      {"an unknown type", [](v1::Node& n) { n.set_type(static_cast<v1::NodeType>(8)); }},
      {"a negative type", [](v1::Node& n) { n.set_type(static_cast<v1::NodeType>(-1)); }},
      {"file type bits in the mode", [](v1::Node& n) { n.set_mode(010000); }},
      {"no mtime", [](v1::Node& n) { n.clear_mtime(); }},
      {"no ctime", [](v1::Node& n) { n.clear_ctime(); }},
      {"nanoseconds of mtime", [](v1::Node& n) { n.mutable_mtime()->set_nanos(1'000'000'000); }},
      {"nanoseconds of ctime", [](v1::Node& n) { n.mutable_ctime()->set_nanos(1'000'000'000); }},
      {"nanoseconds of birth time", [](v1::Node& n) { n.mutable_birth_time()->set_nanos(1'000'000'000); }},
      {"an xattr without a name", [](v1::Node& n) { n.clear_xattrs(), n.add_xattrs(); }},
      {"an xattr's name with NUL", [](v1::Node& n) { n.add_xattrs()->set_name(std::string("z\0z", 3)); }},
      {"an xattr's name too long", [](v1::Node& n) { n.add_xattrs()->set_name(std::string(256, 'z')); }},
      {"xattrs out of order",
       [](v1::Node& n) {
         n.add_xattrs()->set_name("zz");
         n.add_xattrs()->set_name("za");
       }},
      {"the same xattr twice",
       [](v1::Node& n) {
         n.add_xattrs()->set_name("zz");
         n.add_xattrs()->set_name("zz");
       }},
  };
  for (const v1::Node& valid : one_of_each_type()) {
    for (const Rule& rule : rules) {
      v1::Node node = valid;
      rule.breaks(node);
      require_damaged_message(node, valid.name() + ": " + rule.name);
    }
  }
}

TEST_CASE("fields of another type are refused") {
  struct FieldOf {
    std::string name;
    std::function<bool(v1::NodeType)> belongs;
    std::function<void(v1::Node&)> set;
  };
  const auto is = [](v1::NodeType wanted) { return [wanted](v1::NodeType type) { return type == wanted; }; };
  const auto is_device = [](v1::NodeType type) {
    return type == v1::NODE_TYPE_BLOCK_DEVICE || type == v1::NODE_TYPE_CHARACTER_DEVICE;
  };
  const std::vector<FieldOf> fields = {
      {"size", is(v1::NODE_TYPE_FILE), [](v1::Node& n) { n.set_size(1); }},
      {"content", is(v1::NODE_TYPE_FILE),
       [](v1::Node& n) { *n.add_content() = sample_entry(v1::ENTRY_TYPE_HOLE, 1, 0); }},
      {"inconsistent", is(v1::NODE_TYPE_FILE), [](v1::Node& n) { n.set_inconsistent(true); }},
      {"tree", is(v1::NODE_TYPE_FOLDER), [](v1::Node& n) { n.set_tree(id_bytes(1)); }},
      {"totals", is(v1::NODE_TYPE_FOLDER), [](v1::Node& n) { n.mutable_totals(); }},
      {"target", is(v1::NODE_TYPE_SYMLINK), [](v1::Node& n) { n.set_target("x"); }},
      {"major number", is_device, [](v1::Node& n) { n.set_device_major(1); }},
      {"minor number", is_device, [](v1::Node& n) { n.set_device_minor(1); }},
      {"links", [](v1::NodeType type) { return type != v1::NODE_TYPE_FOLDER; },
       [](v1::Node& n) { n.set_links(2); }},
  };
  for (const v1::Node& valid : one_of_each_type()) {
    for (const FieldOf& field : fields) {
      if (field.belongs(valid.type())) continue;
      v1::Node node = valid;
      field.set(node);
      require_damaged_message(node, valid.name() + " with " + field.name);
    }
  }
}

TEST_CASE("a file's content adds up to its size") {
  v1::Node node = sample_file("a", 0);
  REQUIRE_NOTHROW(validate(node));

  node.set_size(10);
  require_damaged_message(node, "no content");
  *node.add_content() = sample_entry(v1::ENTRY_TYPE_BLOB, 9, 1);
  require_damaged_message(node, "content too short");
  *node.add_content() = sample_entry(v1::ENTRY_TYPE_HOLE, 1, 0);
  REQUIRE_NOTHROW(validate(node));
  *node.add_content() = sample_entry(v1::ENTRY_TYPE_BLOB, 1, 1);
  require_damaged_message(node, "content too long");

  node = sample_file("a", 0);
  node.set_size(8);
  for (int i = 0; i < 8; ++i) *node.add_content() = sample_entry(v1::ENTRY_TYPE_LIST, 1, 1);
  REQUIRE_NOTHROW(validate(node));
  node.set_size(9);
  *node.add_content() = sample_entry(v1::ENTRY_TYPE_LIST, 1, 1);
  require_damaged_message(node, "more entries than a node may hold");
}

TEST_CASE("content entries keep their rules") {
  const auto with = [](v1::ContentEntry entry) {
    v1::Node node = sample_file("a", 0);
    node.set_size(entry.length());
    *node.add_content() = std::move(entry);
    return node;
  };
  v1::ContentEntry entry = sample_entry(v1::ENTRY_TYPE_BLOB, 5, 1);
  REQUIRE_NOTHROW(validate(with(entry)));
  entry.set_id(std::string(31, 'x'));
  require_damaged_message(with(entry), "short id");
  entry = sample_entry(v1::ENTRY_TYPE_LIST, 5, 1);
  entry.clear_id();
  require_damaged_message(with(entry), "list without id");
  entry = sample_entry(v1::ENTRY_TYPE_HOLE, 5, 1);
  entry.set_id(id_bytes(1));
  require_damaged_message(with(entry), "hole with id");
  require_damaged_message(with(sample_entry(v1::ENTRY_TYPE_BLOB, 0, 1)), "length 0");
  require_damaged_message(with(sample_entry(v1::ENTRY_TYPE_UNSPECIFIED, 5, 1)), "no type");
  entry = sample_entry(v1::ENTRY_TYPE_BLOB, 5, 1);
  entry.set_recipe("x");
  require_damaged_message(with(entry), "recipe in a blob");
  entry = sample_entry(v1::ENTRY_TYPE_BLOB, 5, 1);
  entry.set_base(id_bytes(2));
  require_damaged_message(with(entry), "base of a blob");
  entry = sample_entry(v1::ENTRY_TYPE_LIST, 5, 1);
  entry.set_patch(id_bytes(2));
  require_damaged_message(with(entry), "patch of a list");
  require_damaged_message(with(sample_entry(v1::ENTRY_TYPE_BLOB, 1ULL << 63, 1)),
                          "longer than a file can be");
  for (const int type : {4, 17}) {
    try {
      validate(with(sample_entry(static_cast<v1::EntryType>(type), 5, 1)));
      FAIL("accepted");
    } catch (const Error& error) {
      REQUIRE(error.kind() == ErrorKind::kNewerFormat);
    }
  }
}

TEST_CASE("a difference names its base, its patch and what comes out") {
  const auto difference = [](const std::function<void(v1::ContentEntry&)>& edit) {
    v1::ContentEntry entry = sample_entry(v1::ENTRY_TYPE_DIFFERENCE, 5, 1);
    entry.set_base(id_bytes(2));
    entry.set_patch(id_bytes(3));
    edit(entry);
    v1::Node node = sample_file("a", 0);
    node.set_size(entry.length());
    *node.add_content() = std::move(entry);
    return node;
  };
  REQUIRE_NOTHROW(validate(difference([](v1::ContentEntry&) {})));
  REQUIRE_NOTHROW(validate(difference([](v1::ContentEntry& entry) { entry.set_length(4u << 20); })));
  const std::vector<std::pair<const char*, std::function<void(v1::ContentEntry&)>>> broken = {
      {"no id", [](v1::ContentEntry& entry) { entry.clear_id(); }},
      {"no base", [](v1::ContentEntry& entry) { entry.clear_base(); }},
      {"no patch", [](v1::ContentEntry& entry) { entry.clear_patch(); }},
      {"short base", [](v1::ContentEntry& entry) { entry.set_base(std::string(31, 'x')); }},
      {"long patch", [](v1::ContentEntry& entry) { entry.set_patch(std::string(33, 'x')); }},
      {"from itself", [](v1::ContentEntry& entry) { entry.set_base(entry.id()); }},
      {"length 0", [](v1::ContentEntry& entry) { entry.set_length(0); }},
      {"longer than a blob", [](v1::ContentEntry& entry) { entry.set_length((4u << 20) + 1); }},
      {"length that overflows", [](v1::ContentEntry& entry) { entry.set_length(~0ULL); }},
      {"recipe", [](v1::ContentEntry& entry) { entry.set_recipe("x"); }},
  };
  for (const auto& [what, edit] : broken) require_damaged_message(difference(edit), what);
}

TEST_CASE("lengths that overflow are noticed") {
  v1::Node node = sample_file("a", 0);
  *node.add_content() = sample_entry(v1::ENTRY_TYPE_BLOB, std::numeric_limits<std::uint64_t>::max(), 1);
  *node.add_content() = sample_entry(v1::ENTRY_TYPE_BLOB, 101, 1);
  node.set_size(100);  // what the sum wraps to
  require_damaged_message(node, "sum of lengths");
}

TEST_CASE("totals that are more than their number holds stay at the most") {
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
  v1::Totals totals;
  totals.set_bytes(kMost - 100);
  add_to(totals, sample_file("a", 100));
  REQUIRE(totals.bytes() == kMost);
  for (const std::uint64_t more : {std::uint64_t{1}, std::uint64_t{100}, kMost}) {
    v1::Totals others;
    others.set_bytes(more);
    add_to(totals, others);
    REQUIRE(totals.bytes() == kMost);
  }
  REQUIRE(totals.files() == 1);
}

TEST_CASE("fields that need each other") {
  v1::Node node = sample_file("a");
  node.set_links(1);
  require_damaged_message(node, "one link");
  node.set_links(0);
  node.set_mount(1);
  require_damaged_message(node, "mount without links");

  node = sample_folder("a", {});
  node.clear_totals();
  require_damaged_message(node, "folder without totals");
  node = sample_folder("a", {});
  node.set_tree("short");
  require_damaged_message(node, "folder with a short id");

  require_damaged_message(sample_link("a", ""), "link without a target");
  require_damaged_message(sample_link("a", std::string("a\0b", 3)), "target with NUL");
  require_damaged_message(sample_link("a", std::string(4096, 'x')), "target too long");
  REQUIRE_NOTHROW(validate(sample_link("a", std::string(4095, 'x'))));
}

TEST_CASE("only a root may be named /") {
  v1::Node node = sample_folder("/", {});
  REQUIRE_NOTHROW(validate(node, true));
  REQUIRE_THROWS_AS(validate(node), Error);
  node.set_name("//");
  REQUIRE_THROWS_AS(validate(node, true), Error);
}

TEST_CASE("the error names the node") {
  v1::Node node = sample_file("na\nme");
  node.set_mode(010000);
  REQUIRE_THROWS_WITH(validate(node), Catch::Contains("na\\x0ame") && Catch::Contains("mode"));
}

TEST_CASE("tree pages keep their rules") {
  v1::TreePage page;
  REQUIRE_NOTHROW(validate(page));  // a folder without entries
  *page.add_nodes() = sample_file("a");
  *page.add_nodes() = sample_file("b");
  *page.add_nodes() = sample_file("\xff");  // compared as an unsigned byte
  auto* owner = page.add_users();
  owner->set_id(7);
  owner->set_name("seven");
  owner = page.add_users();
  owner->set_id(1000);
  owner->set_name("user");
  REQUIRE_NOTHROW(validate(page));
  const v1::TreePage valid = page;

  *page.add_nodes() = sample_file("b");
  require_damaged_message(page, "out of order");
  page = valid;
  *page.add_nodes() = sample_file("\xff");
  require_damaged_message(page, "the same name twice");
  page = valid;
  page.mutable_nodes(1)->set_mode(1u << 20);
  require_damaged_message(page, "a node that is not valid");
  page = valid;
  page.mutable_nodes(1)->set_name("/");
  require_damaged_message(page, "a root's name");
  page = valid;
  page.mutable_users(1)->set_id(7);
  require_damaged_message(page, "the same user twice");
  page = valid;
  page.mutable_users(1)->clear_name();
  require_damaged_message(page, "a user without a name");
  page = valid;
  page.add_groups()->set_name(std::string(256, 'x'));
  require_damaged_message(page, "a group's name too long");
  page = valid;
  page.add_pages();
  require_damaged_message(page, "both nodes and pages");
}

TEST_CASE("page references keep their rules") {
  v1::TreePage page;
  for (const char* name : {"a", "b"}) {
    v1::PageReference* reference = page.add_pages();
    reference->set_id(id_bytes(1));
    reference->set_first_name(name);
    reference->mutable_totals()->set_files(10);
    reference->set_nodes(10);
  }
  REQUIRE_NOTHROW(validate(page));
  const v1::TreePage valid = page;

  page.mutable_pages(0)->set_id("x");
  require_damaged_message(page, "short id");
  page = valid;
  page.mutable_pages(0)->set_first_name("..");
  require_damaged_message(page, "first name");
  page = valid;
  page.mutable_pages(1)->set_first_name("a");
  require_damaged_message(page, "the same first name twice");
  page = valid;
  page.mutable_pages(0)->clear_totals();
  require_damaged_message(page, "no totals");
  page = valid;
  page.mutable_pages(0)->set_nodes(0);
  require_damaged_message(page, "no entries");
  page = valid;
  page.mutable_pages(0)->set_nodes(std::numeric_limits<std::uint64_t>::max());
  require_damaged_message(page, "number of entries overflows");
  page = valid;
  page.add_users()->set_name("x");
  require_damaged_message(page, "owners without nodes");
}

TEST_CASE("content lists keep their rules") {
  v1::ContentList list;
  require_damaged_message(list, "empty");
  *list.add_entries() = sample_entry(v1::ENTRY_TYPE_BLOB, 1, 1);
  require_damaged_message(list, "one entry");
  *list.add_entries() = sample_entry(v1::ENTRY_TYPE_HOLE, 1, 1);
  REQUIRE_NOTHROW(validate(list));
  *list.add_entries() = sample_entry(v1::ENTRY_TYPE_HOLE, 1, 1);
  require_damaged_message(list, "two holes in a row");
}

TEST_CASE("snapshots keep their rules") {
  const v1::Snapshot valid = sample_snapshot("home", 1000, sample_source("/home", sample_folder("x", {})),
                                             sample_source("/", sample_folder("x", {})));
  REQUIRE_NOTHROW(validate(valid));
  const std::vector<std::pair<std::string, std::function<void(v1::Snapshot&)>>> rules = {
      {"run", [](v1::Snapshot& s) { s.set_run("x"); }},
      {"set", [](v1::Snapshot& s) { s.clear_set(); }},
      {"set's uuid", [](v1::Snapshot& s) { s.mutable_set()->set_uuid("x"); }},
      {"set's name", [](v1::Snapshot& s) { s.mutable_set()->set_name("a b"); }},
      {"set's source", [](v1::Snapshot& s) { s.mutable_set()->add_sources("relative"); }},
      {"parent", [](v1::Snapshot& s) { s.set_parent("x"); }},
      {"host", [](v1::Snapshot& s) { s.set_host("\xff"); }},
      {"scan start", [](v1::Snapshot& s) { s.clear_scan_start(); }},
      {"finished", [](v1::Snapshot& s) { s.mutable_finished()->set_nanos(1u << 31); }},
      {"no source", [](v1::Snapshot& s) { s.clear_sources(), s.mutable_totals()->Clear(); }},
      {"relative source", [](v1::Snapshot& s) { s.mutable_sources(0)->set_path("home"); }},
      {"source not normal", [](v1::Snapshot& s) { s.mutable_sources(0)->set_path("/a/../home"); }},
      {"source twice", [](v1::Snapshot& s) { *s.mutable_sources(1) = s.sources(0); }},
      {"no root", [](v1::Snapshot& s) { s.mutable_sources(0)->clear_root(); }},
      {"root's name", [](v1::Snapshot& s) { s.mutable_sources(0)->mutable_root()->set_name("other"); }},
      {"root", [](v1::Snapshot& s) { s.mutable_sources(0)->mutable_root()->clear_mtime(); }},
      {"command's folder", [](v1::Snapshot& s) { s.mutable_sources(0)->set_command(true); }},
      {"owner", [](v1::Snapshot& s) { s.mutable_sources(0)->set_user("\xff"); }},
      {"totals", [](v1::Snapshot& s) { s.mutable_totals()->set_files(1); }},
      {"no totals", [](v1::Snapshot& s) { s.clear_totals(); }},
  };
  for (const auto& [name, breaks] : rules) {
    v1::Snapshot snapshot = valid;
    breaks(snapshot);
    require_damaged_message(snapshot, name);
  }
}

TEST_CASE("totals count names by type") {
  v1::Totals totals;
  for (const v1::Node& node : one_of_each_type()) add_to(totals, node);
  v1::Node folder = sample_folder("more", {});
  folder.mutable_totals()->set_files(10);
  folder.mutable_totals()->set_folders(20);
  folder.mutable_totals()->set_others(30);
  folder.mutable_totals()->set_bytes(40);
  add_to(totals, folder);
  REQUIRE(totals.files() == 11);
  REQUIRE(totals.folders() == 22);
  REQUIRE(totals.others() == 35);
  REQUIRE(totals.bytes() == 47);
}

TEST_CASE("times survive, also before 1970 and after 2038") {
  for (const TimePoint time : {TimePoint{0, 0}, TimePoint{-1, 999'999'999}, TimePoint{1LL << 40, 1},
                               TimePoint{std::numeric_limits<std::int64_t>::min(), 0}}) {
    v1::Time parsed;
    REQUIRE(parsed.ParseFromString(serialize(to_proto(time))));
    REQUIRE(from_proto(parsed) == time);
  }
}

}  // namespace
}  // namespace garner::snapshot
