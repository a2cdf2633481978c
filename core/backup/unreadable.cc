#include "backup/unreadable.h"

#include <cerrno>

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

bool put_off(RunContext& context, const Error& error, unsigned attempts, WorkQueue::Work work) {
  const auto& delays = context.options.retry_delays;
  if (attempts >= delays.size() || !may_heal(error)) return false;
  return context.queue.add_again(std::move(work), delays[attempts]);
}

void tell_unreadable(RunContext& context, const std::shared_ptr<source::SlowFileSystem>& slow,
                     const std::string& path, const Error& error, bool kept) {
  if (slow && slow->has_hung() && error.error_number() == ETIMEDOUT) {
    if (slow->is_to_be_told()) context.statistics.error({slow->path(), slow->message(), kept});
  } else {
    context.statistics.error({path, error.what(), kept});
  }
}

std::optional<v1::Node> keep_last_known(RunContext& context,
                                        const std::shared_ptr<source::SlowFileSystem>& slow,
                                        const std::string& path, const Error& error,
                                        std::optional<v1::Node> earlier) {
  if (earlier) earlier->set_stale(true);
  tell_unreadable(context, slow, path, error, earlier.has_value());
  return earlier;
}

}  // namespace garner::backup
