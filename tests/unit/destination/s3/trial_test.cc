// A trial of a store that does, or does not do, what garner relies on.
#include "destination/trial.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>

#include "base/file.h"
#include "scripted.h"
#include "support/temporary_folder.h"
#include "support/trial_report.h"

namespace garner::destination {
namespace {

using garner::testing::check_went_well;
using garner::testing::find_step;
using garner::testing::finding_of;
using garner::testing::kTrialWriter;
using garner::testing::TemporaryFolder;
using namespace testing;
using Conditions = MemoryStore::Conditions;

constexpr const char* kHeader = "pre/garner.repo";

struct TriedPlace {
  using First = std::function<std::optional<HttpGiven>(const HttpSeen&, MemoryStore&)>;
  explicit TriedPlace(First given = {}, Conditions conditions = Conditions::kKept)
      : store(conditions), first(std::move(given)) {
    store.objects[kHeader] = std::string(300, 'h');
    std::filesystem::create_directories(options.spool_folder);
    replace_file_durably(folder.path("keys"), as_bytes("aws_access_key_id = a\naws_secret_access_key = b\n"));
  }

  TrialReport run(
      PlaceOptions more = {}, const std::function<void(const TrialReport&)>& told = [](const TrialReport&) {},
      const std::stop_token& stop = {}) {
    more["access-keys"] = folder.path("keys");
    return try_place("s3:http://" + server.address() + "/bucket/pre", more, context, options, told, stop);
  }
  bool is_clean() const {
    return store.objects.size() == 1 && store.objects.contains(kHeader) && store.uploads.empty() &&
           std::filesystem::is_empty(options.spool_folder);
  }

  const TemporaryFolder folder;
  TrialOptions options = garner::testing::trial_options(folder.path("spool"));
  PlaceContext context{nullptr, std::make_shared<RequestCounts>(), kTrialWriter};
  MemoryStore store;
  First first;
  ScriptedHttp server{[this](const HttpSeen& request) {
    if (first) {
      if (auto given = first(request, store)) return *given;
    }
    return store.answer(request);
  }};
};

bool is_bad(const TrialFinding& finding) { return finding.outcome == TrialOutcome::kBad; }

TEST_CASE("S3 trial: a store that does all goes well, and nothing is left there") {
  TriedPlace place;
  place.options.transfer_time = std::chrono::milliseconds(500);
  check_went_well(place.run({{"storage-class", "STANDARD_IA"}}), "uploads in parts");
  CHECK(place.is_clean());
  const RequestSums sums = place.context.counts->total();
  CHECK(sums.puts > 10);
  CHECK(sums.parts >= 2);
  CHECK(sums.gets > 15);
  CHECK(sums.lists > 5);
  CHECK(sums.deletes > 1);
  CHECK(sums.puts + sums.parts + sums.gets + sums.lists + sums.deletes == place.server.seen().size());
  // The class of packs is tried, and no more is paid for in it than a little.
  for (const HttpSeen& request : place.server.seen()) {
    if (request.headers.contains("x-amz-storage-class")) CHECK(request.has("uploads"));
    CHECK(request.body.size() <= S3Destination::kLargestPut);
  }
}

TEST_CASE("S3 trial: a store that does not keep conditions fails") {
  for (const Conditions conditions : {Conditions::kIgnored, Conditions::kRefused}) {
    TriedPlace place({}, conditions);
    const TrialReport report = place.run();
    CHECK_FALSE(report.all_well());
    CHECK(is_bad(finding_of(report, "writing")));
    CHECK(place.is_clean());
  }
  // By a single writer, who has claimed it, it can be used.
  TriedPlace place({}, Conditions::kIgnored);
  place.store.objects["pre/claims/0000000000000001-" + kTrialWriter] = "claimed\n";
  place.store.knows_conditions_of_uploads = false;
  const TrialReport report = place.run({{"single-writer", "yes"}});
  check_went_well(report, "uploads in parts");
  place.store.objects.clear();
  place.store.objects[kHeader] = "header";
  CHECK(finding_of(place.run({{"single-writer", "yes"}}), "exclusive creation").detail.find("claim") !=
        std::string::npos);
}

TEST_CASE("S3 trial: conditions that hold one after the other and not at once are found out") {
  // The first two who create an object are both told that they have.
  auto told = std::make_shared<std::map<std::string, int>>();
  TriedPlace place([told](const HttpSeen& request, MemoryStore& store) -> std::optional<HttpGiven> {
    if (request.method != "PUT" || request.path.find("/race") == std::string::npos) return std::nullopt;
    if (++(*told)[request.path] > 2) return std::nullopt;
    store.objects[request.path.substr(std::string("/bucket/").size())] = request.body;
    return HttpGiven{200, {{"etag", "\"1\""}}};
  });
  const TrialReport report = place.run();
  CHECK(find_step(report, "writing")->finding.outcome == TrialOutcome::kGood);
  const TrialFinding finding = finding_of(report, "exclusive creation");
  CHECK(is_bad(finding));
  CHECK_THAT(finding.detail, says("2 of 4 who create an object at once"));
  CHECK(place.is_clean());
}

TEST_CASE("S3 trial: listings that are behind, and content that is another, are found out") {
  {
    TriedPlace place([](const HttpSeen& request, MemoryStore&) -> std::optional<HttpGiven> {
      if (request.method != "GET" || !request.has("list-type=2") || !request.has("trial%2F"))
        return std::nullopt;
      return HttpGiven{200, {}, "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>"};
    });
    CHECK_THAT(finding_of(place.run(), "writing").detail, says("a listing does not show"));
  }
  {
    TriedPlace place([](const HttpSeen& request, MemoryStore& store) -> std::optional<HttpGiven> {
      if (request.method != "GET" || request.path.find("/large") == std::string::npos) return std::nullopt;
      HttpGiven given = store.answer(request);
      if (given.status == 206) given.body[0] = static_cast<char>(given.body[0] + 1);
      return given;
    });
    place.options.transfer_time = std::chrono::seconds(5);
    CHECK_THAT(finding_of(place.run(), "download").detail, says("what is read is not what was sent"));
    CHECK(place.is_clean());
  }
}

TEST_CASE("S3 trial: rights that are not there are told, also those that only help") {
  const auto refuse = [](auto which) {
    return [which](const HttpSeen& request, MemoryStore&) -> std::optional<HttpGiven> {
      if (which(request)) return MemoryStore::error(403, "AccessDenied");
      return std::nullopt;
    };
  };
  {
    TriedPlace place(refuse([](const HttpSeen& request) { return request.method == "PUT"; }));
    const TrialReport report = place.run();
    CHECK(is_bad(finding_of(report, "writing")));
    CHECK_THAT(finding_of(report, "writing").detail, says("lists the rights"));
    CHECK(find_step(report, "reading")->finding.outcome == TrialOutcome::kGood);
    CHECK(find_step(report, "upload") == nullptr);
    CHECK(place.is_clean());
  }
  {
    TriedPlace place(refuse([](const HttpSeen& request) {
      return (request.method == "DELETE" && !request.has("uploadId")) || request.has("delete=");
    }));
    const TrialReport report = place.run();
    CHECK(report.all_well());
    CHECK(finding_of(report, "deleting").outcome == TrialOutcome::kWarning);
    CHECK_THAT(finding_of(report, "deleting").detail, says("All but prune works without that"));
    // Their names are in nobody's way.
    CHECK(place.run().all_well());
  }
  {
    TriedPlace place(refuse([](const HttpSeen& request) {
      return request.query.ends_with("uploads=") && request.method == "GET";
    }));
    const TrialReport report = place.run();
    CHECK(report.all_well());
    CHECK(finding_of(report, "uploads in parts").outcome == TrialOutcome::kWarning);
    CHECK_THAT(finding_of(report, "uploads in parts").detail, says("lifecycle"));
    CHECK(finding_of(report, "deleting").outcome == TrialOutcome::kGood);
    CHECK(place.is_clean());
  }
  {
    // Without them no upload that was cut off can go on.
    TriedPlace place(
        refuse([](const HttpSeen& request) { return request.method == "GET" && request.has("uploadId"); }));
    CHECK(is_bad(finding_of(place.run(), "uploads in parts")));
    CHECK(place.is_clean());
  }
}

TEST_CASE("S3 trial: what one has left that was killed the next one removes, uploads as well") {
  TriedPlace place;
  const std::string old = "pre/trial/" + kTrialWriter + "/old/";
  const std::string others = "pre/trial/" + std::string(32, 'b') + "/new/small";
  place.store.objects[old + "small"] = "small";
  place.store.objects[others] = "small";
  place.store.uploads["u1"] = {old + "large", {{1, "part"}}};
  place.store.uploads["u2"] = {"pre/packs/ab/abc", {{1, "part"}}};
  place.store.uploads["u2"].begun = "2999-01-01T00:00:00.000Z";
  CHECK(place.run().all_well());
  CHECK_FALSE(place.store.objects.contains(old + "small"));
  CHECK(place.store.objects.contains(others));
  CHECK_FALSE(place.store.uploads.contains("u1"));
  CHECK(place.store.uploads.contains("u2"));
}

TEST_CASE("S3 trial: one that is stopped leaves nothing, and one whose store goes away says so") {
  {
    TriedPlace place;
    place.options.transfer_time = std::chrono::seconds(5);
    std::stop_source stop;
    place.first = [&](const HttpSeen& request, MemoryStore&) -> std::optional<HttpGiven> {
      if (request.has("partNumber=") && request.path.find("/large") != std::string::npos) stop.request_stop();
      return std::nullopt;
    };
    CHECK(failure_of([&] {
            place.run(
                {}, [](const TrialReport&) {}, stop.get_token());
          }).kind() == ErrorKind::kCancelled);
    CHECK(place.is_clean());
  }
  {
    TriedPlace place([](const HttpSeen& request, MemoryStore&) -> std::optional<HttpGiven> {
      if (request.path.find("/once") == std::string::npos) return std::nullopt;
      return MemoryStore::error(403, "InvalidAccessKeyId");
    });
    const TrialReport report = place.run();
    CHECK(report.steps.back().name == "exclusive creation");
    CHECK_THAT(report.steps.back().finding.detail, says("the access key is not known there"));
    CHECK(place.is_clean());
  }
}

}  // namespace
}  // namespace garner::destination
