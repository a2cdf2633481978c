#include "backup/unreadable.h"

#include <algorithm>
#include <cerrno>

#include "snapshot/closure.h"

namespace garner::backup {

namespace {

bool may_heal(const Error& error) {
  switch (error.error_number()) {
    case EACCES:
    case EPERM:
    case ELOOP:
    case ENOTDIR:
    case EISDIR:
    case ENXIO:
    case ENAMETOOLONG:
    case EOPNOTSUPP:
    case ETIMEDOUT:
      return false;
    default:
      return true;
  }
}

}  // namespace

Error cause_of(Folder& folder, const std::string& name, const Error& error) {
  if (error.kind() != ErrorKind::kNotFound) return error;
  if (!folder.parent()) return Error(ErrorKind::kReadFailed, error.what(), error.error_number());
  try {
    if (!folder.lists(name)) return error;
  } catch (const Error& failure) {
    if (failure.kind() != ErrorKind::kReadFailed && failure.kind() != ErrorKind::kNotFound) throw;
    return failure;
  }
  return Error(ErrorKind::kReadFailed, std::string("its folder lists it all the same: ") + error.what(),
               error.error_number());
}

bool is_worth_again(const RunContext& context, const Error& error, unsigned attempts) {
  return attempts < context.options.retry_delays.size() && may_heal(error);
}

bool put_off(RunContext& context, const Error& error, unsigned attempts, WorkQueue::Work work) {
  if (!is_worth_again(context, error, attempts)) return false;
  return context.queue.add_again(std::move(work), context.options.retry_delays[attempts]);
}

void tell_unreadable(RunContext& context, const std::shared_ptr<source::SlowFileSystem>& slow,
                     const std::string& path, const Error& error, bool kept) {
  if (slow && slow->has_hung() && error.error_number() == ETIMEDOUT) {
    if (slow->is_to_be_told())
      context.statistics.error({slow->path(), slow->message(), kept, /*unreadable=*/true});
  } else {
    context.statistics.error({path, error.what(), kept, /*unreadable=*/true});
  }
}

Error no_node_name(const std::string& name) {
  return Error(ErrorKind::kReadFailed, "its name has " + std::to_string(name.size()) +
                                           " bytes, and garner stores none of more than 255");
}

bool is_still_there(RunContext& context, const v1::Node& earlier) {
  // By whichever thread: a lane takes more than one.
  if (context.supply != nullptr && !context.supply->bring(0, earlier)) return false;
  if (!context.options.content_lost) return true;
  v1::Snapshot snapshot;
  *snapshot.add_sources()->mutable_root() = earlier;
  return std::ranges::all_of(context.targets, [&](store::Repository* target) {
    try {
      return snapshot::Completeness(*target, context.stop).is_complete(snapshot);
    } catch (const Error& error) {
      // Of several one that does not answer keeps none of the others; for the only one it is the run's end.
      if (error.kind() == ErrorKind::kCancelled || context.targets.size() == 1) throw;
      return false;
    }
  });
}

std::optional<v1::Node> keep_last_known(RunContext& context,
                                        const std::shared_ptr<source::SlowFileSystem>& slow,
                                        const std::string& path, const Error& error,
                                        std::optional<v1::Node> earlier) {
  if (earlier && !is_still_there(context, *earlier)) earlier.reset();
  if (earlier) earlier->set_stale(true);
  tell_unreadable(context, slow, path, error, earlier.has_value());
  return earlier;
}

}  // namespace garner::backup
