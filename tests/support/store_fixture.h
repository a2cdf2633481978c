// Machines that use one repository in a test, and packs with blobs to put into it.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "crypto/key_slot.h"
#include "store/pack.h"
#include "store/repository.h"
#include "support/temporary_folder.h"

namespace garner::testing {

// As a first member: everything after it may use the crypto library.
struct CryptoReady {
  CryptoReady() { crypto::initialize_crypto(); }
};

// Pins that live as long as the object. Any thread.
class MemoryPins final : public store::PinStore {
 public:
  std::optional<store::Pin> load(const Uuid& repository) override {
    std::lock_guard lock(mutex_);
    const auto found = pins_.find(repository);
    return found == pins_.end() ? std::nullopt : std::optional(found->second);
  }
  void save(const store::Pin& pin) override {
    std::lock_guard lock(mutex_);
    if (std::exchange(fail_next_, false)) {
      throw Error(ErrorKind::kWriteFailed, "the machine lost its power before it could save the pin");
    }
    pins_[pin.repository] = pin;
    if (std::exchange(fail_after_next_, false)) {
      throw Error(ErrorKind::kWriteFailed, "the machine lost its power after it had saved the pin");
    }
  }
  void fail_after_next() { fail_after_next_ = true; }
  void fail_next() { fail_next_ = true; }
  void forget() { pins_.clear(); }

 private:
  std::mutex mutex_;
  std::map<Uuid, store::Pin> pins_;
  bool fail_next_ = false;
  bool fail_after_next_ = false;
};

inline store::v1::Parameters small_parameters() {
  store::v1::Parameters parameters;
  parameters.set_chunk_minimum(1024);
  parameters.set_chunk_average(4096);
  parameters.set_chunk_maximum(16384);
  parameters.set_frame_target(8192);
  parameters.set_pack_target(128u << 10);
  return parameters;
}

// A machine: its writer's key, what it keeps beside the keys, and its cache. Outlives the repositories it
// opens.
struct Machine {
  CryptoReady ready;
  crypto::WriterKey key = crypto::WriterKey::generate();
  MemoryPins pins;
  TemporaryFolder folder;
  std::uint64_t metadata_cache = 0;

  store::RepositoryContext context(std::shared_ptr<destination::Destination> destination,
                                   const crypto::Keyring& keyring) {
    store::RepositoryContext context{std::move(destination),
                                     keyring.copy(),
                                     &key,
                                     &pins,
                                     &system_clock(),
                                     folder.path("cache"),
                                     "host-" + key.uuid().text().substr(0, 4)};
    context.metadata_cache = metadata_cache;
    return context;
  }
  std::unique_ptr<store::Repository> open(std::shared_ptr<destination::Destination> destination,
                                          const crypto::Keyring& keyring) {
    return store::Repository::open(context(std::move(destination), keyring));
  }
  std::unique_ptr<store::Repository> create(std::shared_ptr<destination::Destination> destination,
                                            const crypto::Keyring& keyring) {
    return store::Repository::create(context(std::move(destination), keyring), {}, small_parameters());
  }
  void lose_cache() { std::filesystem::remove_all(folder.path("cache")); }
  std::string state_cache(const Uuid& repository) const {
    return folder.path("cache/" + repository.text() + "/state");
  }
};

struct TestBlob {
  crypto::BlobKind kind = crypto::BlobKind::kData;
  crypto::BlobId id;
  Bytes content;
};

inline TestBlob test_blob(const store::Repository& repository, std::string_view text,
                          crypto::BlobKind kind = crypto::BlobKind::kData) {
  TestBlob blob{kind, {}, Bytes(text.begin(), text.end())};
  blob.id = repository.hasher().id(kind, blob.content);
  return blob;
}

// Writes a pack of one frame with these blobs, all data or none, and publishes it.
inline store::FinishedPack store_pack(store::Repository& repository, const std::vector<TestBlob>& blobs) {
  const TemporaryFolder staging;
  const std::string path = staging.path("pack");
  store::PackWriter writer(path, repository.pack_context(), store::pack_kind(blobs.front().kind));
  Bytes raw;
  std::vector<store::FrameBlob> entries;
  for (const TestBlob& blob : blobs) {
    raw.insert(raw.end(), blob.content.begin(), blob.content.end());
    entries.push_back({blob.id, blob.kind, static_cast<std::uint32_t>(blob.content.size())});
  }
  store::FrameCodec codec;
  writer.append(codec.encode(raw), static_cast<std::uint32_t>(raw.size()), std::move(entries));
  store::FinishedPack pack = writer.finish();
  repository.publish(pack, path);
  return pack;
}

inline void set_uuid(std::string& field, const Uuid& uuid) {
  field.assign(uuid.value.begin(), uuid.value.end());
}

// A snapshot of a run of `set`, with nothing in it.
inline store::v1::Snapshot test_snapshot(const Uuid& run, const Uuid& set) {
  store::v1::Snapshot snapshot;
  set_uuid(*snapshot.mutable_run(), run);
  set_uuid(*snapshot.mutable_set()->mutable_uuid(), set);
  snapshot.mutable_set()->set_name("documents");
  snapshot.set_host("here");
  return snapshot;
}

// A plan to commit `packs` under a new snapshot of `set`.
inline store::CommitPlan test_plan(std::vector<store::FinishedPack> packs, const Uuid& set = Uuid::random()) {
  store::CommitPlan plan;
  for (const store::FinishedPack& pack : packs) plan.names.insert(pack.name);
  plan.packs = std::move(packs);
  plan.snapshot = test_snapshot(Uuid::random(), set);
  return plan;
}

}  // namespace garner::testing
