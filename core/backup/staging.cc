#include "backup/staging.h"

#include <iterator>
#include <set>

#include "base/file.h"
#include "store/repository_header.h"

namespace garner::backup {

std::string staging_folder(store::Repository& repository, const std::string& spool_folder) {
  const auto folder = repository.destination().staging_folder();
  return folder ? *folder : spool_folder;
}

bool is_near(store::Repository& repository) {
  try {
    return repository.destination().staging_folder().has_value();
  } catch (const Error&) {
    return false;
  }
}

void remove_strays(const std::string& folder, const Uuid& run, const std::vector<store::DurablePack>& known) {
  std::set<std::string> names;
  for (const store::DurablePack& pack : known) names.insert(base_name(pack.path));
  for (const std::string& name : list_names(folder)) {
    if (!name.starts_with(run.text())) continue;
    const auto after = names.upper_bound(name);
    const bool is_known = after != names.begin() && name.starts_with(*std::prev(after));
    if (!is_known) remove_file(folder + "/" + name);
  }
}

bool is_there(store::Repository& repository) {
  try {
    return repository.destination().size(store::kHeaderKey).has_value();
  } catch (const Error&) {
    return false;
  }
}

bool tells_of_place(const Error& error) {
  return error.kind() == ErrorKind::kCancelled || error.kind() == ErrorKind::kDestinationAway ||
         error.kind() == ErrorKind::kDestinationFull || error.kind() == ErrorKind::kStateFull;
}

Error went_away(store::Repository& repository, const Error& error) {
  return Error(ErrorKind::kDestinationAway,
               repository.destination().describe() + " went away: " + error.what());
}

}  // namespace garner::backup
