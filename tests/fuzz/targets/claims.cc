// Claims, as anybody who may write to an S3 store can leave them there. Layout: names below `claims/`, a line
// each.
#include "destination/s3/claims.h"

#include "fuzz/fuzz.h"
#include "support/memory_destination.h"

void garner::fuzz::try_one(ByteView bytes) {
  testing::MemoryDestination place;
  std::string_view names = as_text(bytes);
  while (!names.empty()) {
    const std::size_t end = std::min(names.find('\n'), names.size());
    place.put_exclusive("claims/" + std::string(names.substr(0, end)), {});
    names.remove_prefix(std::min(end + 1, names.size()));
  }
  const auto before = destination::claimed_by(place);
  require(
      !before || (before->size() == 32 && before->find_first_not_of("0123456789abcdef") == std::string::npos),
      "a writer is 32 digits");
  const std::string writer(32, 'a');
  if (!accepts([&] { destination::claim(place, writer); })) return;
  require(destination::claimed_by(place) == writer, "whoever claimed last is the one");
  require(before != writer || destination::claimed_by(place) == before, "who is the one stays it");
}
