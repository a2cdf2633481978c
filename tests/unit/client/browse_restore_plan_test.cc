#include "browse/restore_plan.h"

#include <catch2/catch.hpp>
#include <fstream>
#include <string>
#include <vector>

#include "failure.h"
#include "support/temporary_folder.h"

namespace garner::client::browse {
namespace {

using Lines = std::vector<std::string>;

// "path > target > lands"
Lines planned(const std::set<MarkedPath>& marked, const std::string& target) {
  Lines all;
  for (const RestoreItem& item : plan_restore(marked, target))
    all.push_back(item.path + " > " + item.target + " > " + item.lands);
  return all;
}

TEST_CASE("a file and a folder each land under their name") {
  CHECK(planned({{"aa", "/home/ann/list", false}}, "/nowhere/x") ==
        Lines{"/home/ann/list > /nowhere/x > /nowhere/x/list"});
  CHECK(planned({{"aa", "/home/ann", true}}, "/nowhere/x") ==
        Lines{"/home/ann > /nowhere/x/ann > /nowhere/x/ann"});
  CHECK(planned({{"aa", "/etc", true}}, "/nowhere") == Lines{"/etc > /nowhere/etc > /nowhere/etc"});
}

TEST_CASE("what lies in different folders lands in different folders") {
  CHECK(planned({{"aa", "/home/ann/list", false}, {"aa", "/home/bob/list", false}, {"aa", "/home/x", true}},
                "/nowhere") == Lines{"/home/ann/list > /nowhere/ann > /nowhere/ann/list",
                                     "/home/bob/list > /nowhere/bob > /nowhere/bob/list",
                                     "/home/x > /nowhere/x > /nowhere/x"});
  CHECK(planned({{"aa", "/etc/hosts", false}, {"bb", "/home/list", false}}, "/nowhere") ==
        Lines{"/etc/hosts > /nowhere/etc > /nowhere/etc/hosts",
              "/home/list > /nowhere/home > /nowhere/home/list"});
}

TEST_CASE("what is in a folder that is marked is restored with it") {
  CHECK(planned({{"aa", "/home/ann", true}, {"aa", "/home/ann/deep/list", false}}, "/nowhere") ==
        Lines{"/home/ann > /nowhere/ann > /nowhere/ann"});
}

TEST_CASE("the same of two snapshots is refused") {
  CHECK_THROWS_AS(plan_restore({{"aa", "/home/list", false}, {"bb", "/home/list", false}}, "/nowhere"),
                  Failure);
  CHECK_THROWS_AS(plan_restore({{"aa", "/home/ann", true}, {"bb", "/home/ann/list", false}}, "/nowhere"),
                  Failure);
}

TEST_CASE("nothing that is there is restored over") {
  const testing::TemporaryFolder folder;
  std::ofstream(folder.path() + "/list") << "mine";
  CHECK_THROWS_WITH(plan_restore({{"aa", "/home/list", false}}, folder.path()),
                    Catch::Contains("is there already"));
  CHECK(planned({{"aa", "/home/other", false}}, folder.path()).size() == 1);
}

TEST_CASE("what a run restores is marked no more") {
  std::set<MarkedPath> marked{{"aa", "/home/ann", true},
                              {"aa", "/home/ann/deep/list", false},
                              {"aa", "/home/anna", true},
                              {"bb", "/home/ann/list", false}};
  const std::vector<RestoreItem> items = plan_restore({{"aa", "/home/ann", true}}, "/nowhere");
  erase_marks(marked, items.at(0));
  CHECK(marked.size() == 2);
  CHECK(marked.contains({"aa", "/home/anna", true}));
  CHECK(marked.contains({"bb", "/home/ann/list", false}));
}

}  // namespace
}  // namespace garner::client::browse
