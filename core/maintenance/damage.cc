#include "maintenance/damage.h"

#include "store/key_store.h"

namespace garner::maintenance {

bool may_be_of_newer_keys(store::Repository& repository, const Error& error) {
  return error.kind() == ErrorKind::kWrongKey &&
         store::may_lack_keys(repository.destination(), repository.keyring());
}

bool is_damage_to_the_log(store::Repository& repository, const Error& error) {
  return is_lasting_damage(error) && !may_be_of_newer_keys(repository, error);
}

}  // namespace garner::maintenance
