#include "maintenance/decided_removal.h"

#include <utility>

#include "base/error.h"

namespace garner::maintenance {

namespace {

// Others that commit meanwhile are waited for so often.
constexpr int kMostCommits = 50;

}  // namespace

void commit_decided(store::Repository& repository,
                    const std::function<store::Removal(const store::v1::RepositoryState&)>& decide) {
  for (int tries = 0; tries < kMostCommits; ++tries) {
    const std::shared_ptr<const store::v1::RepositoryState> state = repository.state();
    store::CommitPlan plan;
    plan.removal = decide(*state);
    if (plan.removal.empty()) return;
    plan.removal.decided_on = state->generation();
    if (!repository.commit(plan).overtaken) return;
  }
  throw Error(ErrorKind::kConflict, "others commit all the time to the repository " +
                                        repository.header().repository.text() + ": try again");
}

}  // namespace garner::maintenance
