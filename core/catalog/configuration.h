// Destinations and backup sets as configured.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "catalog/catalog_file.h"
#include "garner/v1/store.pb.h"

namespace garner::catalog {

// Who gives a set's destinations what they lack and a backup need not read. With neither the source is read.
struct Supply {
  std::string from;        // this one of them, to all others; empty: none
  bool both_ways = false;  // any, to any other
  bool operator==(const Supply&) const = default;
};

struct BackupSet {
  store::v1::SetDefinition definition;
  std::vector<std::string> destinations;
  Supply supply = {};
};

// The rule for names of sets and destinations: letters, digits, '.', '_', '-', starting with a letter or
// digit, at most 100. Error(kInvalidInput) says what is off; `what` is "set" or "destination".
void check_name(const std::string& name, const std::string& what);

// Any thread. Changes are durable when they return.
class Configuration {
 public:
  Configuration(CatalogFile& file, KeyFolder& keys) : file_(file), keys_(keys) {}

  // Makes changes of any of the catalog's tables together, or none of them.
  void change(const std::function<void(Database&)>& work) { file_.change(work); }

  // In name order.
  std::vector<DestinationFacts> destinations();
  std::optional<DestinationFacts> destination(const std::string& name);
  // Written to the folder of keys as well. Error(kAlreadyExists) for a name or repository that is there.
  // `also`: further changes that belong to it, in the same transaction.
  using Also = std::function<void(Database&)>;
  void add_destination(const DestinationFacts& facts, const Also& also = {});
  // Changes how it is reached. Within change(), to be followed by the next one when that has returned.
  // Error(kNotFound).
  void set_options(Database& database, const std::string& name, const destination::PlaceOptions& options);
  void keep_facts(const std::string& name);
  // Error(kNotFound); Error(kConflict) while a set uses it.
  void remove_destination(const std::string& name);
  // The same within change(), to be followed by the next one when that has returned.
  void remove_destination_row(Database& database, const std::string& name);
  void forget_facts(const std::string& name);

  std::vector<BackupSet> sets();
  std::optional<BackupSet> set(const std::string& name);
  // Error(kAlreadyExists); Error(kNotFound) for a destination that is not there.
  void add_set(const BackupSet& set, const Also& also = {});
  // Replaces the set of the same name. Error(kNotFound).
  void replace_set(const BackupSet& set, const Also& also = {});
  void remove_set(const std::string& name);
  std::vector<std::string> sets_using(const std::string& destination);

  // After the catalog was lost: destinations whose snapshots were not searched for sets yet.
  std::vector<std::string> destinations_to_search();
  // Adds those whose uuid and name are not there, and ends the search at the destination. A set that was
  // added so itself, from another destination, gets this one as well, unless somebody has chosen its
  // destinations since. Returns the names of those that were added or got it.
  std::vector<std::string> recover_sets(const std::string& destination, const std::vector<BackupSet>& found);

 private:
  CatalogFile& file_;
  KeyFolder& keys_;
};

// Within a transaction.
void insert_destination(Database& database, const DestinationFacts& facts, bool recover_sets);

}  // namespace garner::catalog
