#include "store/state_cache.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "base/error.h"
#include "base/file.h"
#include "crypto/hash.h"
#include "store/state.h"

namespace garner::store {

namespace {

constexpr std::string_view kStateCacheMagic = "GARNLAS4";

LogEnd read_end(ByteReader& reader) {
  LogEnd end;
  end.last_change = reader.u64();
  end.tells_sums = reader.u8() == 1;
  for (std::uint32_t left = reader.u32(); left > 0; --left) {
    KnownRecord& record = end.records.emplace_back();
    record.generation = reader.u64();
    std::ranges::copy(reader.bytes(record.md5.size()), record.md5.begin());
  }
  return end;
}

void write_end(ByteWriter& writer, const LogEnd& end) {
  writer.u64(end.last_change);
  writer.u8(end.tells_sums ? 1 : 0);
  writer.u32(static_cast<std::uint32_t>(end.records.size()));
  for (const KnownRecord& record : end.records) {
    writer.u64(record.generation);
    writer.bytes(record.md5);
  }
}

}  // namespace

std::optional<CachedState> read_state_cache(const std::string& path, const Uuid& repository) {
  try {
    const Bytes file = read_file(path, kMaximumState);
    if (file.size() < sizeof(crypto::Digest)) return std::nullopt;
    const ByteView covered = ByteView(file).first(file.size() - sizeof(crypto::Digest));
    if (!std::ranges::equal(crypto::hash(covered), ByteView(file).subspan(covered.size())))
      return std::nullopt;
    ByteReader reader(covered);
    if (as_text(reader.bytes(kStateCacheMagic.size())) != kStateCacheMagic) return std::nullopt;
    if (Uuid::from_bytes(reader.bytes(repository.value.size())) != repository) return std::nullopt;
    const std::uint64_t read = reader.u64();
    const std::uint64_t write = reader.u64();
    if (FeatureFlags{read, write, reader.u64()} != kKnownFeatures) return std::nullopt;
    CachedState cached;
    cached.from_first_record = reader.u8() == 1;
    cached.log.end = read_end(reader);
    if (!cached.log.state.ParseFromArray(reader.rest().data(), static_cast<int>(reader.rest().size())))
      return std::nullopt;
    require_readable(features_of(cached.log.state));
    return cached;
  } catch (const Error&) {
    return std::nullopt;  // whatever is wrong with it, the destination has all of it
  }
}

void write_state_cache(const std::string& path, const Uuid& repository, const v1::RepositoryState& state,
                       const LogEnd& end, bool from_first_record) {
  ByteWriter writer;
  writer.bytes(as_bytes(kStateCacheMagic));
  writer.bytes(repository.view());
  writer.u64(kKnownFeatures.read);
  writer.u64(kKnownFeatures.write);
  writer.u64(kKnownFeatures.prune);
  writer.u8(from_first_record ? 1 : 0);
  write_end(writer, end);
  writer.bytes(as_bytes(state.SerializeAsString()));
  writer.bytes(crypto::hash(writer.data()));
  const std::string temporary = path + ".new";
  const Fd file = open_file(temporary, O_WRONLY | O_CREAT | O_TRUNC);
  write_at(file.get(), writer.data(), 0, temporary);
  if (std::rename(temporary.c_str(), path.c_str()) != 0) {
    throw system_error(errno, "renaming " + printable(temporary));
  }
}

}  // namespace garner::store
