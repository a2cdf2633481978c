#include "blob_places.h"

#include <algorithm>
#include <map>

#include "base/bytes.h"
#include "base/error.h"

namespace garner::daemon {

namespace {

constexpr std::size_t kWholeDigits = 64;

// Lower-case. Error(kInvalidInput).
std::string checked_digits(std::string digits, std::size_t least, const std::string& what) {
  std::transform(digits.begin(), digits.end(), digits.begin(),
                 [](char c) { return c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c; });
  if (digits.size() >= least && digits.size() <= kWholeDigits &&
      digits.find_first_not_of("0123456789abcdef") == std::string::npos)
    return digits;
  throw Error(ErrorKind::kInvalidInput, "\"" + printable(digits) + "\" is no " + what + ": give " +
                                            std::to_string(least) + " to 64 hexadecimal digits of it");
}

[[noreturn]] void throw_ambiguous(const std::string& what, const std::string& digits) {
  throw Error(ErrorKind::kInvalidInput, "several " + what + " begin with " + digits + ": give more digits");
}

crypto::BlobId whole_id(const std::vector<OpenedPlace>& places, const std::string& digits) {
  if (digits.size() == kWholeDigits) return crypto::BlobId::from_bytes(from_hex(digits));
  const Bytes first = from_hex(digits.substr(0, digits.size() / 2 * 2));
  std::optional<crypto::BlobId> found;
  const auto take = [&](const crypto::BlobId& id) {
    if (!std::equal(first.begin(), first.end(), id.value.begin()) || !id.hex().starts_with(digits)) return;
    if (found && *found != id) throw_ambiguous("blobs", digits);
    found = id;
  };
  for (const OpenedPlace& place : places) {
    place.repository->index().for_each(
        [&](const crypto::BlobId& id, const store::BlobLocation&) { take(id); });
    const auto state = place.repository->state();
    for (const auto& entry : state->snapshots()) take(crypto::BlobId::from_bytes(as_bytes(entry.id())));
  }
  if (found) return *found;
  throw Error(ErrorKind::kNotFound, "no destination that can be asked has a blob whose id begins with " +
                                        digits + ": it was never there, or a prune has taken it");
}

}  // namespace

std::vector<OpenedPlace> opened_places(Destinations& destinations) {
  std::vector<OpenedPlace> places;
  for (const catalog::DestinationFacts& facts : destinations.nearest_first()) {
    try {
      places.push_back({facts.name, destinations.open(facts.name)});
    } catch (const Error&) {
      // snapshot_history() tells of it.
    }
  }
  return places;
}

std::string kind_text(crypto::BlobKind kind) {
  switch (kind) {
    case crypto::BlobKind::kData:
      return "data";
    case crypto::BlobKind::kTree:
      return "tree page";
    case crypto::BlobKind::kList:
      return "content list";
    case crypto::BlobKind::kSnapshot:
      return "snapshot";
  }
  return {};
}

FoundBlob find_blob(const std::vector<OpenedPlace>& places, const std::string& digits) {
  FoundBlob found;
  found.id = whole_id(places, checked_digits(digits, 16, "blob's id"));
  for (const OpenedPlace& place : places) {
    for (const store::BlobLocation& location : place.repository->index().find_all(found.id))
      found.at.push_back({&place, location});
    if (store::find_snapshot(*place.repository->state(), found.id.view()) != nullptr)
      found.listed_at.push_back(&place);
  }
  return found;
}

FoundPack find_pack(const std::vector<OpenedPlace>& places, const std::string& given) {
  const std::string digits = checked_digits(given, 8, "pack's name");
  std::optional<FoundPack> found;
  for (const OpenedPlace& place : places) {
    for (const store::ObjectName& name : place.repository->index().live_packs()) {
      if (!name.hex().starts_with(digits)) continue;
      if (found && found->name != name) throw_ambiguous("packs", digits);
      if (!found) found = {name, &place};
    }
  }
  if (found) return *found;
  throw Error(ErrorKind::kNotFound,
              "no destination that can be asked lists a pack whose name begins with " + digits +
                  ": a prune has taken it, or it belongs to a backup that is not finished");
}

}  // namespace garner::daemon
