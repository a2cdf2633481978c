#include "catalog/configuration.h"

#include <catch2/catch.hpp>

#include "base/error.h"
#include "support.h"
#include "support/error_kind.h"

namespace garner::catalog {
namespace {

using testing::kind_of;

TEST_CASE("destinations are in the catalog and in the folder of keys") {
  StateFolder state;
  Catalog catalog = state.open();
  Configuration& configuration = catalog.configuration();
  const DestinationFacts facts = facts_of("disk");
  configuration.add_destination(facts);
  REQUIRE(configuration.destination("disk").has_value());
  CHECK(configuration.destination("disk")->repository == facts.repository);
  CHECK(configuration.destination("disk")->keyring == facts.keyring);
  REQUIRE(state.keys.destinations().size() == 1);
  CHECK(state.keys.destinations().front().url == facts.url);
  configuration.remove_destination("disk");
  CHECK(configuration.destinations().empty());
  CHECK(state.keys.destinations().empty());
}

TEST_CASE("how a destination is reached is kept with it, and changed") {
  StateFolder state;
  DestinationFacts facts = facts_of("cloud");
  facts.options = {{"region", "eu"}, {"access-keys", "/etc/keys"}};
  {
    Catalog catalog = state.open();
    Configuration& configuration = catalog.configuration();
    configuration.add_destination(facts);
    configuration.add_destination(facts_of("disk"));
    CHECK(configuration.destination("cloud")->options == facts.options);
    CHECK(configuration.destination("disk")->options.empty());
    CHECK(configuration.destinations().at(0).options == facts.options);
    facts.options = {{"region", "us"}};
    configuration.change(
        [&](Database& database) { configuration.set_options(database, "cloud", facts.options); });
    configuration.keep_facts("cloud");
    CHECK(configuration.destination("cloud")->options == facts.options);
    CHECK(kind_of([&] {
            configuration.change(
                [&](Database& database) { configuration.set_options(database, "none", {}); });
          }) == ErrorKind::kNotFound);
  }
  // Also when the catalog is lost.
  remove_file(state.file());
  Catalog anew = state.open();
  CHECK(anew.configuration().destination("cloud")->options == facts.options);
  CHECK(anew.configuration().destination("disk")->options.empty());
}

TEST_CASE("a name and a repository are there once") {
  StateFolder state;
  Catalog catalog = state.open();
  Configuration& configuration = catalog.configuration();
  const DestinationFacts facts = facts_of("disk");
  configuration.add_destination(facts);
  CHECK(kind_of([&] { configuration.add_destination(facts_of("disk")); }) == ErrorKind::kAlreadyExists);
  DestinationFacts same_place = facts;
  same_place.name = "other";
  CHECK(kind_of([&] { configuration.add_destination(same_place); }) == ErrorKind::kAlreadyExists);
  // What was refused has not touched what is there.
  REQUIRE(state.keys.destinations().size() == 1);
  CHECK(state.keys.destinations().front().repository == facts.repository);
}

TEST_CASE("a destination stays while a set uses it") {
  StateFolder state;
  Catalog catalog = state.open();
  Configuration& configuration = catalog.configuration();
  configuration.add_destination(facts_of("disk"));
  configuration.add_set(set_of("home", "disk"));
  CHECK(configuration.sets_using("disk") == std::vector<std::string>{"home"});
  CHECK(kind_of([&] { configuration.remove_destination("disk"); }) == ErrorKind::kConflict);
  CHECK(state.keys.destinations().size() == 1);
  configuration.remove_set("home");
  configuration.remove_destination("disk");
  CHECK(kind_of([&] { configuration.remove_destination("disk"); }) == ErrorKind::kNotFound);
}

TEST_CASE("sets keep their definition and the order of their destinations") {
  StateFolder state;
  Catalog catalog = state.open();
  Configuration& configuration = catalog.configuration();
  configuration.add_destination(facts_of("a"));
  configuration.add_destination(facts_of("b"));
  BackupSet set = set_of("home", "b");
  set.destinations = {"b", "a"};
  configuration.add_set(set);
  const BackupSet read = configuration.set("home").value();
  CHECK(read.definition.SerializeAsString() == set.definition.SerializeAsString());
  CHECK(read.destinations == set.destinations);
  set.definition.set_one_file_system(true);
  set.destinations = {"a"};
  configuration.replace_set(set);
  CHECK(configuration.set("home")->definition.one_file_system());
  CHECK(configuration.set("home")->destinations == set.destinations);
  CHECK(kind_of([&] { configuration.add_set(set_of("home", "a")); }) == ErrorKind::kAlreadyExists);
  CHECK(kind_of([&] { configuration.replace_set(set_of("other", "a")); }) == ErrorKind::kNotFound);
  CHECK(kind_of([&] { configuration.remove_set("other"); }) == ErrorKind::kNotFound);
}

TEST_CASE("who supplies the destinations of a set is kept with it, and changed") {
  StateFolder state;
  {
    Catalog catalog = state.open();
    Configuration& configuration = catalog.configuration();
    configuration.add_destination(facts_of("a"));
    configuration.add_destination(facts_of("b"));
    configuration.add_set(set_of("plain", "a"));
    BackupSet set = set_of("home", "a");
    set.destinations = {"a", "b"};
    set.supply.from = "b";
    configuration.add_set(set);
    CHECK(configuration.set("home")->supply == Supply{"b", false});
    set.supply = {"", true};
    configuration.replace_set(set);
  }
  Catalog anew = state.open();
  CHECK(anew.configuration().set("home")->supply == Supply{"", true});
  CHECK(anew.configuration().set("plain")->supply == Supply());
  for (const BackupSet& set : anew.configuration().sets())
    CHECK(set.supply.both_ways == (set.definition.name() == "home"));
}

TEST_CASE("the sets of a catalog of before there was supply are supplied by nobody") {
  StateFolder state;
  const BackupSet set = set_of("home", "disk");
  {
    Database database(state.file());
    make_old_catalog(database, 14);
    const DestinationFacts facts = facts_of("disk");
    database
        .prepare("INSERT INTO destinations VALUES (?, ?, ?, 1, ?, 0)", facts.name, facts.url,
                 facts.repository.view(), facts.keyring.view())
        .run();
    database
        .prepare("INSERT INTO sets VALUES (?, ?, ?)", set.definition.name(), as_bytes(set.definition.uuid()),
                 as_bytes(set.definition.SerializeAsString()))
        .run();
    database.execute("INSERT INTO set_destinations VALUES ('home', 0, 'disk')");
  }
  Catalog catalog = state.open();
  CHECK_FALSE(catalog.rebuilt().has_value());
  BackupSet read = catalog.configuration().set("home").value();
  CHECK(read.definition.SerializeAsString() == set.definition.SerializeAsString());
  CHECK(read.supply == Supply());
  read.supply.from = "disk";
  catalog.configuration().replace_set(read);
  CHECK(catalog.configuration().set("home")->supply.from == "disk");
}

TEST_CASE("a set whose destination is unknown is not added") {
  StateFolder state;
  Catalog catalog = state.open();
  CHECK(kind_of([&] { catalog.configuration().add_set(set_of("home", "nowhere")); }) == ErrorKind::kNotFound);
  CHECK(catalog.configuration().sets().empty());
}

TEST_CASE("sets found at a destination are added once, and the search is over") {
  StateFolder state;
  { state.open().configuration().add_destination(facts_of("disk")); }
  remove_file(state.file());
  Catalog catalog = state.open();
  Configuration& configuration = catalog.configuration();
  REQUIRE(configuration.destinations_to_search() == std::vector<std::string>{"disk"});
  configuration.add_set(set_of("taken", "disk"));
  const BackupSet home = set_of("home", "disk");
  BackupSet renamed = home;
  renamed.definition.set_name("renamed");
  CHECK(configuration.recover_sets("disk", {home, renamed, set_of("taken", "disk")}) ==
        std::vector<std::string>{"home"});
  CHECK(configuration.destinations_to_search().empty());
  CHECK(configuration.sets().size() == 2);
}

TEST_CASE("a set that was found again gets every destination that it is found at") {
  StateFolder state;
  {
    Catalog catalog = state.open();
    for (const char* name : {"a", "b", "c", "d"}) catalog.configuration().add_destination(facts_of(name));
  }
  remove_file(state.file());
  Catalog catalog = state.open();
  Configuration& configuration = catalog.configuration();
  const auto found_at = [](BackupSet set, const std::string& destination) {
    set.destinations = {destination};
    return set;
  };
  const BackupSet home = set_of("home", "a");
  const BackupSet etc = set_of("etc", "a");
  CHECK(configuration.recover_sets("a", {home, etc}) == std::vector<std::string>{"home", "etc"});
  // One was renamed before it went there: it is the same.
  BackupSet earlier = found_at(home, "b");
  earlier.definition.set_name("house");
  CHECK(configuration.recover_sets("b", {earlier, found_at(etc, "b")}) ==
        std::vector<std::string>{"home", "etc"});
  CHECK(configuration.set("home")->destinations == std::vector<std::string>{"a", "b"});
  CHECK(configuration.set("home")->definition.SerializeAsString() == home.definition.SerializeAsString());

  // What somebody has chosen meanwhile stays; other changes do not keep a destination away.
  BackupSet edited = *configuration.set("etc");
  edited.destinations = {"b"};
  configuration.replace_set(edited);
  edited = *configuration.set("home");
  edited.definition.set_one_file_system(true);
  configuration.replace_set(edited);
  CHECK(configuration.recover_sets("c", {found_at(home, "c"), found_at(etc, "c")}) ==
        std::vector<std::string>{"home"});
  CHECK(configuration.set("etc")->destinations == std::vector<std::string>{"b"});
  CHECK(configuration.set("home")->destinations == std::vector<std::string>{"a", "b", "c"});

  // One that was made by hand is what was said then.
  configuration.remove_set("home");
  configuration.add_set(home);
  CHECK(configuration.recover_sets("d", {found_at(home, "d")}).empty());
  CHECK(configuration.set("home")->destinations == std::vector<std::string>{"a"});
}

TEST_CASE("names follow the rule") {
  for (const char* good : {"a", "Home-2", "9.x_y", "a..b"}) CHECK_NOTHROW(check_name(good, "set"));
  const std::string longest(100, 'x');
  CHECK_NOTHROW(check_name(longest, "set"));
  for (const std::string& bad :
       {std::string(), std::string(".a"), std::string("-a"), std::string("a/b"), std::string("a b"),
        std::string("ä"), std::string("a\0b", 3), longest + "x"}) {
    CHECK(kind_of([&] { check_name(bad, "set"); }) == ErrorKind::kInvalidInput);
  }
}

}  // namespace
}  // namespace garner::catalog
