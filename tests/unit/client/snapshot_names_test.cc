#include "mount/snapshot_names.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "snapshot_list.h"

namespace garner::client::mount {
namespace {

struct NamedList : SnapshotList {
  SnapshotNames names(const std::set<std::string>& only = {}) const { return {list, only}; }
};

std::vector<std::string> keys(const auto& map) {
  std::vector<std::string> found;
  for (const auto& [key, value] : map) found.push_back(key);
  return found;
}

using Names = std::vector<std::string>;

TEST_CASE("snapshots have names by id, and by set and time") {
  NamedList list;
  const std::string newest = list.add("4f2a91c0b", 0).id();
  list.add("0123456789", 10, "mail");
  list.add("aaaaaaaaaa", 86'400);
  const SnapshotNames names = list.names();
  CHECK(keys(names.snapshots) == Names{"01234567", "4f2a91c0", "aaaaaaaa"});
  CHECK(names.snapshots.at("4f2a91c0") == newest);
  CHECK(keys(names.sets) == Names{"home", "mail"});
  CHECK(keys(names.sets.at("home")) == Names{"2026-11-28T07:55:05", "2026-11-29T07:55:05", "latest"});
  CHECK(names.sets.at("home").at("2026-11-28T07:55:05").target == "../../snapshots/aaaaaaaa");
  CHECK(names.sets.at("home").at("latest").target == "../../snapshots/4f2a91c0");
  CHECK(names.sets.at("home").at("latest").time.seconds() == SnapshotList::kTime);
}

TEST_CASE("of names that would be the same the older snapshot has the short one") {
  NamedList list;
  list.add("4f2a91c0c", 0);
  list.add("4f2a91c0b", 0);
  list.add("4f2a91c0a", 0);
  const SnapshotNames names = list.names();
  CHECK(keys(names.snapshots) == Names{"4f2a91c0", "4f2a91c0b", "4f2a91c0c"});
  CHECK(names.snapshots.at("4f2a91c0").starts_with("4f2a91c0a"));
  CHECK(keys(names.sets.at("home")) == Names{"2026-11-29T07:55:05", "2026-11-29T07:55:05-4f2a91c0b",
                                             "2026-11-29T07:55:05-4f2a91c0c", "latest"});
  CHECK(names.sets.at("home").at("latest").target == "../../snapshots/4f2a91c0c");
}

TEST_CASE("what was recovered is never the latest") {
  NamedList list;
  list.add("4f2a91c0", 0).set_recovered(true);
  CHECK(keys(list.names().sets.at("home")) == Names{"2026-11-29T07:55:05"});
  list.add("0123456789", 60);
  CHECK(list.names().sets.at("home").at("latest").target == "../../snapshots/01234567");
}

TEST_CASE("of each set it is known what its snapshots were made of, and how they are asked for") {
  NamedList list;
  const std::string newer = list.add("4f2a91c0", 0).id();
  list.list.mutable_snapshots(0)->add_sources("/home");
  const std::string older = list.add("0123456789", 60).id();
  list.list.mutable_snapshots(1)->add_sources("/home");
  list.list.mutable_snapshots(1)->add_sources("/srv/data");
  list.add("aaaaaaaaaa", 0, "mail").add_sources("/var\\x5cmail");
  const SnapshotNames names = list.names();
  CHECK(names.scopes.at("home").sources == std::set<std::string>{"/home", "/srv/data"});
  CHECK(names.scopes.at("home").names == Names{"home"});
  CHECK(names.scopes.at("mail").sources == std::set<std::string>{"/var\\mail"});
  CHECK(list.names({older, newer}).scopes.at("home").names == Names{older, newer});
  CHECK(list.names({newer}).scopes.at("home").sources == std::set<std::string>{"/home"});
}

TEST_CASE("of those that were named the newest is the latest, and others are not there") {
  NamedList list;
  list.add("4f2a91c0", 0);
  const std::string older = list.add("0123456789", 60).id();
  list.add("aaaaaaaaaa", 0, "mail");
  const SnapshotNames names = list.names({older});
  CHECK(keys(names.snapshots) == Names{"01234567"});
  CHECK(keys(names.sets) == Names{"home"});
  CHECK(names.sets.at("home").at("latest").target == "../../snapshots/01234567");
}

}  // namespace
}  // namespace garner::client::mount
