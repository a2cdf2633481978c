#include "run_monitors.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "base/error.h"
#include "destination_runs.h"
#include "run_message.h"

namespace garner::daemon {

namespace {

void keep_error(ActiveRun& run, catalog::RunTable& runs, const catalog::RunErrorRow& error) {
  spdlog::warn("run {}: {}: {}", run.number(), printable(error.path), error.message);
  try {
    if (run.error_count() < catalog::kMaximumRunErrors && !runs.add_error(run.number(), error)) return;
  } catch (const Error& failure) {
    spdlog::error("run {}: {}", run.number(), failure.what());
  }
  run.add_error(error);
}

}  // namespace

void BackupRunMonitor::progressed(const backup::BackupProgress& progress) {
  log_.tick();
  run_.update([&](v1::Run& report) {
    report.set_files(progress.files);
    report.set_source_bytes(progress.source_bytes);
    report.set_read_bytes(progress.counters.read_bytes);
    report.set_new_bytes(progress.counters.new_bytes);
    const std::vector<std::string>& names = run_.request().destinations;
    for (std::size_t number = 0; number < std::min(names.size(), progress.targets.size()); ++number)
      show(progress.targets[number], part_of(report, names[number]));
    add_up(report);
  });
  run_.set_progress(progress.done_files, progress.done_bytes, progress.expected_files,
                    progress.expected_bytes, progress.current, progress.stage);
}

void BackupRunMonitor::error(const backup::SourceError& error) {
  keep_error(run_, runs_, {error.path, error.message, error.kept, error.unreadable});
}

void FillRunMonitor::progressed(const backup::BackupProgress& progress) {
  run_.update([&](v1::Run& report) {
    if (!progress.targets.empty()) show(progress.targets.back(), part_of(report, destination_));
    add_up(report);
  });
  run_.set_progress(0, progress.done_bytes, 0, progress.expected_bytes, "",
                    progress.stage + " for " + destination_);
}

void RestoreRunMonitor::progressed(const restore::RestoreProgress& progress) {
  run_.update([&](v1::Run& report) {
    report.set_files(progress.total_files);
    report.set_source_bytes(progress.total_bytes);
    report.set_read_bytes(progress.read_bytes);
  });
  run_.set_progress(progress.done_files, progress.done_bytes, progress.total_files, progress.total_bytes,
                    progress.current, "restoring");
}

void RestoreRunMonitor::error(const std::string& path, const std::string& message) {
  keep_error(run_, runs_, {path, message});
}

void CheckRunMonitor::show(const maintenance::CheckProgress& progress, v1::Run& report) const {
  v1::CheckResult& check = *report.mutable_check();
  check.set_packs(done_.packs + progress.packs);
  check.set_blobs(done_.blobs + progress.blobs);
  check.set_snapshots(done_.snapshots + progress.snapshots);
  check.set_bytes_read(done_.bytes_read + progress.bytes_read);
}

void CheckRunMonitor::progressed(const maintenance::CheckProgress& progress) {
  const std::lock_guard lock(mutex_);
  run_.update([&](v1::Run& report) { show(progress, report); });
  // Packs stand for files: what a person follows is how many of them are done.
  run_.set_progress(progress.packs, done_.bytes_read + progress.bytes_read, progress.total_packs, 0, "",
                    progress.stage);
}

void CheckRunMonitor::problem(const std::string& line) {
  spdlog::error("run {}: {}", run_.number(), line);
  run_.update([&](v1::Run& report) {
    v1::CheckResult& check = *report.mutable_check();
    check.set_problem_count(check.problem_count() + 1);
    if (check.problems_size() < kMostProblems) check.add_problems(line);
  });
}

void CheckRunMonitor::finish_part(const maintenance::CheckProgress& progress) {
  progressed(progress);
  const std::lock_guard lock(mutex_);
  done_.packs += progress.packs;
  done_.blobs += progress.blobs;
  done_.snapshots += progress.snapshots;
  done_.bytes_read += progress.bytes_read;
}

void CheckRunMonitor::finish_repair(const maintenance::RepairResult& result) {
  run_.update([&](v1::Run& report) {
    v1::CheckResult& check = *report.mutable_check();
    check.set_packs(done_.packs + result.packs);
    check.set_blobs(done_.blobs + result.blobs);
    for (const crypto::BlobId& id : result.recovered) check.add_recovered_snapshots(id.hex());
    check.set_snapshots(static_cast<std::uint64_t>(check.recovered_snapshots_size()));
    if (!result.incomplete.empty()) report.set_incomplete(true);
    report.set_damage_found(check.problem_count() > 0);
  });
  const std::lock_guard lock(mutex_);
  done_.packs += result.packs;
  done_.blobs += result.blobs;
}

void CheckRunMonitor::finish_rescue(const maintenance::RescueResult& result) {
  if (result.packs > 0) {
    spdlog::warn(
        "run {}: {} damaged packs: {} blobs copied, {} from other destinations, {} lost; {} snapshots "
        "lack something",
        run_.number(), result.packs, result.copied, result.supplied, result.lost, result.marked.size());
  }
  const std::lock_guard lock(mutex_);
  done_.packs += result.packs;
  done_.blobs += result.copied + result.supplied;
  run_.update([&](v1::Run& report) {
    v1::CheckResult& check = *report.mutable_check();
    check.set_packs(done_.packs);
    check.set_blobs(done_.blobs);
    check.set_bytes_read(check.bytes_read() + result.checked.bytes_read);
    if (result.lost > 0) report.set_incomplete(true);
    report.set_damage_found(check.problem_count() > 0);
  });
}

}  // namespace garner::daemon
