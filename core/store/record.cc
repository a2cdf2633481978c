#include "store/record.h"

#include <algorithm>
#include <cstdio>
#include <limits>

#include "base/error.h"
#include "store/sealed_object.h"

namespace garner::store {

namespace {

constexpr std::string_view kRecordMagic = "GARNRECD";
constexpr std::string_view kSignaturePrefix = "garner record v1";

Bytes record_associated_data(const Uuid& repository, std::uint64_t generation) {
  ByteWriter writer;
  writer.bytes(repository.view());
  writer.u64(generation);
  return writer.take();
}

Bytes frozen_part(const Record& record) {
  ByteWriter writer;
  writer.u64(record.features.read);
  writer.u64(record.features.write);
  writer.u64(record.features.prune);
  writer.u32(record.parameters.chunk_minimum());
  writer.u32(record.parameters.chunk_average());
  writer.u32(record.parameters.chunk_maximum());
  writer.u32(record.parameters.frame_target());
  writer.u32(record.parameters.pack_target());
  return writer.take();
}

void parse_frozen_part(ByteView bytes, Record& record) {
  ByteReader reader(bytes);
  record.features.read = reader.u64();
  record.features.write = reader.u64();
  record.features.prune = reader.u64();
  record.parameters.set_chunk_minimum(reader.u32());
  record.parameters.set_chunk_average(reader.u32());
  record.parameters.set_chunk_maximum(reader.u32());
  record.parameters.set_frame_target(reader.u32());
  record.parameters.set_pack_target(reader.u32());
}

Bytes signed_bytes(const Uuid& repository, ByteView frozen, ByteView body) {
  ByteWriter writer;
  writer.bytes(as_bytes(kSignaturePrefix));
  writer.bytes(repository.view());
  writer.u32(static_cast<std::uint32_t>(frozen.size()));
  writer.bytes(frozen);
  writer.bytes(body);
  return writer.take();
}

void require_known(std::uint64_t flags, std::uint64_t known, const char* what) {
  if ((flags & ~known) == 0) return;
  char text[17];
  std::snprintf(text, sizeof text, "%llx", static_cast<unsigned long long>(flags & ~known));
  throw Error(
      ErrorKind::kNewerFormat,
      std::string("the repository uses features that this version of garner does not know and that must be "
                  "known to ") +
          what + " it (flags " + text + "): a newer version is needed");
}

}  // namespace

void require_readable(const FeatureFlags& flags) { require_known(flags.read, kKnownFeatures.read, "read"); }
void require_writable(const FeatureFlags& flags) {
  require_known(flags.write, kKnownFeatures.write, "write to");
}
void require_prunable(const FeatureFlags& flags) {
  require_known(flags.prune, kKnownFeatures.prune, "remove anything from");
}

std::string record_key(std::uint64_t generation) {
  char digits[kGenerationDigits + 1];
  std::snprintf(digits, sizeof digits, "%016llx", static_cast<unsigned long long>(generation));
  return std::string(kLogPrefix) + digits;
}

std::uint64_t generation_of(const std::string& key) {
  if (key.size() != kLogPrefix.size() + kGenerationDigits || !key.starts_with(kLogPrefix)) return 0;
  std::uint64_t generation = 0;
  for (const char digit : std::string_view(key).substr(kLogPrefix.size())) {
    std::uint64_t value = 0;
    if (digit >= '0' && digit <= '9') {
      value = static_cast<std::uint64_t>(digit - '0');
    } else if (digit >= 'a' && digit <= 'f') {
      value = static_cast<std::uint64_t>(digit - 'a') + 10;
    } else {
      return 0;
    }
    generation = generation << 4 | value;
  }
  return generation;
}

SealedRecord seal_record(const Record& record, const crypto::WriterKey& writer,
                         const crypto::Keyring& keyring, const Uuid& repository) {
  const Bytes frozen = frozen_part(record);
  v1::SignedRecord signed_record;
  signed_record.set_body(record.body.SerializeAsString());
  const crypto::Signature signature =
      writer.sign(signed_bytes(repository, frozen, as_bytes(signed_record.body())));
  signed_record.set_signature(signature.data(), signature.size());
  const std::string message = signed_record.SerializeAsString();

  ByteWriter content;
  content.u32(static_cast<std::uint32_t>(frozen.size()));
  content.bytes(frozen);
  content.u32(static_cast<std::uint32_t>(message.size()));
  content.bytes(as_bytes(message));

  SealedRecord sealed;
  sealed.object =
      seal_object(kRecordMagic, crypto::ObjectKind::kRecord, content.data(),
                  record_associated_data(repository, record.body.generation()), keyring, writer.uuid());
  if (sealed.object.size() > kMaximumRecord) {
    throw Error(ErrorKind::kInvalidInput,
                "this is more than a record of the log can hold: do it with fewer snapshots at a time");
  }
  sealed.hash = crypto::hash(sealed.object);
  return sealed;
}

OpenedRecord open_record(ByteView object, std::uint64_t generation, const crypto::Keyring& keyring,
                         const Uuid& repository) {
  const Bytes content = open_object(kRecordMagic, crypto::ObjectKind::kRecord, object,
                                    record_associated_data(repository, generation), keyring);
  OpenedRecord opened;
  opened.hash = crypto::hash(object);
  opened.md5 = destination::md5(object);
  ByteReader reader(content);
  const ByteView frozen = reader.bytes(reader.u32());
  parse_frozen_part(frozen, opened.record);
  // Before anything that a newer version may have laid out otherwise.
  require_readable(opened.record.features);

  const ByteView message = reader.bytes(reader.u32());
  check_padding(reader.rest());
  v1::SignedRecord signed_record;
  if (!signed_record.ParseFromArray(message.data(), static_cast<int>(message.size())) ||
      !opened.record.body.ParseFromString(signed_record.body())) {
    throw Error(ErrorKind::kDamaged, "it is not a record");
  }
  if (opened.record.body.generation() != generation) {
    throw Error(ErrorKind::kDamaged, "it is the record of another generation");
  }
  opened.signed_bytes = signed_bytes(repository, frozen, as_bytes(signed_record.body()));
  const ByteView signature = as_bytes(signed_record.signature());
  opened.signature.assign(signature.begin(), signature.end());
  return opened;
}

}  // namespace garner::store
