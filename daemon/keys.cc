#include "keys.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "base/error.h"
#include "credential.h"
#include "snapshot/node.h"
#include "store/key_store.h"
#include "timestamp.h"

namespace garner::daemon {

namespace {

constexpr std::size_t kKeyFileBytes = 32;

std::string named_or_only(Destinations& destinations, const std::string& name) {
  if (!name.empty()) return name;
  const auto all = destinations.context().catalog.configuration().destinations();
  if (all.size() == 1) return all.front().name;
  std::string names;
  for (const auto& one : all) names += (names.empty() ? "" : ", ") + one.name;
  throw Error(ErrorKind::kInvalidInput, all.empty() ? "there is no destination yet"
                                                    : "say which destination with --destination: " + names);
}

// Keys are looked after even where the log needs repair.
struct Opened {
  std::shared_ptr<store::Repository> repository;
  const crypto::Keyring& keyring() const { return repository->keyring(); }
  destination::Destination& place() const { return repository->destination(); }
};

Opened open_encrypted(Destinations& destinations, const std::string& asked) {
  const std::string name = named_or_only(destinations, asked);
  Opened opened;
  try {
    opened.repository = destinations.open(name);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kDamaged) throw;
    opened.repository = destinations.open_for_repair(name);
  }
  if (!opened.repository->header().encrypted) {
    throw Error(ErrorKind::kConflict, "destination '" + name + "' is not encrypted: it has no keys");
  }
  return opened;
}

void remember_slots(Destinations& destinations, const Opened& opened) {
  destinations.context().keys.save_slots(opened.keyring().id(), store::list_slots(opened.place()));
}

v1::KeySlotInfo describe_slot(const store::v1::KeySlot& slot) {
  v1::KeySlotInfo info;
  info.set_id(to_hex(as_bytes(slot.id())));
  info.set_type(describe(slot.type()));
  info.set_label(slot.label());
  *info.mutable_created() = to_timestamp(snapshot::from_proto(slot.created()));
  return info;
}

store::v1::KeySlot put_slot(Destinations& destinations, const Opened& opened,
                            const crypto::Credential& credential, const std::string& label) {
  store::v1::KeySlot slot =
      crypto::make_slot(opened.keyring(), credential, label, destinations.context().clock.now());
  store::add_slot(opened.place(), slot);
  remember_slots(destinations, opened);
  return slot;
}

// Extends every slot of the destination for the newest epoch of `next`.
void extend_slots(destination::Destination& place, const crypto::Keyring& next) {
  for (const store::v1::KeySlotFile& file : store::list_slots(place)) {
    const std::uint32_t has =
        file.extensions().empty() ? file.slot().epoch() : file.extensions(file.extensions_size() - 1).epoch();
    try {
      if (has < next.current_epoch()) {
        store::add_extension(place, crypto::make_extension(next, file));
      } else {
        crypto::verify_slot(next, file);  // an earlier attempt got this far, or somebody else put it there
      }
    } catch (const Error& error) {
      throw error.in(store::slot_key(Uuid::from_bytes(as_bytes(file.slot().id()))));
    }
  }
}

std::vector<std::string> extend_and_adopt(Destinations& destinations, const Uuid& id,
                                          const crypto::Keyring& next) {
  const Destinations::Context& context = destinations.context();
  std::vector<std::string> names;
  for (const catalog::DestinationFacts& facts : context.catalog.configuration().destinations()) {
    if (facts.encrypted && facts.keyring == id) names.push_back(facts.name);
  }
  // All of them are there before the first is touched.
  std::vector<std::shared_ptr<store::Repository>> repositories;
  for (const std::string& name : names) repositories.push_back(destinations.open(name));
  for (const auto& repository : repositories) extend_slots(repository->destination(), next);
  context.keys.finish_rotation(id);
  if (!repositories.empty())
    context.keys.save_slots(id, store::list_slots(repositories.front()->destination()));
  destinations.set_keyring(next);
  spdlog::info("keyring {}: epoch {} is used from now on", id.text(), next.current_epoch());
  return names;
}

}  // namespace

v1::ListKeysResponse list_keys(Destinations& destinations, const v1::ListKeysRequest& request) {
  const Opened opened = open_encrypted(destinations, request.destination());
  v1::ListKeysResponse response;
  response.set_epoch(opened.keyring().current_epoch());
  response.set_keyring_id(opened.keyring().id().text());
  for (const store::v1::KeySlotFile& file : store::list_slots(opened.place())) {
    *response.add_keys() = describe_slot(file.slot());
  }
  return response;
}

v1::AddKeyResponse add_key(Destinations& destinations, const v1::AddKeyRequest& request) {
  const Opened opened = open_encrypted(destinations, request.destination());
  v1::AddKeyResponse response;
  crypto::Credential credential;
  if (request.has_secret()) {
    credential = to_credential(request.secret());
  } else {
    credential = {store::v1::SLOT_TYPE_RECOVERY, crypto::generate_recovery_key()};
    response.set_recovery_key(crypto::print_recovery_key(credential.secret));
  }
  *response.mutable_key() = describe_slot(put_slot(destinations, opened, credential, request.label()));
  return response;
}

void remove_key(Destinations& destinations, const v1::RemoveKeyRequest& request) {
  const Opened opened = open_encrypted(destinations, request.destination());
  store::remove_slot(opened.place(), request.id());
  remember_slots(destinations, opened);
}

v1::ExportKeyResponse export_key(Destinations& destinations, const v1::ExportKeyRequest& request) {
  const Opened opened = open_encrypted(destinations, request.destination());
  // Text, so that it survives whatever it is copied through.
  const crypto::Secret random = crypto::random_secret(kKeyFileBytes);
  std::string text = to_hex(random.view()) + "\n";
  put_slot(destinations, opened, {store::v1::SLOT_TYPE_KEY_FILE, crypto::Secret(as_bytes(text))},
           "exported key file");
  v1::ExportKeyResponse response;
  response.set_key_file(std::move(text));
  return response;
}

v1::RotateKeyResponse rotate_key(Destinations& destinations, const v1::RotateKeyRequest& request) {
  const Destinations::Context& context = destinations.context();
  const Opened opened = open_encrypted(destinations, request.destination());
  const Uuid id = opened.keyring().id();
  std::optional<crypto::Keyring> next = context.keys.unfinished_rotation(id);
  if (!next.has_value() || next->current_epoch() <= opened.keyring().current_epoch()) {
    next = opened.keyring().copy();
    next->rotate(context.clock.now());
    context.keys.begin_rotation(*next);
  }
  v1::RotateKeyResponse response;
  for (const std::string& name : extend_and_adopt(destinations, id, *next)) response.add_destinations(name);
  response.set_epoch(next->current_epoch());
  return response;
}

void finish_rotations(Destinations& destinations) {
  for (const Uuid& id : destinations.context().keys.unfinished_rotations()) {
    const std::optional<crypto::Keyring> next = destinations.context().keys.unfinished_rotation(id);
    if (next.has_value()) extend_and_adopt(destinations, id, *next);
  }
}

}  // namespace garner::daemon
