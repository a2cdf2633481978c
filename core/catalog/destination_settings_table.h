// How a destination is used: how fast, and how thoroughly it is pruned. Of this machine and not of the
// repository, which others may reach over another line.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "catalog/catalog_file.h"

namespace garner::catalog {

// Of one destination.
struct DestinationSettings {
  std::vector<std::string> upload_limits;  // as schedule::parse_rate_rule() takes them
  std::vector<std::string> download_limits;
  std::optional<double> max_unused;          // percent of a pack that may be unused; nothing: prune's own
  std::optional<std::uint64_t> max_rewrite;  // bytes that one prune copies at most; nothing: prune's own
  bool operator==(const DestinationSettings&) const = default;
};

// Any thread. Changes are durable when they return.
class DestinationSettingsTable {
 public:
  explicit DestinationSettingsTable(CatalogFile& file) : file_(file) {}

  // Without anything for a destination that was never given any of it.
  DestinationSettings find(const std::string& destination);
  // Error(kNotFound) for a destination that is not there.
  void save(const std::string& destination, const DestinationSettings& settings);
  // The same within a change of the configuration, for one that is there.
  static void replace(Database& database, const std::string& destination,
                      const DestinationSettings& settings);

 private:
  CatalogFile& file_;
};

}  // namespace garner::catalog
