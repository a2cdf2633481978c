#include "snapshot/near_names.h"

#include <rapidcheck.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <string>
#include <vector>

namespace garner::snapshot {
namespace {

// The textbook's whole table.
std::size_t full_distance(const std::string& a, const std::string& b) {
  std::vector<std::vector<std::size_t>> table(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) {
    for (std::size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        table[i][j] = i + j;
      } else {
        table[i][j] = std::min(
            {table[i - 1][j] + 1, table[i][j - 1] + 1, table[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      }
    }
  }
  return table[a.size()][b.size()];
}

TEST_CASE("the bounded distance is the true one up to its bound") {
  REQUIRE(rc::check([] {
    const auto letters = rc::gen::container<std::string>(rc::gen::element('a', 'b', 'c'));
    const std::string a = *letters;
    const std::string b = *letters;
    const auto limit = *rc::gen::inRange<std::size_t>(0, 6);
    RC_ASSERT(edit_distance(a, b, limit) == std::min(full_distance(a, b), limit + 1));
  }));
}

TEST_CASE("the three nearest names are suggested") {
  NearNames near("documents");
  for (const char* name :
       {"Documents", "music", "document", "documentss", "docunemts", "Dokuments", "downloads"}) {
    near.offer(name);
  }
  REQUIRE(near.suggestion() == " (did you mean Documents, document or documentss?)");
}

TEST_CASE("nothing is suggested where nothing is near") {
  NearNames near("abc");
  near.offer("xyz");
  near.offer("a much longer name");
  REQUIRE(near.suggestion().empty());
}

TEST_CASE("suggestions are printable") {
  NearNames near("name");
  near.offer("na\nme");
  REQUIRE(near.suggestion() == " (did you mean na\\x0ame?)");
}

}  // namespace
}  // namespace garner::snapshot
