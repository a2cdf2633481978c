// What any Destination must do, written once and run against every kind of it: what destination.h says of
// each method, that of all who create a name exclusively exactly one wins (threads, and processes), and that
// nobody ever sees part of an object.
//
// In a test file of a kind:
//
//   TEST_CASE("local: the contract of destinations") { check_destination_contract(make_place); }
#pragma once

#include <functional>
#include <memory>

#include "destination/destination.h"

namespace garner::testing {

// A place without objects, and ways into it. The place ends with this object.
class DestinationPlace {
 public:
  virtual ~DestinationPlace() = default;
  // Another Destination at the same place, as another writer has it. Also called in a forked child.
  virtual std::unique_ptr<destination::Destination> open() = 0;
};

using MakeDestinationPlace = std::function<std::unique_ptr<DestinationPlace>()>;

// To be called within a TEST_CASE; has SECTIONs of its own.
void check_destination_contract(const MakeDestinationPlace& make_place);

}  // namespace garner::testing
