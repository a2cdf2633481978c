#include "snapshot/content_list.h"

#include <rapidcheck.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <limits>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/error.h"
#include "memory_blobs.h"
#include "sample_nodes.h"
#include "snapshot/node.h"
#include "snapshot/parse.h"

namespace garner::snapshot {
namespace {

using testing::id_bytes;
using testing::MemoryBlobs;
using testing::numbered_id;
using testing::sample_entry;
using testing::sample_file;

// A blob, or a hole when it has no number.
struct Part {
  std::uint64_t length = 1;
  std::optional<std::uint64_t> number;
};

std::vector<Part> numbered_parts(std::uint64_t begin, std::uint64_t end, std::uint64_t length = 1000) {
  std::vector<Part> parts;
  for (std::uint64_t i = begin; i < end; ++i) parts.push_back({length, i});
  return parts;
}

void add(ContentListBuilder& builder, const Part& part, MemoryBlobs& blobs) {
  if (part.number) {
    builder.add_blob(numbered_id(*part.number), part.length, blobs);
  } else {
    builder.add_hole(part.length);
  }
}

v1::Node to_node(std::uint64_t length, std::vector<v1::ContentEntry> entries) {
  v1::Node node = sample_file("file", 0);
  node.set_size(length);
  for (v1::ContentEntry& entry : entries) *node.add_content() = std::move(entry);
  validate(node);
  return node;
}

v1::Node build_file(const std::vector<Part>& parts, MemoryBlobs& blobs) {
  ContentListBuilder builder;
  for (const Part& part : parts) add(builder, part, blobs);
  const std::uint64_t length = builder.length();
  return to_node(length, builder.finish(blobs));
}

// What the entries say, neighbouring holes joined.
std::vector<std::string> describe(const std::vector<Part>& parts) {
  std::vector<std::string> result;
  std::uint64_t offset = 0;
  std::uint64_t hole = 0;
  const auto end_hole = [&] {
    if (hole > 0) result.push_back(std::to_string(offset - hole) + " hole " + std::to_string(hole));
    hole = 0;
  };
  for (const Part& part : parts) {
    if (part.number) {
      end_hole();
      result.push_back(std::to_string(offset) + " blob " + std::to_string(part.length) + " " +
                       numbered_id(*part.number).hex());
    } else {
      hole += part.length;
    }
    offset += part.length;
  }
  end_hole();
  return result;
}

std::vector<std::string> read_entries(const v1::Node& node, store::BlobSource& source) {
  std::vector<std::string> result;
  for_each_entry(node, source, [&](std::uint64_t offset, const v1::ContentEntry& entry) {
    result.push_back(std::to_string(offset) + (entry.type() == v1::ENTRY_TYPE_HOLE ? " hole " : " blob ") +
                     std::to_string(entry.length()) +
                     (entry.id().empty() ? std::string() : " " + to_hex(as_bytes(entry.id()))));
    return true;
  });
  return result;
}

rc::Gen<std::vector<Part>> any_parts() {
  // Few distinct numbers, so that contents repeat; sizes that give up to three levels.
  return rc::gen::exec([] {
    const auto count = *rc::gen::element<std::size_t>(0, 1, 7, 8, 9, 10, 63, 64, 65, 66, 300, 1500, 20'000);
    const auto seed = *rc::gen::arbitrary<std::uint32_t>();
    const auto holes = *rc::gen::element<std::uint32_t>(0, 2, 100);
    std::vector<Part> parts;
    std::uint64_t state = seed;
    for (std::size_t i = 0; i < count; ++i) {
      state = state * 6364136223846793005ULL + 1442695040888963407ULL;
      const std::uint64_t random = state >> 33;
      Part part{random % 5000 + 1, std::nullopt};
      if (holes == 0 || random % holes != 0) part.number = random % 100'000;
      parts.push_back(part);
    }
    return parts;
  });
}

TEST_CASE("an empty file has no entries") {
  MemoryBlobs blobs;
  REQUIRE(build_file({}, blobs).content().empty());
  REQUIRE(blobs.new_blobs == 0);
}

TEST_CASE("what was added is read again, in order and at its place") {
  REQUIRE(rc::check([] {
    const std::vector<Part> parts = *any_parts();
    MemoryBlobs blobs;
    RC_ASSERT(read_entries(build_file(parts, blobs), blobs) == describe(parts));
  }));
}

TEST_CASE("up to eight entries stand in the node itself") {
  MemoryBlobs blobs;
  REQUIRE(build_file(numbered_parts(0, 8), blobs).content_size() == 8);
  REQUIRE(blobs.new_blobs == 0);
  const v1::Node node = build_file(numbered_parts(0, 9), blobs);
  REQUIRE(blobs.new_blobs == 1);
  REQUIRE(node.content_size() == 1);
  REQUIRE(node.content(0).type() == v1::ENTRY_TYPE_LIST);
}

TEST_CASE("lists keep their bounds, and only the last ends with a hole") {
  REQUIRE(rc::check([] {
    const std::vector<Part> parts = *any_parts();
    MemoryBlobs blobs;
    const v1::Node node = build_file(parts, blobs);
    std::size_t ending_with_hole = 0;
    for (const auto& [key, bytes] : blobs.all()) {
      const v1::ContentList list = parse_list(as_bytes(bytes));
      RC_ASSERT(list.entries_size() >= 2);
      RC_ASSERT(list.entries_size() <= static_cast<int>(kMaximumListEntries));
      if (list.entries().rbegin()->type() == v1::ENTRY_TYPE_HOLE) ++ending_with_hole;
    }
    RC_ASSERT(ending_with_hole <= 1u);
  }));
}

TEST_CASE("saving and continuing anywhere changes nothing") {
  std::vector<Part> parts = numbered_parts(0, 700);
  parts.insert(parts.begin() + 100, {5, std::nullopt});
  parts.insert(parts.begin() + 101, {6, std::nullopt});
  parts.push_back({7, std::nullopt});
  MemoryBlobs blobs;
  const std::string expected = serialize(build_file(parts, blobs));
  for (std::size_t cut = 0; cut <= parts.size(); ++cut) {
    MemoryBlobs both;
    ContentListBuilder first;
    for (std::size_t i = 0; i < cut; ++i) add(first, parts[i], both);
    const Bytes saved = first.save();
    ContentListBuilder second(saved);
    REQUIRE(second.save() == saved);
    REQUIRE(second.length() == first.length());
    for (std::size_t i = cut; i < parts.size(); ++i) add(second, parts[i], both);
    const std::uint64_t length = second.length();
    REQUIRE(serialize(to_node(length, second.finish(both))) == expected);
    REQUIRE(both.all() == blobs.all());
  }
}

TEST_CASE("saving and continuing again and again changes nothing") {
  REQUIRE(rc::check([] {
    const std::vector<Part> parts = *any_parts();
    const auto step = *rc::gen::inRange<std::size_t>(1, 2000);
    MemoryBlobs blobs;
    const std::string expected = serialize(build_file(parts, blobs));
    MemoryBlobs again;
    ContentListBuilder builder;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      if (i % step == 0) builder = ContentListBuilder(builder.save());
      add(builder, parts[i], again);
    }
    const std::uint64_t length = builder.length();
    RC_ASSERT(serialize(to_node(length, builder.finish(again))) == expected);
    RC_ASSERT(again.all() == blobs.all());
  }));
}

TEST_CASE("damaged saved state is refused") {
  MemoryBlobs blobs;
  ContentListBuilder builder;
  for (const Part& part : numbered_parts(0, 300)) add(builder, part, blobs);
  builder.add_hole(10);
  const Bytes saved = builder.save();
  const auto refused = [](const Bytes& bytes) {
    try {
      ContentListBuilder taken(bytes);
    } catch (const Error& error) {
      return error.kind() == ErrorKind::kDamaged || error.kind() == ErrorKind::kNewerFormat;
    }
    return false;
  };
  for (std::size_t size = 0; size < saved.size(); ++size) {
    REQUIRE(refused(Bytes(saved.begin(), saved.begin() + static_cast<std::ptrdiff_t>(size))));
  }
  Bytes longer = saved;
  longer.push_back(0);
  REQUIRE(refused(longer));
  for (std::size_t i = 0; i < saved.size(); ++i) {
    Bytes flipped = saved;
    flipped[i] ^= 1;
    refused(flipped);  // an id may be another one; nothing else happens than an error
  }
}

TEST_CASE("a byte inserted at the front rewrites little") {
  // 32 GiB in chunks of 256 KiB.
  const std::uint64_t chunks = 1u << 17;
  MemoryBlobs blobs;
  build_file(numbered_parts(0, chunks, 256u << 10), blobs);
  const std::size_t before = blobs.new_blobs;
  REQUIRE(before > chunks / 400);
  REQUIRE(before < chunks / 160);
  blobs.new_blobs = 0;
  blobs.new_bytes = 0;
  std::vector<Part> parts = numbered_parts(0, chunks, 256u << 10);
  parts[0] = {1234, 1u << 30};
  parts.insert(parts.begin(), {(256u << 10) - 1233, (1u << 30) + 1});
  build_file(parts, blobs);
  REQUIRE(blobs.new_blobs <= 8);
  REQUIRE(blobs.new_bytes < 512u << 10);
}

TEST_CASE("a change in the middle rewrites about one list a level") {
  MemoryBlobs blobs;
  std::vector<Part> parts = numbered_parts(0, 50'000);
  build_file(parts, blobs);
  for (const std::size_t at : {1000u, 22'222u, 49'000u}) {
    blobs.new_blobs = 0;
    std::vector<Part> changed = parts;
    changed[at].number = 1u << 30;
    build_file(changed, blobs);
    REQUIRE(blobs.new_blobs <= 8);
    blobs.new_blobs = 0;
    changed = parts;
    changed.erase(changed.begin() + static_cast<std::ptrdiff_t>(at));
    build_file(changed, blobs);
    REQUIRE(blobs.new_blobs <= 8);
  }
}

TEST_CASE("a file of one chunk, repeated, is still cut") {
  MemoryBlobs blobs;
  const v1::Node node = build_file(std::vector<Part>(5000, Part{10, 3}), blobs);
  REQUIRE(node.size() == 50'000);
  REQUIRE(read_entries(node, blobs).size() == 5000);
  for (const auto& [key, bytes] : blobs.all()) REQUIRE(bytes.size() < kMaximumBlob / 8);
}

TEST_CASE("the builder refuses lengths that cannot be") {
  MemoryBlobs blobs;
  ContentListBuilder builder;
  REQUIRE_THROWS_AS(builder.add_hole(0), Error);
  REQUIRE_THROWS_AS(builder.add_blob(numbered_id(1), 0, blobs), Error);
  builder.add_hole(std::numeric_limits<std::int64_t>::max());
  REQUIRE_THROWS_AS(builder.add_hole(1), Error);
  REQUIRE_THROWS_AS(builder.add_blob(numbered_id(1), 1, blobs), Error);
  const std::uint64_t length = builder.length();
  REQUIRE(to_node(length, builder.finish(blobs)).content_size() == 1);
}

TEST_CASE("a visitor stops the walk before further lists are read") {
  MemoryBlobs blobs;
  const v1::Node node = build_file(numbered_parts(0, 5000), blobs);
  blobs.reads = 0;
  std::size_t seen = 0;
  for_each_entry(node, blobs, [&](std::uint64_t, const v1::ContentEntry&) { return ++seen < 3; });
  REQUIRE(seen == 3);
  REQUIRE(blobs.reads <= 3);
}

TEST_CASE("all blobs of the content, lists included") {
  MemoryBlobs blobs;
  std::vector<Part> parts = numbered_parts(0, 3000);
  parts.insert(parts.begin() + 10, {5, std::nullopt});
  const v1::Node node = build_file(parts, blobs);
  std::set<crypto::BlobId> data;
  std::set<crypto::BlobId> lists;
  for_each_content_blob(node, blobs, [&](crypto::BlobKind kind, const crypto::BlobId& id) {
    (kind == crypto::BlobKind::kData ? data : lists).insert(id);
  });
  REQUIRE(data.size() == 3000);
  REQUIRE(lists.size() == blobs.all().size());
}

TEST_CASE("differences stand in lists as blobs do, and bring base and patch") {
  MemoryBlobs blobs;
  ContentListBuilder plain;
  ContentListBuilder mixed;
  std::vector<Difference> added;
  for (std::uint64_t i = 0; i < 3000; ++i) {
    plain.add_blob(numbered_id(i), 1000, blobs);
    if (i % 3 == 0) {
      added.push_back({numbered_id(i), numbered_id(10'000 + i), numbered_id(20'000 + i)});
      mixed.add_difference(added.back(), 1000, blobs);
    } else {
      mixed.add_blob(numbered_id(i), 1000, blobs);
    }
    // Saved and taken up again, as a run that was cut off does.
    if (i % 500 == 0) mixed = ContentListBuilder(mixed.save());
  }
  const v1::Node before = to_node(plain.length(), plain.finish(blobs));
  const v1::Node node = to_node(mixed.length(), mixed.finish(blobs));
  // Cut at the same places: by what comes out, not by how it is stored.
  REQUIRE(read_entries(node, blobs) == read_entries(before, blobs));
  REQUIRE(node.content_size() == before.content_size());
  for (int i = 0; i < node.content_size(); ++i)
    REQUIRE(node.content(i).length() == before.content(i).length());

  std::vector<Difference> found;
  for_each_entry(node, blobs, [&](std::uint64_t, const v1::ContentEntry& entry) {
    if (entry.type() == v1::ENTRY_TYPE_DIFFERENCE) found.push_back(difference_of(entry));
    return true;
  });
  REQUIRE(found.size() == added.size());
  std::set<crypto::BlobId> data;
  for_each_content_blob(node, blobs, [&](crypto::BlobKind kind, const crypto::BlobId& id) {
    if (kind == crypto::BlobKind::kData) data.insert(id);
  });
  REQUIRE(data.size() == 2000 + 2 * added.size());
  for (std::size_t i = 0; i < added.size(); ++i) {
    REQUIRE(found[i].id == added[i].id);
    REQUIRE(found[i].base == added[i].base);
    REQUIRE(found[i].patch == added[i].patch);
    REQUIRE(data.contains(added[i].base));
    REQUIRE(data.contains(added[i].patch));
    REQUIRE_FALSE(data.contains(added[i].id));
  }
}

v1::Node node_of_list(const crypto::BlobId& id, std::uint64_t length) {
  v1::ContentEntry entry;
  entry.set_type(v1::ENTRY_TYPE_LIST);
  entry.set_length(length);
  entry.set_id(id_bytes(id));
  return to_node(length, {entry});
}

void require_damaged_content(const v1::Node& node, store::BlobSource& source) {
  try {
    read_entries(node, source);
    FAIL("accepted");
  } catch (const Error& error) {
    REQUIRE(error.kind() == ErrorKind::kDamaged);
  }
}

TEST_CASE("a list that is not as long as it is said to be is damaged") {
  MemoryBlobs blobs;
  v1::ContentList list;
  for (int i = 0; i < 3; ++i) *list.add_entries() = sample_entry(v1::ENTRY_TYPE_BLOB, 10, 1);
  const crypto::BlobId id = blobs.put(crypto::BlobKind::kList, as_bytes(serialize(list)));
  REQUIRE(read_entries(node_of_list(id, 30), blobs).size() == 3);
  require_damaged_content(node_of_list(id, 29), blobs);
  require_damaged_content(node_of_list(id, 31), blobs);
}

TEST_CASE("a list that refers to itself ends") {
  MemoryBlobs blobs;
  const crypto::BlobId id = numbered_id(1);
  for (const std::uint64_t inner : {30u, 20u}) {
    v1::ContentList list;
    v1::ContentEntry* entry = list.add_entries();
    entry->set_type(v1::ENTRY_TYPE_LIST);
    entry->set_length(inner);
    entry->set_id(id_bytes(id));
    *list.add_entries() = sample_entry(v1::ENTRY_TYPE_HOLE, 10, 0);
    blobs.replace(crypto::BlobKind::kList, id, serialize(list));
    require_damaged_content(node_of_list(id, 30), blobs);
  }
}

TEST_CASE("lists nested too deep are damaged, sixteen levels are not") {
  MemoryBlobs blobs;
  crypto::BlobId id;
  std::uint64_t length = 0;
  for (std::size_t depth = 1; depth <= kMaximumListDepth + 1; ++depth) {
    v1::ContentList list;
    if (depth == 1) {
      *list.add_entries() = sample_entry(v1::ENTRY_TYPE_BLOB, 1, 1);
    } else {
      v1::ContentEntry* entry = list.add_entries();
      entry->set_type(v1::ENTRY_TYPE_LIST);
      entry->set_length(length);
      entry->set_id(id_bytes(id));
    }
    *list.add_entries() = sample_entry(v1::ENTRY_TYPE_BLOB, 1, 2);
    length = depth + 1;
    id = blobs.put(crypto::BlobKind::kList, as_bytes(serialize(list)));
    if (depth == kMaximumListDepth)
      REQUIRE(read_entries(node_of_list(id, length), blobs).size() == depth + 1);
  }
  require_damaged_content(node_of_list(id, length), blobs);
}

TEST_CASE("a missing list is an error, or reported and passed over") {
  MemoryBlobs blobs;
  const v1::Node node =
      to_node(40, {sample_entry(v1::ENTRY_TYPE_LIST, 30, 1), sample_entry(v1::ENTRY_TYPE_BLOB, 10, 2)});
  REQUIRE_THROWS_AS(read_entries(node, blobs), Error);
  std::size_t missing = 0;
  std::optional<std::uint64_t> first_offset;
  ContentVisitor visitor;
  visitor.entry = [&](std::uint64_t offset, const v1::ContentEntry&) {
    if (!first_offset) first_offset = offset;
    return true;
  };
  visitor.unreadable = [&](const v1::ContentEntry&, const Error& error) {
    REQUIRE(error.kind() == ErrorKind::kNotFound);
    ++missing;
  };
  walk_content(node, blobs, visitor);
  REQUIRE(missing == 1);
  REQUIRE(first_offset == 30u);
}

}  // namespace
}  // namespace garner::snapshot
