#include "stored_request.h"

#include <bit>

#include "base/error.h"

namespace garner::daemon {

namespace {

// 1 had nothing of FORGET and PRUNE, 2 no commands, 3 nothing of COPY.
constexpr std::uint8_t kRequestVersion = 4;
constexpr std::uint64_t kMostSeconds = 365ull * 24 * 3600;  // of a command

void put(ByteWriter& writer, const std::string& text) {
  writer.u32(static_cast<std::uint32_t>(text.size()));
  writer.bytes(as_bytes(text));
}

std::string get(ByteReader& reader) {
  const std::uint32_t length = reader.u32();
  return std::string(as_text(reader.bytes(length)));
}

void put(ByteWriter& writer, const catalog::SetCommands::Command& command) {
  put(writer, command.text);
  writer.u32(command.user);
}

void put(ByteWriter& writer, const std::optional<catalog::SetCommands::Command>& command) {
  writer.u8(command ? 1 : 0);
  if (command) put(writer, *command);
}

void put(ByteWriter& writer, const catalog::SetCommands& commands) {
  put(writer, commands.before);
  put(writer, commands.after);
  put(writer, commands.on_failure);
  writer.u32(static_cast<std::uint32_t>(commands.sources.size()));
  for (const auto& source : commands.sources) {
    put(writer, source.name);
    put(writer, source.command);
  }
  writer.u64(static_cast<std::uint64_t>(commands.hook_limit.count()));
  writer.u64(static_cast<std::uint64_t>(commands.source_limit.count()));
}

catalog::SetCommands::Command get_command(ByteReader& reader) {
  std::string text = get(reader);
  return {std::move(text), reader.u32()};
}

std::optional<catalog::SetCommands::Command> get_optional_command(ByteReader& reader) {
  if (reader.u8() == 0) return std::nullopt;
  return get_command(reader);
}

catalog::SetCommands get_commands(ByteReader& reader) {
  catalog::SetCommands commands;
  commands.before = get_optional_command(reader);
  commands.after = get_optional_command(reader);
  commands.on_failure = get_optional_command(reader);
  const std::uint32_t sources = reader.u32();
  for (std::uint32_t i = 0; i < sources; ++i) {
    std::string name = get(reader);
    commands.sources.push_back({std::move(name), get_command(reader)});
  }
  for (std::chrono::seconds* limit : {&commands.hook_limit, &commands.source_limit}) {
    const std::uint64_t seconds = reader.u64();
    if (seconds > kMostSeconds) throw Error(ErrorKind::kDamaged, "a run's request with a limit of ages");
    *limit = std::chrono::seconds(seconds);
  }
  return commands;
}

}  // namespace

StoredRequest backup_request(const catalog::BackupSet& set, catalog::CommandTable& commands) {
  StoredRequest request;
  request.set = set.definition;
  request.destinations = set.destinations;
  request.commands = commands.find(set.definition.name());
  return request;
}

Bytes encode(const StoredRequest& request) {
  ByteWriter writer;
  writer.u8(kRequestVersion);
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
  put(writer, request.commands);
  put(writer, request.copy.SerializeAsString());
  return writer.take();
}

StoredRequest decode_request(ByteView bytes) {
  ByteReader reader(bytes);
  StoredRequest request;
  const std::uint8_t version = reader.u8();
  if (version == 0 || version > kRequestVersion)
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
  if (version >= 3) request.commands = get_commands(reader);
  if (version >= 4) parsed = request.copy.ParseFromString(get(reader)) && parsed;
  if (!parsed || !reader.at_end()) throw Error(ErrorKind::kDamaged, "a run's request cannot be read");
  return request;
}

}  // namespace garner::daemon
