// Random sequences of what three writers and a pruner do to one repository, beside a model that knows what
// must come of it. Writers act on states that may be old, lose their caches and their memory, and are
// overtaken between checking and committing. The heart of it is also models/commit.pml's: no snapshot ever
// refers to a pack that is gone.
#include <algorithm>
#include <array>
#include <fstream>
#include <set>

#include "support/forge_removal.h"
#include "support/hooked_destination.h"
#include "support/memory_destination.h"
#include "support/random_packs.h"
#include "support/store_fixture.h"

using namespace garner;
using namespace garner::store;
using namespace garner::testing;

namespace {

enum class Standing { kOrphan, kLive, kCondemned, kDropped };

// What is true of the repository, whoever knows it.
struct LogModel {
  struct Pack {
    Standing standing = Standing::kOrphan;
    bool exists = true;
    TestBlob blob;
  };
  struct Snapshot {
    std::set<ObjectName> packs;
  };
  std::map<ObjectName, Pack> packs;
  std::map<crypto::BlobId, Snapshot> snapshots;
  std::uint64_t generation = 1;

  std::set<ObjectName> referred() const {
    std::set<ObjectName> names;
    for (const auto& [id, snapshot] : snapshots) names.insert(snapshot.packs.begin(), snapshot.packs.end());
    return names;
  }
};

struct Writer {
  Machine machine;
  std::shared_ptr<HookedDestination> destination;
  std::unique_ptr<Repository> repository;
  std::vector<FinishedPack> own;  // published, not committed
};

class World {
 public:
  explicit World(std::uint64_t seed) : random_(seed) {
    for (Writer& writer : writers_) writer.destination = std::make_shared<HookedDestination>(destination_);
    writers_[0].repository = writers_[0].machine.create(writers_[0].destination, keyring_);
    for (std::size_t i = 1; i < writers_.size(); ++i) {
      writers_[i].repository = writers_[i].machine.open(writers_[i].destination, keyring_);
    }
    // The pruner is a program of its own on the first writer's machine: its key may remove.
    pruner_.key = crypto::WriterKey::parse(writers_[0].machine.key.serialize().view());
    prune_repository_ = pruner_.open(destination_, keyring_);
  }

  void step() {
    switch (below(random_, 10)) {
      case 0:
      case 1:
      case 2:
        upload(any_writer());
        break;
      case 3:
      case 4:
      case 5:
      case 6:
        commit(any_writer());
        break;
      case 7:
        reopen(any_writer());
        break;
      default:
        prune();
    }
  }

  // Everybody, and one who was never here, agrees with the model, and every snapshot can be read.
  void check() {
    Machine stranger;
    const auto fresh = stranger.open(destination_, keyring_);
    REQUIRE(fresh->state()->generation() == model_.generation);
    REQUIRE(static_cast<std::size_t>(fresh->state()->snapshots_size()) == model_.snapshots.size());
    for (const auto& [id, snapshot] : model_.snapshots) {
      REQUIRE(find_snapshot(*fresh->state(), id.view()) != nullptr);
      for (const ObjectName& name : snapshot.packs) {
        const TestBlob& blob = model_.packs.at(name).blob;
        REQUIRE(fresh->index().is_live(name));
        REQUIRE(fresh->read(blob.kind, blob.id) == blob.content);
      }
    }
    for (Writer& writer : writers_) {
      writer.repository->refresh();
      REQUIRE(writer.repository->state()->SerializeAsString() == fresh->state()->SerializeAsString());
    }
    for (const auto& [name, pack] : model_.packs) {
      REQUIRE(fresh->index().is_live(name) == (pack.standing == Standing::kLive));
    }
  }

 private:
  Writer& any_writer() { return writers_[below(random_, writers_.size())]; }

  template <typename Names>
  auto any_of(const Names& names) {
    auto it = names.begin();
    std::advance(it, static_cast<std::ptrdiff_t>(below(random_, names.size())));
    return *it;
  }

  void upload(Writer& writer) {
    const TestBlob blob = test_blob(*writer.repository, "blob " + std::to_string(next_blob_++));
    FinishedPack pack = store_pack(*writer.repository, {blob});
    model_.packs[pack.name] = {Standing::kOrphan, true, blob};
    writer.own.push_back(std::move(pack));
  }

  void commit(Writer& writer) {
    CommitPlan plan = test_plan(writer.own, sets_[below(random_, sets_.size())]);
    // What it finds by its own state, which may be old.
    for (const ObjectName& name : writer.repository->index().live_packs()) {
      if (below(random_, 3) == 0) plan.names.insert(name);
    }
    for (const v1::SnapshotEntry& entry : writer.repository->state()->snapshots()) {
      if (below(random_, 8) == 0)
        plan.base_snapshots.insert(crypto::BlobId::from_bytes(as_bytes(entry.id())));
    }
    // Whoever is overtaken does not overtake: two at a time are enough to be in each other's way.
    if (!overtaken_ && below(random_, 2) == 0) {
      writer.destination->before_put_exclusive = [&](const std::string&) {
        overtaken_ = true;
        for (std::uint64_t acts = 1 + below(random_, 8); acts > 0; --acts) {
          Writer& other = any_writer();
          if (&other != &writer && below(random_, 3) == 0) {
            commit(other);
          } else {
            prune();
          }
        }
        overtaken_ = false;
      };
    }
    const CommitOutcome outcome = writer.repository->commit(plan);
    writer.destination->before_put_exclusive = nullptr;
    if (outcome.committed) {
      REQUIRE(outcome.generation == model_.generation + 1);
      model_.generation = outcome.generation;
      for (const FinishedPack& pack : writer.own) model_.packs.at(pack.name).standing = Standing::kLive;
      for (const ObjectName& name : plan.names) {
        REQUIRE(model_.packs.at(name).standing == Standing::kLive);
        REQUIRE(model_.packs.at(name).exists);
      }
      for (const crypto::BlobId& id : plan.base_snapshots) REQUIRE(model_.snapshots.contains(id));
      model_.snapshots[*outcome.snapshot_id] = {plan.names};
      writer.own.clear();
      return;
    }
    // It gave up exactly what is lost.
    for (const ObjectName& name : plan.names) {
      const LogModel::Pack& pack = model_.packs.at(name);
      const bool own = std::ranges::find(writer.own, name, &FinishedPack::name) != writer.own.end();
      const bool holds = pack.standing == Standing::kLive || (own && pack.standing == Standing::kOrphan);
      REQUIRE(outcome.lost_names.contains(name) == !holds);
    }
    for (const crypto::BlobId& id : plan.base_snapshots) {
      REQUIRE(outcome.lost_snapshots.contains(id) == !model_.snapshots.contains(id));
    }
    REQUIRE((!outcome.lost_names.empty() || !outcome.lost_snapshots.empty()));
    std::erase_if(writer.own,
                  [&](const FinishedPack& pack) { return outcome.lost_names.contains(pack.name); });
  }

  // The process ends; what it uploaded and did not commit is an orphan, or is remembered by a checkpoint.
  void reopen(Writer& writer) {
    const std::string cache = writer.machine.state_cache(writer.repository->header().repository);
    writer.repository.reset();
    switch (below(random_, 4)) {
      case 0:
        writer.machine.lose_cache();
        break;
      case 1:
        std::ofstream(cache, std::ios::binary | std::ios::trunc) << "torn";
        break;
      default:
        break;
    }
    if (below(random_, 2) == 0) writer.own.clear();
    writer.repository = writer.machine.open(writer.destination, keyring_);
  }

  // One act of a prune, which may die between any two.
  void prune() {
    switch (below(random_, 3)) {
      case 0:
        condemn();
        break;
      case 1:
        delete_condemned();
        break;
      default:
        drop();
    }
  }

  void condemn() {
    std::vector<crypto::BlobId> forgotten;
    if (!model_.snapshots.empty() && below(random_, 2) == 0) {
      forgotten.push_back(any_of(model_.snapshots).first);
      model_.snapshots.erase(forgotten.front());
    }
    const std::set<ObjectName> referred = model_.referred();
    std::vector<ObjectName> condemned;
    for (auto& [name, pack] : model_.packs) {
      const bool unused = !referred.contains(name);
      if (unused && pack.standing <= Standing::kLive && below(random_, 4) == 0) {
        condemned.push_back(name);
        pack.standing = Standing::kCondemned;
      }
    }
    forge_condemn(*prune_repository_, forgotten, condemned);
    ++model_.generation;
  }

  std::vector<ObjectName> some_condemned() {
    std::vector<ObjectName> names;
    for (const auto& [name, pack] : model_.packs) {
      if (pack.standing == Standing::kCondemned && below(random_, 2) == 0) names.push_back(name);
    }
    return names;
  }

  void delete_condemned() {
    for (const ObjectName& name : some_condemned()) {
      destination_->remove(pack_key(name));
      model_.packs.at(name).exists = false;
    }
  }

  void drop() {
    std::vector<ObjectName> names = some_condemned();
    std::erase_if(names, [&](const ObjectName& name) { return model_.packs.at(name).exists; });
    for (const ObjectName& name : names) model_.packs.at(name).standing = Standing::kDropped;
    forge_drop(*prune_repository_, names);
    ++model_.generation;
  }

  CryptoReady ready_;
  Random random_;
  std::shared_ptr<MemoryDestination> destination_ = std::make_shared<MemoryDestination>();
  crypto::Keyring keyring_ = crypto::Keyring::generate({1, 0});
  std::array<Uuid, 2> sets_ = {Uuid::random(), Uuid::random()};
  std::array<Writer, 3> writers_;
  Machine pruner_;
  std::unique_ptr<Repository> prune_repository_;
  LogModel model_;
  std::uint64_t next_blob_ = 0;
  bool overtaken_ = false;
};

}  // namespace

TEST_CASE("whatever three writers and a pruner do in whatever order, no snapshot loses a pack") {
  constexpr int kWorlds = 6;
  constexpr int kSteps = 60;
  for (int i = 0; i < kWorlds; ++i) {
    const std::uint64_t seed = fresh_seed();
    CAPTURE(seed);
    World world(seed);
    for (int step = 0; step < kSteps; ++step) {
      CAPTURE(step);
      world.step();
    }
    world.check();
  }
}
