#include "store/repository.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "base/error.h"
#include "base/file.h"
#include "store/header_repair.h"
#include "store/key_store.h"
#include "store/repository_segments.h"
#include "store/state_cache.h"

namespace garner::store {

namespace {

constexpr const char* kIfMeant =
    ". Nothing is written to it. If this was meant, remove the destination and add it again.";

// The header against what was seen when the destination was added.
void check_header(const RepositoryContext& context, const RepositoryHeader& header) {
  const std::string where = repository_at(*context.destination);
  if (!context.expected_repository.is_nil() && header.repository != context.expected_repository) {
    throw Error(ErrorKind::kForked, where + " is not the one that was added: it was replaced" + kIfMeant);
  }
  const std::optional<Pin> pin = context.pins->load(header.repository);
  if (pin && (pin->encrypted != header.encrypted || pin->header_hash != header.hash)) {
    throw Error(ErrorKind::kForked, where + " has another header than when it was added" + kIfMeant);
  }
}

std::string folder_of(const RepositoryContext& context, const RepositoryHeader& header) {
  const std::string folder = context.cache_folder + "/" + header.repository.text();
  make_folders_durably(folder);
  return folder;
}

// Only where it saves something. One of no bytes removes what was kept.
std::optional<MetadataCache> make_metadata_cache(const RepositoryContext& context,
                                                 const std::string& folder) {
  if (!asking_costs(*context.destination)) return std::nullopt;
  return std::optional<MetadataCache>(std::in_place, folder + "/metadata", context.metadata_cache);
}

bool has_log_or_packs(destination::Destination& destination) {
  return !destination.list("log/").empty() || !destination.list("packs/").empty() ||
         !destination.list("index/").empty();
}

std::optional<RepositoryHeader> find_header(destination::Destination& destination) {
  try {
    return read_header(destination);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kNotARepository) throw;
    return std::nullopt;
  }
}

// A slot has an id of its own, so one that is there already is what an earlier attempt with the same slots
// wrote.
void add_slots(destination::Destination& destination, const std::vector<v1::KeySlot>& slots) {
  for (const v1::KeySlot& slot : slots) {
    try {
      add_slot(destination, slot);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::kAlreadyExists) throw;
    }
  }
}

}  // namespace

// ---- Making and opening ----

Repository::Repository(RepositoryContext context, RepositoryHeader header)
    : context_(std::move(context)),
      header_(header),
      folder_(folder_of(context_, header_)),
      keyring_(&context_.keyring),
      hasher_(context_.keyring),
      index_(folder_ + "/index", context_.filters),
      metadata_(make_metadata_cache(context_, folder_)),
      reader_(*context_.destination, hasher_, index_, context_.frames, metadata_ ? &*metadata_ : nullptr),
      pin_{header_.repository, header_.encrypted, header_.hash, {}, 0, {}},
      shelf_(context_.shelf, header_.repository, folder_ + "/shelf", *context_.clock),
      state_(std::make_shared<v1::RepositoryState>()) {}

Repository::~Repository() = default;

std::unique_ptr<Repository> Repository::create(RepositoryContext context,
                                               const std::vector<v1::KeySlot>& slots,
                                               const v1::Parameters& parameters) {
  crypto::initialize_crypto();
  check_parameters(parameters);
  destination::Destination& destination = *context.destination;
  const bool unfinished = find_header(destination).has_value();
  if (has_log_or_packs(destination)) {
    if (unfinished) throw Error(ErrorKind::kAlreadyExists, repository_at(destination) + " is there already");
    throw Error(ErrorKind::kNotARepository,
                destination.describe() + " holds objects of a repository, but its header is missing");
  }
  if (unfinished) {
    const RepositoryHeader header = verify_header(destination, context.keyring);
    check_header(context, header);
    const std::optional<Pin> pin = context.pins->load(header.repository);
    if (pin && pin->generation != 0) {
      throw Error(ErrorKind::kAlreadyExists,
                  repository_at(destination) + " was there, but its log and packs are missing");
    }
  }
  // Slots before the header: whoever finds a header finds how to open it.
  add_slots(destination, slots);
  if (!unfinished) create_header(destination, Uuid::random(), context.keyring, context.clock->now());
  std::unique_ptr<Repository> repository = open_header(std::move(context));
  repository->create_first_record(parameters);
  return repository;
}

void Repository::create_first_record(const v1::Parameters& parameters) {
  std::lock_guard lock(log_mutex_);
  Record record = begin_record(*state());
  const Uuid log_uuid = Uuid::random();
  record.parameters = parameters;
  record.body.set_generation(first_generation(0));
  record.body.set_log_uuid(log_uuid.value.data(), log_uuid.value.size());
  CommitOutcome outcome;
  whole_log_read_ = true;
  if (!commit_record(*state(), record, {}, outcome)) {
    throw Error(ErrorKind::kAlreadyExists,
                repository_at(*context_.destination) + " was made by somebody else at the same time");
  }
}

std::unique_ptr<Repository> Repository::open_header(RepositoryContext context) {
  crypto::initialize_crypto();
  const Bytes object = get_header(*context.destination);
  // Against what is expected first: a repository that was replaced most likely has another keyring as well.
  check_header(context, read_header(*context.destination, object));
  const RepositoryHeader header = verify_header(*context.destination, object, context.keyring);
  std::unique_ptr<Repository> repository(new Repository(std::move(context), header));
  keep_header_copy(object, repository->folder_);
  return repository;
}

std::unique_ptr<Repository> Repository::open_without_log(RepositoryContext context) {
  std::unique_ptr<Repository> repository = open_header(std::move(context));
  if (const std::optional<Pin> pin = repository->context_.pins->load(repository->header_.repository)) {
    repository->pin_ = *pin;
  }
  return repository;
}

std::unique_ptr<Repository> Repository::open(RepositoryContext context) {
  std::unique_ptr<Repository> repository = open_without_log(std::move(context));
  std::unique_lock lock(repository->log_mutex_);
  const std::string cache = repository->folder_ + "/state";
  std::optional<CachedState> cached = read_state_cache(cache, repository->header_.repository);
  const bool cached_whole = cached && cached->from_first_record;
  const Look now = repository->look_now();
  GrowthCounter growth(repository->context_.writer->uuid());
  LoadedState loaded = load_state(repository->log(), repository->pin_, *repository->context_.writer,
                                  cached ? std::optional(std::move(cached->log)) : std::nullopt,
                                  [&](const OpenedRecord& opened) { growth.add(opened.record.body); });
  repository->whole_log_read_ =
      loaded.origin == StateOrigin::kFirstRecord || (loaded.origin == StateOrigin::kCache && cached_whole);
  // Its writer may not have come to that, and what is pinned, and what runs take for committed, must be there
  // after a crash.
  if (repository->pin_of(loaded.log.state) != repository->pin_)
    repository->destination().make_durable(record_key(loaded.log.state.generation()));
  repository->adopt(std::move(loaded.log.state), std::move(loaded.log.end), {});
  repository->looked_ = now;
  repository->note_growth(growth);
  lock.unlock();
  repository->shelf_.send();
  return repository;
}

// ---- The newest state ----

std::shared_ptr<const v1::RepositoryState> Repository::state() const {
  std::lock_guard lock(state_mutex_);
  return state_;
}

const chunking::Chunker& Repository::chunker() const {
  std::lock_guard lock(state_mutex_);
  if (!chunker_)
    throw Error(ErrorKind::kConflict, repository_at(*context_.destination) + " was opened without its log");
  return *chunker_;
}

Repository::Look Repository::look_now() const { return {context_.clock->steady(), context_.clock->now()}; }

bool Repository::looked_within(std::chrono::seconds time) const {
  if (!looked_) return false;
  const Look now = look_now();
  const std::int64_t wall = now.wall.seconds - looked_->wall.seconds;
  return now.steady - looked_->steady <= time && wall >= 0 && wall <= time.count();
}

void Repository::refresh(std::chrono::seconds good_for) {
  {
    std::lock_guard lock(log_mutex_);
    refresh_unless(good_for);
  }
  shelf_.send();
}

void Repository::refresh_unless(std::chrono::seconds good_for) {
  if (good_for.count() > 0 && looked_within(good_for) && asking_costs(*context_.destination)) return;
  refresh_from(0, {});
}

void Repository::refresh_from(std::uint64_t known, const RecordSeen& seen) {
  const std::shared_ptr<const v1::RepositoryState> before = state();
  if (before->generation() == 0) {
    throw Error(ErrorKind::kConflict, repository_at(*context_.destination) + " was opened without its log");
  }
  // Should this fail, nothing is known of the log's end but what was.
  looked_.reset();
  const Look now = look_now();
  LogEnd end = end_;
  GrowthCounter growth(context_.writer->uuid());
  std::optional<v1::RepositoryState> newest =
      catch_up(log(), *before, end, known, [&](const OpenedRecord& opened) {
        growth.add(opened.record.body);
        awaited_.note(opened.record.body);
        if (seen) seen(opened);
      });
  if (newest) {
    destination().make_durable(record_key(newest->generation()));  // as in open()
    adopt(*std::move(newest), std::move(end), {});
  } else {
    end_ = std::move(end);
    save_pin();
  }
  looked_ = now;
  note_growth(growth);
}

// The index comes first: should it fail, the state stays what it was, and the next refresh reads the record
// again.
void Repository::adopt(v1::RepositoryState state, LogEnd end, const Segments& own) {
  turn_to_index_of(state);
  index_.update(state, [&](const v1::SegmentReference& segment) {
    const Bytes* payload = own.payload_of(segment.name());
    return payload != nullptr ? *payload : fetch_segment(segment);
  });
  forget_dead(state, [&](const ObjectName& name) { return index_.is_named(name); });
  awaited_.remove_if([&](const ObjectName& name) { return index_.is_live(name); });
  // Packs go by a removal alone; before the first state anything may have happened.
  if (metadata_ && (this->state()->generation() == 0 || !state.condemned().empty()))
    metadata_->drop_unless([&](const ObjectName& name) { return index_.is_live(name); });

  const v1::Parameters& parameters = state.parameters();
  const chunking::ChunkSizes sizes{parameters.chunk_minimum(), parameters.chunk_average(),
                                   parameters.chunk_maximum()};
  auto newest = std::make_shared<const v1::RepositoryState>(std::move(state));
  {
    std::lock_guard lock(state_mutex_);
    state_ = newest;
    if (!chunker_) chunker_ = std::make_unique<const chunking::Chunker>(keyring(), sizes);
  }
  end_ = std::move(end);
  save_pin();
  try {
    write_state_cache(folder_ + "/state", header_.repository, *newest, end_, whole_log_read_);
  } catch (const Error&) {
    // A cache: without it the next opening reads more.
  }
  forget_waiting_segments();
}

void Repository::verify_index(const std::function<void()>& step) {
  if (!index_.drop_damaged(step)) return;
  std::lock_guard lock(log_mutex_);
  spdlog::warn("this machine's copy of the index of {} was damaged, and is fetched anew",
               context_.destination->describe());
  adopt(*state(), end_, {});
}

Pin Repository::pin_of(const v1::RepositoryState& state) const {
  Pin pin = pin_;
  pin.log_uuid = Uuid::from_bytes(as_bytes(state.log_uuid()));
  pin.generation = state.generation();
  const ByteView hash = as_bytes(state.record_hash());
  if (hash.size() != pin.record_hash.size())
    throw Error(ErrorKind::kDamaged, "a state without its record's hash");
  std::ranges::copy(hash, pin.record_hash.begin());
  return pin;
}

Pin Repository::seen() const {
  const std::lock_guard lock(log_mutex_);
  return pin_;
}

void Repository::save_pin() {
  const Pin pin = pin_of(*state());
  if (pin == pin_) return;
  context_.pins->save(pin);
  pin_ = pin;
}

// ---- Keys ----

PackContext Repository::pack_context() const {
  PackContext context;
  context.keyring = &keyring();
  context.writer = context_.writer->uuid();
  {
    std::lock_guard lock(recovery_slot_mutex_);
    if (!recovery_slot_) {
      recovery_slot_ = header_.encrypted ? recovery_slot(*context_.destination, keyring()) : Bytes();
    }
    context.recovery_slot = *recovery_slot_;
  }
  const std::shared_ptr<const v1::RepositoryState> newest = state();
  context.parameters = newest->parameters();
  if (newest->generation() != 0) context.log_uuid = Uuid::from_bytes(as_bytes(newest->log_uuid()));
  context.generation = newest->generation();
  return context;
}

void Repository::set_keyring(crypto::Keyring keyring) {
  std::lock_guard lock(log_mutex_);
  later_keyrings_.push_back(std::make_unique<const crypto::Keyring>(std::move(keyring)));
  keyring_ = later_keyrings_.back().get();
  reader_.forget_packs();
  std::lock_guard slot_lock(recovery_slot_mutex_);
  recovery_slot_.reset();
}

// ---- Snapshots and blobs ----

std::optional<v1::SnapshotEntry> Repository::snapshot_of_run(const Uuid& run) const {
  const std::shared_ptr<const v1::RepositoryState> newest = state();
  const v1::SnapshotEntry* entry = find_snapshot_of_run(*newest, run.view());
  return entry == nullptr ? std::nullopt : std::optional(*entry);
}

std::vector<v1::Snapshot> Repository::snapshots_without_pack() const {
  std::vector<v1::Snapshot> snapshots;
  const std::shared_ptr<const v1::RepositoryState> newest = state();
  for (const v1::SnapshotEntry& entry : newest->snapshots()) {
    if (!index_.find(crypto::BlobId::from_bytes(as_bytes(entry.id())))) snapshots.push_back(entry.snapshot());
  }
  return snapshots;
}

// Blobs past what is kept of them here.
template <typename Read>
auto Repository::read_or_refresh(const Read& read) {
  try {
    return read();
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kDamaged && error.kind() != ErrorKind::kNotFound) throw;
    const std::uint64_t before = state()->generation();
    try {
      refresh();
    } catch (const Error&) {
      throw error;
    }
    if (state()->generation() == before) throw;
  }
  return read();
}

class Repository::StoredBlobs final : public BlobSource {
 public:
  explicit StoredBlobs(Repository& repository)
      : repository_(repository), view_(repository.reader_.new_view()) {}
  Bytes read(crypto::BlobKind kind, const crypto::BlobId& id) override {
    return repository_.read_or_refresh(
        [&] { return repository_.reader_.read_stored(repository_.keyring(), kind, id, view_); });
  }

 private:
  Repository& repository_;
  const std::uint64_t view_;
};

std::unique_ptr<BlobSource> Repository::stored() { return std::make_unique<StoredBlobs>(*this); }

class Repository::KeptBlobs final : public BlobSource {
 public:
  explicit KeptBlobs(Repository& repository) : repository_(repository) {}
  Bytes read(crypto::BlobKind kind, const crypto::BlobId& id) override {
    return repository_.reader_.read_kept(repository_.keyring(), kind, id);
  }

 private:
  Repository& repository_;
};

std::unique_ptr<BlobSource> Repository::kept() {
  return metadata_ ? std::make_unique<KeptBlobs>(*this) : nullptr;
}

Bytes Repository::read(crypto::BlobKind kind, const crypto::BlobId& id) {
  return read_or_refresh([&] { return reader_.read(keyring(), kind, id); });
}

BlobView Repository::view(crypto::BlobKind kind, const crypto::BlobId& id) {
  return read_or_refresh([&] { return reader_.view(keyring(), kind, id); });
}

// Metadata is kept under a second name before the file goes. A crash in between leaves a pack here that
// nobody lists, which goes when the repository is opened. Should the same file be closed again by the run
// that goes on, it is as another pack, under another name, and this one is still nobody's.
void Repository::publish(const FinishedPack& pack, const std::string& path) {
  awaited_.add(pack.name);
  const bool kept = metadata_ && pack.kind == PackKind::kMetadata && metadata_->keep(pack.name, path);
  try {
    context_.destination->put_file(pack_key(pack.name), path);
  } catch (...) {
    if (kept) metadata_->drop(pack.name);
    throw;
  }
}

// Those that are read while it is under way are noted by whoever reads them. Of an earlier log nothing
// counts: the one that replaced it lists what was there.
void Repository::await(const std::vector<ObjectName>& published, std::uint64_t since) {
  if (published.empty()) return;
  const std::lock_guard lock(log_mutex_);
  for (const ObjectName& name : published) awaited_.add(name);
  if (since == 0) return;
  const std::uint64_t newest = state()->generation();
  for (std::uint64_t next = std::max(since + 1, first_generation(log_number(newest))); next <= newest; ++next)
    awaited_.note(read_record(log(), next).record.body);
}

Bytes Repository::read_condemned(crypto::BlobKind kind, const crypto::BlobId& id) {
  return reader_.read_condemned(keyring(), kind, id);
}

ByteView Repository::read_frame(const BlobLocation& location, Scratch& memory, FrameRun* run) {
  return reader_.read_frame(keyring(), location, memory, run);
}

void Repository::set_uncommitted(const std::vector<FinishedPack>& packs) { reader_.set_uncommitted(packs); }

}  // namespace garner::store
