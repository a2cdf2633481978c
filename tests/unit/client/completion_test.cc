#include "completion.h"

#include <catch2/catch.hpp>

#include "snapshot_list.h"

namespace garner::client {
namespace {

using Words = std::vector<std::string>;

struct CompletionList : SnapshotList {
  Words words(const std::string& word, bool sets = false) const {
    return complete_snapshot(list, word, sets);
  }
};

TEST_CASE("a snapshot is offered by its set and by its id, the newest first") {
  CompletionList list;
  list.add("cccccccccccccc");
  list.add("bbbbbbbbbbbbbb", 0, "mail");
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
  CHECK(CompletionList().words("").empty());
}

TEST_CASE("how far back a set goes is offered to who has begun to type it, within a bound") {
  CompletionList list;
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
  CompletionList list;
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
  for (const char* name : {"li\x1b[2J", "li\x7f", "li\xc2\x9b[2J", "li\x9b[2J", "li\xe2\x80\xaetxt"}) {
    INFO(name);
    CHECK_FALSE(complete_name("home@latest:", typed, name, false));
  }
  // Not all that is no UTF-8.
  CHECK(complete_name("", typed, "l\xe9vres \xe2\x82\xac", false) ==
        "letters/old ones/l\xe9vres \xe2\x82\xac");
  CHECK(split_typed_path("/home").folder == "/");
  CHECK(split_typed_path("home").folder.empty());
  CHECK(complete_name("latest:", split_typed_path("/"), "home", true) == "latest:/home/");
  CHECK(complete_name("latest:", split_typed_path(""), "", true) == "latest:/");
}

TEST_CASE("of names those are offered that begin so, and of ids as much as is shown") {
  const Words known{"home", "house", "mail", "ho\x1b[2J"};
  CHECK(complete_one_of(known, "ho") == Words{"home", "house"});
  CHECK(complete_one_of(known, "") == Words{"home", "house", "mail"});
  CHECK(complete_one_of(known, "x").empty());
  const std::string id = "0123456789abcdef";
  CHECK(offered_id(id, "0123") == "0123456789ab");
  CHECK(offered_id(id, "0123456789abc") == id);
}

}  // namespace
}  // namespace garner::client
