#include "maintenance/log_check.h"

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "maintenance/damage.h"
#include "maintenance/pack_facts.h"
#include "store/key_store.h"
#include "store/log.h"
#include "store/missing_packs.h"
#include "store/repository_header.h"
#include "store/segment_layout.h"
#include "store/state.h"

namespace garner::maintenance {
namespace {

namespace v1 = store::v1;

template <typename Work>
void try_each(CheckReport& report, const std::string& what, const Work& work) {
  try {
    work();
  } catch (const Error& error) {
    if (!is_damage(error)) throw;
    report.problem(what + error.what());
  }
}

}  // namespace

void check_log(store::Repository& repository, const v1::RepositoryState& state, CheckReport& report) {
  report.begin_stage("reading keys and log");
  try_each(report, "header: ", [&] { store::verify_header(repository.destination(), repository.keyring()); });
  try_each(report,
           "key slots: ", [&] { store::verify_slots(repository.destination(), repository.keyring()); });
  try_each(report, "log: ", [&] {
    const v1::RepositoryState replayed = replay_log(
        repository, state.generation(), [&] { report.throw_if_stopped(); },
        [&](const std::string& key, const Error& error) { report.problem(key + ": " + error.what()); });
    if (store::comparable(replayed) != store::comparable(state))
      throw Error(ErrorKind::kDamaged, "the state that was loaded is not the one its records lead to");
  });
}

v1::RepositoryState replay_log(store::Repository& repository, std::uint64_t last,
                               const std::function<void()>& step, const BadState& bad) {
  const store::LogContext log{repository.destination(), repository.keyring(), repository.header().repository};
  // `reached`: what the records lead to; null where they are of an earlier log, or later.
  const auto check = [&](const store::StateName& name, const v1::RepositoryState* reached) {
    step();
    const std::string key = store::state_key(name.generation, name.record_hash);
    try {
      v1::RepositoryState opened =
          store::open_state(log.destination.get_all(key, store::kMaximumState), name.generation,
                            name.record_hash, log.keyring, log.repository);
      if (reached != nullptr && opened.record_hash() == reached->record_hash() &&
          store::comparable(std::move(opened)) != store::comparable(*reached))
        throw Error(ErrorKind::kDamaged, "it is not the state that its records lead to");
    } catch (const Error& error) {
      if (!is_damage(error) && error.kind() != ErrorKind::kNewerFormat) throw;
      bad(key, error);
    }
  };
  std::map<std::uint64_t, std::vector<store::StateName>> states;
  const std::uint64_t first = store::first_generation(store::log_number(last));
  for (const destination::ObjectInfo& object : log.destination.list(std::string(store::kStatePrefix))) {
    const std::optional<store::StateName> name = store::parse_state_key(object.key);
    if (!name) continue;
    if (name->generation < first || name->generation > last) {
      check(*name, nullptr);
    } else {
      states[name->generation].push_back(*name);
    }
  }
  return store::follow(
      log, v1::RepositoryState(), last, [&](const store::OpenedRecord&) { step(); },
      [&](const v1::RepositoryState& state) {
        const auto found = states.find(state.generation());
        if (found == states.end()) return;
        for (const store::StateName& name : found->second) check(name, &state);
      });
}

std::string why_unusable(store::Repository& repository) {
  const store::LogContext log{repository.destination(), repository.keyring(), repository.header().repository};
  try {
    const std::vector<store::ListedRecord> records = store::list_records(repository.destination(), 0);
    if (records.empty()) return "the log is missing";
    const v1::RepositoryState state = store::follow(log, v1::RepositoryState(), records.back().generation);
    std::map<store::ObjectName, std::uint64_t> live;
    for (const v1::SegmentReference& segment : state.segments()) {
      const Bytes payload = read_segment(repository, segment);
      const store::PayloadView view = store::view_payload(payload);
      for (std::uint32_t number = 0; number < view.packs; ++number) {
        const store::PackRow pack = view.pack(number);
        if (!store::is_removed(state, pack.name)) live[pack.name] = pack.size;
      }
    }
    // Missing packs are for rescue, which begins with a log that is taken; and one that is refused is not
    // taken while it lists some (Repository::accept_log).
    if (!repository.is_refused()) return {};
    const std::size_t missing = store::missing_packs(repository.destination(), live).size();
    if (missing == 0) return {};
    return "it is refused, and " + std::to_string(missing) +
           " of the packs that it lists are not there, or not whole";
  } catch (const Error& error) {
    if (!is_damage_to_the_log(repository, error)) throw;
    return error.what();
  }
}

}  // namespace garner::maintenance
