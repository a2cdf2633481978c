// What is kept of each set's snapshots, as configured. Not in the repository: with the catalog it is lost,
// and then everything is kept until somebody says again what is not.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "catalog/catalog_file.h"

namespace garner::catalog {

// Of one set, each in the daemon's encoding of a policy.
struct SetRetention {
  std::optional<Bytes> policy;                   // of destinations that have none of their own
  std::map<std::string, Bytes> of_destinations;  // by the destination's name
  bool operator==(const SetRetention&) const = default;
};

// Any thread. Changes are durable when they return.
class RetentionTable {
 public:
  explicit RetentionTable(CatalogFile& file) : file_(file) {}

  SetRetention find(const std::string& set);
  // Within a change of the configuration: replaces what the set has.
  static void replace(Database& database, const std::string& set, const SetRetention& retention);

 private:
  CatalogFile& file_;
};

}  // namespace garner::catalog
