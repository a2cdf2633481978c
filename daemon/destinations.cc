#include "destinations.h"

#include <spdlog/spdlog.h>
#include <algorithm>
#include <cstdlib>
#include <utility>

#include "base/byte_count.h"
#include "base/error.h"
#include "destination_settings.h"
#include "store/header_repair.h"

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

bool has_header(const catalog::DestinationFacts& facts) {
  try {
    store::read_header(*destination::open_local(facts.url));
    return true;
  } catch (const Error&) {
    return false;
  }
}

bool is_empty(destination::Destination& place) {
  try {
    return place.list("").empty();
  } catch (const Error&) {
    return false;
  }
}

}  // namespace

Destinations::Destinations(Context context) : context_(std::move(context)) {}

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

std::shared_ptr<destination::Destination> Destinations::throttled(
    const catalog::DestinationFacts& facts, std::shared_ptr<destination::Destination> place) {
  return std::make_shared<destination::ThrottledDestination>(std::move(place), limits(facts.name));
}

void Destinations::edit(const std::string& name, const v1::DestinationSettingsChange& change) {
  const std::string known = facts(name).name;
  const std::lock_guard lock(editing_);
  catalog::DestinationSettingsTable& table = context_.catalog.destination_settings();
  const catalog::DestinationSettings settings = edited(table.find(known), change);
  table.save(known, settings);
  apply_limits(settings, *limits(known));
}

void Destinations::reload_limits(const std::string& name) {
  const std::lock_guard lock(editing_);
  apply_limits(context_.catalog.destination_settings().find(name), *limits(name));
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
                                                          crypto::Keyring keyring,
                                                          const Uuid& expected) const {
  return {std::move(place), std::move(keyring),
          &context_.writer, &context_.keys,
          &context_.clock,  context_.state_folder + "/cache",
          context_.host,    expected};
}

std::shared_ptr<store::Repository> Destinations::open_entry(Entry& entry,
                                                            const catalog::DestinationFacts& facts) {
  if (entry.repository) {
    entry.repository->refresh();
    return entry.repository;
  }
  const std::shared_ptr<destination::LocalDestination> place = destination::open_local(facts.url);
  try {
    entry.repository = store::Repository::open(
        repository_context(throttled(facts, place), keyring_of(facts), facts.repository));
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::kNotARepository && is_empty(*place)) {
      throw Error(ErrorKind::kDestinationAway,
                  "the repository is away: " + place->describe() + " is empty (is its disk mounted?)");
    }
    throw;
  }
  return entry.repository;
}

std::shared_ptr<store::Repository> Destinations::open(const std::string& name) {
  const catalog::DestinationFacts known = facts(name);
  const std::shared_ptr<Entry> wanted = entry(name);
  const std::lock_guard lock(wanted->opening);
  try {
    std::shared_ptr<store::Repository> repository = open_entry(*wanted, known);
    note(*wanted, known, *repository);
    return repository;
  } catch (const Error& error) {
    // One that is away may come back as it was. Any other error is looked into anew.
    if (error.kind() != ErrorKind::kDestinationAway) wanted->repository.reset();
    note_trouble(*wanted, known, error);
    throw error.in("destination '" + name + "'");
  }
}

bool Destinations::heal_header(const std::string& name) {
  const catalog::DestinationFacts known = facts(name);
  const std::shared_ptr<Entry> wanted = entry(name);
  const std::lock_guard lock(wanted->opening);
  const std::shared_ptr<destination::LocalDestination> place = destination::open_local(known.url);
  if (is_empty(*place)) {
    throw Error(ErrorKind::kDestinationAway,
                "the repository is away: " + place->describe() + " is empty (is its disk mounted?)");
  }
  return store::heal_header(repository_context(throttled(known, place), keyring_of(known), known.repository));
}

std::vector<std::shared_ptr<store::Repository>> Destinations::open_siblings(const std::string& name) {
  const catalog::DestinationFacts known = facts(name);
  std::vector<std::shared_ptr<store::Repository>> all;
  for (const catalog::DestinationFacts& other : context_.catalog.configuration().destinations()) {
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
  return store::Repository::open_without_log(repository_context(
      throttled(known, destination::open_local(known.url)), keyring_of(known), known.repository));
}

void Destinations::close(const std::string& name) {
  const std::lock_guard lock(mutex_);
  limits_.erase(name);
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
  for (const auto& snapshot : state->snapshots()) ++view.snapshots_of_set[snapshot.snapshot().set().uuid()];
  view.looked = context_.clock.steady();
  view.may_not_remove = !repository.may_remove();
  const std::lock_guard lock(entry.view_mutex);
  entry.view = std::move(view);
}

void Destinations::note_trouble(Entry& entry, const catalog::DestinationFacts& facts, const Error& error) {
  const v1::DestinationState state = state_for(error.kind(), has_header(facts));
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
  *message.mutable_settings() = to_message(context_.catalog.destination_settings().find(facts.name));
  const std::shared_ptr<destination::Limits> in_force = limits(facts.name);
  message.set_upload_rate(in_force->upload.rate().value_or(0));
  message.set_download_rate(in_force->download.rate().value_or(0));
  return message;
}

std::vector<std::string> Destinations::local_folders() const {
  std::vector<std::string> folders;
  for (const auto& known : context_.catalog.configuration().destinations()) {
    if (!known.url.starts_with('/')) continue;
    folders.push_back(known.url);
    const std::unique_ptr<char, void (*)(void*)> resolved(realpath(known.url.c_str(), nullptr), std::free);
    if (resolved && known.url != resolved.get()) folders.emplace_back(resolved.get());
  }
  return folders;
}

}  // namespace garner::daemon
