#include "added_place.h"

#include <atomic>

#include "config_apply.h"
#include "config_export.h"
#include "destination_edit.h"
#include "installation.h"
#include "support/memory_store.h"
#include "support/scripted_http.h"

namespace garner::daemon {
namespace {

using testing::HttpSeen;
using testing::MemoryStore;
using testing::ScriptedHttp;

// A store, and machines that use it.
struct Cloud {
  explicit Cloud(MemoryStore::Conditions conditions = MemoryStore::Conditions::kKept) : store(conditions) {
    replace_file_durably(keys, as_bytes("aws_access_key_id = A\naws_secret_access_key = SECRET\n"));
  }

  std::string url() const { return "s3:http://" + server.address() + "/bucket/pre"; }
  std::function<void(v1::AddDestinationRequest&)> with(std::map<std::string, std::string> options,
                                                       const std::string& recovery_key = "") const {
    options.try_emplace("access-keys", keys);
    return [options, recovery_key](v1::AddDestinationRequest& request) {
      for (const auto& [name, value] : options) (*request.mutable_options())[name] = value;
      if (!recovery_key.empty()) request.mutable_secret()->set_recovery_key(recovery_key);
    };
  }

  testing::TemporaryFolder folder;
  const std::string keys = folder.path("access");
  MemoryStore store;
  std::atomic<bool> read_only = false;
  ScriptedHttp server{[this](const HttpSeen& request) {
    if (read_only && request.method != "GET") return MemoryStore::error(403, "AccessDenied");
    return store.answer(request);
  }};
};

void edit(Installation& here, const std::map<std::string, std::string>& options) {
  v1::EditDestinationRequest request;
  request.set_name("cloud");
  for (const auto& [name, value] : options) (*request.mutable_options())[name] = value;
  edit_destination(here.destinations, request);
  here.destinations.reload("cloud");
}

v1::Destination shown(Installation& here) {
  return here.destinations.describe(here.destinations.facts("cloud"), here.destinations.look("cloud"));
}

TEST_CASE("a repository is made in a store, and opened from another machine") {
  Cloud cloud;
  Installation here(cloud.folder.path("here"));
  const auto made = here.add("cloud", cloud.url() + "/", cloud.with({{"storage-class", "STANDARD_IA"}}));
  CHECK(made.created());
  CHECK(made.destination().url() == cloud.url());
  CHECK(made.destination().state() == v1::DESTINATION_STATE_READY);
  CHECK(made.destination().options().at("access-keys") == cloud.keys);
  CHECK(made.destination().requests().puts() > 3);
  CHECK(cloud.store.objects.contains("pre/garner.repo"));
  // Nothing is left of what was tried, and no secret is shown.
  for (const auto& [key, content] : cloud.store.objects) CHECK_FALSE(key.starts_with("pre/probe/"));
  CHECK(made.DebugString().find("SECRET") == std::string::npos);

  Installation there(cloud.folder.path("there"));
  const auto opened = there.add("cloud", cloud.url(), cloud.with({}, made.recovery_key()));
  CHECK_FALSE(opened.created());
  CHECK(opened.destination().repository_id() == made.destination().repository_id());
}

TEST_CASE("a bucket that holds something else is left alone") {
  Cloud cloud;
  cloud.store.objects["pre/Photos/1.jpg"] = "";
  Installation here(cloud.folder.path("here"));
  CHECK(kind_of([&] { here.add("cloud", cloud.url(), cloud.with({})); }) == ErrorKind::kNotARepository);
  CHECK(cloud.store.objects.size() == 1);
  cloud.store.objects = {{"elsewhere/Photos/1.jpg", ""}};
  CHECK(here.add("cloud", cloud.url(), cloud.with({})).created());
}

TEST_CASE("what cannot be is refused before anything is asked") {
  Cloud cloud;
  Installation here(cloud.folder.path("here"));
  const auto refused = [&](const std::string& url, const std::map<std::string, std::string>& options) {
    CHECK(kind_of([&] { here.add("cloud", url, cloud.with(options)); }) == ErrorKind::kInvalidInput);
  };
  refused(cloud.url(), {{"storage-class", "DEEP_ARCHIVE"}});
  refused(cloud.url(), {{"colour", "red"}});
  refused(cloud.folder.path("disk"), {});
  refused("s3:https://user:SECRET@host/bucket", {});
  CHECK(cloud.server.seen().empty());
  CHECK(here.catalog.configuration().destinations().empty());
}

TEST_CASE("a store without conditions is refused, unless one machine alone writes there") {
  const auto conditions = GENERATE(MemoryStore::Conditions::kIgnored, MemoryStore::Conditions::kRefused);
  Cloud cloud(conditions);
  Installation here(cloud.folder.path("here"));
  CHECK(kind_of([&] { here.add("cloud", cloud.url(), cloud.with({})); }) == ErrorKind::kUnavailable);
  CHECK(cloud.store.objects.empty());
  const auto made = here.add("cloud", cloud.url(), cloud.with({{"single-writer", "yes"}}));
  CHECK(made.created());
  CHECK(made.destination().options().at("single-writer") == "yes");

  Installation there(cloud.folder.path("there"));
  const auto opened =
      there.add("cloud", cloud.url(), cloud.with({{"single-writer", "yes"}}, made.recovery_key()));
  REQUIRE(opened.notices().size() == 1);
  CHECK(opened.notices(0).find("garner destination claim") != std::string::npos);
  const auto commit = [](Installation& machine) {
    const auto repository = machine.destinations.open("cloud");
    store::CommitPlan plan;
    store::v1::UnfinishedRoot root;
    root.set_run(std::string(as_text(Uuid::random().view())));
    plan.set_roots.push_back(root);
    repository->commit(plan);
  };
  CHECK_NOTHROW(commit(here));
  CHECK(kind_of([&] { commit(there); }) == ErrorKind::kConflict);
  there.destinations.claim("cloud");
  CHECK_NOTHROW(commit(there));
  CHECK(kind_of([&] { commit(here); }) == ErrorKind::kConflict);
  // Nobody takes that away by the way.
  CHECK(kind_of([&] { edit(there, {{"single-writer", ""}}); }) == ErrorKind::kInvalidInput);
}

TEST_CASE("who may only read where one machine writes cannot write there later, by chance") {
  Cloud cloud(MemoryStore::Conditions::kIgnored);
  Installation here(cloud.folder.path("here"));
  const auto made = here.add("cloud", cloud.url(), cloud.with({{"single-writer", "yes"}}));
  cloud.read_only = true;
  Installation there(cloud.folder.path("there"));
  const auto opened = there.add("cloud", cloud.url(), cloud.with({}, made.recovery_key()));
  CHECK(opened.notices().size() == 1);
  CHECK(opened.destination().options().at("single-writer") == "yes");
}

TEST_CASE("what no single writer is needed for is not claimed") {
  Cloud cloud;
  Installation here(cloud.folder.path("here"));
  const auto made = here.add("cloud", cloud.url(), cloud.with({{"single-writer", "yes"}}));
  REQUIRE(made.notices().size() == 1);
  CHECK_FALSE(made.destination().options().contains("single-writer"));
  CHECK(kind_of([&] { edit(here, {{"single-writer", "yes"}}); }) == ErrorKind::kInvalidInput);
  CHECK(kind_of([&] { here.destinations.claim("cloud"); }) == ErrorKind::kInvalidInput);
  here.add("disk", cloud.folder.path("disk"));
  CHECK(kind_of([&] { here.destinations.claim("disk"); }) == ErrorKind::kInvalidInput);
}

TEST_CASE("how a store is reached is changed, and runs that go on obey it") {
  Cloud cloud;
  Installation here(cloud.folder.path("here"));
  here.add("cloud", cloud.url(), cloud.with({}));
  const auto repository = here.destinations.open("cloud");
  edit(here, {{"access-keys", cloud.folder.path("missing")}});
  CHECK(shown(here).state() == v1::DESTINATION_STATE_AWAY);
  CHECK(shown(here).detail().find("missing") != std::string::npos);
  CHECK(kind_of([&] { repository->refresh(); }) == ErrorKind::kDestinationAway);
  edit(here, {{"access-keys", cloud.keys}, {"region", "eu-west-1"}});
  CHECK(shown(here).state() == v1::DESTINATION_STATE_READY);
  CHECK_NOTHROW(repository->refresh());
  CHECK(cloud.server.seen().back().headers.at("authorization").find("/eu-west-1/s3/") != std::string::npos);
  CHECK(here.keys.destinations().at(0).options.at("region") == "eu-west-1");
  edit(here, {{"region", ""}});
  CHECK_FALSE(shown(here).options().contains("region"));
  CHECK(kind_of([&] { edit(here, {{"addressing", "somehow"}}); }) == ErrorKind::kInvalidInput);
  CHECK(kind_of([&] { edit(here, {{"ca-file", "/nowhere/ca.pem"}}); }) == ErrorKind::kDestinationAway);
  CHECK(shown(here).state() == v1::DESTINATION_STATE_READY);
}

TEST_CASE("whoever looks every few seconds asks a store that is ready no more than once a minute") {
  Cloud cloud;
  Installation here(cloud.folder.path("here"));
  here.add("cloud", cloud.url(), cloud.with({}));
  const auto glance = [&] { return here.destinations.glance("cloud").message.state(); };
  const std::size_t asked = cloud.server.seen().size();
  CHECK(glance() == v1::DESTINATION_STATE_READY);
  CHECK(cloud.server.seen().size() == asked);
  edit(here, {{"access-keys", cloud.folder.path("missing")}});
  CHECK(shown(here).state() == v1::DESTINATION_STATE_AWAY);
  // One that is away is looked at each time.
  edit(here, {{"access-keys", cloud.keys}});
  CHECK(glance() == v1::DESTINATION_STATE_READY);
  CHECK(cloud.server.seen().size() > asked);
}

TEST_CASE("a store stands in the configuration as a file") {
  Cloud cloud;
  Installation here(cloud.folder.path("here"));
  RunWork work(here.destinations, Settings{});
  RunQueue runs(here.catalog, work, system_clock(), [] {});
  const ConfigParts parts{here.destinations, here.sets, runs};
  const auto apply = [&](const std::string& toml) {
    v1::ApplyConfigurationRequest request;
    request.set_toml(toml);
    return apply_config(parts, request, {});
  };
  const std::string text = "[destination.cloud]\nregion = \"eu-west-1\"\nurl = \"" + cloud.url() +
                           "\"\nstorage-class = \"STANDARD_IA\"\naccess-keys = \"" + cloud.keys + "\"\n";
  const auto made = apply(text);
  REQUIRE(made.problems().empty());
  REQUIRE(made.made().size() == 1);
  const std::string exported = export_config(parts);
  CHECK(exported.find("storage-class = \"STANDARD_IA\"") != std::string::npos);
  CHECK(exported.find("SECRET") == std::string::npos);
  CHECK(apply(exported).changes().empty());
  // What the file does not say any more is as without.
  const auto changed =
      apply("[destination.cloud]\nurl = \"" + cloud.url() + "\"\naccess-keys = \"" + cloud.keys + "\"\n");
  CHECK(changed.applied());
  CHECK(shown(here).options().size() == 1);
  const std::map<std::string, std::string> wrong{{"ca-file = \"ca.pem\"\n", "absolute path"},
                                                 {"addressing = \"x\"\n", "virtual-host"},
                                                 {"single-writer = true\n", "single writer"}};
  for (const auto& [line, says] : wrong) {
    const auto refused = apply(text + line);
    REQUIRE_FALSE(refused.problems().empty());
    CHECK(refused.problems(0).message().find(says) != std::string::npos);
  }
}

}  // namespace
}  // namespace garner::daemon
