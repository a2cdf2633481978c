#include "destination_settings.h"

#include "destination_edit.h"
#include "installation.h"

namespace garner::daemon {
namespace {

using testing::TemporaryFolder;

v1::DestinationSettingsChange uploads(const std::vector<std::string>& limits) {
  v1::DestinationSettingsChange change;
  for (const std::string& limit : limits) change.add_upload_limits(limit);
  return change;
}

TEST_CASE("limits replace those of their direction, and none takes them away") {
  catalog::DestinationSettings settings = edited({}, uploads({"2M", "22:00-06:00=none"}));
  CHECK(settings.upload_limits == std::vector<std::string>{"2M", "22:00-06:00=none"});
  v1::DestinationSettingsChange change;
  change.add_download_limits("1M");
  settings = edited(settings, change);
  CHECK(settings.upload_limits.size() == 2);
  CHECK(settings.download_limits == std::vector<std::string>{"1M"});
  settings = edited(settings, uploads({"3M"}));
  CHECK(settings.upload_limits == std::vector<std::string>{"3M"});
  settings = edited(settings, uploads({"none"}));
  CHECK(settings.upload_limits.empty());
  CHECK(settings.download_limits.size() == 1);
}

TEST_CASE("what prune may do is set, changed, and taken away again") {
  v1::DestinationSettingsChange change;
  change.set_max_unused_percent(20);
  change.set_max_rewrite_bytes(1000);
  catalog::DestinationSettings settings = edited({}, change);
  CHECK(settings.max_unused == 20.0);
  CHECK(settings.max_rewrite == 1000);
  CHECK(to_message(settings).max_rewrite_bytes() == 1000);
  v1::DestinationSettingsChange back;
  back.set_default_max_unused(true);
  settings = edited(settings, back);
  CHECK_FALSE(settings.max_unused.has_value());
  CHECK(settings.max_rewrite == 1000);
  CHECK_FALSE(to_message(settings).has_max_unused_percent());
}

TEST_CASE("settings that make no sense are refused") {
  CHECK(kind_of([] { edited({}, uploads({"soon"})); }) == ErrorKind::kInvalidInput);
  CHECK(kind_of([] { edited({}, uploads({"1M", "2M"})); }) == ErrorKind::kInvalidInput);
  CHECK(kind_of([] { edited({}, uploads({"999"})); }) == ErrorKind::kInvalidInput);
  CHECK(kind_of([] { edited({}, uploads(std::vector<std::string>(101, "08:00-09:00=1M"))); }) ==
        ErrorKind::kInvalidInput);
  for (const double percent : {-1.0, 100.5, std::numeric_limits<double>::quiet_NaN()}) {
    v1::DestinationSettingsChange change;
    change.set_max_unused_percent(percent);
    CHECK(kind_of([&] { edited({}, change); }) == ErrorKind::kInvalidInput);
  }
  v1::DestinationSettingsChange change;
  change.set_max_rewrite_bytes(std::numeric_limits<std::uint64_t>::max());
  CHECK(kind_of([&] { edited({}, change); }) == ErrorKind::kInvalidInput);
}

TEST_CASE("a destination's limits hold at once, are told, and outlive the daemon") {
  TemporaryFolder folder;
  {
    Installation installation(folder.path("state"));
    installation.add("disk", folder.path("disk"), [](v1::AddDestinationRequest& request) {
      request.mutable_settings()->add_upload_limits("2M");
    });
    const auto facts = installation.destinations.facts("disk");
    const auto described = [&] {
      return installation.destinations.describe(facts, installation.destinations.view("disk"));
    };
    CHECK(described().upload_rate() == 2'000'000);
    CHECK(described().download_rate() == 0);
    CHECK(described().settings().upload_limits(0) == "2M");
    v1::DestinationSettingsChange change;
    change.add_download_limits("3M");
    change.add_upload_limits("none");
    installation.destinations.edit("disk", change);
    CHECK(described().upload_rate() == 0);
    CHECK(described().download_rate() == 3'000'000);
    CHECK(kind_of([&] { installation.destinations.edit("other", change); }) == ErrorKind::kNotFound);
  }
  Installation installation(folder.path("state"));
  const auto facts = installation.destinations.facts("disk");
  CHECK(installation.destinations.describe(facts, {}).download_rate() == 3'000'000);
  CHECK(installation.destinations.held_by({}).empty());
}

TEST_CASE("a destination with a limit that makes no sense is not added") {
  TemporaryFolder folder;
  Installation installation(folder.path("state"));
  CHECK(kind_of([&] {
          installation.add("disk", folder.path("disk"), [](v1::AddDestinationRequest& request) {
            request.mutable_settings()->add_upload_limits("soon");
          });
        }) == ErrorKind::kInvalidInput);
  CHECK_FALSE(std::filesystem::exists(folder.path("disk")));
  CHECK_FALSE(installation.catalog.configuration().destination("disk").has_value());
}

TEST_CASE("a log that is not refused is not accepted, and whoever reads from it goes on") {
  const TemporaryFolder folder;
  Installation here(folder.path("state"));
  here.add("disk", folder.path("disk"));
  const auto reading = here.destinations.open("disk");
  const std::uint64_t newest = reading->state()->generation();
  CHECK(kind_of([&] { here.destinations.accept_log("disk", newest); }) == ErrorKind::kConflict);
  CHECK(here.destinations.open("disk") == reading);
}

TEST_CASE("what changes the repository, or what is believed of it, is given by itself") {
  v1::EditDestinationRequest request;
  const auto is_refused = [&] {
    try {
      check_alone(request);
      return false;
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::kInvalidInput);
      return true;
    }
  };
  request.set_name("disk");
  CHECK_FALSE(is_refused());
  request.set_accept_log(3);
  CHECK_FALSE(is_refused());
  SECTION("another of its kind") { request.set_index_from("self"); }
  SECTION("an option") { (*request.mutable_options())["region"] = "here"; }
  SECTION("a limit") { *request.mutable_settings() = uploads({"1M"}); }
  SECTION("a schedule") { request.mutable_maintenance(); }
  CHECK(is_refused());
  request.clear_accept_log();
  if (!request.has_index_from()) request.set_index_from("self");
  const bool is_alone = !request.has_settings() && !request.has_maintenance() && request.options().empty();
  CHECK(is_refused() != is_alone);
}

}  // namespace
}  // namespace garner::daemon
