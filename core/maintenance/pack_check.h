// Checks packs: that they are there with their size, that their directories are readable and agree with the
// index, and, of those that are read, every blob.
#pragma once

#include <string>
#include <unordered_set>

#include "crypto/id_set.h"
#include "maintenance/check_report.h"
#include "maintenance/pack_facts.h"
#include "store/repository.h"

namespace garner::maintenance {

struct PackDamage {
  using Packs = std::unordered_set<store::ObjectName, store::ObjectNameHash>;
  Packs packs;     // missing, or of another size
  Packs in_doubt;  // header or directory is damaged, or another pack's: its frames may be readable or not
  Packs touched;   // a frame is damaged
  crypto::IdSet blobs;  // found damaged, in packs that are there
  bool empty() const { return packs.empty() && in_doubt.empty() && touched.empty(); }
};

// The key with the few digits of the name that people need to find it.
std::string short_name(const store::ObjectName& pack);

// `packs`: as the segments say. The directories of all packs are read; `read_data_percent` of the data packs
// are read whole, beginning at a random one, and then all of metadata; or of all packs those that the options
// choose.
PackDamage check_packs(store::Repository& repository, const PackTable& packs, const CheckOptions& options,
                       CheckReport& report);

}  // namespace garner::maintenance
