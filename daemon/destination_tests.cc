#include "destination_tests.h"

#include "base/error.h"
#include "destination_settings.h"
#include "store/repository_header.h"

namespace garner::daemon {

namespace {

double to_seconds(std::chrono::nanoseconds time) { return std::chrono::duration<double>(time).count(); }

v1::TestOutcome to_outcome(destination::TrialOutcome outcome) {
  switch (outcome) {
    case destination::TrialOutcome::kGood:
      return v1::TEST_OUTCOME_GOOD;
    case destination::TrialOutcome::kWarning:
      return v1::TEST_OUTCOME_WARNING;
    case destination::TrialOutcome::kBad:
      break;
  }
  return v1::TEST_OUTCOME_BAD;
}

void set_transfer(v1::TestTransfer& message, const destination::TrialReport::Transfer& transfer) {
  message.set_bytes(transfer.bytes);
  message.set_seconds(to_seconds(transfer.took));
  message.set_bytes_per_second(transfer.bytes_per_second());
  message.set_limit(transfer.limit);
}

}  // namespace

v1::DestinationTest to_test_message(const destination::TrialReport& report) {
  v1::DestinationTest message;
  for (const destination::TrialStep& step : report.steps) {
    v1::TestStep& part = *message.add_steps();
    part.set_name(step.name);
    part.set_outcome(to_outcome(step.finding.outcome));
    part.set_detail(printable(step.finding.detail));
    part.set_seconds(to_seconds(step.took));
  }
  message.set_current(report.current);
  if (report.latency.requests > 0) {
    v1::TestLatency& latency = *message.mutable_latency();
    latency.set_requests(report.latency.requests);
    latency.set_fastest_seconds(to_seconds(report.latency.fastest));
    latency.set_median_seconds(to_seconds(report.latency.median));
    latency.set_slowest_seconds(to_seconds(report.latency.slowest));
  }
  if (report.upload.bytes > 0) set_transfer(*message.mutable_upload(), report.upload);
  if (report.download.bytes > 0) set_transfer(*message.mutable_download(), report.download);
  return message;
}

void DestinationTests::run(const std::string& name,
                           const std::function<void(const v1::DestinationTest&)>& told,
                           const std::stop_token& stop) {
  const catalog::DestinationFacts facts = destinations_.facts(name);
  {
    const std::lock_guard lock(mutex_);
    if (!under_way_.insert(name).second)
      throw Error(ErrorKind::kConflict, "destination '" + name + "' is being tested already");
  }
  const std::shared_ptr<void> ending(nullptr, [&](void*) {
    const std::lock_guard lock(mutex_);
    under_way_.erase(name);
  });
  destination::PlaceContext context = destinations_.place_context(name);
  context.counts = std::make_shared<destination::RequestCounts>(context.counts);
  const bool is_folder = destination::place_kind(facts.url) == destination::PlaceKind::kFolder;
  destination::TrialOptions options;
  options.spool_folder = destinations_.spool_folder();
  options.read_key = store::kHeaderKey;
  options.check_place = [&](destination::Destination& place) { destinations_.check_place(facts, place); };
  const auto tell = [&](const destination::TrialReport& report, bool finished) {
    v1::DestinationTest message = to_test_message(report);
    message.set_destination(facts.name);
    message.set_url(facts.url);
    message.set_finished(finished);
    message.set_passed(finished && report.all_well());
    if (!is_folder) *message.mutable_requests() = to_message(context.counts->total());
    told(message);
  };
  const destination::TrialReport report = destination::try_place(
      facts.url, facts.options, context, options,
      [&](const destination::TrialReport& so_far) { tell(so_far, /*finished=*/false); }, stop);
  tell(report, /*finished=*/true);
}

}  // namespace garner::daemon
