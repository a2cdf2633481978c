#include "store/key_store.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <optional>
#include <set>
#include <tuple>

#include "base/error.h"
#include "store/pack.h"
#include "store/repository_header.h"

namespace garner::store {

namespace {

constexpr std::string_view kKeysPrefix = "keys/";
constexpr std::size_t kUuidText = 36;
constexpr std::size_t kMinimumPrefix = 4;
// A keyring of 300 epochs, and far more than one of these is.
constexpr std::uint64_t kMaximumSlot = 32u << 10;

// What a key of keys/ names.
struct KeyName {
  Uuid slot;
  std::uint32_t epoch = 0;  // 0: the slot itself
};

std::optional<KeyName> parse_key(const std::string& key) {
  const std::string text = key.substr(kKeysPrefix.size());
  try {
    KeyName name;
    name.slot = Uuid::parse(text.substr(0, kUuidText));
    if (text.size() > kUuidText) {
      const Bytes digits = from_hex(std::string_view(text).substr(kUuidText + 1));
      if (digits.size() != sizeof name.epoch) return std::nullopt;
      for (const std::uint8_t digit : digits) name.epoch = name.epoch << 8 | digit;
      if (key != extension_key(name.slot, name.epoch) || name.epoch == 0) return std::nullopt;
    } else if (key != slot_key(name.slot)) {
      return std::nullopt;
    }
    return name;
  } catch (const Error&) {
    return std::nullopt;
  }
}

struct Slots {
  std::map<Uuid, v1::KeySlotFile> files;
  std::vector<std::string> damaged;  // "key: why"
};

template <typename Message>
Message parse_object(destination::Destination& destination, const std::string& key) {
  const Bytes object = destination.get_all(key, kMaximumSlot);
  Message message;
  if (!message.ParseFromArray(object.data(), static_cast<int>(object.size()))) {
    throw Error(ErrorKind::kDamaged, "it cannot be parsed");
  }
  return message;
}

void read_slot(destination::Destination& destination, const std::string& key, const KeyName& name,
               Slots& slots) {
  if (name.epoch == 0) {
    auto file = parse_object<v1::KeySlotFile>(destination, key);
    if (file.slot().id() != as_text(name.slot.view()) || !file.extensions().empty()) {
      throw Error(ErrorKind::kDamaged, "it holds something else than its name says");
    }
    slots.files[name.slot] = std::move(file);
    return;
  }
  // Listed after its slot and in order of epoch: the keys sort so.
  const auto file = slots.files.find(name.slot);
  if (file == slots.files.end()) return;
  auto extension = parse_object<v1::KeySlotExtension>(destination, key);
  if (extension.slot() != as_text(name.slot.view()) || extension.epoch() != name.epoch) {
    throw Error(ErrorKind::kDamaged, "it holds something else than its name says");
  }
  *file->second.add_extensions() = std::move(extension);
}

Slots read_slots(destination::Destination& destination) {
  Slots slots;
  for (const destination::ObjectInfo& object : destination.list(std::string(kKeysPrefix))) {
    const std::optional<KeyName> name = parse_key(object.key);
    if (!name) continue;  // not ours
    try {
      read_slot(destination, object.key, *name, slots);
    } catch (const Error& error) {
      if (error.kind() == ErrorKind::kNotFound) continue;  // removed just now
      if (error.kind() != ErrorKind::kDamaged && error.kind() != ErrorKind::kReadFailed) throw;
      slots.damaged.push_back(object.key + ": " + error.what());
    }
  }
  return slots;
}

std::string object_of(const v1::KeySlot& slot) {
  v1::KeySlotFile file;
  *file.mutable_slot() = slot;
  return file.SerializeAsString();
}

std::string joined(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : "; ") + part;
  return text;
}

// A slot that opens, but a keyring that is not this repository's: what an earlier attempt to make a
// repository here left, or what somebody put there.
bool is_of_repository(const crypto::Keyring& keyring, const std::optional<RepositoryHeader>& header) {
  return !header || header->keyring == keyring.id();
}

// What came of trying slots.
struct Attempt {
  std::optional<crypto::Keyring> keyring;
  bool refused = false;  // a slot that is in order did not take the credential
  std::vector<std::string> damaged;

  // Keeps the keyring with the most epochs. True when one was found.
  bool try_slot(const v1::KeySlotFile& file, const std::string& where, const crypto::Credential& credential,
                const std::optional<RepositoryHeader>& header) {
    if (file.slot().type() != credential.type) return false;
    try {
      crypto::Keyring opened = crypto::open_slot(file, credential);
      const bool more = !keyring || opened.current_epoch() > keyring->current_epoch();
      if (more && is_of_repository(opened, header)) keyring.emplace(std::move(opened));
    } catch (const Error& error) {
      if (error.kind() == ErrorKind::kWrongKey) {
        refused = true;
      } else if (error.kind() == ErrorKind::kDamaged) {
        damaged.push_back(where + ": " + error.what());
      } else {
        throw;
      }
    }
    return keyring.has_value();
  }
};

// The recovery slots in packs: the same one in nearly all of them, so each is tried once. All are looked at,
// for an old pack's slot opens old epochs only.
void try_packs(destination::Destination& destination, const crypto::Credential& credential,
               const std::optional<RepositoryHeader>& header, Attempt& attempt) {
  std::set<Bytes> seen;
  for (const destination::ObjectInfo& object : destination.list("packs/")) {
    try {
      const std::uint64_t length = std::min<std::uint64_t>(object.size, kMaximumPackHeader);
      const PackHeader pack = parse_pack_header(destination.get(object.key, 0, length));
      v1::KeySlotFile file;
      if (pack.recovery_slot.empty() || !seen.insert(pack.recovery_slot).second ||
          !file.ParseFromArray(pack.recovery_slot.data(), static_cast<int>(pack.recovery_slot.size()))) {
        continue;
      }
      attempt.try_slot(file, object.key, credential, header);
    } catch (const Error& error) {
      // One pack that cannot be read says nothing of the others.
      if (error.kind() == ErrorKind::kDestinationAway) throw;
    }
  }
}

std::optional<RepositoryHeader> header_if_readable(destination::Destination& destination) {
  try {
    return read_header(destination);
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::kDestinationAway || error.kind() == ErrorKind::kNewerFormat) throw;
    return std::nullopt;
  }
}

const char* slot_text(v1::SlotType type) {
  switch (type) {
    case v1::SLOT_TYPE_PASSWORD:
      return "password";
    case v1::SLOT_TYPE_KEY_FILE:
      return "key file";
    default:
      return "recovery key";
  }
}

// Only the hexadecimal digits of a uuid's text.
std::string digits_of(std::string_view text) {
  std::string digits;
  for (const char character : text) {
    if (character == '-') continue;
    const char lower =
        character >= 'A' && character <= 'F' ? static_cast<char>(character - 'A' + 'a') : character;
    if (!((lower >= '0' && lower <= '9') || (lower >= 'a' && lower <= 'f'))) {
      throw Error(ErrorKind::kInvalidInput, "\"" + printable(text) + "\" does not begin a key slot's id");
    }
    digits += lower;
  }
  return digits;
}

// Neither one that somebody else put there nor one that is damaged may go into packs.
bool opens_all(const crypto::Keyring& keyring, const v1::KeySlotFile& file) {
  try {
    crypto::verify_slot(keyring, file);
    return true;
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kDamaged) throw;
    return false;
  }
}

}  // namespace

std::string slot_key(const Uuid& slot) { return std::string(kKeysPrefix) + slot.text(); }

std::string extension_key(const Uuid& slot, std::uint32_t epoch) {
  char digits[9];
  std::snprintf(digits, sizeof digits, "%08x", epoch);
  return slot_key(slot) + "-" + digits;
}

std::vector<v1::KeySlotFile> list_slots(destination::Destination& destination) {
  Slots slots = read_slots(destination);
  if (!slots.damaged.empty()) {
    std::vector<std::string> intact;
    for (const auto& [id, file] : slots.files) intact.push_back(id.text());
    throw Error(ErrorKind::kDamaged, "damaged key slots at " + destination.describe() + ": " +
                                         joined(slots.damaged) +
                                         ". In order: " + (intact.empty() ? "none" : joined(intact)));
  }
  std::vector<v1::KeySlotFile> files;
  for (auto& [id, file] : slots.files) files.push_back(std::move(file));
  return files;
}

void verify_slots(destination::Destination& destination, const crypto::Keyring& keyring) {
  const std::vector<v1::KeySlotFile> files = list_slots(destination);
  if (files.empty() && keyring.encrypted()) {
    throw Error(ErrorKind::kDamaged, "no key slot is left: add one with garner key add");
  }
  std::vector<std::string> changed;
  for (const v1::KeySlotFile& file : files) {
    try {
      crypto::verify_slot(keyring, file);
      // A bit that a parser passes over is not covered by what is sealed, and shows that others may be wrong.
      if (object_of(file.slot()) !=
          as_text(
              destination.get_all(slot_key(Uuid::from_bytes(as_bytes(file.slot().id()))), kMaximumSlot))) {
        throw Error(ErrorKind::kDamaged, "its bytes are not those that were written");
      }
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::kDamaged) throw;
      changed.push_back(slot_key(Uuid::from_bytes(as_bytes(file.slot().id()))) + ": " + error.what());
    }
  }
  if (!changed.empty())
    throw Error(ErrorKind::kDamaged,
                "damaged key slots at " + destination.describe() + ": " + joined(changed));
}

bool may_lack_keys(destination::Destination& destination, const crypto::Keyring& keyring) {
  if (!keyring.encrypted()) return false;
  const Slots slots = read_slots(destination);
  std::uint32_t newest = 0;
  for (const auto& [id, file] : slots.files) {
    newest = std::max(newest, file.slot().epoch());
    for (const v1::KeySlotExtension& extension : file.extensions())
      newest = std::max(newest, extension.epoch());
  }
  return newest == 0 || newest > keyring.current_epoch();
}

void add_slot(destination::Destination& destination, const v1::KeySlot& slot) {
  const std::string object = object_of(slot);
  destination.put(slot_key(Uuid::from_bytes(as_bytes(slot.id()))), as_bytes(object));
}

void add_extension(destination::Destination& destination, const v1::KeySlotExtension& extension) {
  const std::string object = extension.SerializeAsString();
  destination.put(extension_key(Uuid::from_bytes(as_bytes(extension.slot())), extension.epoch()),
                  as_bytes(object));
}

void remove_slot(destination::Destination& destination, const std::string& prefix) {
  const std::string digits = digits_of(prefix);
  if (digits.size() < kMinimumPrefix) {
    throw Error(ErrorKind::kInvalidInput, "a key slot is named by at least four digits of its id");
  }
  const Slots slots = read_slots(destination);
  // Damaged slots can be removed as well, so the keys decide, not what was read.
  std::set<Uuid> matches;
  std::vector<std::string> keys;
  for (const destination::ObjectInfo& object : destination.list(std::string(kKeysPrefix))) {
    const std::optional<KeyName> name = parse_key(object.key);
    if (!name || !digits_of(name->slot.text()).starts_with(digits)) continue;
    matches.insert(name->slot);
    keys.push_back(object.key);  // ascending: the slot before its extensions
  }
  if (matches.empty()) throw Error(ErrorKind::kNotFound, "no key slot's id begins with " + prefix);
  if (matches.size() > 1)
    throw Error(ErrorKind::kInvalidInput, "several key slots' ids begin with " + prefix);
  if (slots.files.contains(*matches.begin()) && slots.files.size() == 1) {
    throw Error(ErrorKind::kConflict,
                "the last key slot cannot be removed: nothing would open the repository");
  }
  for (const std::string& key : keys) destination.remove(key);
}

crypto::Keyring open_with(destination::Destination& destination, const crypto::Credential& credential) {
  crypto::check_credential(credential);
  const std::optional<RepositoryHeader> header = header_if_readable(destination);
  const Slots slots = read_slots(destination);
  Attempt attempt;
  attempt.damaged = slots.damaged;
  for (const auto& [id, file] : slots.files) {
    if (attempt.try_slot(file, slot_key(id), credential, header)) return std::move(*attempt.keyring);
  }
  if (credential.type == v1::SLOT_TYPE_RECOVERY) {
    try_packs(destination, credential, header, attempt);
    if (attempt.keyring) return std::move(*attempt.keyring);
  }
  const std::string what = slot_text(credential.type);
  const std::string damage = attempt.damaged.empty() ? "" : " (damaged: " + joined(attempt.damaged) + ")";
  if (attempt.refused) {
    throw Error(ErrorKind::kWrongKey,
                "wrong " + what + " for the repository at " + destination.describe() + damage);
  }
  if (!attempt.damaged.empty()) {
    throw Error(ErrorKind::kDamaged,
                "no " + what + " opens the repository at " + destination.describe() + damage);
  }
  throw Error(ErrorKind::kWrongKey, "the repository at " + destination.describe() + " takes no " + what);
}

Bytes recovery_slot(destination::Destination& destination, const crypto::Keyring& keyring) {
  const auto made = [](const v1::KeySlotFile& file) {
    const v1::KeySlot& slot = file.slot();
    return std::make_tuple(slot.created().seconds(), slot.created().nanos(), std::string_view(slot.id()));
  };
  const Slots slots = read_slots(destination);
  const v1::KeySlotFile* newest = nullptr;
  for (const auto& [id, file] : slots.files) {
    if (file.slot().type() != v1::SLOT_TYPE_RECOVERY || !opens_all(keyring, file)) continue;
    if (newest == nullptr || made(*newest) < made(file)) newest = &file;
  }
  if (newest == nullptr) return {};
  // What is beyond is not known to be right, and would keep the slot from opening if it is not.
  v1::KeySlotFile carried = *newest;
  const auto beyond = std::ranges::find_if(carried.extensions(), [&](const v1::KeySlotExtension& one) {
    return one.epoch() > keyring.current_epoch();
  });
  carried.mutable_extensions()->erase(beyond, carried.extensions().end());
  const std::string serialized = carried.SerializeAsString();
  const ByteView bytes = as_bytes(serialized);
  return Bytes(bytes.begin(), bytes.end());
}

}  // namespace garner::store
