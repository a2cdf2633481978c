#include "destination/s3/claims.h"

#include <array>
#include <charconv>
#include <cstdio>
#include <limits>

#include "base/bytes.h"
#include "base/error.h"

namespace garner::destination {

namespace {

constexpr const char* kFolder = "claims/";
constexpr std::size_t kDigits = 16;
constexpr std::size_t kWriterDigits = 32;

struct Claim {
  std::uint64_t number = 0;
  std::string writer;
};

std::optional<Claim> parse_claim(std::string_view name) {
  if (name.size() != kDigits + 1 + kWriterDigits || name[kDigits] != '-') return std::nullopt;
  Claim claim;
  const auto [end, error] = std::from_chars(name.data(), name.data() + kDigits, claim.number, 16);
  if (error != std::errc{} || end != name.data() + kDigits) return std::nullopt;
  claim.writer = name.substr(kDigits + 1);
  if (claim.writer.find_first_not_of("0123456789abcdef") != std::string::npos) return std::nullopt;
  return claim;
}

// They are listed in order.
std::optional<Claim> newest(Destination& place) {
  std::optional<Claim> found;
  for (const ObjectInfo& object : place.list(kFolder)) {
    if (auto claim = parse_claim(std::string_view(object.key).substr(std::string_view(kFolder).size())))
      found = std::move(claim);
  }
  return found;
}

}  // namespace

std::optional<std::string> claimed_by(Destination& place) {
  const std::optional<Claim> claim = newest(place);
  if (!claim) return std::nullopt;
  return claim->writer;
}

void claim(Destination& place, const std::string& writer) {
  const std::optional<Claim> before = newest(place);
  if (before && before->writer == writer) return;
  // Nobody gets there by counting. The next number would be 0, and never count.
  if (before && before->number == std::numeric_limits<std::uint64_t>::max())
    throw Error(ErrorKind::kConflict, "the last claim that can be is in " + place.describe() +
                                          ", and was not made by garner: remove what begins with '" +
                                          kFolder + std::string(kDigits, 'f') +
                                          "' there, then claim it again");
  std::array<char, kDigits + 1> number{};
  std::snprintf(number.data(), number.size(), "%016llx",
                static_cast<unsigned long long>(before ? before->number + 1 : 1));
  place.put(kFolder + std::string(number.data()) + "-" + writer, as_bytes("claimed\n"));
  check_claim(place, writer);
}

void check_claim(Destination& place, const std::string& writer) {
  const std::optional<std::string> holder = claimed_by(place);
  if (holder == writer) return;
  const std::string take = ": `garner destination claim` makes this machine the one that writes there";
  if (!holder) throw Error(ErrorKind::kConflict, "nobody has claimed " + place.describe() + take);
  throw Error(ErrorKind::kConflict, "another machine (writer " + holder->substr(0, 8) + ") has claimed " +
                                        place.describe() + ", and only one can write there" + take +
                                        ", once the other one does not any more");
}

}  // namespace garner::destination
