#include "completion.h"

#include <catch2/catch.hpp>

namespace garner::client {
namespace {

using Words = std::vector<std::string>;

// Newest first, as the daemon lists them.
struct List {
  v1::SnapshotInfo& add(const std::string& id, const std::string& set = "home") {
    v1::SnapshotInfo& info = *list.add_snapshots();
    info.set_id(id + std::string(64 - id.size(), '0'));
    info.set_set(set);
    return info;
  }
  Words words(const std::string& word, bool sets = false) const {
    return complete_snapshot(list, word, sets);
  }
  v1::ListSnapshotsResponse list;
};

TEST_CASE("a snapshot is offered by its set and by its id, the newest first") {
  List list;
  list.add("cccccccccccccc");
  list.add("bbbbbbbbbbbbbb", "mail");
  list.add("aaaaaaaaaaaaaa");
  CHECK(list.words("") == Words{"latest", "home@latest", "home~1", "mail@latest", "cccccccccccc",
                                "bbbbbbbbbbbb", "aaaaaaaaaaaa"});
  CHECK(list.words("", true) == Words{"latest", "home", "home@latest", "home~1", "mail", "mail@latest",
                                      "cccccccccccc", "bbbbbbbbbbbb", "aaaaaaaaaaaa"});
  CHECK(list.words("ho") == Words{"home@latest", "home~1"});
  CHECK(list.words("bb") == Words{"bbbbbbbbbbbb"});
  CHECK(list.words("x").empty());
  // Who has typed more of an id gets all of it.
  CHECK(list.words("bbbbbbbbbbbbb") == Words{list.list.snapshots(1).id()});
  CHECK(List().words("").empty());
}

TEST_CASE("how far back a set goes is offered to who has begun to type it, within a bound") {
  List list;
  for (int i = 0; i < 200; ++i) list.add("a" + std::to_string(1'000 + i));
  CHECK(list.words("home").size() == 2);
  const Words all = list.words("home~");
  CHECK(all.size() == kMostIds);
  CHECK(all.front() == "home~1");
  CHECK(all.back() == "home~50");
  CHECK(list.words("home~5") == Words{"home~5", "home~50"});
  CHECK(list.words("a").size() == kMostIds);
  CHECK(list.words("a").front() == "a10000000000");
  CHECK(list.words("a1199") == Words{"a11990000000"});
}

TEST_CASE("what was recovered is offered by its id alone") {
  List list;
  list.add("cccc").set_recovered(true);
  CHECK(list.words("") == Words{"cccc00000000"});
}

TEST_CASE("a name is offered behind what stands before it") {
  const TypedPath typed = split_typed_path("letters/old ones/l");
  CHECK(typed.folder == "letters/old ones/");
  CHECK(typed.begin == "l");
  CHECK(complete_name("home@latest:", typed, "list", false) == "home@latest:letters/old ones/list");
  CHECK(complete_name("home@latest:", typed, "late", true) == "home@latest:letters/old ones/late/");
  CHECK_FALSE(complete_name("home@latest:", typed, "other", false));
  CHECK_FALSE(complete_name("home@latest:", typed, "li\nst", false));
  CHECK_FALSE(complete_name("home@latest:", typed, "li\x1b[2J", false));
  CHECK(split_typed_path("/home").folder == "/");
  CHECK(split_typed_path("home").folder.empty());
  CHECK(complete_name("latest:", split_typed_path("/"), "home", true) == "latest:/home/");
  CHECK(complete_name("latest:", split_typed_path(""), "", true) == "latest:/");
}

}  // namespace
}  // namespace garner::client
