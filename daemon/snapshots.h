// Snapshots over all destinations: listed, chosen by what people type, and looked into.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "destinations.h"
#include "snapshot/tree.h"

namespace garner::daemon {

// A snapshot and the nearest repository that holds it.
struct ChosenSnapshot {
  std::string id;  // hex
  store::v1::Snapshot snapshot;
  std::shared_ptr<store::Repository> repository;
};

// Newest first; an empty set: of all. Destinations that are away are left out, with what was seen of them
// before.
v1::ListSnapshotsResponse list_snapshots(Destinations& destinations, const std::string& set);

// By SNAPSHOT. Error(kNotFound) with near ones, and with the destinations that could not be asked.
ChosenSnapshot choose_snapshot(Destinations& destinations, const std::string& selector);

// By SELECTOR: whole ids in hex, of all destinations. Errors as above.
std::vector<std::string> choose_snapshots(Destinations& destinations, const std::string& selector,
                                          const std::string& set);

// The entries of a folder of a snapshot, a page at a time; of a file, itself.
class FolderListing {
 public:
  FolderListing(ChosenSnapshot chosen, const std::string& path);
  // Nothing at the end.
  std::optional<v1::ListFolderResponse> next_page();

 private:
  ChosenSnapshot chosen_;
  std::vector<v1::Entry> ready_;  // entries that come first
  std::unique_ptr<snapshot::TreeReader> reader_;
  bool done_ = false;
};

}  // namespace garner::daemon
