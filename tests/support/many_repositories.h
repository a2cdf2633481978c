// Several destinations of one machine and one keyring, which a test may step in front of, and a spool.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/file.h"
#include "destination/local.h"
#include "support/hooked_destination.h"
#include "support/store_fixture.h"

namespace garner::testing {

class ManyRepositories {
 public:
  explicit ManyRepositories(unsigned count) {
    make_folders_durably(spool());
    for (unsigned number = 0; number < count; ++number) {
      make_folders_durably(path(number));
      places_.push_back(
          std::make_shared<HookedDestination>(std::make_shared<destination::LocalDestination>(path(number))));
      repositories_.push_back(machine_.create(places_.back(), keyring_));
    }
  }

  std::string path(unsigned number) const { return folder_.path("repository" + std::to_string(number)); }
  std::string spool() const { return folder_.path("spool"); }
  const crypto::Keyring& keyring() const { return keyring_; }
  HookedDestination& place(unsigned number) { return *places_.at(number); }
  store::Repository& at(unsigned number) { return *repositories_.at(number); }
  std::vector<store::Repository*> all() const {
    std::vector<store::Repository*> all;
    for (const auto& repository : repositories_) all.push_back(repository.get());
    return all;
  }
  std::size_t count() const { return repositories_.size(); }
  std::size_t objects(unsigned number, const std::string& prefix) {
    return place(number).list(prefix, {}).size();
  }
  // As another process would.
  void reopen() {
    for (unsigned number = 0; number < count(); ++number) {
      repositories_[number].reset();
      repositories_[number] = machine_.open(places_[number], keyring_);
    }
  }

 private:
  Machine machine_;
  TemporaryFolder folder_;
  crypto::Keyring keyring_ = crypto::Keyring::generate({1, 0});
  std::vector<std::shared_ptr<HookedDestination>> places_;
  std::vector<std::unique_ptr<store::Repository>> repositories_;
};

}  // namespace garner::testing
