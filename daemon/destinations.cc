#include "destinations.h"

#include <spdlog/spdlog.h>
#include <algorithm>
#include <utility>

#include "all_snapshots.h"
#include "base/byte_count.h"
#include "base/error.h"
#include "destination_settings.h"
#include "store/header_repair.h"
#include "store/repository_header.h"
#include "timestamp.h"

namespace garner::daemon {

namespace {

// Why a destination is not ready.
v1::DestinationState state_for(ErrorKind kind, bool header_is_there) {
  switch (kind) {
    case ErrorKind::kDamaged:
      return header_is_there ? v1::DESTINATION_STATE_NEEDS_REPAIR : v1::DESTINATION_STATE_REFUSED;
    case ErrorKind::kForked:
    case ErrorKind::kNewerFormat:
    case ErrorKind::kWrongKey:
    case ErrorKind::kNotARepository:
    case ErrorKind::kPermissionDenied:
      return v1::DESTINATION_STATE_REFUSED;
    default:
      return v1::DESTINATION_STATE_AWAY;
  }
}

// Left behind, of all folders: one that hangs keeps as many as it was asked for at a time.
constexpr std::size_t kMostFolderCalls = 512;

bool is_local_folder(const catalog::DestinationFacts& facts) {
  return destination::place_kind(facts.url) == destination::PlaceKind::kFolder;
}

bool is_empty(destination::Destination& place) {
  try {
    return place.is_empty();
  } catch (const Error&) {
    return false;
  }
}

Error is_away(const catalog::DestinationFacts& facts, const destination::Destination& place) {
  const bool bucket = destination::place_kind(facts.url) == destination::PlaceKind::kS3;
  return Error(ErrorKind::kDestinationAway,
               "the repository is away: " + place.describe() + " is empty (" +
                   (bucket ? "has somebody emptied the bucket?" : "is its disk mounted?") + ")");
}

}  // namespace

Destinations::Destinations(Context context)
    : context_(std::move(context)),
      folder_calls_(std::make_shared<BoundedCalls>(context_.answer_limit, kMostFolderCalls)),
      filters_(std::make_shared<store::FilterBudget>()),
      frames_(std::make_shared<store::FrameCache>()),
      known_snapshots_(std::make_shared<KnownSnapshots>()) {}

std::shared_ptr<Destinations::Entry> Destinations::entry(const std::string& name) {
  const std::lock_guard lock(mutex_);
  std::shared_ptr<Entry>& entry = entries_[name];
  if (!entry) entry = std::make_shared<Entry>();
  return entry;
}

std::shared_ptr<destination::Limits> Destinations::limits(const std::string& name) {
  // Read before the lock is taken: whoever edits changes the catalog first.
  const catalog::DestinationSettings settings = context_.catalog.destination_settings().find(name);
  const std::lock_guard lock(mutex_);
  std::shared_ptr<destination::Limits>& limits = limits_[name];
  if (!limits) {
    limits = std::make_shared<destination::Limits>(context_.clock);
    apply_limits(settings, *limits);
  }
  return limits;
}

std::shared_ptr<destination::RequestCounts> Destinations::counts(const std::string& name) {
  const std::lock_guard lock(mutex_);
  std::shared_ptr<destination::RequestCounts>& counts = counts_[name];
  if (!counts) counts = std::make_shared<destination::RequestCounts>();
  return counts;
}

destination::PlaceContext Destinations::place_context(const std::string& name) {
  return {limits(name), counts(name), to_hex(context_.writer.uuid().view()), folder_calls_};
}

std::shared_ptr<destination::Destination> Destinations::place(const catalog::DestinationFacts& facts) {
  const destination::PlaceContext context = place_context(facts.name);
  if (destination::place_kind(facts.url) == destination::PlaceKind::kFolder)
    return destination::open_place(facts.url, facts.options, context);
  {
    const std::lock_guard lock(mutex_);
    const auto known = servers_.find(facts.name);
    if (known != servers_.end()) return known->second;
  }
  auto opened = std::make_shared<destination::ReplaceableDestination>(
      destination::open_place(facts.url, facts.options, context));
  std::shared_ptr<destination::Destination> server;
  {
    const std::lock_guard lock(mutex_);
    server = servers_.try_emplace(facts.name, std::move(opened)).first->second;
  }
  // Whoever has edited it meanwhile found nothing to replace.
  if (this->facts(facts.name).options != facts.options) reload(facts.name);
  return server;
}

std::shared_ptr<destination::Destination> Destinations::place_of(const Uuid& repository) {
  for (const catalog::DestinationFacts& known : context_.catalog.configuration().destinations()) {
    if (known.repository == repository) return place(known);
  }
  return nullptr;
}

bool Destinations::has_header(const catalog::DestinationFacts& facts) {
  try {
    store::read_header(*place(facts));
    return true;
  } catch (const Error&) {
    return false;
  }
}

std::map<std::string, destination::RequestSums> Destinations::requests(
    const std::function<destination::RequestSums(destination::RequestCounts&)>& sums) const {
  std::map<std::string, std::shared_ptr<destination::RequestCounts>> all;
  {
    const std::lock_guard lock(mutex_);
    all = counts_;
  }
  std::map<std::string, destination::RequestSums> found;
  for (const auto& [name, counts] : all) {
    const destination::RequestSums one = sums(*counts);
    if (one != destination::RequestSums{}) found[name] = one;
  }
  return found;
}

std::map<std::string, destination::RequestSums> Destinations::requests_of(std::int64_t run) const {
  return requests([run](destination::RequestCounts& counts) { return counts.of_run(run); });
}

std::map<std::string, destination::RequestSums> Destinations::take_requests(std::int64_t run) {
  return requests([run](destination::RequestCounts& counts) { return counts.take(run); });
}

void Destinations::edit(const std::string& name, const v1::DestinationSettingsChange& change) {
  const std::string known = facts(name).name;
  const std::lock_guard lock(editing_);
  catalog::DestinationSettingsTable& table = context_.catalog.destination_settings();
  const catalog::DestinationSettings settings = edited(table.find(known), change);
  table.save(known, settings);
  apply_limits(settings, *limits(known));
}

void Destinations::reload(const std::string& name) {
  const std::lock_guard lock(editing_);
  apply_limits(context_.catalog.destination_settings().find(name), *limits(name));
  context_.catalog.configuration().keep_facts(name);
  std::shared_ptr<destination::ReplaceableDestination> server;
  {
    const std::lock_guard locked(mutex_);
    const auto found = servers_.find(name);
    if (found != servers_.end()) server = found->second;
  }
  if (!server) return;
  const catalog::DestinationFacts known = facts(name);
  try {
    server->replace(destination::open_place(known.url, known.options, place_context(name)));
  } catch (const Error& error) {
    // What could be checked before was; the options are as they stand when the daemon starts again.
    spdlog::error("destination {} is reached as before: {}", name, error.what());
  }
}

void Destinations::claim(const std::string& name) {
  const catalog::DestinationFacts known = facts(name);
  const destination::PlaceOptions options =
      destination::changed(known.url, known.options, {{"single-writer", "yes"}});
  destination::claim_place(known.url, options, place_context(name));
  context_.catalog.configuration().change([&](catalog::Database& database) {
    context_.catalog.configuration().set_options(database, name, options);
  });
  reload(name);
}

void Destinations::accept_log(const std::string& name, std::uint64_t generation) {
  const catalog::DestinationFacts known = facts(name);
  const std::shared_ptr<Entry> wanted = entry(name);
  const std::lock_guard lock(wanted->opening);
  try {
    // Somebody may be reading from it, whom no run names.
    if (wanted->repository && !wanted->repository->is_refused()) {
      throw Error(ErrorKind::kConflict,
                  "its log continues what this machine has seen: there is nothing to accept");
    }
    // One object at a time uses its local copy.
    wanted->repository.reset();
    wanted->repository = store::Repository::accept_log(
        repository_context(place(known), keyring_of(known), known.repository), generation);
    note(*wanted, known, *wanted->repository);
    spdlog::warn("destination {}: its log was accepted as it is, up to record {}", name, generation);
  } catch (const Error& error) {
    throw error.in("destination '" + name + "'");
  }
}

store::IndexSource Destinations::index_source(const std::string& name, const std::string& from) const {
  using Kind = store::IndexSource::Kind;
  if (from == "local") return {Kind::kLocal, {}};
  if (from == "self") return {Kind::kSelf, {}};
  const catalog::DestinationFacts other = facts(from);
  if (other.name == facts(name).name)
    throw Error(ErrorKind::kInvalidInput, "the index of '" + name + "' is read from itself by: self");
  return {Kind::kShelf, other.repository};
}

void Destinations::read_index_from(const std::string& name, const std::string& from) {
  const store::IndexSource source = index_source(name, from);
  // It says what is wrong with it.
  if (source.kind == store::IndexSource::Kind::kShelf) open(from);
  const std::shared_ptr<store::Repository> repository = open(name);
  store::CommitPlan plan;
  plan.index_from = source;
  repository->commit(plan);
  if (!repository->tidy_shelf())
    throw Error(ErrorKind::kDestinationAway, "destination '" + from +
                                                 "' went away before it had all of the index of '" + name +
                                                 "': it gets what it lacks when it is there again");
  note_known(name);
}

std::string Destinations::held_by(const std::vector<std::string>& names) {
  std::vector<std::pair<std::string, std::shared_ptr<destination::Limits>>> all;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [name, limits] : limits_) {
      if (names.empty() || std::find(names.begin(), names.end(), name) != names.end())
        all.emplace_back(name, limits);
    }
  }
  for (const auto& [name, limits] : all) {
    for (const bool upload : {true, false}) {
      RateLimiter& limiter = upload ? limits->upload : limits->download;
      if (!limiter.is_holding()) continue;
      const std::optional<std::uint64_t> rate = limiter.rate();
      if (!rate) continue;
      return "the " + std::string(upload ? "upload" : "download") + " limit of " + name + ", " +
             exact_byte_count(*rate) + " a second";
    }
  }
  return {};
}

catalog::DestinationFacts Destinations::facts(const std::string& name) const {
  std::optional<catalog::DestinationFacts> found = context_.catalog.configuration().destination(name);
  if (found.has_value()) return *std::move(found);
  std::string known;
  for (const auto& other : context_.catalog.configuration().destinations()) {
    known += (known.empty() ? "" : ", ") + other.name;
  }
  throw Error(ErrorKind::kNotFound,
              "there is no destination '" + printable(name) + "'" +
                  (known.empty() ? "; `garner destination add` adds one" : "; there are: " + known));
}

crypto::Keyring Destinations::keyring_of(const catalog::DestinationFacts& facts) const {
  if (!facts.encrypted) return crypto::Keyring::unencrypted();
  std::optional<crypto::Keyring> keyring = context_.keys.keyring(facts.keyring);
  if (keyring.has_value()) return *std::move(keyring);
  throw Error(
      ErrorKind::kWrongKey,
      "the key of destination '" + facts.name +
          "' is not on this machine any more: remove the destination and add it again with its password, key "
          "file or recovery key");
}

store::RepositoryContext Destinations::repository_context(std::shared_ptr<destination::Destination> place,
                                                          crypto::Keyring keyring, const Uuid& expected) {
  return {.destination = std::move(place),
          .keyring = std::move(keyring),
          .writer = &context_.writer,
          .pins = &context_.keys,
          .clock = &context_.clock,
          .cache_folder = context_.state_folder + "/cache",
          .host = context_.host,
          .metadata_cache = context_.metadata_cache,
          .expected_repository = expected,
          .shelf = [this](const Uuid& repository) { return place_of(repository); },
          .filters = filters_,
          .frames = frames_};
}

std::shared_ptr<store::Repository> Destinations::open_entry(Entry& entry,
                                                            const catalog::DestinationFacts& facts,
                                                            std::chrono::seconds good_for) {
  if (entry.repository) {
    entry.repository->refresh(good_for);
    return entry.repository;
  }
  const std::shared_ptr<destination::Destination> where = place(facts);
  try {
    entry.repository =
        store::Repository::open(repository_context(where, keyring_of(facts), facts.repository));
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::kNotARepository && is_empty(*where)) throw is_away(facts, *where);
    throw;
  }
  return entry.repository;
}

std::shared_ptr<store::Repository> Destinations::open(const std::string& name,
                                                      std::chrono::seconds good_for) {
  const catalog::DestinationFacts known = facts(name);
  const std::shared_ptr<Entry> wanted = entry(name);
  const std::lock_guard lock(wanted->opening);
  try {
    const bool in_doubt = view(name).looked == std::chrono::steady_clock::time_point{};
    std::shared_ptr<store::Repository> repository =
        open_entry(*wanted, known, in_doubt ? std::chrono::seconds(0) : good_for);
    note(*wanted, known, *repository);
    return repository;
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::kCancelled) throw;  // it says nothing of the destination
    // One that is away may come back as it was. Any other error is looked into anew.
    if (error.kind() != ErrorKind::kDestinationAway) wanted->repository.reset();
    note_trouble(*wanted, known, error);
    throw error.in("destination '" + name + "'");
  }
}

void Destinations::check_place(const catalog::DestinationFacts& facts,
                               destination::Destination& place) const {
  try {
    if (store::read_header(place).repository == facts.repository) return;
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::kNotARepository && is_empty(place)) throw is_away(facts, place);
    throw;
  }
  throw Error(ErrorKind::kForked, place.describe() + " holds another repository than the one that was added");
}

std::shared_ptr<store::Repository> Destinations::known(const std::string& name) {
  const std::shared_ptr<Entry> wanted = entry(facts(name).name);
  const std::unique_lock lock(wanted->opening, std::try_to_lock);
  if (!lock || !wanted->repository)
    throw Error(ErrorKind::kDestinationAway, "destination '" + name + "' is not open");
  return wanted->repository;
}

bool Destinations::heal_header(const std::string& name) {
  const catalog::DestinationFacts known = facts(name);
  const std::shared_ptr<Entry> wanted = entry(name);
  const std::lock_guard lock(wanted->opening);
  const std::shared_ptr<destination::Destination> where = place(known);
  if (is_empty(*where)) throw is_away(known, *where);
  return store::heal_header(repository_context(where, keyring_of(known), known.repository));
}

std::vector<std::shared_ptr<store::Repository>> Destinations::open_siblings(const std::string& name) {
  const catalog::DestinationFacts known = facts(name);
  std::vector<std::shared_ptr<store::Repository>> all;
  for (const catalog::DestinationFacts& other : nearest_first()) {
    if (other.name == name || other.encrypted != known.encrypted || other.keyring != known.keyring) continue;
    try {
      all.push_back(open(other.name));
    } catch (const Error& error) {
      spdlog::info("destination {} cannot supply anything: {}", other.name, error.what());
    }
  }
  return all;
}

std::shared_ptr<store::Repository> Destinations::open_for_repair(const std::string& name) {
  const catalog::DestinationFacts known = facts(name);
  const std::shared_ptr<Entry> wanted = entry(name);
  const std::lock_guard lock(wanted->opening);
  wanted->repository.reset();
  return store::Repository::open_without_log(
      repository_context(place(known), keyring_of(known), known.repository));
}

void Destinations::close(const std::string& name) {
  const std::lock_guard lock(mutex_);
  limits_.erase(name);
  counts_.erase(name);
  servers_.erase(name);
  // The entry itself goes: whoever waits for it to open does so for nobody.
  entries_.erase(name);
}

void Destinations::set_keyring(const crypto::Keyring& keyring) {
  std::vector<std::shared_ptr<Entry>> all;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [name, entry] : entries_) all.push_back(entry);
  }
  for (const auto& entry : all) {
    const std::lock_guard lock(entry->opening);
    if (entry->repository && entry->repository->keyring().id() == keyring.id()) {
      entry->repository->set_keyring(keyring.copy());
    }
  }
}

void Destinations::note(Entry& entry, const catalog::DestinationFacts& facts, store::Repository& repository) {
  const auto state = repository.state();
  DestinationView view;
  v1::Destination& message = view.message;
  message.set_name(facts.name);
  message.set_url(facts.url);
  message.set_state(v1::DESTINATION_STATE_READY);
  message.set_encrypted(facts.encrypted);
  message.set_repository_id(facts.repository.text());
  message.set_generation(state->generation());
  message.set_index_from(state->index_from());
  if (const std::optional<store::Growth> growth = repository.growth()) {
    v1::Growth& grown = *message.mutable_growth();
    grown.set_records(growth->records);
    grown.set_segments(growth->segments);
    grown.set_snapshots(growth->snapshots);
    for (const std::string& host : growth->hosts) grown.add_hosts(printable(host));
    *grown.mutable_time() = to_timestamp(growth->time);
  }
  message.set_snapshots(static_cast<std::uint64_t>(state->snapshots_size()));
  message.set_blobs(repository.index().entries());
  if (facts.encrypted) {
    message.set_keyring_id(facts.keyring.text());
    message.set_key_epoch(repository.keyring().current_epoch());
  }
  if (const auto space = repository.destination().space()) {
    message.set_free_bytes(space->free);
    message.set_total_bytes(space->total);
  }
  view.looked = context_.clock.steady();
  view.may_not_remove = !repository.may_remove();
  const std::lock_guard lock(entry.view_mutex);
  if (entry.counted.lock() == state) {
    view.snapshots_of_set = std::move(entry.view.snapshots_of_set);
  } else {
    for (const auto& one : state->snapshots()) ++view.snapshots_of_set[one.snapshot().set().uuid()];
    entry.counted = state;
  }
  entry.view = std::move(view);
}

void Destinations::note_trouble(Entry& entry, const catalog::DestinationFacts& facts, const Error& error) {
  const bool needs_look = error.kind() == ErrorKind::kDamaged;
  const v1::DestinationState state = state_for(error.kind(), needs_look && has_header(facts));
  const std::lock_guard lock(entry.view_mutex);
  // What was seen before stays: a disk that is away still has its snapshots.
  v1::Destination& message = entry.view.message;
  if (message.state() != state) spdlog::warn("destination {}: {}", facts.name, error.what());
  message.set_name(facts.name);
  message.set_url(facts.url);
  message.set_state(state);
  message.set_detail(error.what());
  message.set_encrypted(facts.encrypted);
  message.set_repository_id(facts.repository.text());
  if (facts.encrypted) message.set_keyring_id(facts.keyring.text());
  entry.view.looked = context_.clock.steady();
}

DestinationView Destinations::look(const std::string& name) {
  try {
    open(name);
  } catch (const Error& error) {
    spdlog::debug("{}", error.what());
  }
  return view(name);
}

void Destinations::note_known(const std::string& name) {
  try {
    const catalog::DestinationFacts known = facts(name);
    const std::shared_ptr<Entry> wanted = entry(name);
    // Who is opening it notes it, too.
    const std::unique_lock lock(wanted->opening, std::try_to_lock);
    if (lock && wanted->repository) note(*wanted, known, *wanted->repository);
  } catch (const Error& error) {
    spdlog::debug("{}", error.what());
  }
}

void Destinations::note_doubt(const std::string& name) {
  const std::shared_ptr<Entry> doubtful = entry(name);
  const std::lock_guard lock(doubtful->view_mutex);
  doubtful->view.looked = {};
}

DestinationView Destinations::glance(const std::string& name) {
  const DestinationView last = view(name);
  const bool is_fresh = context_.clock.steady() - last.looked < kGoodOfServer;
  const bool was_ready = last.message.state() == v1::DESTINATION_STATE_READY;
  if (was_ready && is_fresh && !last.message.url().starts_with('/')) return last;
  return look(name);
}

DestinationView Destinations::view(const std::string& name) const {
  std::shared_ptr<Entry> wanted;
  {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(name);
    if (found == entries_.end()) return {};
    wanted = found->second;
  }
  const std::lock_guard lock(wanted->view_mutex);
  return wanted->view;
}

v1::Destination Destinations::describe(const catalog::DestinationFacts& facts, const DestinationView& view) {
  v1::Destination message = view.message;
  message.set_name(facts.name);
  message.set_url(facts.url);
  message.set_encrypted(facts.encrypted);
  message.set_repository_id(facts.repository.text());
  if (facts.encrypted) message.set_keyring_id(facts.keyring.text());
  if (message.state() == v1::DESTINATION_STATE_READY) message.clear_detail();
  for (const std::string& set : context_.catalog.configuration().sets_using(facts.name))
    message.add_sets(set);
  for (const auto& other : context_.catalog.configuration().destinations()) {
    if (other.repository.text() == message.index_from()) message.set_index_from_name(other.name);
  }
  *message.mutable_settings() = to_message(context_.catalog.destination_settings().find(facts.name));
  const std::shared_ptr<destination::Limits> in_force = limits(facts.name);
  message.set_upload_rate(in_force->upload.rate().value_or(0));
  message.set_download_rate(in_force->download.rate().value_or(0));
  message.mutable_options()->clear();
  for (const auto& [name, value] : facts.options) (*message.mutable_options())[name] = value;
  if (!facts.url.starts_with('/')) *message.mutable_requests() = to_message(counts(facts.name)->total());
  return message;
}

std::vector<catalog::DestinationFacts> Destinations::nearest_first() const {
  std::vector<catalog::DestinationFacts> all = context_.catalog.configuration().destinations();
  std::stable_partition(all.begin(), all.end(), is_local_folder);
  return all;
}

std::vector<std::string> Destinations::local_folders() const {
  std::vector<std::string> folders;
  for (const std::string& url : local_urls()) {
    folders.push_back(url);
    std::string resolved = line_.resolved(url);
    if (url != resolved) folders.push_back(std::move(resolved));
  }
  return folders;
}

std::vector<std::string> Destinations::local_urls() const {
  std::vector<std::string> urls;
  for (const auto& known : context_.catalog.configuration().destinations()) {
    if (is_local_folder(known)) urls.push_back(known.url);
  }
  return urls;
}

}  // namespace garner::daemon
