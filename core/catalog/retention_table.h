// What is kept of each set's snapshots, as configured. Not in the repository: with the catalog it is lost,
// and then everything is kept until somebody says again what is not.
#pragma once

#include <optional>
#include <string>

#include "base/bytes.h"
#include "catalog/catalog_file.h"

namespace garner::catalog {

// Any thread. Changes are durable when they return.
class RetentionTable {
 public:
  explicit RetentionTable(CatalogFile& file) : file_(file) {}

  // The daemon's encoding of a policy; nothing where the set has none.
  std::optional<Bytes> find(const std::string& set);
  // Replaces it. Error(kNotFound) for a set that is not there.
  void save(const std::string& set, ByteView policy);
  void remove(const std::string& set);

 private:
  CatalogFile& file_;
};

}  // namespace garner::catalog
