#include "store/snapshot_tags.h"

#include <catch2/catch.hpp>

using namespace garner::store;

namespace {

bool is_list(const std::vector<std::string>& tags) {
  v1::SnapshotEntry entry;
  entry.mutable_tags()->Add(tags.begin(), tags.end());
  return is_tag_list(entry.tags());
}

}  // namespace

TEST_CASE("a tag is no option, no list, and nothing that a terminal obeys") {
  for (const char* tag :
       {"a", "7", "before-upgrade", "host:attic", "v1.2+3", "team/ops", "user@host", "k=v_1"}) {
    INFO(tag);
    CHECK(is_tag(tag));
  }
  CHECK(is_tag(std::string(kLongestTag, 'x')));
  CHECK_FALSE(is_tag(std::string(kLongestTag + 1, 'x')));
  for (const char* text :
       {"", "-a", "--add", ".a", ":a", "a b", "a,b", "a\n", "\x1b[2J", "a\x7f", "\xc3\xbc", "a*"}) {
    INFO(text);
    CHECK_FALSE(is_tag(text));
  }
  CHECK_FALSE(is_tag(std::string_view("a\0b", 3)));
}

TEST_CASE("a list of tags is ascending and has each once") {
  CHECK(is_list({}));
  CHECK(is_list({"B", "a", "b"}));
  CHECK_FALSE(is_list({"b", "a"}));
  CHECK_FALSE(is_list({"a", "a"}));
  CHECK_FALSE(is_list({"a", "b c"}));
  std::vector<std::string> tags;
  for (std::size_t number = 0; number < kMostTags; ++number) tags.push_back(std::to_string(100 + number));
  CHECK(is_list(tags));
  tags.emplace_back("999");
  CHECK_FALSE(is_list(tags));
}
