// A repository in a folder of a test, into which real folders and files are stored: walked with source,
// chunked, packed and committed, so that restore, check and repair meet what a backup leaves. One thread.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "base/file.h"
#include "crypto/key_slot.h"
#include "crypto/secret.h"
#include "destination/local.h"
#include "snapshot/content_list.h"
#include "snapshot/node.h"
#include "snapshot/tree.h"
#include "source/folder_handle.h"
#include "source/metadata.h"
#include "store/blob_writer.h"
#include "store/key_store.h"
#include "store/repository.h"
#include "support/forge_record.h"
#include "support/store_fixture.h"
#include "support/temporary_folder.h"

namespace garner::testing {

class SmallRepository {
 public:
  // `keyring`: of another one that has the same; without it, its own.
  explicit SmallRepository(store::v1::Parameters parameters = small_parameters(),
                           const crypto::Keyring* keyring = nullptr)
      : destination_(std::make_shared<destination::LocalDestination>(folder_.path("repository"))),
        keyring_(keyring != nullptr ? keyring->copy() : generate()) {
    destination_->create_folder();
    repository_ = store::Repository::create(machine_.context(destination_, keyring_), {slot()}, parameters);
  }

  store::Repository& repository() { return *repository_; }
  destination::Destination& destination() { return *destination_; }
  const crypto::Keyring& keyring() const { return keyring_; }
  std::string path() const { return folder_.path("repository"); }
  // Opens it as another machine would: with an empty cache and no pin.
  void reopen() {
    repository_.reset();
    machine_.lose_cache();
    machine_.pins.forget();
    repository_ = machine_.open(destination_, keyring_);
  }
  void reopen_without_log() {
    repository_.reset();
    machine_.lose_cache();
    machine_.pins.forget();
    repository_ = store::Repository::open_without_log(machine_.context(destination_, keyring_));
  }
  // As one whose log this machine does not take, with what it has seen of it.
  void reopen_refused() {
    repository_.reset();
    machine_.lose_cache();
    repository_ = store::Repository::open_without_log(machine_.context(destination_, keyring_));
  }
  // From now on everything goes through `wrap` of the destination.
  void wrap(const std::function<
            std::shared_ptr<destination::Destination>(std::shared_ptr<destination::Destination>)>& wrapper) {
    repository_.reset();
    machine_.lose_cache();
    repository_ = machine_.open(wrapper(destination_), keyring_);
  }

  // As `key rotate` does.
  void rotate_keys() {
    keyring_.rotate(system_clock().now());
    for (const store::v1::KeySlotFile& file : store::list_slots(*destination_)) {
      store::add_extension(*destination_, crypto::make_extension(keyring_, file));
    }
    repository_->set_keyring(keyring_.copy());
  }

  // From now on the machine may only add: another one is the remover.
  void demote() { forge_demotion(*repository_); }

  // Everything of it, and of the machine's cache, belongs to this user from now on.
  void give_to(uid_t user) {
    for (const std::string& top : {folder_.path(), machine_.folder.path()}) {
      if (lchown(top.c_str(), user, user) != 0)
        throw std::runtime_error("a test could not give its files away");
      for (const auto& entry : std::filesystem::recursive_directory_iterator(top)) {
        if (lchown(entry.path().c_str(), user, user) != 0)
          throw std::runtime_error("a test could not give its files away");
      }
    }
  }

  // Stores these files and folders (absolute paths) and commits a snapshot of them.
  store::v1::Snapshot back_up(const std::vector<std::string>& sources) {
    store::v1::Snapshot snapshot = test_snapshot(Uuid::random(), set_);
    {
      Session session(*repository_, *destination_);
      for (const std::string& path : sources) {
        *snapshot.mutable_set()->add_sources() = path;
        store::v1::Source& source = *snapshot.add_sources();
        source.set_path(path);
        *source.mutable_root() = session.store_root(path);
        snapshot::add_to(*snapshot.mutable_totals(), source.root());
      }
      *snapshot.mutable_scan_start() = snapshot::to_proto(system_clock().now());
      *snapshot.mutable_finished() = snapshot::to_proto(system_clock().now());
      snapshot = commit(session.finish(), snapshot);
    }
    store_snapshot_blobs();
    return snapshot;
  }

  // Commits a snapshot whose only source is this node, with whatever `build` puts into the sink for it.
  store::v1::Snapshot back_up_node(const std::function<store::v1::Node(store::BlobSink&)>& build) {
    store::v1::Snapshot snapshot = test_snapshot(Uuid::random(), set_);
    {
      Session session(*repository_, *destination_);
      *snapshot.mutable_set()->add_sources() = "/made/root";
      store::v1::Source& source = *snapshot.add_sources();
      source.set_path("/made/root");
      *source.mutable_root() = build(session);
      snapshot::add_to(*snapshot.mutable_totals(), source.root());
      *snapshot.mutable_scan_start() = snapshot::to_proto(system_clock().now());
      *snapshot.mutable_finished() = snapshot::to_proto(system_clock().now());
      store::CommitPlan plan = session.finish();
      for (const store::v1::ContentEntry& entry : source.root().content()) {
        plan.has_differences |= entry.type() == store::v1::ENTRY_TYPE_DIFFERENCE;
      }
      snapshot = commit(std::move(plan), snapshot);
    }
    store_snapshot_blobs();
    return snapshot;
  }

 private:
  static crypto::Keyring generate() {
    crypto::initialize_crypto();
    return crypto::Keyring::generate(system_clock().now());
  }

  // A recovery key's, which costs no time; nobody opens it.
  store::v1::KeySlot slot() const {
    const crypto::Credential credential{store::v1::SLOT_TYPE_RECOVERY, crypto::generate_recovery_key()};
    return crypto::make_slot(keyring_, credential, "recovery", system_clock().now());
  }

  class Session final : public store::BlobSink {
   public:
    Session(store::Repository& repository, destination::Destination& destination)
        : repository_(repository), writer_(repository, options(destination)) {}

    crypto::BlobId put(crypto::BlobKind kind, ByteView content) override {
      const crypto::BlobId id = repository_.hasher().id(kind, content);
      if (kind == crypto::BlobKind::kData) {
        writer_.put(0, id, content);
      } else {
        writer_.put_metadata(kind, id, content);
      }
      return id;
    }

    store::v1::Node store_root(const std::string& path) {
      const std::string above = parent_path(path);
      auto folder = source::FolderHandle::open_root(above);
      if (path == "/") throw std::runtime_error("a test does not store the whole machine");
      return store_node(folder, base_name(path));
    }

    store::CommitPlan finish() {
      writer_.finish();
      writer_.publish();
      store::CommitPlan plan;
      plan.packs = writer_.published();
      plan.names = writer_.take_names();
      for (const store::FinishedPack& pack : plan.packs) plan.names.insert(pack.name);
      return plan;
    }

   private:
    struct Level {
      std::shared_ptr<source::FolderHandle> folder;
      std::vector<source::FolderEntry> entries;
      std::size_t next = 0;
      snapshot::TreeBuilder builder;
      store::v1::Node node;  // the folder's own
    };

    static store::BlobWriterOptions options(destination::Destination& destination) {
      store::BlobWriterOptions options;
      options.run = Uuid::random();
      options.staging_folder = *destination.staging_folder();
      return options;
    }

    // Without recursion, for trees that are thousands of folders deep.
    store::v1::Node store_node(const std::shared_ptr<source::FolderHandle>& parent, const std::string& name) {
      std::vector<std::unique_ptr<Level>> levels;
      store::v1::Node node = capture(*parent, name);
      if (node.type() != store::v1::NODE_TYPE_FOLDER) return with_content(*parent, std::move(node));
      levels.push_back(enter(parent, std::move(node)));
      for (;;) {
        Level& level = *levels.back();
        if (level.next < level.entries.size()) {
          store::v1::Node entry = capture(*level.folder, level.entries[level.next++].name);
          if (entry.type() == store::v1::NODE_TYPE_FOLDER) {
            levels.push_back(enter(level.folder, std::move(entry)));
          } else {
            level.builder.add(with_content(*level.folder, std::move(entry)));
          }
          continue;
        }
        const snapshot::BuiltTree built = level.builder.finish();
        store::v1::Node finished = std::move(level.node);
        finished.set_tree(built.id.value.data(), built.id.value.size());
        *finished.mutable_totals() = built.totals;
        levels.pop_back();
        if (levels.empty()) return finished;
        levels.back()->builder.add(std::move(finished));
      }
    }

    std::unique_ptr<Level> enter(const std::shared_ptr<source::FolderHandle>& parent, store::v1::Node node) {
      auto folder = source::FolderHandle::open_child(parent, node.name());
      std::vector<source::FolderEntry> entries;
      {
        const source::FolderHandle::Use use(*folder);
        entries = source::list_folder(use.fd(), "a folder of the test");
      }
      return std::unique_ptr<Level>(new Level{std::move(folder), std::move(entries), 0,
                                              snapshot::TreeBuilder(*this, names_), std::move(node)});
    }

    static store::v1::Node capture(source::FolderHandle& folder, const std::string& name) {
      const source::FolderHandle::Use use(folder);
      store::v1::Node node =
          source::capture(use.fd(), name, source::read_status(use.fd(), name), -1, [](const std::string&) {});
      node.set_name(name);
      return node;
    }

    store::v1::Node with_content(source::FolderHandle& folder, store::v1::Node node) {
      if (node.type() != store::v1::NODE_TYPE_FILE || node.size() == 0) return node;
      const source::FolderHandle::Use use(folder);
      const Fd file(openat(use.fd(), node.name().c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
      if (!file.valid()) throw std::runtime_error("a file of the test cannot be read");
      snapshot::ContentListBuilder list;
      std::uint64_t end = 0;
      for (const source::DataRange& range : source::data_ranges(file.get(), node.size(), node.name())) {
        if (range.offset > end) list.add_hole(range.offset - end);
        store_range(file.get(), range, list);
        end = range.offset + range.length;
      }
      if (end < node.size()) list.add_hole(node.size() - end);
      for (store::v1::ContentEntry& entry : list.finish(*this)) *node.add_content() = std::move(entry);
      return node;
    }

    void store_range(int fd, const source::DataRange& range, snapshot::ContentListBuilder& list) {
      const std::size_t maximum = repository_.chunker().sizes().maximum;
      Bytes buffer(maximum);
      for (std::uint64_t done = 0; done < range.length;) {
        buffer.resize(std::min<std::uint64_t>(maximum, range.length - done));
        if (read_at(fd, buffer, range.offset + done, "a file of the test") != buffer.size()) {
          throw std::runtime_error("a file of the test became shorter");
        }
        const std::size_t length = repository_.chunker().next(buffer);
        list.add_blob(put(crypto::BlobKind::kData, ByteView(buffer).first(length)), length, *this);
        done += length;
      }
    }

    store::Repository& repository_;
    store::BlobWriter writer_;
    snapshot::OwnerNames names_{source::user_name, source::group_name};
  };

  store::v1::Snapshot commit(store::CommitPlan plan, const store::v1::Snapshot& snapshot) {
    plan.snapshot = snapshot;
    const store::CommitOutcome outcome = repository_->commit(plan);
    if (!outcome.committed) throw std::runtime_error("the test's commit was refused");
    return repository_->snapshot_of_run(Uuid::from_bytes(as_bytes(snapshot.run())))->snapshot();
  }

  // What the next backup would do: a snapshot's own blob goes into the metadata pack that is written next.
  void store_snapshot_blobs() {
    Session session(*repository_, *destination_);
    for (const store::v1::Snapshot& snapshot : repository_->snapshots_without_pack()) {
      session.put(crypto::BlobKind::kSnapshot, as_bytes(snapshot::serialize(snapshot)));
    }
    const store::CommitPlan plan = session.finish();
    if (!plan.packs.empty()) repository_->commit(plan);
  }

  TemporaryFolder folder_;
  std::shared_ptr<destination::LocalDestination> destination_;
  crypto::Keyring keyring_;
  Machine machine_;
  Uuid set_ = Uuid::random();
  std::unique_ptr<store::Repository> repository_;
};

}  // namespace garner::testing
