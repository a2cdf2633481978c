#include "check_history.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "base/error.h"
#include "run_message.h"
#include "stored_request.h"

namespace garner::daemon {

namespace {

// Of each kind: enough that each destination is among them.
constexpr std::uint64_t kMostRuns = 100;

}  // namespace

std::map<std::string, CheckFacts> CheckHistory::all() {
  const std::uint64_t now = changes_;
  const std::lock_guard lock(mutex_);
  if (known_at_ != now) {
    known_ = look();
    known_at_ = now;
  }
  return known_;
}

std::map<std::string, CheckFacts> CheckHistory::look() {
  std::vector<catalog::RunRow> runs;
  for (const auto kind : {catalog::RunKind::kCheck, catalog::RunKind::kRepair, catalog::RunKind::kPrune}) {
    for (catalog::RunRow& row : catalog_.runs().list_kind(kind, kMostRuns)) {
      if (row.state == catalog::RunState::kFinished) runs.push_back(std::move(row));
    }
  }
  std::sort(runs.begin(), runs.end(), [](const auto& a, const auto& b) { return a.number > b.number; });
  std::map<std::string, CheckFacts> facts;
  std::map<std::string, bool> decided;  // by destination: something later has looked at it
  for (const catalog::RunRow& row : runs) {
    try {
      const bool damage = to_message(row).damage_found();
      for (const std::string& destination : decode_request(row.request).destinations) {
        CheckFacts& one = facts[destination];
        if (row.kind == catalog::RunKind::kCheck && !one.last_check) one.last_check = row.finished;
        // A prune that found nothing has not looked at everything.
        if (row.kind == catalog::RunKind::kPrune && !damage) continue;
        if (!std::exchange(decided[destination], true) && damage) one.damage_run = std::to_string(row.number);
      }
    } catch (const Error& error) {
      spdlog::debug("run {}: {}", row.number, error.what());
    }
  }
  return facts;
}

}  // namespace garner::daemon
