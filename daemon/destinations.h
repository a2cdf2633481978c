// The repositories of the configured destinations: opened when first needed and kept open, looked at again
// when they were away, and what is known of each for status without asking it.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "catalog/catalog.h"
#include "catalog/key_folder.h"
#include "crypto/signing.h"
#include "destination/place.h"
#include "destination/replaceable.h"
#include "folder_line.h"
#include "garner/v1/service.pb.h"
#include "store/repository.h"

namespace garner::daemon {

class KnownSnapshots;

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
    std::uint64_t metadata_cache = 0;       // bytes of each place on a server
    std::chrono::seconds answer_limit{60};  // of folders on file systems that may hang
  };
  explicit Destinations(Context context);

  // With the newest state or, where asking costs something, one that is no older than `good_for`, unless
  // something has gone wrong there since. Error(kNotFound) for an unknown name; Error(kDestinationAway), also
  // for an empty folder where a repository was (a disk that is not mounted); the repository's errors.
  std::shared_ptr<store::Repository> open(const std::string& name,
                                          std::chrono::seconds good_for = std::chrono::seconds(0));
  // As it was opened last, with the state that it had then or has got since: nothing is asked for, and nobody
  // waits. Error(kNotFound); Error(kDestinationAway) where it is not open.
  std::shared_ptr<store::Repository> known(const std::string& name);
  // Puts back a header that is lost, after which other machines may have to add the destination again. False
  // where it is in order. Error(kDestinationAway) for an empty folder.
  bool heal_header(const std::string& name);
  // Those, but this one, whose repositories have the same keyring and can be opened; the nearest first.
  std::vector<std::shared_ptr<store::Repository>> open_siblings(const std::string& name);
  // Header and keys only; what was open is let go.
  std::shared_ptr<store::Repository> open_for_repair(const std::string& name);
  // The next open() starts anew. Whoever has the repository keeps it.
  void close(const std::string& name);
  // Those that are open with this keyring get the new one.
  void set_keyring(const crypto::Keyring& keyring);

  // Opens and asks: state, detail, sizes. Never throws for what is wrong with the destination.
  DestinationView look(const std::string& name);
  // The same for who looks every few seconds: of a server that was ready a moment ago, from the last look.
  DestinationView glance(const std::string& name);
  // How long a look at a server is good for: each is a request, which may cost money. For whoever waits for
  // it, and for whoever only shows it.
  static constexpr std::chrono::seconds kGoodOfServer{60};
  static constexpr std::chrono::seconds kShownOfServer{600};
  // Makes the view what this process knows of an open one, without asking for anything: after a run, so that
  // whoever looks next sees what it has changed. Never throws for what is wrong with the destination.
  void note_known(const std::string& name);
  // Something has gone wrong there: whoever wants to know how it stands looks, however new the last look is.
  void note_doubt(const std::string& name);
  // From the last look, or what was noted since. Unknown names: an empty view.
  DestinationView view(const std::string& name) const;
  // A message with the sets that use it.
  v1::Destination describe(const catalog::DestinationFacts& facts, const DestinationView& view);

  // Changes how a destination is used, at once also for runs that go on. Error(kNotFound);
  // Error(kInvalidInput).
  void edit(const std::string& name, const v1::DestinationSettingsChange& change);
  // After the catalog was changed otherwise: running runs obey the limits that stand there, and reach the
  // place by its options.
  void reload(const std::string& name);
  // Makes this machine the one that writes to a store that cannot create exclusively. Error(kNotFound);
  // Error(kInvalidInput) for a place that needs nobody to claim it; errors of the place.
  void claim(const std::string& name);
  // Which limit of these destinations keeps somebody waiting at this moment, for people; empty when none
  // does. None named: of all.
  std::string held_by(const std::vector<std::string>& names);

  // Whose repository is refused, because its log does not continue what this machine has seen, is taken as it
  // is now; `generation`: of its newest record. No run uses it meanwhile. Error(kNotFound); Error(kConflict)
  // for another number, and where it is not refused; errors of the repository, and then it is refused as
  // before.
  void accept_log(const std::string& name, std::uint64_t generation);
  // From where every machine is to read its index: "local", "self" or another destination, which gets what it
  // lacks of it. Error(kNotFound), Error(kInvalidInput), Error(kPermissionDenied) for a machine that may only
  // add; Error(kDestinationAway), also of the other one.
  void read_index_from(const std::string& name, const std::string& from);
  // What can be said of it before anything is changed. Error(kNotFound), Error(kInvalidInput).
  store::IndexSource index_source(const std::string& name, const std::string& from) const;

  // What all who use the destination of that name share; also of one that is only being added.
  destination::PlaceContext place_context(const std::string& name);
  // Requests to destinations that a run has made since they were taken last.
  std::map<std::string, destination::RequestSums> requests_of(std::int64_t run) const;
  std::map<std::string, destination::RequestSums> take_requests(std::int64_t run);

  // Error unless the place holds the destination's repository: the errors of read_header(); Error(kForked)
  // for another one; Error(kDestinationAway) where there is nothing.
  void check_place(const catalog::DestinationFacts& facts, destination::Destination& place) const;
  // Of this machine: where packs for servers are made.
  std::string spool_folder() const { return context_.state_folder + "/spool"; }

  // How repositories are opened here; for `destination add`.
  store::RepositoryContext repository_context(std::shared_ptr<destination::Destination> place,
                                              crypto::Keyring keyring, const Uuid& expected);
  // Error(kNotFound) names those that there are.
  catalog::DestinationFacts facts(const std::string& name) const;
  // All of them, folders of this machine before others, else in name order: where what several have is read.
  std::vector<catalog::DestinationFacts> nearest_first() const;
  // Folders of this machine that hold repositories: never backed up. With links resolved, too.
  std::vector<std::string> local_folders() const;
  // As they were named; no file system is asked.
  std::vector<std::string> local_urls() const;
  const FolderLine& line() const { return line_; }

  const Context& context() const { return context_; }
  KnownSnapshots& known_snapshots() { return *known_snapshots_; }

 private:
  struct Entry {
    std::mutex opening;  // held while it is opened or refreshed
    std::shared_ptr<store::Repository> repository;
    mutable std::mutex view_mutex;
    DestinationView view;
    std::weak_ptr<const store::v1::RepositoryState> counted;  // of which the view tells the sets' snapshots
  };

  std::shared_ptr<Entry> entry(const std::string& name);
  // Made when first asked for, with the limits that are configured. All who use the destination share it.
  std::shared_ptr<destination::Limits> limits(const std::string& name);
  std::shared_ptr<destination::RequestCounts> counts(const std::string& name);
  // What `sums` gives of the counts of each destination, where that is not nothing.
  std::map<std::string, destination::RequestSums> requests(
      const std::function<destination::RequestSums(destination::RequestCounts&)>& sums) const;
  // Where it is. A folder is looked at anew each time; connections to a server are everybody's.
  std::shared_ptr<destination::Destination> place(const catalog::DestinationFacts& facts);
  // Of the repository with that uuid; null where none of the destinations is its.
  std::shared_ptr<destination::Destination> place_of(const Uuid& repository);
  bool has_header(const catalog::DestinationFacts& facts);
  crypto::Keyring keyring_of(const catalog::DestinationFacts& facts) const;
  std::shared_ptr<store::Repository> open_entry(Entry& entry, const catalog::DestinationFacts& facts,
                                                std::chrono::seconds good_for);
  void note(Entry& entry, const catalog::DestinationFacts& facts, store::Repository& repository);
  void note_trouble(Entry& entry, const catalog::DestinationFacts& facts, const Error& error);

  const Context context_;
  const FolderLine line_;
  const std::shared_ptr<BoundedCalls> folder_calls_;
  // Memory of all repositories together.
  const std::shared_ptr<store::FilterBudget> filters_;
  const std::shared_ptr<store::FrameCache> frames_;
  const std::shared_ptr<KnownSnapshots> known_snapshots_;
  std::mutex editing_;  // of settings: one at a time
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Entry>> entries_;
  std::map<std::string, std::shared_ptr<destination::Limits>> limits_;
  std::map<std::string, std::shared_ptr<destination::RequestCounts>> counts_;
  std::map<std::string, std::shared_ptr<destination::ReplaceableDestination>> servers_;  // that were reached
};

}  // namespace garner::daemon
