#include "check_history.h"

#include "installation.h"
#include "stored_request.h"

namespace garner::daemon {
namespace {

using catalog::RunKind;

TEST_CASE("the last look at a destination counts, and a prune that found nothing is no look") {
  const testing::TemporaryFolder folder;
  Installation here(folder.path("state"));
  CheckHistory history(here.catalog);
  std::int64_t seconds = 1'800'000'000;
  const auto run = [&](RunKind kind, const std::vector<std::string>& destinations, bool damage,
                       catalog::RunState state = catalog::RunState::kFinished) {
    StoredRequest request;
    request.destinations = destinations;
    v1::Run report;
    report.set_damage_found(damage);
    const std::string text = report.SerializeAsString();
    catalog::RunRow row;
    row.uuid = Uuid::random();
    row.kind = kind;
    row.request = encode(request);
    row.report.assign(text.begin(), text.end());
    row.number = here.catalog.runs().add(row);
    row.state = state;
    row.finished = TimePoint{++seconds, 0};
    here.catalog.runs().change(row);
    history.forget();
    return std::to_string(row.number);
  };
  CHECK(history.all().empty());
  run(RunKind::kCheck, {"a", "b"}, false);
  CHECK(history.all()["a"].damage_run.empty());
  CHECK(history.all()["b"].last_check == TimePoint{seconds, 0});
  const std::string found = run(RunKind::kCheck, {"a"}, true);
  CHECK(history.all()["a"].damage_run == found);
  CHECK(history.all()["b"].damage_run.empty());
  run(RunKind::kPrune, {"a", "b"}, false);
  CHECK(history.all()["a"].damage_run == found);
  run(RunKind::kCheck, {"a"}, false, catalog::RunState::kFailed);
  CHECK(history.all()["a"].damage_run == found);
  run(RunKind::kCheck, {"a"}, false);
  CHECK(history.all()["a"].damage_run.empty());
  const std::string prune = run(RunKind::kPrune, {"b"}, true);
  CHECK(history.all()["b"].damage_run == prune);
}

}  // namespace
}  // namespace garner::daemon
