#include "maintenance/log_check.h"

#include <map>
#include <optional>
#include <string>

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

// Short cuts, which nothing rests on: but whoever opens the repository for the first time takes the newest.
void check_states(store::Repository& repository, CheckReport& report) {
  for (const destination::ObjectInfo& object : repository.destination().list("state/")) {
    report.throw_if_stopped();
    const std::optional<store::StateName> name = store::parse_state_key(object.key);
    if (!name) continue;
    try_each(report, object.key + ": ", [&] {
      const Bytes sealed = repository.destination().get_all(object.key, store::kMaximumState);
      store::open_state(sealed, name->generation, name->record_hash, repository.keyring(),
                        repository.header().repository);
    });
  }
}

}  // namespace

void check_log(store::Repository& repository, const v1::RepositoryState& state, CheckReport& report) {
  report.begin_stage("reading keys and log");
  const store::LogContext log{repository.destination(), repository.keyring(), repository.header().repository};
  try_each(report, "header: ", [&] { store::verify_header(repository.destination(), repository.keyring()); });
  try_each(report,
           "key slots: ", [&] { store::verify_slots(repository.destination(), repository.keyring()); });
  try_each(report, "log: ", [&] {
    v1::RepositoryState replayed =
        store::follow(log, v1::RepositoryState(), state.generation(),
                      [&](const store::OpenedRecord&) { report.throw_if_stopped(); });
    // Names of dropped objects are forgotten at no certain time.
    v1::RepositoryState loaded = state;
    replayed.clear_dead();
    loaded.clear_dead();
    if (replayed.SerializeAsString() != loaded.SerializeAsString()) {
      throw Error(ErrorKind::kDamaged, "the state that was loaded is not the one its records lead to");
    }
  });
  check_states(repository, report);
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
    if (!is_damage(error)) throw;
    return error.what();
  }
}

}  // namespace garner::maintenance
