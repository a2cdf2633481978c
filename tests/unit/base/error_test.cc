#include "base/error.h"

#include <catch2/catch.hpp>
#include <cerrno>
#include <set>

namespace garner {
namespace {

TEST_CASE("every kind has a name of its own") {
  std::set<std::string_view> names;
  const int last = static_cast<int>(ErrorKind::kInternal);
  for (int kind = 0; kind <= last; ++kind) names.insert(to_string(static_cast<ErrorKind>(kind)));
  CHECK(names.size() == static_cast<std::size_t>(last) + 1);
  CHECK(to_string(ErrorKind::kDestinationAway) == "destination away");
}

TEST_CASE("context goes in front and the kind stays") {
  const Error error = Error(ErrorKind::kDamaged, "ends too early").in("pack 12ab");
  CHECK(error.kind() == ErrorKind::kDamaged);
  CHECK(std::string(error.what()) == "pack 12ab: ends too early");
}

TEST_CASE("a full file system is told from other failures of system calls") {
  const auto kind = [](int number) {
    return system_error(number, "writing", ErrorKind::kReadFailed, ErrorKind::kDestinationFull).kind();
  };
  CHECK(kind(ENOSPC) == ErrorKind::kDestinationFull);
  CHECK(kind(EDQUOT) == ErrorKind::kDestinationFull);
  CHECK(kind(EIO) == ErrorKind::kReadFailed);
  // A read that fails so is a read that failed.
  CHECK(system_error(EDQUOT, "reading", ErrorKind::kReadFailed).kind() == ErrorKind::kReadFailed);
  CHECK(system_error(ENOSPC, "writing").kind() == ErrorKind::kWriteFailed);
  CHECK(std::string(system_error(ENOSPC, "writing /a").what()) == "writing /a: No space left on device");
}

}  // namespace
}  // namespace garner
