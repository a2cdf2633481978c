// The repositories of the configured destinations: opened when first needed and kept open, looked at again
// when they were away, and what is known of each for status without asking it.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "catalog/catalog.h"
#include "catalog/key_folder.h"
#include "crypto/signing.h"
#include "destination/local.h"
#include "destination/throttled.h"
#include "garner/v1/service.pb.h"
#include "store/repository.h"

namespace garner::daemon {

// What is known of a destination from the last look.
struct DestinationView {
  v1::Destination message;                                // without sets
  std::map<std::string, std::uint64_t> snapshots_of_set;  // by the set's uuid, bytes
  std::chrono::steady_clock::time_point looked{};         // epoch: never
  bool may_not_remove = false;  // the log lists this machine as one that may only add
};

// Any thread. A destination that hangs keeps only those waiting that ask for it.
class Destinations {
 public:
  struct Context {
    catalog::Catalog& catalog;
    catalog::KeyFolder& keys;
    const crypto::WriterKey& writer;
    const Clock& clock;
    std::string state_folder;
    std::string host;
  };
  explicit Destinations(Context context);

  // With the newest state. Error(kNotFound) for an unknown name; Error(kDestinationAway), also for an empty
  // folder where a repository was (a disk that is not mounted); the repository's errors.
  std::shared_ptr<store::Repository> open(const std::string& name);
  // Puts back a header that is lost, after which other machines may have to add the destination again. False
  // where it is in order. Error(kDestinationAway) for an empty folder.
  bool heal_header(const std::string& name);
  // Those, but this one, whose repositories have the same keyring and can be opened.
  std::vector<std::shared_ptr<store::Repository>> open_siblings(const std::string& name);
  // Header and keys only; what was open is let go.
  std::shared_ptr<store::Repository> open_for_repair(const std::string& name);
  // The next open() starts anew. Whoever has the repository keeps it.
  void close(const std::string& name);
  // Those that are open with this keyring get the new one.
  void set_keyring(const crypto::Keyring& keyring);

  // Opens and asks: state, detail, sizes. Never throws for what is wrong with the destination.
  DestinationView look(const std::string& name);
  // From the last look. Unknown names: an empty view.
  DestinationView view(const std::string& name) const;
  // A message with the sets that use it.
  v1::Destination describe(const catalog::DestinationFacts& facts, const DestinationView& view);

  // Changes how a destination is used, at once also for runs that go on. Error(kNotFound);
  // Error(kInvalidInput).
  void edit(const std::string& name, const v1::DestinationSettingsChange& change);
  // After the catalog's settings were changed otherwise: running runs obey the limits that stand there.
  void reload_limits(const std::string& name);
  // Which limit of these destinations keeps somebody waiting at this moment, for people; empty when none
  // does. None named: of all.
  std::string held_by(const std::vector<std::string>& names);

  // How repositories are opened here; for `destination add`.
  store::RepositoryContext repository_context(std::shared_ptr<destination::Destination> place,
                                              crypto::Keyring keyring, const Uuid& expected) const;
  // Error(kNotFound) names those that there are.
  catalog::DestinationFacts facts(const std::string& name) const;
  // Folders of this machine that hold repositories: never backed up. With links resolved, too.
  std::vector<std::string> local_folders() const;

  const Context& context() const { return context_; }

 private:
  struct Entry {
    std::mutex opening;  // held while it is opened or refreshed
    std::shared_ptr<store::Repository> repository;
    mutable std::mutex view_mutex;
    DestinationView view;
  };

  std::shared_ptr<Entry> entry(const std::string& name);
  // Made when first asked for, with the limits that are configured. All who use the destination share it.
  std::shared_ptr<destination::Limits> limits(const std::string& name);
  std::shared_ptr<destination::Destination> throttled(const catalog::DestinationFacts& facts,
                                                      std::shared_ptr<destination::Destination> place);
  crypto::Keyring keyring_of(const catalog::DestinationFacts& facts) const;
  std::shared_ptr<store::Repository> open_entry(Entry& entry, const catalog::DestinationFacts& facts);
  void note(Entry& entry, const catalog::DestinationFacts& facts, store::Repository& repository);
  void note_trouble(Entry& entry, const catalog::DestinationFacts& facts, const Error& error);

  const Context context_;
  std::mutex editing_;  // of settings: one at a time
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Entry>> entries_;
  std::map<std::string, std::shared_ptr<destination::Limits>> limits_;
};

}  // namespace garner::daemon
