#include "store/pack.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>

#include "store/padding.h"
#include "support/memory_destination.h"
#include "support/random_packs.h"
#include "support/temporary_folder.h"

namespace garner::store {
namespace {

using testing::kind_of;
using testing::kPackWindow;
using testing::Random;

// Writes packs of random blobs, and knows what is in them.
struct PackFixture {
  PackFixture() {
    crypto::initialize_crypto();
    keyring.emplace(crypto::Keyring::generate({}));
    context.keyring = &*keyring;
    context.writer = Uuid::random();
    context.recovery_slot = Bytes(300, 0x5a);
    context.parameters.set_pack_target(32u << 20);
    context.log_uuid = Uuid::random();
    context.generation = 42;
  }

  // A frame of `blobs` text blobs of `length` bytes.
  void append(PackWriter& writer, std::size_t blobs, std::size_t length) {
    FrameBuilder builder(1u << 20);
    crypto::BlobKind kind =
        writer.kind() == PackKind::kData ? crypto::BlobKind::kData : crypto::BlobKind::kTree;
    for (std::size_t i = 0; i < blobs; ++i) {
      builder.add(testing::random_id(random), kind, testing::random_text(random, length));
    }
    raw.emplace_back(builder.raw().begin(), builder.raw().end());
    writer.append(codec.encode(raw.back()), static_cast<std::uint32_t>(raw.back().size()), builder.blobs());
  }

  FinishedPack small_pack() {
    PackWriter writer(path(), context, PackKind::kData);
    for (std::size_t i = 1; i < 4; ++i) append(writer, i, 700);
    return publish(writer.finish());
  }

  FinishedPack publish(FinishedPack pack) {
    REQUIRE(std::filesystem::file_size(path()) == pack.size);
    destination.put_file(pack_key(pack.name), path());
    return pack;
  }

  // Reads everything, compares it, and returns how many frames there were.
  std::size_t read_all(const ObjectName& name) {
    PackReader reader(destination, *keyring, name);
    PackReader::Directory directory = reader.read_directory();
    Scratch sealed;
    for (std::size_t i = 0; i < directory.frames.size(); ++i) {
      const PackedFrame& frame = directory.frames[i];
      const ByteView plain = reader.read_frame(frame.offset, frame.stored_length, sealed);
      if (codec.decode(plain, frame.raw_length) != raw.at(i)) throw std::runtime_error("another content");
    }
    return directory.frames.size();
  }

  std::string path() const { return folder.path("pack"); }
  Bytes& object(const ObjectName& name) { return destination.object(pack_key(name)); }

  testing::TemporaryFolder folder;
  testing::MemoryDestination destination;
  std::optional<crypto::Keyring> keyring;
  PackContext context;
  FrameCodec codec;
  Random random{1};
  std::vector<Bytes> raw;  // of the frames, in order
};

TEST_CASE_METHOD(PackFixture, "a pack comes back as it was written") {
  for (PackKind kind : {PackKind::kData, PackKind::kMetadata}) {
    raw.clear();
    PackWriter writer(path(), context, kind);
    append(writer, 1, 0);
    append(writer, 3, 100);
    append(writer, 40, 3000);
    append(writer, 1, kMaximumFrame);
    std::uint64_t bound = writer.size();
    FinishedPack pack = publish(writer.finish());

    REQUIRE(pack.kind == kind);
    REQUIRE(pack.size == padded_pack_size(pack.size));
    REQUIRE(pack.size <= padded_pack_size(bound));
    REQUIRE(is_name_of(pack.name, object(pack.name)));
    Scratch sealed;
    PackReader reader(destination, *keyring, pack.name);
    REQUIRE(reader.header().kind == kind);
    REQUIRE(reader.header().epoch == 1);
    REQUIRE(reader.header().recovery_slot == context.recovery_slot);
    PackReader::Directory directory = reader.read_directory();
    REQUIRE(directory.parameters.pack_target() == 32u << 20);
    REQUIRE(directory.log_uuid == context.log_uuid);
    REQUIRE(directory.generation == 42);
    REQUIRE(directory.frames.size() == 4);
    REQUIRE(directory.frames.size() == pack.frames.size());
    for (std::size_t i = 0; i < pack.frames.size(); ++i) {
      REQUIRE(directory.frames[i].offset == pack.frames[i].offset);
      REQUIRE(directory.frames[i].blobs.size() == pack.frames[i].blobs.size());
      REQUIRE(directory.frames[i].blobs.back().id == pack.frames[i].blobs.back().id);
    }
    REQUIRE(read_all(pack.name) == 4);
  }
}

TEST_CASE_METHOD(PackFixture, "whoever watches a destination sees whole windows and padded sizes") {
  for (std::size_t length : {std::size_t{1}, std::size_t{90000}, std::size_t{200000}, std::size_t{3000000}}) {
    raw.clear();
    PackWriter writer(path(), context, PackKind::kData);
    writer.append(
        codec.encode(testing::random_bytes(random, length)), static_cast<std::uint32_t>(length),
        {{testing::random_id(random), crypto::BlobKind::kData, static_cast<std::uint32_t>(length)}});
    FinishedPack pack = publish(writer.finish());
    REQUIRE(pack.size >= 128u << 10);
    REQUIRE(pack.size == padded_pack_size(length + 2500));
    Scratch sealed;
    PackReader reader(destination, *keyring, pack.name);
    reader.read_directory();
    reader.read_frame(pack.frames[0].offset, pack.frames[0].stored_length, sealed);
  }
  for (const auto& read : destination.reads()) {
    REQUIRE(read.offset % kPackWindow == 0);
    REQUIRE(read.length % kPackWindow == 0);
  }
}

TEST_CASE_METHOD(PackFixture, "two packs of the same content have nothing in common but what is clear") {
  FinishedPack first = small_pack();
  raw.clear();
  random.seed(1);
  FinishedPack second = small_pack();
  REQUIRE(first.name != second.name);
  Bytes a = object(first.name);
  Bytes b = object(second.name);
  std::size_t equal = 0;
  for (std::size_t i = 1600; i < a.size(); ++i) equal += a[i] == b[i] ? 1 : 0;
  REQUIRE(equal < a.size() / 100);
}

TEST_CASE_METHOD(PackFixture, "a flip of any byte of a pack is found") {
  FinishedPack pack = small_pack();
  Bytes& bytes = object(pack.name);
  std::size_t frames_end = pack.frames.back().offset + pack.frames.back().stored_length;
  for (std::size_t i = 0; i < bytes.size(); i += i < frames_end + 1000 || i + 200 > bytes.size() ? 1 : 211) {
    CAPTURE(i);
    std::uint8_t bit = static_cast<std::uint8_t>(1u << (i % 8));
    bytes[i] ^= bit;
    // Also in the version, the wrap type and the epoch, for the pack is not the one of that name any more.
    REQUIRE(kind_of([&] { read_all(pack.name); }) == ErrorKind::kDamaged);
    bytes[i] ^= bit;
  }
  REQUIRE(read_all(pack.name) == 3);
}

TEST_CASE_METHOD(PackFixture,
                 "a pack of another format version or key is no damage where its name proves it") {
  const FinishedPack pack = small_pack();
  const auto [at, value, kind] = GENERATE(table<std::size_t, std::uint8_t, ErrorKind>(
      {{8, 2, ErrorKind::kNewerFormat}, {11, 1, ErrorKind::kNewerFormat}, {12, 9, ErrorKind::kWrongKey}}));
  Bytes other = object(pack.name);
  other[at] = value;
  const ObjectName name = make_name(other);
  destination.put(pack_key(name), other);
  CHECK(kind_of([&] { read_all(name); }) == kind);
}

TEST_CASE_METHOD(PackFixture,
                 "of a truncated pack the whole frames are still readable, and the cut is found") {
  FinishedPack pack = small_pack();
  Bytes whole = object(pack.name);
  for (std::size_t length = 0; length < whole.size(); length += length < 6000 ? 1 : 1009) {
    CAPTURE(length);
    object(pack.name) = Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length));
    REQUIRE(kind_of([&] { read_all(pack.name); }) == ErrorKind::kDamaged);
    if (length < pack.frames[0].offset) continue;
    Scratch sealed;
    PackReader reader(destination, *keyring, pack.name);
    for (std::size_t i = 0; i < pack.frames.size(); ++i) {
      const PackedFrame& frame = pack.frames[i];
      if (frame.offset + frame.stored_length <= length) {
        REQUIRE(codec.decode(reader.read_frame(frame.offset, frame.stored_length, sealed),
                             frame.raw_length) == raw[i]);
      } else {
        REQUIRE(kind_of([&] { reader.read_frame(frame.offset, frame.stored_length, sealed); }) ==
                ErrorKind::kDamaged);
      }
    }
  }
  object(pack.name) = whole;
  object(pack.name).resize(256u << 10);
  REQUIRE(kind_of([&] { read_all(pack.name); }) == ErrorKind::kDamaged);
}

TEST_CASE_METHOD(PackFixture, "a place where no frame can be is refused before it is read") {
  FinishedPack pack = small_pack();
  Scratch sealed;
  PackReader reader(destination, *keyring, pack.name);
  std::size_t before = destination.reads().size();
  REQUIRE(kind_of([&] { reader.read_frame(0, 100, sealed); }) == ErrorKind::kDamaged);
  REQUIRE(kind_of([&] { reader.read_frame(pack.frames[0].offset, 20, sealed); }) == ErrorKind::kDamaged);
  REQUIRE(kind_of([&] { reader.read_frame(pack.frames[0].offset, ~0u, sealed); }) == ErrorKind::kDamaged);
  REQUIRE(kind_of([&] { reader.read_frame(~std::uint64_t{0} - 50, 100, sealed); }) == ErrorKind::kDamaged);
  REQUIRE(destination.reads().size() == before);
  // Another frame's place: the counter differs.
  REQUIRE(kind_of([&] {
            reader.read_frame(pack.frames[0].offset + 1, pack.frames[0].stored_length, sealed);
          }) == ErrorKind::kDamaged);
}

TEST_CASE_METHOD(PackFixture, "packs of every epoch are readable, those of an unknown one say so") {
  FinishedPack old = small_pack();
  crypto::Keyring before = keyring->copy();
  keyring->rotate({});
  std::vector<Bytes> old_raw = raw;
  raw.clear();
  FinishedPack recent = small_pack();
  PackReader reader(destination, *keyring, recent.name);
  REQUIRE(reader.header().epoch == 2);
  REQUIRE(kind_of([&] { PackReader(destination, before, recent.name); }) == ErrorKind::kWrongKey);
  REQUIRE(read_all(recent.name) == 3);
  raw = old_raw;
  REQUIRE(read_all(old.name) == 3);

  crypto::Keyring other = crypto::Keyring::generate({});
  PackReader stranger(destination, other, old.name);
  REQUIRE(kind_of([&] { stranger.read_directory(); }) == ErrorKind::kDamaged);
}

TEST_CASE_METHOD(PackFixture, "an unencrypted pack is one of the published keyring") {
  keyring.emplace(crypto::Keyring::unencrypted());
  context.recovery_slot.clear();
  FinishedPack pack = small_pack();
  REQUIRE(read_all(pack.name) == 3);
}

TEST_CASE_METHOD(PackFixture, "a header is parsed within its bounds") {
  FinishedPack pack = small_pack();
  Bytes start = object(pack.name);
  std::size_t length = parse_pack_header(start).length;
  REQUIRE(length == 1282 + 300);
  REQUIRE(pack.frames[0].offset == length);
  for (std::size_t cut = 0; cut < length; ++cut) {
    REQUIRE(kind_of([&] { parse_pack_header(ByteView(start).first(cut)); }) == ErrorKind::kDamaged);
  }
  REQUIRE(parse_pack_header(ByteView(start).first(length)).recovery_slot == context.recovery_slot);

  Bytes newer = start;
  newer[8] = 2;
  REQUIRE(kind_of([&] { parse_pack_header(newer); }) == ErrorKind::kNewerFormat);
  newer = start;
  newer[11] = 1;
  REQUIRE(kind_of([&] { parse_pack_header(newer); }) == ErrorKind::kNewerFormat);

  context.recovery_slot = Bytes((64u << 10) - 1282);
  raw.clear();
  FinishedPack longest = small_pack();
  REQUIRE(read_all(longest.name) == 3);
  context.recovery_slot.push_back(0);
  REQUIRE(kind_of([&] { PackWriter(path(), context, PackKind::kData); }) == ErrorKind::kInternal);
}

TEST_CASE_METHOD(PackFixture, "a writer takes only frames that can be read back") {
  PackWriter writer(path(), context, PackKind::kData);
  crypto::BlobId id = testing::random_id(random);
  const ByteView encoded = codec.encode(Bytes(100, 1));
  auto refuses = [&](std::uint32_t raw_length, std::vector<FrameBlob> blobs) {
    return kind_of([&] { writer.append(encoded, raw_length, std::move(blobs)); }) == ErrorKind::kInternal;
  };
  REQUIRE(refuses(100, {}));
  REQUIRE(refuses(100, {{id, crypto::BlobKind::kData, 99}}));
  REQUIRE(refuses(100, {{id, crypto::BlobKind::kTree, 100}}));
  REQUIRE(kind_of([&] { writer.finish(); }) == ErrorKind::kInternal);
  REQUIRE(kind_of([&] { PackWriter(path(), context, PackKind::kData); }) == ErrorKind::kAlreadyExists);
}

TEST_CASE_METHOD(PackFixture, "many tiny blobs fill a pack with their directory") {
  PackWriter writer(path(), context, PackKind::kMetadata);
  std::uint64_t before = writer.size();
  append(writer, 5000, 4);
  REQUIRE(writer.size() > before + 5000 * 36);
  FinishedPack pack = publish(writer.finish());
  REQUIRE(pack.size == 256u << 10);
  REQUIRE(read_all(pack.name) == 1);
}

// ---- A writer that died
// --------------------------------------------------------------------------------------------

// What is left of a pack after a crash: `durable` frames that the checkpoint knows, and others it does not.
std::vector<PackedFrame> crash(PackFixture& fixture, std::size_t durable) {
  PackWriter writer(fixture.path(), fixture.context, PackKind::kData);
  std::vector<PackedFrame> known;
  for (std::size_t i = 0; i < 5; ++i) {
    fixture.append(writer, 2, 900);
    if (i + 1 != durable) continue;
    writer.sync();
    known = writer.frames();
  }
  fixture.raw.resize(durable);
  return known;
}

void flip_in_file(const std::string& path, std::uint64_t offset) {
  Fd file = open_file(path, O_RDWR);
  std::uint8_t byte = 0;
  read_at(file.get(), {&byte, 1}, offset, path);
  byte ^= 0x10;
  write_at(file.get(), ByteView(&byte, 1), offset, path);
}

TEST_CASE_METHOD(PackFixture, "a pack whose writer died is closed at its last durable frame") {
  for (std::size_t durable : {std::size_t{1}, std::size_t{3}, std::size_t{5}}) {
    raw.clear();
    std::vector<PackedFrame> known = crash(*this, durable);
    // A frame that the power failure left half written.
    std::filesystem::resize_file(path(), std::filesystem::file_size(path()) + 1234);
    context.generation = 50;
    FinishedPack pack = publish(close_pack(path(), context, PackKind::kData, known));
    REQUIRE(pack.frames.size() == durable);
    REQUIRE(is_name_of(pack.name, object(pack.name)));
    REQUIRE(read_all(pack.name) == durable);
    REQUIRE(PackReader(destination, *keyring, pack.name).read_directory().generation == 50);
  }
}

TEST_CASE_METHOD(PackFixture,
                 "a pack that was finished before the crash is closed again, with another salt and name") {
  PackWriter writer(path(), context, PackKind::kData);
  append(writer, 2, 900);
  std::vector<PackedFrame> known = writer.frames();
  FinishedPack first = writer.finish();
  Bytes bytes = read_file(path(), 1u << 20);
  FinishedPack second = publish(close_pack(path(), context, PackKind::kData, known));
  REQUIRE(second.name != first.name);
  std::size_t trailer = first.size - 80;
  REQUIRE_FALSE(std::equal(bytes.begin() + static_cast<std::ptrdiff_t>(trailer), bytes.end() - 48,
                           object(second.name).begin() + static_cast<std::ptrdiff_t>(trailer)));
  REQUIRE(read_all(second.name) == 1);
}

TEST_CASE_METHOD(PackFixture, "a pack is closed under the epoch it was begun with") {
  std::vector<PackedFrame> known = crash(*this, 2);
  keyring->rotate({});
  FinishedPack pack = publish(close_pack(path(), context, PackKind::kData, known));
  REQUIRE(PackReader(destination, *keyring, pack.name).header().epoch == 1);
  REQUIRE(read_all(pack.name) == 2);
}

TEST_CASE_METHOD(PackFixture, "what is not the unfinished pack is not closed") {
  std::vector<PackedFrame> known = crash(*this, 3);
  auto close = [&](PackKind kind = PackKind::kData) {
    return kind_of([&] { close_pack(path(), context, kind, known); });
  };
  REQUIRE(close(PackKind::kMetadata) == ErrorKind::kDamaged);
  for (std::uint64_t place : {std::uint64_t{0}, std::uint64_t{700}, std::uint64_t{1500}, known[1].offset + 9,
                              known[2].offset + known[2].stored_length - 1}) {
    flip_in_file(path(), place);
    REQUIRE(close() == ErrorKind::kDamaged);
    flip_in_file(path(), place);
  }
  crypto::Keyring other = crypto::Keyring::generate({});
  std::swap(*keyring, other);
  REQUIRE(close() == ErrorKind::kDamaged);
  std::swap(*keyring, other);

  std::vector<PackedFrame> good = known;
  std::swap(known[0], known[1]);
  REQUIRE(close() == ErrorKind::kDamaged);
  known = good;
  known.erase(known.begin());
  REQUIRE(close() == ErrorKind::kDamaged);
  known = good;

  std::string published = folder.path("published");
  REQUIRE(link(path().c_str(), published.c_str()) == 0);
  REQUIRE(close() == ErrorKind::kNotFound);
  remove_file(published);
  std::filesystem::resize_file(path(), known.back().offset + known.back().stored_length - 1);
  REQUIRE(close() == ErrorKind::kNotFound);
  std::filesystem::resize_file(path(), 10);
  REQUIRE(close() == ErrorKind::kNotFound);
  remove_file(path());
  REQUIRE(close() == ErrorKind::kNotFound);
}

// ---- A full disk
TEST_CASE_METHOD(PackFixture,
                 "after a failed fsync a pack is neither synced nor finished, but can be closed") {
  std::string staging = folder.path("staging");
  std::filesystem::create_directory(staging);
  PackWriter writer(staging + "/pack", context, PackKind::kData);
  append(writer, 2, 900);
  // The folder cannot be made durable.
  std::filesystem::rename(staging, folder.path("moved"));
  REQUIRE(kind_of([&] { writer.sync(); }) == ErrorKind::kNotFound);
  std::vector<PackedFrame> known = writer.frames();
  REQUIRE(kind_of([&] { writer.sync(); }) == ErrorKind::kInternal);
  REQUIRE(kind_of([&] { writer.finish(); }) == ErrorKind::kInternal);
  FinishedPack pack = close_pack(folder.path("moved") + "/pack", context, PackKind::kData, known);
  destination.put_file(pack_key(pack.name), folder.path("moved") + "/pack");
  REQUIRE(read_all(pack.name) == 1);
}

// ---------------------------------------------------------------------------------------------------

TEST_CASE_METHOD(PackFixture, "a full disk loses no frame, and no nonce is used twice") {
  std::string mounted = folder.path("small");
  std::filesystem::create_directory(mounted);
  if (mount("garner-test", mounted.c_str(), "tmpfs", 0, "size=1m") != 0) {
    WARN("not tested: a small tmpfs cannot be mounted here");
    return;
  }
  struct Unmount {
    std::string path;
    ~Unmount() { umount2(path.c_str(), MNT_DETACH); }
  } unmount{mounted};
  std::string file = mounted + "/pack";
  Bytes noise = testing::random_bytes(random, 300000);
  std::vector<FrameBlob> blob = {{testing::random_id(random), crypto::BlobKind::kData, 300000}};
  std::vector<PackedFrame> known;
  {
    PackWriter writer(file, context, PackKind::kData);
    ErrorKind kind = kind_of([&] {
      for (int i = 0; i < 5; ++i) {
        writer.append(codec.encode(noise), 300000, blob);
        raw.push_back(noise);
      }
    });
    REQUIRE(kind == ErrorKind::kDestinationFull);
    known = writer.frames();
    REQUIRE(known.size() == 3);
    REQUIRE(std::filesystem::file_size(file) == known.back().offset + known.back().stored_length);
    REQUIRE(kind_of([&] { writer.append(codec.encode(noise), 300000, blob); }) == ErrorKind::kInternal);
    writer.sync();
    // Ended neither: 900 KB are padded to 1 MiB, and something else takes a page.
    write_at(open_file(mounted + "/other", O_RDWR | O_CREAT).get(), Bytes(4096), 0, mounted);
    REQUIRE(kind_of([&] { writer.finish(); }) == ErrorKind::kDestinationFull);
  }
  REQUIRE(kind_of([&] { close_pack(file, context, PackKind::kData, known); }) == ErrorKind::kDestinationFull);
  // A spool that is full says nothing of the destination.
  PackContext spooled = context;
  spooled.full = ErrorKind::kStateFull;
  REQUIRE(kind_of([&] { close_pack(file, spooled, PackKind::kData, known); }) == ErrorKind::kStateFull);
  REQUIRE(mount("garner-test", mounted.c_str(), "tmpfs", MS_REMOUNT, "size=4m") == 0);
  FinishedPack pack = close_pack(file, context, PackKind::kData, known);
  destination.put_file(pack_key(pack.name), file);
  REQUIRE(read_all(pack.name) == 3);
}

}  // namespace
}  // namespace garner::store
