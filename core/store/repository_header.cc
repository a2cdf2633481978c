#include "store/repository_header.h"

#include <optional>

#include "base/error.h"
#include "crypto/contexts.h"

namespace garner::store {

namespace {

constexpr std::string_view kHeaderMagic = "GARNREPO";
struct ParsedHeader {
  RepositoryHeader header;
  v1::RepositoryHeader message;
};

crypto::Digest mac_of(v1::RepositoryHeader message, const crypto::Keyring& keyring) {
  message.clear_mac();
  return crypto::keyed_hash(keyring.derive(1, crypto::context::kHeaderMac),
                            as_bytes(message.SerializeAsString()));
}

// A place without a header: what is there instead decides what to do about it.
Error no_header(destination::Destination& destination) {
  const std::string where = destination.describe();
  for (const char* prefix : {"log/", "packs/", "keys/"}) {
    if (!destination.list(prefix).empty()) {
      return Error(ErrorKind::kNotARepository, where + " holds objects of a repository, but its header " +
                                                   std::string(kHeaderKey) + " is missing");
    }
  }
  return Error(ErrorKind::kNotARepository,
               where + (destination.is_empty() ? " holds no repository: it is empty"
                                               : " holds no repository, but other files"));
}

ParsedHeader parse(ByteView object) {
  ParsedHeader parsed;
  ByteReader reader(object);
  if (as_text(reader.bytes(kHeaderMagic.size())) != kHeaderMagic) {
    throw Error(ErrorKind::kDamaged, "it does not begin with " + std::string(kHeaderMagic));
  }
  const ByteView message = reader.bytes(reader.u32());
  if (!parsed.message.ParseFromArray(message.data(), static_cast<int>(message.size()))) {
    throw Error(ErrorKind::kDamaged, "it is not a header");
  }
  if (parsed.message.format_version() > kFormatVersion) {
    throw Error(ErrorKind::kNewerFormat,
                "the repository has format version " + std::to_string(parsed.message.format_version()) +
                    ", this version of garner knows " + std::to_string(kFormatVersion));
  }
  // Every byte counts: the header's hash is pinned and its MAC is over the fields alone.
  if (!reader.at_end() || parsed.message.format_version() == 0 ||
      parsed.message.SerializeAsString() != as_text(message)) {
    throw Error(ErrorKind::kDamaged, "it is malformed");
  }
  parsed.header.repository = Uuid::from_bytes(as_bytes(parsed.message.repository()));
  parsed.header.keyring = Uuid::from_bytes(as_bytes(parsed.message.keyring()));
  parsed.header.encrypted = parsed.message.encrypted();
  parsed.header.hash = crypto::hash(object);
  return parsed;
}

ParsedHeader read(const destination::Destination& destination, ByteView object) {
  try {
    return parse(object);
  } catch (const Error& error) {
    throw error.in(std::string(kHeaderKey) + " at " + destination.describe());
  }
}

}  // namespace

std::string repository_at(const destination::Destination& destination) {
  return "the repository at " + destination.describe();
}

Bytes get_header(destination::Destination& destination) {
  try {
    return destination.get_all(kHeaderKey, kMaximumHeader);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kNotFound) throw;
  }
  throw no_header(destination);
}

Bytes make_header(const Uuid& repository, const crypto::Keyring& keyring, TimePoint now) {
  v1::RepositoryHeader message;
  message.set_format_version(kFormatVersion);
  message.set_repository(repository.value.data(), repository.value.size());
  message.set_encrypted(keyring.encrypted());
  message.set_keyring(keyring.id().value.data(), keyring.id().value.size());
  message.mutable_created()->set_seconds(now.seconds);
  message.mutable_created()->set_nanos(now.nanos);
  const crypto::Digest mac = mac_of(message, keyring);
  message.set_mac(mac.data(), mac.size());
  const std::string serialized = message.SerializeAsString();
  ByteWriter writer;
  writer.bytes(as_bytes(kHeaderMagic));
  writer.u32(static_cast<std::uint32_t>(serialized.size()));
  writer.bytes(as_bytes(serialized));
  return writer.take();
}

RepositoryHeader parse_header(ByteView object) { return parse(object).header; }

RepositoryHeader create_header(destination::Destination& destination, const Uuid& repository,
                               const crypto::Keyring& keyring, TimePoint now) {
  const Bytes object = make_header(repository, keyring, now);
  destination.put(kHeaderKey, object);
  return parse(object).header;
}

RepositoryHeader read_header(const destination::Destination& destination, ByteView object) {
  return read(destination, object).header;
}

RepositoryHeader read_header(destination::Destination& destination) {
  return read_header(destination, get_header(destination));
}

RepositoryHeader verify_header(destination::Destination& destination, const crypto::Keyring& keyring) {
  return verify_header(destination, get_header(destination), keyring);
}

RepositoryHeader verify_header(const destination::Destination& destination, ByteView object,
                               const crypto::Keyring& keyring) {
  const ParsedHeader parsed = read(destination, object);
  const std::string where = repository_at(destination);
  if (parsed.header.encrypted != keyring.encrypted()) {
    throw Error(ErrorKind::kWrongKey,
                where + (parsed.header.encrypted ? " is encrypted, and no key was given"
                                                 : " says that it is not encrypted, and a key was given"));
  }
  if (parsed.header.keyring != keyring.id()) {
    throw Error(ErrorKind::kWrongKey, where + " belongs to another keyring");
  }
  const crypto::Digest mac = mac_of(parsed.message, keyring);
  if (!crypto::equal_constant_time(mac, as_bytes(parsed.message.mac()))) {
    throw Error(ErrorKind::kDamaged, std::string(kHeaderKey) + " of " + where + " was changed");
  }
  return parsed.header;
}

}  // namespace garner::store
