#include "stored_request.h"

#include <bit>

#include "base/error.h"

namespace garner::daemon {

namespace {

// 1 had nothing of FORGET and PRUNE.
constexpr std::uint8_t kVersion = 2;

void put(ByteWriter& writer, const std::string& text) {
  writer.u32(static_cast<std::uint32_t>(text.size()));
  writer.bytes(as_bytes(text));
}

std::string get(ByteReader& reader) {
  const std::uint32_t length = reader.u32();
  return std::string(as_text(reader.bytes(length)));
}

}  // namespace

Bytes encode(const StoredRequest& request) {
  ByteWriter writer;
  writer.u8(kVersion);
  put(writer, request.set.SerializeAsString());
  writer.u8(request.full_scan ? 1 : 0);
  writer.u32(static_cast<std::uint32_t>(request.destinations.size()));
  for (const std::string& name : request.destinations) put(writer, name);
  put(writer, request.restore.SerializeAsString());
  writer.u8(request.resuming ? 1 : 0);
  writer.u64(std::bit_cast<std::uint64_t>(request.read_data_percent));
  writer.u8(request.dry_run ? 1 : 0);
  put(writer, request.forget.SerializeAsString());
  put(writer, request.forget_set);
  writer.u8(request.by_itself ? 1 : 0);
  put(writer, request.prune.SerializeAsString());
  return writer.take();
}

StoredRequest decode_request(ByteView bytes) {
  ByteReader reader(bytes);
  StoredRequest request;
  const std::uint8_t version = reader.u8();
  if (version == 0 || version > kVersion)
    throw Error(ErrorKind::kDamaged, "a run's request of an unknown form");
  bool parsed = request.set.ParseFromString(get(reader));
  request.full_scan = reader.u8() != 0;
  const std::uint32_t destinations = reader.u32();
  for (std::uint32_t i = 0; i < destinations; ++i) request.destinations.push_back(get(reader));
  parsed = request.restore.ParseFromString(get(reader)) && parsed;
  request.resuming = reader.u8() != 0;
  request.read_data_percent = std::bit_cast<double>(reader.u64());
  request.dry_run = reader.u8() != 0;
  if (version >= 2) {
    parsed = request.forget.ParseFromString(get(reader)) && parsed;
    request.forget_set = get(reader);
    request.by_itself = reader.u8() != 0;
    parsed = request.prune.ParseFromString(get(reader)) && parsed;
  }
  if (!parsed || !reader.at_end()) throw Error(ErrorKind::kDamaged, "a run's request cannot be read");
  return request;
}

}  // namespace garner::daemon
