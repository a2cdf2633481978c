// Random histories of random trees.
#include <rapidcheck.h>

#include <catch2/catch.hpp>
#include <memory>
#include <random>
#include <stop_token>

#include "base/error.h"
#include "history_support.h"

namespace garner::catalog {
namespace {

using testing::id_bytes;
using testing::MemoryBlobs;
using testing::numbered_id;
using testing::sample_node;

struct Tree {
  std::map<std::string, v1::Node> others;  // all but folders
  std::map<std::string, std::shared_ptr<Tree>> folders;
  std::uint32_t mode = 0755;
};

class Samples {
 public:
  Samples(std::uint32_t seed, MemoryBlobs& blobs) : random_(seed), blobs_(blobs) {}

  std::size_t below(std::size_t end) {
    return std::uniform_int_distribution<std::size_t>(0, end - 1)(random_);
  }

  std::shared_ptr<Tree> tree(int depth) {
    auto tree = std::make_shared<Tree>();
    for (std::size_t i = below(5); i > 0; --i) set(*tree, name(), depth);
    // More than a page of a tree, than a block of numbers, and than is asked for at once.
    if (below(30) == 0) {
      const std::size_t count = 300 + below(400);
      for (std::size_t i = 0; i < count; ++i) {
        const std::string numbered = "n" + std::to_string(i);
        tree->others[numbered] = blob_file(numbered);
      }
    }
    return tree;
  }

  // Some changes, anywhere.
  std::shared_ptr<Tree> changed(const Tree& old, int depth) {
    auto tree = std::make_shared<Tree>(old);
    for (std::size_t i = 1 + below(3); i > 0; --i) {
      switch (below(6)) {
        case 0:
          set(*tree, name(), depth);
          break;
        case 1:
          remove(*tree, name());
          break;
        case 2:
          tree->mode = 0700 + static_cast<std::uint32_t>(below(2));
          break;
        default:
          if (tree->folders.empty()) {
            set(*tree, name(), depth);
          } else {
            const auto folder =
                std::next(tree->folders.begin(), static_cast<long>(below(tree->folders.size())));
            // Now and then it has another name as well.
            const std::string now = below(8) == 0 ? name() : folder->first;
            auto other = changed(*folder->second, depth - 1);
            remove(*tree, now);
            tree->folders[now] = std::move(other);
          }
      }
      if (!tree->others.empty() && below(2) == 0) {
        const auto file = std::next(tree->others.begin(), static_cast<long>(below(tree->others.size())));
        file->second = node(file->first);
      }
    }
    return tree;
  }

  v1::Snapshot snapshot(const Tree& tree, std::int64_t finished) {
    v1::Snapshot snapshot =
        testing::sample_snapshot("home", finished, testing::sample_source("/srv/home", folder("x", tree)),
                                 testing::sample_source("/command/out", blob_file("out")));
    if (below(3) == 0) {
      *snapshot.add_sources() = testing::sample_source("/srv/a", node("a"));
      snapshot::add_to(*snapshot.mutable_totals(), snapshot.sources(2).root());
    }
    return snapshot;
  }

 private:
  std::string name() { return std::string(1, static_cast<char>('a' + below(5))); }

  static void remove(Tree& tree, const std::string& name) {
    tree.others.erase(name);
    tree.folders.erase(name);
  }

  void set(Tree& tree, const std::string& name, int depth) {
    remove(tree, name);
    if (depth > 0 && below(2) == 0) {
      tree.folders[name] = this->tree(depth - 1);
    } else {
      tree.others[name] = node(name);
    }
  }

  v1::Node folder(const std::string& name, const Tree& tree) {
    std::map<std::string, v1::Node> nodes(tree.others.begin(), tree.others.end());
    for (const auto& [below_name, below_tree] : tree.folders)
      nodes[below_name] = folder(below_name, *below_tree);
    snapshot::TreeBuilder builder(blobs_, names_);
    for (const auto& [key, one] : nodes) builder.add(one);
    v1::Node node = testing::sample_folder(name, builder.finish());
    node.set_mode(tree.mode);
    return node;
  }

  crypto::BlobId blob() { return numbered_id(below(20)); }

  v1::Node file(const std::string& name, snapshot::ContentListBuilder& builder) {
    v1::Node node = sample_node(name, v1::NODE_TYPE_FILE);
    node.set_size(builder.length());
    for (v1::ContentEntry& entry : builder.finish(blobs_)) *node.add_content() = std::move(entry);
    return node;
  }
  void add_blob(snapshot::ContentListBuilder& builder) {
    const crypto::BlobId id = blob();
    builder.add_blob(id, length_of(id), blobs_);
  }
  v1::Node blob_file(const std::string& name) {
    snapshot::ContentListBuilder builder;
    add_blob(builder);
    return file(name, builder);
  }

  v1::Node node(const std::string& name) {
    switch (below(8)) {
      case 0:
        return testing::sample_link(name, std::string(1 + below(2), 't'));
      case 1: {
        v1::Node device = sample_node(name, v1::NODE_TYPE_BLOCK_DEVICE);
        device.set_device_minor(static_cast<std::uint32_t>(below(2)));
        return device;
      }
      case 2: {
        v1::Node other = blob_file(name);
        other.set_uid(static_cast<std::uint32_t>(below(3)));
        *other.mutable_mtime() = snapshot::to_proto({below(2) == 0 ? 1 : -99'999'999'999, 7});
        other.set_stale(below(2) == 0);
        return other;
      }
      default:
        break;
    }
    snapshot::ContentListBuilder builder;
    constexpr std::size_t kEntries[] = {0, 1, 1, 2, 3, 8, 12, 200};
    for (std::size_t left = kEntries[below(std::size(kEntries))]; left > 0; --left) {
      const crypto::BlobId id = blob();
      switch (below(5)) {
        case 0:
          builder.add_hole(4096);
          break;
        case 1: {
          crypto::BlobId base = blob();
          if (base == id) base = numbered_id(1000);
          builder.add_difference({id, base, blob()}, length_of(id), blobs_);
          break;
        }
        default:
          builder.add_blob(id, length_of(id), blobs_);
      }
    }
    return file(name, builder);
  }

  static std::string user_name(std::uint32_t uid) { return uid == 1 ? "one" : ""; }

  std::mt19937 random_;
  MemoryBlobs& blobs_;
  const snapshot::OwnerNames names_{user_name, [](std::uint32_t) { return std::string("group"); }};
};

// Goes well for a number of reads.
class Interrupted : public store::BlobSource {
 public:
  Interrupted(store::BlobSource& source, std::size_t reads, std::function<void()> then)
      : source_(source), left_(reads), then_(std::move(then)) {}
  Bytes read(crypto::BlobKind kind, const crypto::BlobId& id) override {
    if (left_ == 0) then_();
    if (left_ > 0) --left_;
    return source_.read(kind, id);
  }

 private:
  store::BlobSource& source_;
  std::size_t left_;
  const std::function<void()> then_;
};

// Tries to, at least.
void add_interrupted(HistoryOfSamples& sample, Samples& random, const v1::Snapshot& snapshot) {
  std::stop_source stop;
  const std::size_t how = random.below(3);
  Interrupted source(sample.blobs, random.below(12), [&] {
    if (how == 0) throw Killed();
    if (how == 1) throw Error(ErrorKind::kDestinationAway, "away");
    stop.request_stop();
  });
  try {
    sample.add(snapshot, source, stop.get_token());
  } catch (const Killed&) {
  } catch (const Error& error) {
    RC_ASSERT(error.kind() == (how == 1 ? ErrorKind::kDestinationAway : ErrorKind::kCancelled));
  }
}

TEST_CASE("a history says of its snapshots what a walk of them says, whatever it has been through") {
  REQUIRE(rc::check([] {
    HistoryOfSamples sample;
    Samples random(*rc::gen::arbitrary<std::uint32_t>(), sample.blobs);
    std::vector<std::shared_ptr<Tree>> trees{random.tree(3)};
    std::int64_t time = 1000;
    const int steps = *rc::gen::inRange(1, 12);
    for (int step = 0; step < steps; ++step) {
      // Mostly what the last one became, and sometimes what an older one was.
      const Tree& old = *trees[random.below(4) == 0 ? random.below(trees.size()) : trees.size() - 1];
      trees.push_back(random.below(6) == 0 ? std::make_shared<Tree>(old) : random.changed(old, 3));
      const v1::Snapshot next = random.snapshot(*trees.back(), ++time);
      switch (random.below(6)) {
        case 0:
        case 1:
          add_interrupted(sample, random, next);
          // Another one may come next.
          if (random.below(2) == 0) sample.add(next);
          break;
        case 2: {
          std::vector<crypto::BlobId> kept;
          for (const History::Known& known : sample.history->snapshots()) {
            if (random.below(3) != 0) kept.push_back(known.id);
          }
          sample.history->keep(kept, {});
          RC_ASSERT(sample.history->snapshots().size() == kept.size());
          break;
        }
        case 3:
          sample.open();
          break;
        default:
          RC_ASSERT(sample.add(next).empty());
      }
      RC_ASSERT(sample.is_right());
    }
    // What nobody has any more is not kept: one snapshot alone has one version of each thing.
    sample.history->keep({}, {});
    sample.add(random.snapshot(*trees.front(), ++time));
    sample.add(random.snapshot(Tree(), ++time));
    sample.history->keep({sample.history->snapshots().back().id}, {});
    RC_ASSERT(sample.is_right());
    RC_ASSERT(sample.history->size().versions == sample.history->size().items);
  }));
}

}  // namespace
}  // namespace garner::catalog
