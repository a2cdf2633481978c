#include "mount/listing.h"

#include <catch2/catch.hpp>
#include <stdexcept>
#include <string>

namespace garner::client::mount {
namespace {

// Names of one letter, three a page.
struct Folder {
  Listing::Page operator()(const std::string& after) {
    if (fails) throw std::runtime_error("away");
    ++fetched;
    Listing::Page page;
    for (const char letter : letters) {
      if (std::string name(1, letter); name > after) {
        page.more = page.items.size() == 3;
        if (page.more) break;
        page.items.push_back({name, {}, true});
      }
    }
    return page;
  }
  std::string at(std::uint64_t place) {
    const Listing::Item* item =
        listing.at(place, [this](const std::string& after) { return (*this)(after); });
    return item == nullptr ? "none" : item->name;
  }

  std::string letters = "abcdefgh";
  Listing listing;
  int fetched = 0;
  bool fails = false;
};

TEST_CASE("a folder is read a page after the other, each once") {
  Folder folder;
  for (std::size_t place = 0; place < folder.letters.size(); ++place)
    CHECK(folder.at(place) == folder.letters.substr(place, 1));
  CHECK(folder.at(8) == "none");
  CHECK(folder.at(100) == "none");
  CHECK(folder.fetched == 3);
}

TEST_CASE("a folder is read from any place on, also from one before") {
  Folder folder;
  CHECK(folder.at(6) == "g");
  CHECK(folder.at(1) == "b");
  CHECK(folder.at(4) == "e");
  CHECK(folder.at(3) == "d");
}

TEST_CASE("an empty folder has nothing, and its end is not asked for again") {
  Folder folder;
  folder.letters = "";
  CHECK(folder.at(0) == "none");
  CHECK(folder.at(0) == "none");
  CHECK(folder.fetched == 1);
}

TEST_CASE("after an error a folder is read on") {
  Folder folder;
  CHECK(folder.at(2) == "c");
  folder.fails = true;
  CHECK_THROWS(folder.at(3));
  CHECK(folder.at(1) == "b");
  folder.fails = false;
  CHECK(folder.at(3) == "d");
}

}  // namespace
}  // namespace garner::client::mount
