// What a history says, beside what a walk of its snapshots says.
#pragma once

#include <catch2/catch.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "catalog/history/history.h"
#include "snapshot/content_list.h"
#include "snapshot/node.h"
#include "snapshot/tree.h"
#include "support/temporary_folder.h"
#include "unit/snapshot/memory_blobs.h"
#include "unit/snapshot/sample_nodes.h"
#include "unit/snapshot/sample_trees.h"

namespace garner::catalog {

namespace v1 = store::v1;
using snapshot::id_from;

// The raw bytes of a data blob: what is made of samples has blobs of this length only.
inline std::uint64_t length_of(const crypto::BlobId& data) { return 1 + data.value[0]; }

// As if the process had ended: nothing catches it.
struct Killed {};

// Everything in one snapshot.
struct Contents {
  std::map<std::string, NodeFacts> facts;  // by path
  std::set<std::pair<std::string, BlobPrefix>> references;
  std::set<std::pair<BlobPrefix, std::uint64_t>> holdings;

  bool operator==(const Contents&) const = default;
};

// By walking it.
class ContentsWalk {
 public:
  explicit ContentsWalk(store::BlobSource& source) : source_(source) {}

  Contents of(const v1::Snapshot& snapshot) {
    contents_ = {};
    for (const v1::Source& root : snapshot.sources())
      take(root.path(), {root.root(), root.user(), root.group()});
    return std::move(contents_);
  }

 private:
  void refer(const std::string& path, const crypto::BlobId& blob, std::uint64_t bytes) {
    contents_.references.emplace(path, prefix_of(blob.view()));
    if (bytes > 0) contents_.holdings.emplace(prefix_of(blob.view()), bytes);
  }

  void take(const std::string& path, const snapshot::NamedNode& named) {
    contents_.facts[path] = facts_of(named.node, named.user, named.group);
    if (named.node.type() == v1::NODE_TYPE_FOLDER) {
      pages(path, id_from(named.node.tree()));
      snapshot::TreeReader reader(source_, id_from(named.node.tree()));
      while (const auto below = reader.next())
        take((path == "/" ? "" : path) + "/" + below->node.name(), *below);
    }
    entries(path, named.node.content());
  }

  void pages(const std::string& path, const crypto::BlobId& id) {
    refer(path, id, 0);
    const v1::TreePage page = snapshot::load_page(source_, id, nullptr).page;
    for (const v1::PageReference& below : page.pages()) pages(path, id_from(below.id()));
  }

  void entries(const std::string& path, const google::protobuf::RepeatedPtrField<v1::ContentEntry>& all) {
    for (const v1::ContentEntry& entry : all) {
      if (entry.type() == v1::ENTRY_TYPE_BLOB) refer(path, id_from(entry.id()), entry.length());
      if (entry.type() == v1::ENTRY_TYPE_DIFFERENCE) {
        refer(path, id_from(entry.id()), 0);
        for (const crypto::BlobId& id : {id_from(entry.base()), id_from(entry.patch())})
          refer(path, id, length_of(id));
      }
      if (entry.type() != v1::ENTRY_TYPE_LIST) continue;
      refer(path, id_from(entry.id()), 0);
      entries(path, snapshot::load_list(entry, 1, source_).entries());
    }
  }

  store::BlobSource& source_;
  Contents contents_;
};

inline bool is_in(std::int64_t number, Span span) { return span.first <= number && number <= span.last; }

// By asking the history: of each number the contents. References are those to `blobs`.
inline std::map<std::int64_t, Contents> contents_of(History& history, const std::set<BlobPrefix>& blobs) {
  std::map<std::int64_t, Contents> found;
  const std::vector<History::Known> known = history.snapshots();
  for (const History::Known& one : known) found[one.number];
  std::map<ItemNumber, std::string> paths;
  const std::function<void(ItemNumber)> list = [&](ItemNumber folder) {
    std::string after;
    // So few at once that a huge folder takes several calls.
    for (;;) {
      const std::vector<Item> items = history.items(folder, after, 100);
      for (const Item& item : items) {
        CHECK(item.name > after);
        after = item.name;
        CHECK(history.item(folder, item.name)->number == item.number);
        const std::string path = paths[item.number] = history.path_of(item.number);
        std::int64_t last = 0;
        for (const ItemVersion& version : history.versions(item.number)) {
          CHECK(version.span.first > last);
          last = version.span.last;
          for (const History::Known& one : known) {
            if (is_in(one.number, version.span)) found[one.number].facts[path] = version.facts;
          }
          if (version.facts.type == v1::NODE_TYPE_FOLDER) CHECK(item.is_folder);
        }
        list(item.number);
      }
      if (items.size() < 100) return;
    }
  };
  list(0);
  const std::vector<BlobPrefix> wanted(blobs.begin(), blobs.end());
  history.references(wanted, [&](const Reference& reference) {
    for (auto& [number, contents] : found) {
      if (is_in(number, reference.span))
        contents.references.emplace(paths.at(reference.item), wanted[reference.wanted]);
    }
  });
  history.holdings([&](const Holding& holding) {
    for (auto& [number, contents] : found) {
      if (is_in(number, holding.span)) contents.holdings.emplace(holding.blob, holding.bytes);
    }
  });
  return found;
}

// A history, the snapshots that were given to it, and their blobs.
struct HistoryOfSamples {
  HistoryOfSamples() { open(); }
  void open() {
    history.reset();
    history = std::make_unique<History>(file());
  }
  std::string file() const { return folder.path("history.sqlite"); }

  // What a snapshot of these sources would be called.
  static crypto::BlobId id_of(const v1::Snapshot& snapshot) {
    return {crypto::hash(as_bytes(snapshot::serialize(snapshot)))};
  }
  std::vector<Unreadable> add(const v1::Snapshot& snapshot, store::BlobSource& source,
                              std::stop_token stop = {}) {
    std::vector<Unreadable> unreadable = history->add(id_of(snapshot), snapshot, source, length_of, stop);
    snapshots[id_of(snapshot)] = snapshot;
    return unreadable;
  }
  std::vector<Unreadable> add(const v1::Snapshot& snapshot) { return add(snapshot, blobs); }

  // Of nothing that it knows does it say anything else than a walk.
  bool is_right() {
    std::map<std::int64_t, Contents> wanted;
    std::set<BlobPrefix> all;
    for (const History::Known& known : history->snapshots())
      wanted[known.number] = ContentsWalk(blobs).of(snapshots.at(known.id));
    for (const auto& [number, contents] : wanted) {
      for (const auto& [path, blob] : contents.references) all.insert(blob);
    }
    return contents_of(*history, all) == wanted;
  }

  std::optional<ItemNumber> find(const std::vector<std::string>& names) {
    ItemNumber item = 0;
    for (const std::string& name : names) {
      const std::optional<Item> found = history->item(item, name);
      if (!found) return std::nullopt;
      item = found->number;
    }
    return item;
  }
  // "1-2 4-4": when it was there, by versions.
  std::string spans(const std::vector<std::string>& names) {
    const std::optional<ItemNumber> item = find(names);
    if (!item) return "unknown";
    std::string text;
    for (const ItemVersion& version : history->versions(*item)) {
      text += (text.empty() ? "" : " ") + std::to_string(version.span.first) + "-" +
              std::to_string(version.span.last) + (version.facts.content ? "" : "?");
    }
    return text;
  }

  testing::TemporaryFolder folder;
  testing::MemoryBlobs blobs;
  std::map<crypto::BlobId, v1::Snapshot> snapshots;
  std::unique_ptr<History> history;
};

}  // namespace garner::catalog
