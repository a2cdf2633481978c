// Repository: taking a log that does not continue what this machine has seen, because somebody says so.
#include <map>

#include "base/error.h"
#include "base/file.h"
#include "store/missing_packs.h"
#include "store/repository.h"
#include "store/repository_segments.h"

namespace garner::store {

bool Repository::is_refused() {
  std::lock_guard lock(log_mutex_);
  return is_refused_locked();
}

// As by a machine that has lost its copy of the state, but not what it has seen.
bool Repository::is_refused_locked() {
  try {
    load_state(log(), pin_, *context_.writer, std::nullopt);
    return false;
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kForked) throw;
    return true;
  }
}

// A copy is taken of a repository that is in use, log first: what was pruned meanwhile it lists and lacks.
// Backups would rely on it, for who looks for a pack looks for its own alone.
void Repository::require_live_packs() {
  std::map<ObjectName, std::uint64_t> live;
  for (const ObjectName& name : index_.live_packs()) live[name] = index_.size_of(name).value_or(0);
  const std::size_t missing = missing_packs(*context_.destination, live).size();
  if (missing == 0) return;
  throw Error(
      ErrorKind::kDamaged,
      "of the packs that the repository at " + context_.destination->describe() + " lists " +
          std::to_string(missing) +
          " are not there, or not whole, so it cannot be accepted as it is. If it was put back from a "
          "copy, one that was taken while nothing was pruned there is complete. To go on with what is "
          "there, run garner repair: it makes a new log of that");
}

// The pin is replaced last: until then a crash leaves a repository that is refused as before. What is local
// is made anew from the destination alone, as by a machine that has never seen it, so that what is missing
// there shows now: what this machine has of the index, or of metadata, would hide it, and so would a shelf,
// which is not looked at before the state says where it is.
std::unique_ptr<Repository> Repository::accept_log(RepositoryContext context, std::uint64_t generation) {
  std::unique_ptr<Repository> repository = open_without_log(std::move(context));
  std::lock_guard lock(repository->log_mutex_);
  const std::string where = "the repository at " + repository->context_.destination->describe();
  const Look now = repository->look_now();
  if (!repository->is_refused_locked()) {
    throw Error(ErrorKind::kConflict,
                "the log of " + where + " continues what this machine has seen: there is nothing to accept");
  }
  LoadedState loaded =
      load_state(repository->log(), std::nullopt, *repository->context_.writer, std::nullopt);
  v1::RepositoryState& state = loaded.log.state;
  if (state.generation() != generation) {
    throw Error(ErrorKind::kConflict, "the newest record of " + where + " is " +
                                          std::to_string(state.generation()) + " and not " +
                                          std::to_string(generation) +
                                          ": look at what it holds now, and say that number if it is meant");
  }
  repository->index_.forget();
  if (repository->metadata_) repository->metadata_->drop_unless([](const ObjectName&) { return false; });
  repository->index_.update(
      state, [&](const v1::SegmentReference& segment) { return repository->fetch_segment(segment); });
  repository->require_live_packs();
  // One of another log would be believed beside the new pin.
  remove_file(repository->folder_ + "/state");
  sync_folder(repository->folder_);
  repository->whole_log_read_ = loaded.origin == StateOrigin::kFirstRecord;
  repository->destination().make_durable(record_key(state.generation()));
  repository->adopt(std::move(state), std::move(loaded.log.end), {});
  repository->looked_ = now;
  return repository;
}

}  // namespace garner::store
