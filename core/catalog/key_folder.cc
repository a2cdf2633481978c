#include "catalog/key_folder.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "base/error.h"
#include "base/file.h"
#include "crypto/hash.h"
#include "crypto/secret.h"

namespace garner::catalog {

namespace {

constexpr std::string_view kMagic = "garnerK1";
constexpr std::size_t kLongestFile = 4u << 20;

void put_text(ByteWriter& writer, std::string_view text) {
  writer.u32(static_cast<std::uint32_t>(text.size()));
  writer.bytes(as_bytes(text));
}

std::string get_text(ByteReader& reader) {
  const std::uint32_t length = reader.u32();
  return std::string(as_text(reader.bytes(length)));
}

Uuid get_uuid(ByteReader& reader) { return Uuid::from_bytes(reader.bytes(16)); }

crypto::Digest get_digest(ByteReader& reader) {
  crypto::Digest digest{};
  const ByteView bytes = reader.bytes(digest.size());
  std::copy(bytes.begin(), bytes.end(), digest.begin());
  return digest;
}

// What a crash left of replace_file_durably: "<name>.<12 hex digits>.tmp".
bool is_leftover(const std::string& name) {
  constexpr std::string_view kSuffix = ".tmp";
  constexpr std::size_t kDigits = 12;
  if (!name.ends_with(kSuffix) || name.size() < kDigits + 1 + kSuffix.size()) return false;
  const std::size_t dot = name.size() - kSuffix.size() - kDigits - 1;
  return name[dot] == '.' &&
         name.find_first_not_of("0123456789abcdef", dot + 1) == name.size() - kSuffix.size();
}

// Wipes what held a secret when the scope ends.
class Wiped {
 public:
  explicit Wiped(Bytes& bytes) : bytes_(bytes) {}
  Wiped(const Wiped&) = delete;
  Wiped& operator=(const Wiped&) = delete;
  ~Wiped() { crypto::wipe(bytes_); }

 private:
  Bytes& bytes_;
};

}  // namespace

KeyFolder::KeyFolder(std::string folder) : folder_(std::move(folder)) {
  make_folders_durably(folder_, 0700);
  struct stat status {};
  if (stat(folder_.c_str(), &status) != 0) {
    throw system_error(errno, "looking at " + printable(folder_), ErrorKind::kReadFailed);
  }
  if ((status.st_mode & 077) != 0) {
    throw Error(ErrorKind::kPermissionDenied,
                "the folder of keys " + printable(folder_) + " may be entered by others: chmod 700 it");
  }
}

std::optional<Bytes> KeyFolder::read(const std::string& name, FileKind kind) const {
  Bytes file;
  try {
    file = read_file(path(name), kLongestFile);
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::kNotFound) return std::nullopt;
    throw;
  }
  const Wiped wiped(file);
  const std::size_t clear = kMagic.size() + 1;
  const std::size_t hash_size = crypto::Digest{}.size();
  const ByteView view(file);
  bool intact = file.size() >= clear + hash_size && as_text(view.first(kMagic.size())) == kMagic &&
                file[kMagic.size()] == static_cast<std::uint8_t>(kind);
  if (intact) {
    const crypto::Digest hash = crypto::hash_secret(view.first(file.size() - hash_size));
    intact = std::equal(hash.begin(), hash.end(), file.end() - static_cast<std::ptrdiff_t>(hash_size));
  }
  if (!intact) {
    throw Error(ErrorKind::kDamaged, printable(path(name)) + " does not verify: put it back from a copy");
  }
  return Bytes(file.begin() + static_cast<std::ptrdiff_t>(clear),
               file.end() - static_cast<std::ptrdiff_t>(hash_size));
}

void KeyFolder::write(const std::string& name, FileKind kind, ByteView payload) {
  // Of its final size at once, so that no copy of a secret is left behind by growing.
  Bytes file(kMagic.size() + 1 + payload.size() + crypto::Digest{}.size());
  const Wiped wiped(file);
  auto end = std::copy(kMagic.begin(), kMagic.end(), file.begin());
  *end++ = static_cast<std::uint8_t>(kind);
  end = std::copy(payload.begin(), payload.end(), end);
  const crypto::Digest hash = crypto::hash_secret(ByteView(file.begin(), end));
  std::copy(hash.begin(), hash.end(), end);
  replace_file_durably(path(name), file, 0600);
}

std::vector<std::string> KeyFolder::names(const std::string& prefix) const {
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(opendir(folder_.c_str()), closedir);
  if (!folder) throw system_error(errno, "listing " + printable(folder_), ErrorKind::kReadFailed);
  std::vector<std::string> found;
  while (const dirent* entry = readdir(folder.get())) {
    const std::string name = entry->d_name;
    if (name.starts_with(prefix) && !is_leftover(name)) found.push_back(name);
  }
  std::sort(found.begin(), found.end());
  return found;
}

std::optional<crypto::Keyring> KeyFolder::read_keyring(const std::string& name) const {
  std::optional<Bytes> payload = read(name, FileKind::kKeyring);
  if (!payload.has_value()) return std::nullopt;
  const Wiped wiped(*payload);
  return crypto::Keyring::parse(*payload);
}

std::optional<crypto::Keyring> KeyFolder::keyring(const Uuid& id) const {
  const std::lock_guard lock(mutex_);
  return read_keyring("keyring-" + id.text());
}

void KeyFolder::save_keyring(const crypto::Keyring& keyring) {
  const std::lock_guard lock(mutex_);
  const std::string name = "keyring-" + keyring.id().text();
  const std::optional<crypto::Keyring> here = read_keyring(name);
  if (here.has_value() && here->current_epoch() >= keyring.current_epoch()) return;
  write(name, FileKind::kKeyring, keyring.serialize().view());
}

std::optional<crypto::Keyring> KeyFolder::unfinished_rotation(const Uuid& id) const {
  const std::lock_guard lock(mutex_);
  return read_keyring("keyring-" + id.text() + ".next");
}

void KeyFolder::begin_rotation(const crypto::Keyring& next) {
  const std::lock_guard lock(mutex_);
  write("keyring-" + next.id().text() + ".next", FileKind::kKeyring, next.serialize().view());
}

void KeyFolder::finish_rotation(const Uuid& id) {
  const std::lock_guard lock(mutex_);
  const std::string name = path("keyring-" + id.text());
  if (rename((name + ".next").c_str(), name.c_str()) != 0) {
    throw system_error(errno, "replacing " + printable(name));
  }
  sync_folder(folder_);
}

std::vector<Uuid> KeyFolder::unfinished_rotations() const {
  const std::lock_guard lock(mutex_);
  constexpr std::string_view kPrefix = "keyring-";
  constexpr std::string_view kSuffix = ".next";
  std::vector<Uuid> ids;
  for (const std::string& name : names(std::string(kPrefix))) {
    if (!name.ends_with(kSuffix)) continue;
    ids.push_back(Uuid::parse(name.substr(kPrefix.size(), name.size() - kPrefix.size() - kSuffix.size())));
  }
  return ids;
}

std::vector<store::v1::KeySlotFile> KeyFolder::slots(const Uuid& keyring) const {
  const std::lock_guard lock(mutex_);
  const std::optional<Bytes> payload = read("slots-" + keyring.text(), FileKind::kSlots);
  std::vector<store::v1::KeySlotFile> slots;
  if (!payload.has_value()) return slots;
  ByteReader reader(*payload);
  while (!reader.at_end()) {
    store::v1::KeySlotFile& slot = slots.emplace_back();
    if (!slot.ParseFromString(get_text(reader))) {
      throw Error(ErrorKind::kDamaged, printable(path("slots-" + keyring.text())) + ": a slot");
    }
  }
  return slots;
}

void KeyFolder::save_slots(const Uuid& keyring, const std::vector<store::v1::KeySlotFile>& slots) {
  ByteWriter writer;
  for (const store::v1::KeySlotFile& slot : slots) put_text(writer, slot.SerializeAsString());
  const std::lock_guard lock(mutex_);
  write("slots-" + keyring.text(), FileKind::kSlots, writer.data());
}

std::optional<Uuid> KeyFolder::installation() const {
  const std::lock_guard lock(mutex_);
  const std::optional<Bytes> payload = read("installation", FileKind::kInstallation);
  if (!payload.has_value()) return std::nullopt;
  return Uuid::from_bytes(*payload);
}

void KeyFolder::set_installation(const Uuid& keyring) {
  const std::lock_guard lock(mutex_);
  write("installation", FileKind::kInstallation, keyring.view());
}

crypto::WriterKey KeyFolder::writer() {
  const std::lock_guard lock(mutex_);
  std::optional<Bytes> payload = read("writer", FileKind::kWriter);
  if (payload.has_value()) {
    const Wiped wiped(*payload);
    return crypto::WriterKey::parse(*payload);
  }
  crypto::WriterKey key = crypto::WriterKey::generate();
  write("writer", FileKind::kWriter, key.serialize().view());
  return key;
}

std::optional<store::Pin> KeyFolder::load(const Uuid& repository) {
  const std::lock_guard lock(mutex_);
  const std::optional<Bytes> payload = read("pin-" + repository.text(), FileKind::kPin);
  if (!payload.has_value()) return std::nullopt;
  ByteReader reader(*payload);
  store::Pin pin;
  pin.repository = get_uuid(reader);
  pin.encrypted = reader.u8() != 0;
  pin.header_hash = get_digest(reader);
  pin.log_uuid = get_uuid(reader);
  pin.generation = reader.u64();
  pin.record_hash = get_digest(reader);
  return pin;
}

void KeyFolder::save(const store::Pin& pin) {
  ByteWriter writer;
  writer.bytes(pin.repository.view());
  writer.u8(pin.encrypted ? 1 : 0);
  writer.bytes(pin.header_hash);
  writer.bytes(pin.log_uuid.view());
  writer.u64(pin.generation);
  writer.bytes(pin.record_hash);
  const std::lock_guard lock(mutex_);
  write("pin-" + pin.repository.text(), FileKind::kPin, writer.data());
}

void KeyFolder::remove_pin(const Uuid& repository) {
  const std::lock_guard lock(mutex_);
  remove_file(path("pin-" + repository.text()));
  sync_folder(folder_);
}

std::vector<DestinationFacts> KeyFolder::destinations() const {
  const std::lock_guard lock(mutex_);
  std::vector<DestinationFacts> all;
  for (const std::string& name : names("destination-")) {
    const std::optional<Bytes> payload = read(name, FileKind::kDestination);
    if (!payload.has_value()) continue;
    ByteReader reader(*payload);
    DestinationFacts& facts = all.emplace_back();
    facts.name = get_text(reader);
    facts.url = get_text(reader);
    facts.repository = get_uuid(reader);
    facts.encrypted = reader.u8() != 0;
    facts.keyring = get_uuid(reader);
    // Files of before there were any end here.
    if (reader.at_end()) continue;
    for (std::uint32_t left = reader.u32(); left > 0; --left) {
      const std::string option = get_text(reader);
      facts.options[option] = get_text(reader);
    }
  }
  return all;
}

void KeyFolder::save_destination(const DestinationFacts& facts) {
  ByteWriter writer;
  put_text(writer, facts.name);
  put_text(writer, facts.url);
  writer.bytes(facts.repository.view());
  writer.u8(facts.encrypted ? 1 : 0);
  writer.bytes(facts.keyring.view());
  if (!facts.options.empty()) {
    writer.u32(static_cast<std::uint32_t>(facts.options.size()));
    for (const auto& [name, value] : facts.options) {
      put_text(writer, name);
      put_text(writer, value);
    }
  }
  const std::lock_guard lock(mutex_);
  write("destination-" + facts.name, FileKind::kDestination, writer.data());
}

void KeyFolder::remove_destination(const std::string& name) {
  const std::lock_guard lock(mutex_);
  remove_file(path("destination-" + name));
  sync_folder(folder_);
}

std::optional<CatalogStamp> KeyFolder::stamp() const {
  const std::lock_guard lock(mutex_);
  const std::optional<Bytes> payload = read("catalog-stamp", FileKind::kStamp);
  if (!payload.has_value()) return std::nullopt;
  ByteReader reader(*payload);
  CatalogStamp stamp;
  stamp.catalog = get_uuid(reader);
  stamp.changes = reader.u64();
  stamp.next_run_number = reader.u64();
  return stamp;
}

void KeyFolder::save_stamp(const CatalogStamp& stamp) {
  ByteWriter writer;
  writer.bytes(stamp.catalog.view());
  writer.u64(stamp.changes);
  writer.u64(stamp.next_run_number);
  const std::lock_guard lock(mutex_);
  write("catalog-stamp", FileKind::kStamp, writer.data());
}

}  // namespace garner::catalog
