// A place that is being added as a destination: what has to be known of it before there is a repository, by
// its kind.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "destinations.h"

namespace garner::daemon {

// One thread.
class AddedPlace {
 public:
  // `url`: normal. Error(kInvalidInput); Error(kDestinationAway).
  static std::unique_ptr<AddedPlace> of(Destinations& destinations, const std::string& name,
                                        const std::string& url, const destination::PlaceOptions& options);
  virtual ~AddedPlace() = default;

  // As it is reached from now on.
  const std::shared_ptr<destination::Destination>& place() const { return place_; }
  const destination::PlaceOptions& options() const { return options_; }

  // Whether it may be a destination at all, beside what there is. Error(kInvalidInput).
  virtual void check() = 0;
  // Whether looking for a repository failed since there is not even a place: it can be made.
  virtual bool is_missing(const Error& error) const = 0;
  // Error(kNotARepository) unless what is there is nothing, or what an interrupted creation leaves.
  virtual void check_nothing_there() = 0;
  // Whether this machine can write there as a repository needs it; before it writes anything. `exists`: a
  // repository is there, which can be opened for reading all the same. Errors say what to do.
  virtual void prepare(bool exists, std::vector<std::string>& notices) = 0;

 protected:
  AddedPlace(std::shared_ptr<destination::Destination> place, destination::PlaceOptions options)
      : place_(std::move(place)), options_(std::move(options)) {}

  std::shared_ptr<destination::Destination> place_;
  destination::PlaceOptions options_;
};

}  // namespace garner::daemon
