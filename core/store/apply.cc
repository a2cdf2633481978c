// The rules of the log: what a record may do to the state before it (state.h).
#include <algorithm>
#include <set>
#include <string>

#include "base/error.h"
#include "chunking/chunker.h"
#include "crypto/signing.h"
#include "store/frame.h"
#include "store/segment.h"
#include "store/snapshot_tags.h"
#include "store/state.h"

namespace garner::store {

namespace {

constexpr std::size_t kNameSize = 32;
constexpr std::size_t kUuidSize = 16;
constexpr std::uint32_t kMaximumPackTarget = 1u << 30;
constexpr std::size_t kLongestIndexSource = 64;

using Names = google::protobuf::RepeatedPtrField<std::string>;

[[noreturn]] void refuse(const std::string& why) { throw Error(ErrorKind::kDamaged, why); }

void require(bool holds, const std::string& why) {
  if (!holds) refuse(why);
}

void require_size(const std::string& value, std::size_t size, const char* what) {
  require(value.size() == size,
          std::string(what) + " has " + std::to_string(value.size()) + " bytes, not " + std::to_string(size));
}

std::string hex(const std::string& value) { return to_hex(as_bytes(value)); }

// Names and uuids of a list, each of its size and given once.
void require_distinct(const Names& values, std::size_t size, const char* what) {
  std::set<std::string_view> seen;
  for (const std::string& value : values) {
    require_size(value, size, what);
    require(seen.insert(value).second, std::string(what) + " is given twice: " + hex(value));
  }
}

// ---- Ascending lists: a state's segments, roots, writers and removed names ----

const std::string& key_of(const v1::SegmentReference& entry) { return entry.name(); }
const std::string& key_of(const v1::UnfinishedRoot& entry) { return entry.run(); }
const std::string& key_of(const v1::Writer& entry) { return entry.uuid(); }
const std::string& key_of(const std::string& entry) { return entry; }

template <typename Entry>
auto place_of(google::protobuf::RepeatedPtrField<Entry>& entries, const std::string& key) {
  return std::lower_bound(entries.begin(), entries.end(), key,
                          [](const Entry& entry, const std::string& value) { return key_of(entry) < value; });
}

template <typename Entry>
bool has_key(google::protobuf::RepeatedPtrField<Entry>& entries, const std::string& key) {
  const auto place = place_of(entries, key);
  return place != entries.end() && key_of(*place) == key;
}

// Replaces an entry of the same key.
template <typename Entry>
void set_entry(google::protobuf::RepeatedPtrField<Entry>& entries, const Entry& entry) {
  const auto place = place_of(entries, key_of(entry));
  if (place != entries.end() && key_of(*place) == key_of(entry)) {
    *place = entry;
    return;
  }
  auto at = static_cast<int>(place - entries.begin());
  *entries.Add() = entry;
  for (int last = entries.size() - 1; last > at; --last) entries.SwapElements(last, last - 1);
}

template <typename Entry>
void remove_entry(google::protobuf::RepeatedPtrField<Entry>& entries, const std::string& key) {
  const auto place = place_of(entries, key);
  require(place != entries.end() && key_of(*place) == key, "it removes what is not there: " + hex(key));
  entries.erase(place);
}

// ---- The record's parts ----

bool same(const v1::Parameters& a, const v1::Parameters& b) {
  return a.SerializeAsString() == b.SerializeAsString();
}

void require_writer_form(const v1::Writer& writer) {
  require_size(writer.uuid(), kUuidSize, "a writer's uuid");
  require_size(writer.public_key(), sizeof(crypto::PublicKey), "a writer's public key");
  require(writer.role() == v1::ROLE_ADD || writer.role() == v1::ROLE_REMOVE, "a writer has an unknown role");
}

class Applier {
 public:
  Applier(v1::RepositoryState state, const OpenedRecord& record)
      : state_(std::move(state)),
        opened_(record),
        body_(record.record.body),
        first_(state_.generation() == 0) {}

  v1::RepositoryState run() {
    require_continuation();
    require_signature();
    apply_parameters();
    apply_writers();
    apply_segments();
    apply_snapshots();
    apply_pins();
    apply_tags();
    apply_roots();
    apply_removals();
    for (const v1::Witness& witness : body_.witnesses()) {
      require_size(witness.repository(), kUuidSize, "a witness's repository");
      require_size(witness.log_uuid(), kUuidSize, "a witness's log uuid");
      require_size(witness.hash(), kNameSize, "a witness's hash");
    }
    apply_index_source();
    state_.set_generation(body_.generation());
    state_.set_record_hash(opened_.hash.data(), opened_.hash.size());
    state_.set_log_uuid(body_.log_uuid());
    return std::move(state_);
  }

 private:
  void require_continuation() const {
    require_size(body_.log_uuid(), kUuidSize, "the log uuid");
    require_size(body_.writer(), kUuidSize, "the writer's uuid");
    if (first_) {
      require(body_.generation() == first_generation(log_number(body_.generation())),
              "no log begins with this generation");
      require(body_.previous().empty(), "it names a record before it, though it is the first of its log");
      return;
    }
    const bool continues = body_.generation() == state_.generation() + 1 &&
                           body_.previous() == state_.record_hash() && body_.log_uuid() == state_.log_uuid();
    if (!continues) {
      throw Error(ErrorKind::kForked,
                  "it does not continue the record before it: the log was forked or replaced");
    }
  }

  // Finds the writer's key and role, and verifies.
  void require_signature() {
    const Uuid writer = Uuid::from_bytes(as_bytes(body_.writer()));
    const v1::Writer* signer = first_ ? nullptr : find_writer(state_, writer);
    if (signer == nullptr) {
      const auto own = std::ranges::find_if(
          body_.set_writers(), [&](const v1::Writer& entry) { return entry.uuid() == body_.writer(); });
      require(own != body_.set_writers().end(), "its writer " + writer.text() + " is not in the log");
      require_writer_form(*own);
      if (first_) {
        require(own->role() == v1::ROLE_REMOVE, "the first writer of a log is a remover");
      } else {
        require(own->role() == v1::ROLE_ADD && body_.set_writers_size() == 1,
                "its writer " + writer.text() + " gives roles that it may not give");
        enrols_ = true;
      }
      signer = &*own;
    }
    crypto::PublicKey key;
    std::ranges::copy(as_bytes(signer->public_key()), key.begin());
    require(crypto::verify(key, opened_.signed_bytes, opened_.signature),
            "its signature is not that of its writer " + writer.text());
    may_remove_ = signer->role() == v1::ROLE_REMOVE;
  }

  void require_remover(bool needed, const char* what) const {
    require(may_remove_ || !needed, std::string("its writer may only add, and it ") + what);
  }

  void apply_parameters() {
    const v1::Parameters& parameters = opened_.record.parameters;
    try {
      check_parameters(parameters);
    } catch (const Error& error) {
      refuse(error.what());
    }
    const FeatureFlags& features = opened_.record.features;
    if (!first_) {
      require_remover(!same(parameters, state_.parameters()), "changes parameters");
      require_remover(features != features_of(state_), "changes feature flags");
      require(parameters.chunk_minimum() == state_.parameters().chunk_minimum() &&
                  parameters.chunk_average() == state_.parameters().chunk_average() &&
                  parameters.chunk_maximum() == state_.parameters().chunk_maximum(),
              "it changes the chunk sizes");
    }
    *state_.mutable_parameters() = parameters;
    state_.set_must_know_to_read(features.read);
    state_.set_must_know_to_write(features.write);
    state_.set_must_know_to_prune(features.prune);
  }

  void apply_writers() {
    require_remover(!body_.set_writers().empty() && !enrols_, "changes writers");
    require_remover(!body_.remove_writers().empty(), "removes writers");
    std::set<std::string_view> set;
    for (const v1::Writer& writer : body_.set_writers()) {
      require_writer_form(writer);
      require(set.insert(writer.uuid()).second, "it sets a writer twice");
      set_entry(*state_.mutable_writers(), writer);
    }
    for (const std::string& writer : body_.remove_writers()) {
      require(!set.contains(writer), "it sets a writer and removes it");
      remove_entry(*state_.mutable_writers(), writer);
    }
    require(std::ranges::any_of(state_.writers(),
                                [](const v1::Writer& writer) { return writer.role() == v1::ROLE_REMOVE; }),
            "it leaves no writer that may remove");
  }

  void apply_segments() {
    require_remover(!body_.remove_segments().empty(), "removes segments");
    for (const std::string& name : body_.remove_segments()) {
      remove_entry(*state_.mutable_segments(), name);
    }
    for (const v1::SegmentReference& segment : body_.add_segments()) {
      require_size(segment.name(), kNameSize, "a segment's name");
      require(segment.size() > 0 && segment.size() <= kMaximumSegment, "a segment has an impossible size");
      require(segment.inlined().size() <= kMaximumInlinedSegment,
              "a segment is too large to stand in a record");
      require(segment.inlined().empty() || segment.inlined().size() == segment.size(),
              "a segment in a record has not the size it is said to have");
      require(!has_key(*state_.mutable_segments(), segment.name()), "it adds a segment that is there");
      require_not_removed(segment.name());
      set_entry(*state_.mutable_segments(), segment);
    }
  }

  void apply_snapshots() {
    require_remover(!body_.remove_snapshots().empty(), "removes snapshots");
    auto& snapshots = *state_.mutable_snapshots();
    std::set<std::string_view> marked;
    for (const std::string& id : body_.remove_snapshots()) {
      const auto found =
          std::ranges::find_if(snapshots, [&](const v1::SnapshotEntry& entry) { return entry.id() == id; });
      require(found != snapshots.end(), "it removes a snapshot that is not there: " + hex(id));
      // Taken out and put back as recovered: it keeps its place, its pin and its tags.
      const auto again = std::ranges::find_if(
          body_.add_snapshots(), [&](const v1::SnapshotEntry& entry) { return entry.id() == id; });
      if (again != body_.add_snapshots().end() && again->recovered() && !found->recovered()) {
        found->set_recovered(true);
        require(marked.insert(id).second, "it marks a snapshot twice: " + hex(id));
        continue;
      }
      require(!found->pinned(), "it removes a snapshot that is pinned: " + hex(id));
      snapshots.erase(found);
    }
    for (const v1::SnapshotEntry& entry : body_.add_snapshots()) {
      require_size(entry.id(), kNameSize, "a snapshot's id");
      if (marked.contains(entry.id())) continue;
      require_size(entry.snapshot().run(), kUuidSize, "a snapshot's run");
      require_size(entry.snapshot().set().uuid(), kUuidSize, "a snapshot's set");
      require(find_snapshot(state_, as_bytes(entry.id())) == nullptr,
              "it adds a snapshot that is there: " + hex(entry.id()));
      require(!entry.pinned(), "it adds a snapshot that is pinned already: " + hex(entry.id()));
      require(entry.tags().empty(), "it adds a snapshot that has tags already: " + hex(entry.id()));
      *snapshots.Add() = entry;
    }
  }

  void apply_pins() {
    require_remover(!body_.pin().empty() || !body_.unpin().empty(), "pins or unpins snapshots");
    require(body_.pin().empty() || (state_.must_know_to_prune() & kPinsFeature) != 0,
            "it pins a snapshot and does not say that pins must be known");
    const auto set = [&](const std::string& id, bool pinned) {
      const auto found = std::ranges::find_if(
          *state_.mutable_snapshots(), [&](const v1::SnapshotEntry& entry) { return entry.id() == id; });
      require(found != state_.mutable_snapshots()->end(),
              "it pins or unpins a snapshot that is not there: " + hex(id));
      require(found->pinned() != pinned, "it pins what is pinned, or unpins what is not: " + hex(id));
      found->set_pinned(pinned);
    };
    for (const std::string& id : body_.unpin()) set(id, false);
    for (const std::string& id : body_.pin()) set(id, true);
  }

  void apply_tags() {
    require_remover(!body_.give_tags().empty(), "changes tags of snapshots");
    require(body_.give_tags().empty() || (state_.must_know_to_write() & kTagsFeature) != 0,
            "it gives a snapshot tags and does not say that tags must be known");
    std::set<std::string_view> seen;
    for (const v1::SnapshotTags& given : body_.give_tags()) {
      const auto found = std::ranges::find_if(
          *state_.mutable_snapshots(),
          [&](const v1::SnapshotEntry& entry) { return entry.id() == given.snapshot(); });
      require(found != state_.mutable_snapshots()->end(),
              "it gives tags to a snapshot that is not there: " + hex(given.snapshot()));
      require(seen.insert(given.snapshot()).second,
              "it gives a snapshot tags twice: " + hex(given.snapshot()));
      require(is_tag_list(given.tags()), "it gives a snapshot tags that are none: " + hex(given.snapshot()));
      require(!std::ranges::equal(given.tags(), found->tags()),
              "it gives a snapshot the tags that it has: " + hex(given.snapshot()));
      *found->mutable_tags() = given.tags();
    }
  }

  void apply_roots() {
    auto require_own = [&](const std::string& run) {
      const v1::UnfinishedRoot* root = find_root(state_, as_bytes(run));
      require_remover(root != nullptr && root->writer() != body_.writer(), "changes a run of another writer");
    };
    require_distinct(body_.remove_roots(), kUuidSize, "a run's uuid");
    for (const std::string& run : body_.remove_roots()) {
      require_own(run);
      remove_entry(*state_.mutable_roots(), run);
    }
    std::set<std::string_view> seen(body_.remove_roots().begin(), body_.remove_roots().end());
    for (const v1::UnfinishedRoot& root : body_.set_roots()) {
      require_size(root.run(), kUuidSize, "a run's uuid");
      require_size(root.writer(), kUuidSize, "a run's writer");
      require_distinct(root.segments(), kNameSize, "a segment's name");
      require_distinct(root.snapshots(), kNameSize, "a snapshot's id");
      require(seen.insert(root.run()).second, "it sets a run twice, or sets and removes it");
      require_own(root.run());
      require_remover(root.writer() != body_.writer(), "sets a run of another writer");
      v1::UnfinishedRoot stamped = root;
      stamped.set_generation(body_.generation());
      set_entry(*state_.mutable_roots(), stamped);
    }
  }

  // What it says is for readers to know; a later version may say something else.
  void apply_index_source() {
    require(body_.index_from().size() <= kLongestIndexSource, "where its index is read from is too long");
    require_remover(body_.index_from() != state_.index_from(), "changes where the index is read from");
    state_.set_index_from(body_.index_from());
  }

  void apply_removals() {
    require_remover(!body_.condemn().empty(), "condemns names");
    require_remover(!body_.drop().empty(), "drops names");
    require_distinct(body_.condemn(), kNameSize, "a condemned name");
    require_distinct(body_.drop(), kNameSize, "a dropped name");
    // First what is dropped: it must have been condemned in an earlier record.
    for (const std::string& name : body_.drop()) {
      require(has_key(*state_.mutable_condemned(), name), "it drops what is not condemned: " + hex(name));
      remove_entry(*state_.mutable_condemned(), name);
      set_entry(*state_.mutable_dead(), name);
    }
    // A dead name is condemned again where an object was made anew under it (awaited_names.h), for a remover
    // that has forgotten the name takes that for an orphan; and when a name is forgotten is up to whoever
    // reads, so that nobody may refuse a record because it is not.
    for (const std::string& name : body_.condemn()) {
      require(!has_key(*state_.mutable_condemned(), name), "it condemns what is condemned: " + hex(name));
      require(!has_key(*state_.mutable_segments(), name), "it condemns a live segment: " + hex(name));
      if (has_key(*state_.mutable_dead(), name)) remove_entry(*state_.mutable_dead(), name);
      set_entry(*state_.mutable_condemned(), name);
    }
  }

  void require_not_removed(const std::string& name) const {
    require(!is_removed(state_, ObjectName::from_bytes(as_bytes(name))),
            "it names what was condemned or dropped: " + hex(name));
  }

  v1::RepositoryState state_;
  const OpenedRecord& opened_;
  const v1::RecordBody& body_;
  const bool first_;
  bool enrols_ = false;
  bool may_remove_ = false;
};

}  // namespace

v1::RepositoryState apply(v1::RepositoryState state, const OpenedRecord& record) {
  return Applier(std::move(state), record).run();
}

v1::Parameters default_parameters() {
  const chunking::ChunkSizes sizes;
  v1::Parameters parameters;
  parameters.set_chunk_minimum(sizes.minimum);
  parameters.set_chunk_average(sizes.average);
  parameters.set_chunk_maximum(sizes.maximum);
  parameters.set_frame_target(2u << 20);
  parameters.set_pack_target(32u << 20);
  return parameters;
}

void check_parameters(const v1::Parameters& parameters) {
  chunking::check({parameters.chunk_minimum(), parameters.chunk_average(), parameters.chunk_maximum()});
  if (parameters.frame_target() == 0 || parameters.frame_target() > kMaximumFrame) {
    throw Error(ErrorKind::kInvalidInput,
                "the frame target is 1 to " + human_bytes(kMaximumFrame) + " of raw bytes");
  }
  if (parameters.pack_target() == 0 || parameters.pack_target() > kMaximumPackTarget) {
    throw Error(ErrorKind::kInvalidInput, "the pack target is 1 B to " + human_bytes(kMaximumPackTarget));
  }
}

}  // namespace garner::store
