// Where the secrets of destinations were read from: never the secrets. The configuration as a file names
// them.
#pragma once

#include <optional>
#include <string>

#include "catalog/catalog_file.h"

namespace garner::catalog {

struct SecretReference {
  std::string option;          // "password-file", "key-file", "recovery-key-file", "credential"
  std::string name;            // an absolute path; of a credential its name
  bool share_keyring = false;  // the repository is sealed for the installation's keyring
  bool operator==(const SecretReference&) const = default;
};

// Any thread. Changes are durable when they return.
class SecretTable {
 public:
  explicit SecretTable(CatalogFile& file) : file_(file) {}

  std::optional<SecretReference> find(const std::string& destination);
  // Nothing is kept for a destination that is not there. An empty option removes it.
  void save(const std::string& destination, const SecretReference& reference);

 private:
  CatalogFile& file_;
};

}  // namespace garner::catalog
