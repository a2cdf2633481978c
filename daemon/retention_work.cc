// Runs that forget and prune.
#include <spdlog/spdlog.h>

#include "base/error.h"
#include "base/file.h"
#include "maintenance/forget.h"
#include "maintenance/prune.h"
#include "only_held.h"
#include "retention_message.h"
#include "run_message.h"
#include "run_work.h"
#include "timestamp.h"

namespace garner::daemon {

namespace {

v1::ForgetDecision to_decision(const maintenance::ForgetDecision& decision, const std::string& destination) {
  v1::ForgetDecision message;
  message.set_id(decision.id.hex());
  message.set_set(decision.set);
  *message.mutable_time() = to_timestamp(decision.time);
  message.set_forgotten(decision.forgotten);
  for (const std::string& reason : decision.reasons) message.add_reasons(reason);
  message.set_destination(destination);
  return message;
}

// Others wait behind a forget, which is a record else.
constexpr std::chrono::minutes kHistoryPatience{1};

// Content that at the destination only these snapshots hold, as far as it is known within kHistoryPatience.
// Whatever is wrong with that, they are forgotten.
std::optional<std::uint64_t> only_bytes_of(const std::vector<maintenance::ForgetDecision>& decisions,
                                           const std::string& destination, Destinations& destinations,
                                           Histories& histories, const std::stop_token& stop) {
  std::set<std::string> forgotten;
  for (const maintenance::ForgetDecision& decision : decisions) {
    if (decision.forgotten) forgotten.insert(decision.id.hex());
  }
  if (forgotten.empty()) return 0;
  try {
    const Clock& clock = destinations.context().clock;
    const auto until = clock.steady() + kHistoryPatience;
    return only_bytes_at(destinations, histories, destination, forgotten,
                         [&] { return stop.stop_requested() || clock.steady() >= until; });
  } catch (const std::exception& error) {
    if (stop.stop_requested()) throw;
    spdlog::warn("destination {}: how much is given back is not known: {}", destination, error.what());
    return std::nullopt;
  }
}

void add_sum(const maintenance::PruneResult& result, v1::PruneResult& sum) {
  sum.set_freed_bytes(sum.freed_bytes() + result.freed_bytes);
  sum.set_packs(sum.packs() + result.before.packs);
  sum.set_bytes(sum.bytes() + result.before.bytes);
  sum.set_dead_packs(sum.dead_packs() + result.dead.packs);
  sum.set_dead_bytes(sum.dead_bytes() + result.dead.bytes);
  sum.set_rewritten_packs(sum.rewritten_packs() + result.rewritten.packs);
  sum.set_rewritten_bytes(sum.rewritten_bytes() + result.rewritten.bytes);
  sum.set_copied_packs(sum.copied_packs() + result.copied.packs);
  sum.set_copied_bytes(sum.copied_bytes() + result.copied.bytes);
  sum.set_orphans(sum.orphans() + result.orphans.packs + result.earlier.packs);
  sum.set_orphan_bytes(sum.orphan_bytes() + result.orphans.bytes + result.earlier.bytes);
  sum.set_abandoned_runs(sum.abandoned_runs() + result.abandoned_runs);
  sum.set_unused_in_use_packs(sum.unused_in_use_packs() + result.unused_in_use_packs);
  sum.set_unused_beyond_limit(sum.unused_beyond_limit() + result.unused_beyond_limit);
  sum.set_unused_in_runs(sum.unused_in_runs() + result.unused_in_runs);
  sum.set_unused_not_worth(sum.unused_not_worth() + result.unused_not_worth);
  sum.set_young_orphans(sum.young_orphans() + result.young_orphans.packs);
  sum.set_young_orphan_bytes(sum.young_orphan_bytes() + result.young_orphans.bytes);
}

class PruneRunMonitor final : public maintenance::PruneMonitor {
 public:
  // `done`: of the destinations before.
  PruneRunMonitor(ActiveRun& run, v1::PruneResult done) : run_(run), done_(std::move(done)) {}

  void progressed(const maintenance::PruneProgress& progress) override {
    show(progress.result);
    run_.set_progress(progress.done, 0, progress.total, 0, "", progress.stage);
  }
  void problem(const std::string& line) override {
    spdlog::error("run {}: {}", run_.number(), line);
    const std::lock_guard lock(mutex_);
    done_.set_problem_count(done_.problem_count() + 1);
    if (done_.problems_size() < kMostProblems) done_.add_problems(line);
  }
  v1::PruneResult show(const maintenance::PruneResult& result) {
    const std::lock_guard lock(mutex_);
    v1::PruneResult sum = done_;
    add_sum(result, sum);
    run_.update([&](v1::Run& report) { *report.mutable_prune() = sum; });
    return sum;
  }

 private:
  ActiveRun& run_;
  std::mutex mutex_;
  v1::PruneResult done_;
};

}  // namespace

void RunWork::forget(ActiveRun& run, const std::stop_token& stop) {
  const StoredRequest& request = run.request();
  v1::ForgetResult result;
  result.set_set(request.forget_set);
  result.set_dry_run(request.dry_run);
  const SetRetention retention =
      make_retention(request.forget.retention(), request.forget.destination_retentions(), {});
  bool any_done = false;
  std::optional<std::uint64_t> only_bytes = 0;
  std::vector<std::pair<std::string, Error>> failures;
  for (const std::string& destination : request.destinations) {
    const maintenance::RetentionPolicy policy = to_policy(retention.at(destination));
    // Where no rule holds everything is kept.
    if (policy.empty() && request.forget.names().empty()) continue;
    try {
      const auto bytes = forget_at(destination, request, policy, stop, result);
      only_bytes = only_bytes && bytes ? std::optional(*only_bytes + *bytes) : std::nullopt;
      any_done = true;
    } catch (const Error& error) {
      if (error.kind() == ErrorKind::kCancelled) throw;
      failures.emplace_back(destination, error);
    }
  }
  if (!any_done && !failures.empty()) throw failures.front().second;
  for (const auto& [destination, error] : failures) note_failure(run, destination, error);
  if (any_done && only_bytes) result.set_only_bytes(*only_bytes);
  run.update([&](v1::Run& report) { *report.mutable_forget() = result; });
}

std::optional<std::uint64_t> RunWork::forget_at(const std::string& destination, const StoredRequest& request,
                                                const maintenance::RetentionPolicy& policy,
                                                const std::stop_token& stop, v1::ForgetResult& result) {
  maintenance::ForgetOptions options;
  options.policy = policy;
  options.zones = zones_of_sets(catalog_);
  const std::shared_ptr<store::Repository> repository = destinations_.open(destination);
  if (!request.forget_set.empty()) {
    const auto set = catalog_.configuration().set(request.forget_set);
    options.set = set ? set->definition.uuid() : std::string();
    const auto state = repository->state();
    for (const store::v1::SnapshotEntry& entry : state->snapshots()) {
      // A set that is configured no more.
      if (!set && entry.snapshot().set().name() == request.forget_set)
        options.set = entry.snapshot().set().uuid();
    }
    if (options.set.empty()) return 0;
  }
  if (!request.forget.names().empty()) {
    options.choose = [&](const store::v1::RepositoryState& state) {
      std::vector<crypto::BlobId> ids;
      for (const std::string& name : request.forget.names()) {
        const auto id = crypto::BlobId::from_bytes(from_hex(name));
        if (store::find_snapshot(state, id.view()) != nullptr) ids.push_back(id);
      }
      return ids;
    };
  }
  const auto decide = [&](bool dry_run) {
    options.dry_run = dry_run;
    return maintenance::run_forget(*repository, options, destinations_.context().clock);
  };
  // What nobody lists any more the histories forget, so they are asked before.
  std::optional<std::uint64_t> only_bytes;
  if (histories_ != nullptr && !request.by_itself)
    only_bytes = only_bytes_of(decide(true), destination, destinations_, *histories_, stop);
  for (const maintenance::ForgetDecision& decision : decide(request.dry_run)) {
    if (decision.forgotten) {
      result.set_forgotten(result.forgotten() + 1);
    } else {
      result.set_kept(result.kept() + 1);
    }
    if (decision.forgotten || !request.by_itself)
      *result.add_snapshots() = to_decision(decision, destination);
  }
  return only_bytes;
}

std::optional<StoredRequest> RunWork::follow_up(const ActiveRun& run) {
  const bool caught_up = run.kind() == catalog::RunKind::kCopy && run.request().by_itself;
  if (run.kind() != catalog::RunKind::kBackup && !caught_up) return std::nullopt;
  const std::string set = run.row().set;
  const SetRetention retention = load_retention(catalog_.retention(), set);
  StoredRequest request;
  const v1::Run report = run.message();
  for (const v1::DestinationRun& part : report.destinations()) {
    if (part.snapshot_id().empty() || to_policy(retention.at(part.destination())).empty()) continue;
    request.destinations.push_back(part.destination());
  }
  if (request.destinations.empty()) return std::nullopt;
  *request.forget.mutable_retention() = retention.own;
  add_to(*request.forget.mutable_destination_retentions(), retention);
  request.forget_set = set;
  request.by_itself = true;
  return request;
}

void RunWork::prune(ActiveRun& run, const std::stop_token& stop) {
  const StoredRequest& request = run.request();
  v1::PruneResult sum;
  sum.set_dry_run(request.dry_run);
  for (const std::string& destination : request.destinations) {
    const std::shared_ptr<store::Repository> repository = destinations_.open(destination);
    maintenance::PruneOptions options;
    options.run = run.uuid();
    options.dry_run = request.dry_run;
    options.threads = threads_for(settings_, maintenance::kPruneMemoryPerThread);
    const catalog::DestinationSettings settings = catalog_.destination_settings().find(destination);
    if (settings.max_unused) options.max_unused = *settings.max_unused / 100;
    if (settings.max_rewrite) options.rewrite_limit = *settings.max_rewrite;
    if (request.prune.has_max_unused_percent()) options.max_unused = request.prune.max_unused_percent() / 100;
    if (request.prune.has_max_rewrite_bytes()) options.rewrite_limit = request.prune.max_rewrite_bytes();
    options.spool_folder = spool();
    if (request.prune.has_grace_seconds())
      options.grace = std::chrono::seconds(request.prune.grace_seconds());
    PruneRunMonitor monitor(run, sum);
    sum = monitor.show(
        maintenance::run_prune(*repository, options, destinations_.context().clock, monitor, stop));
  }
  run.update([&](v1::Run& report) { report.set_damage_found(report.prune().problem_count() > 0); });
}

void RunWork::remove_copies(const ActiveRun& run) {
  remove_spooled(run);
  std::vector<std::string> folders;
  for (const std::string& destination : run.request().destinations) {
    if (const auto staging = destinations_.open(destination)->destination().staging_folder())
      folders.push_back(*staging);
  }
  for (const std::string& folder : folders) {
    for (const std::string& name : list_names(folder)) {
      if (name.starts_with(run.uuid().text())) remove_file(folder + "/" + name);
    }
  }
}

}  // namespace garner::daemon
