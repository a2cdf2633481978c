#include "store/header_repair.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <optional>

#include "base/error.h"
#include "base/file.h"
#include "store/log.h"
#include "store/pack.h"

namespace garner::store {

namespace {

std::string copy_in(const std::string& folder) { return folder + "/header"; }

std::optional<Bytes> read_copy(const std::string& folder) {
  try {
    return read_file(copy_in(folder), kMaximumHeader);
  } catch (const Error&) {
    return std::nullopt;
  }
}

bool is_in_order(const RepositoryContext& context) {
  try {
    const RepositoryHeader found = verify_header(*context.destination, context.keyring);
    if (found.repository != context.expected_repository)
      throw Error(ErrorKind::kForked,
                  "the repository at " + context.destination->describe() + " is another one");
    return true;
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kNotARepository && error.kind() != ErrorKind::kDamaged) throw;
    return false;
  }
}

// A record names the repository that it is sealed for; a pack only the keyring.
bool is_proven(const RepositoryContext& context) {
  destination::Destination& destination = *context.destination;
  const LogContext log{destination, context.keyring, context.expected_repository};
  std::vector<ListedRecord> records = list_records(destination, 0);
  std::ranges::reverse(records);
  for (const ListedRecord& record : records) {
    try {
      read_record(log, record.generation);
      return true;
    } catch (const Error& error) {
      if (error.kind() == ErrorKind::kDestinationAway) throw;
    }
  }
  if (!records.empty()) return false;
  for (const destination::ObjectInfo& object : destination.list("packs/")) {
    try {
      PackReader(destination, context.keyring, ObjectName::from_hex(base_name(object.key))).read_directory();
      return true;
    } catch (const Error& error) {
      if (error.kind() == ErrorKind::kDestinationAway) throw;
    }
  }
  return false;
}

}  // namespace

void keep_header_copy(ByteView object, const std::string& folder) {
  try {
    if (const auto kept = read_copy(folder); kept && std::ranges::equal(*kept, object)) return;
    replace_file_durably(copy_in(folder), object);
  } catch (const Error& error) {
    spdlog::warn("no copy of {} is kept in {}: {}", kHeaderKey, printable(folder), error.what());
  }
}

bool heal_header(const RepositoryContext& context) {
  destination::Destination& destination = *context.destination;
  const Uuid& uuid = context.expected_repository;
  if (is_in_order(context)) return false;
  if (!is_proven(context)) {
    throw Error(ErrorKind::kNotARepository, "the header is missing, and nothing at " +
                                                destination.describe() +
                                                " proves to be of the repository that was there");
  }
  std::optional<Pin> pin = context.pins->load(uuid);
  std::optional<Bytes> object = read_copy(context.cache_folder + "/" + uuid.text());
  if (object && pin && crypto::hash(*object) != pin->header_hash) object.reset();
  if (!object) {
    object = make_header(uuid, context.keyring, context.clock->now());
    if (pin) {
      pin->header_hash = crypto::hash(*object);
      context.pins->save(*pin);
    }
    spdlog::warn("{} at {} is made anew: other machines have to add the destination again", kHeaderKey,
                 destination.describe());
  }
  destination.remove(kHeaderKey);
  destination.put(kHeaderKey, *object);
  verify_header(destination, context.keyring);
  return true;
}

}  // namespace garner::store
