// Retention policies as messages of the API, and as the catalog keeps them.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "catalog/catalog.h"
#include "garner/v1/service.pb.h"
#include "maintenance/retention.h"

namespace garner::daemon {

inline constexpr std::uint32_t kMostKept = 100'000;  // of each kind

// Error(kInvalidInput) for a duration that is none, or a number above kMostKept.
maintenance::RetentionPolicy to_policy(const v1::Retention& message);
v1::Retention to_message(const maintenance::RetentionPolicy& policy);
// The message with what the edit has in place of its own.
v1::Retention edited(v1::Retention message, const v1::RetentionEdit& edit);

// What a set keeps: at destinations that have rules of their own these count, elsewhere the set's.
struct SetRetention {
  v1::Retention own;                                     // without a rule: everything is kept
  std::map<std::string, v1::Retention> of_destinations;  // each with a rule; by the destination's name

  const v1::Retention& at(const std::string& destination) const;
  bool empty() const;
};

using DestinationRetentions = google::protobuf::RepeatedPtrField<v1::DestinationRetention>;
using DestinationRetentionEdits = google::protobuf::RepeatedPtrField<v1::DestinationRetentionEdit>;

// As a request has it. Error(kInvalidInput) as to_policy(), for a destination that is named twice, and,
// unless `destinations` is empty, for one that is none of them.
SetRetention make_retention(const v1::Retention& own, const DestinationRetentions& others,
                            const std::vector<std::string>& destinations);
// What is there with the edits. Errors as make_retention().
SetRetention edited(SetRetention retention, const v1::RetentionEdit& own,
                    const DestinationRetentionEdits& others, const std::vector<std::string>& destinations);
void add_to(DestinationRetentions& message, const SetRetention& retention);

// Of a set as it is in the catalog. Error(kDamaged).
SetRetention load_retention(catalog::RetentionTable& table, const std::string& set);
// In whose clocks' periods the rules of each set count, by its uuid: of sets that have a zone of their own.
std::map<std::string, std::string> zones_of_sets(catalog::Catalog& catalog);
// As the catalog keeps it: what has no rule is left out.
catalog::SetRetention to_catalog(const SetRetention& retention);

}  // namespace garner::daemon
