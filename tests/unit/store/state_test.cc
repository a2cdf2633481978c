// The rules of the log, and states as objects.
#include "store/state.h"

#include <algorithm>

#include "store/segment.h"
#include "support/random_packs.h"
#include "support/store_fixture.h"

using namespace garner;
using namespace garner::store;
using namespace garner::testing;

namespace {

using Edit = std::function<void(Record&)>;

std::string text_of(const ObjectName& name) { return std::string(as_text(name.view())); }

// A log of which no object is stored: records are sealed, opened and applied.
struct Log {
  CryptoReady ready;
  crypto::Keyring keyring = crypto::Keyring::generate({1, 0});
  Uuid repository = Uuid::random();
  Uuid log_uuid = Uuid::random();
  crypto::WriterKey remover = crypto::WriterKey::generate();
  crypto::WriterKey adder = crypto::WriterKey::generate();
  v1::RepositoryState state;
  Random random{7};

  // A log with a remover and an adder.
  Log() {
    REQUIRE_FALSE(apply_by(remover, [&](Record& record) { add_writer(record, remover, v1::ROLE_REMOVE); }));
    REQUIRE_FALSE(apply_by(adder, [&](Record& record) { add_writer(record, adder, v1::ROLE_ADD); }));
  }

  static void add_writer(Record& record, const crypto::WriterKey& key, v1::Role role) {
    v1::Writer& writer = *record.body.add_set_writers();
    set_uuid(*writer.mutable_uuid(), key.uuid());
    writer.set_public_key(key.public_key().data(), key.public_key().size());
    writer.set_role(role);
  }

  Record next(const crypto::WriterKey& writer) const {
    Record record;
    record.features = features_of(state);
    record.parameters = state.generation() == 0 ? small_parameters() : state.parameters();
    record.body.set_generation(state.generation() + 1);
    record.body.set_previous(state.record_hash());
    set_uuid(*record.body.mutable_log_uuid(), log_uuid);
    set_uuid(*record.body.mutable_writer(), writer.uuid());
    return record;
  }

  // The kind of error that a record makes, which then changes nothing; none when it was applied.
  std::optional<ErrorKind> apply_by(const crypto::WriterKey& writer, const Edit& edit) {
    return apply_signed(writer, writer, edit);
  }
  std::optional<ErrorKind> apply_signed(const crypto::WriterKey& writer, const crypto::WriterKey& signer,
                                        const Edit& edit) {
    Record record = next(writer);
    edit(record);
    const SealedRecord sealed = seal_record(record, signer, keyring, repository);
    try {
      const OpenedRecord opened = open_record(sealed.object, record.body.generation(), keyring, repository);
      state = apply(state, opened);
      return std::nullopt;
    } catch (const Error& error) {
      return error.kind();
    }
  }

  std::string new_name() { return text_of(random_name(random)); }
  static void add_segment(Record& record, const std::string& name) {
    v1::SegmentReference& segment = *record.body.add_add_segments();
    segment.set_name(name);
    segment.set_size(4096);
    segment.set_entries(3);
  }
  static void add_snapshot(Record& record, const std::string& id) {
    v1::SnapshotEntry& entry = *record.body.add_add_snapshots();
    entry.set_id(id);
    *entry.mutable_snapshot() = test_snapshot(Uuid::random(), Uuid::random());
  }
  static v1::UnfinishedRoot& add_root(Record& record, const Uuid& run, const crypto::WriterKey& writer) {
    v1::UnfinishedRoot& root = *record.body.add_set_roots();
    set_uuid(*root.mutable_run(), run);
    set_uuid(*root.mutable_writer(), writer.uuid());
    return root;
  }
};

constexpr auto kDamaged = ErrorKind::kDamaged;
constexpr auto kForked = ErrorKind::kForked;

}  // namespace

TEST_CASE("a record continues the one before it, or the log was forked") {
  Log log;
  CHECK(log.apply_by(log.remover, [](Record& record) { record.body.set_generation(4); }) == kForked);
  CHECK(log.apply_by(log.remover, [](Record& record) { record.body.set_generation(2); }) == kForked);
  CHECK(log.apply_by(log.remover, [](Record& record) { record.body.mutable_previous()->front() ^= 1; }) ==
        kForked);
  CHECK(log.apply_by(log.remover, [](Record& record) { record.body.clear_previous(); }) == kForked);
  CHECK(log.apply_by(log.remover, [](Record& record) {
    set_uuid(*record.body.mutable_log_uuid(), Uuid::random());
  }) == kForked);
  CHECK_FALSE(log.apply_by(log.remover, [](Record&) {}));
  CHECK(log.state.generation() == 3);
}

TEST_CASE("a log begins at a generation of its own, by a remover, and with nothing before it") {
  Log log;
  auto begins = [&](const Edit& edit) {
    log.state.Clear();
    return log.apply_by(log.remover, [&](Record& record) {
      Log::add_writer(record, log.remover, v1::ROLE_REMOVE);
      edit(record);
    });
  };
  CHECK_FALSE(begins([](Record&) {}));
  CHECK_FALSE(
      begins([](Record& record) { record.body.set_generation(std::uint64_t{3} << kLogNumberShift); }));
  CHECK(begins([](Record& record) { record.body.set_generation(2); }) == kDamaged);
  CHECK(begins([](Record& record) {
          record.body.set_generation((std::uint64_t{3} << kLogNumberShift) + 1);
        }) == kDamaged);
  CHECK(begins([&](Record& record) { record.body.set_previous(log.new_name()); }) == kDamaged);
  CHECK(begins([](Record& record) { record.body.clear_log_uuid(); }) == kDamaged);
  CHECK(begins([](Record& record) { record.body.mutable_set_writers(0)->set_role(v1::ROLE_ADD); }) ==
        kDamaged);
  CHECK(begins([](Record& record) { record.body.clear_set_writers(); }) == kDamaged);
  CHECK(begins([](Record& record) { record.parameters.set_chunk_average(5000); }) == kDamaged);
  CHECK(begins([](Record& record) { record.parameters.set_frame_target(5u << 20); }) == kDamaged);
  CHECK(begins([](Record& record) { record.parameters.set_pack_target(0); }) == kDamaged);
}

TEST_CASE("a record is signed by its writer, whom the log lists") {
  Log log;
  const crypto::WriterKey stranger = crypto::WriterKey::generate();
  CHECK(log.apply_signed(log.remover, log.adder, [](Record&) {}) == kDamaged);
  CHECK(log.apply_signed(log.remover, stranger, [](Record&) {}) == kDamaged);
  CHECK(log.apply_by(stranger, [](Record&) {}) == kDamaged);
  // A stranger's key under a listed writer's uuid.
  CHECK(log.apply_signed(log.remover, stranger, [&](Record& record) {
    Log::add_writer(record, stranger, v1::ROLE_REMOVE);
    set_uuid(*record.body.mutable_set_writers(0)->mutable_uuid(), log.remover.uuid());
  }) == kDamaged);
  CHECK(log.state.generation() == 2);
}

TEST_CASE("a new writer lists itself as one that may add, and nothing else") {
  Log log;
  const crypto::WriterKey stranger = crypto::WriterKey::generate();
  CHECK(log.apply_by(stranger, [&](Record& record) { Log::add_writer(record, stranger, v1::ROLE_REMOVE); }) ==
        kDamaged);
  CHECK(log.apply_by(stranger, [&](Record& record) {
    Log::add_writer(record, stranger, v1::ROLE_ADD);
    Log::add_writer(record, log.adder, v1::ROLE_REMOVE);
  }) == kDamaged);
  CHECK(log.apply_by(stranger, [&](Record& record) {
    Log::add_writer(record, stranger, v1::ROLE_ADD);
    record.body.add_condemn(log.new_name());
  }) == kDamaged);
  CHECK_FALSE(log.apply_by(stranger, [&](Record& record) {
    Log::add_writer(record, stranger, v1::ROLE_ADD);
    Log::add_snapshot(record, log.new_name());
  }));
  REQUIRE(find_writer(log.state, stranger.uuid()) != nullptr);
  CHECK(find_writer(log.state, stranger.uuid())->role() == v1::ROLE_ADD);
}

TEST_CASE("a writer that may only add removes nothing and changes nothing of others") {
  Log log;
  const std::string segment = log.new_name();
  const std::string snapshot = log.new_name();
  const std::string condemned = log.new_name();
  const Uuid run = Uuid::random();
  REQUIRE_FALSE(log.apply_by(log.remover, [&](Record& record) {
    Log::add_segment(record, segment);
    Log::add_snapshot(record, snapshot);
    Log::add_root(record, run, log.remover);
    record.body.add_condemn(condemned);
  }));
  const std::vector<std::pair<const char*, Edit>> forbidden = {
      {"segment", [&](Record& record) { record.body.add_remove_segments(segment); }},
      {"snapshot", [&](Record& record) { record.body.add_remove_snapshots(snapshot); }},
      {"condemn", [&](Record& record) { record.body.add_condemn(log.new_name()); }},
      {"drop", [&](Record& record) { record.body.add_drop(condemned); }},
      {"remove root", [&](Record& record) { record.body.add_remove_roots(run.value.data(), 16); }},
      {"take over root", [&](Record& record) { Log::add_root(record, run, log.adder); }},
      {"root for another", [&](Record& record) { Log::add_root(record, Uuid::random(), log.remover); }},
      {"remove writer",
       [&](Record& record) { record.body.add_remove_writers(log.remover.uuid().value.data(), 16); }},
      {"promote", [&](Record& record) { Log::add_writer(record, log.adder, v1::ROLE_REMOVE); }},
      {"flags", [&](Record& record) { record.features.write = 1; }},
      {"parameters", [&](Record& record) { record.parameters.set_pack_target(1u << 20); }},
  };
  for (const auto& [what, edit] : forbidden) {
    CAPTURE(what);
    CHECK(log.apply_by(log.adder, edit) == kDamaged);
  }
  // A remover may do each of them.
  for (const auto& [what, edit] : forbidden) {
    CAPTURE(what);
    if (std::string(what) == "remove writer") continue;
    if (std::string(what) == "take over root") continue;  // it is gone
    CHECK_FALSE(log.apply_by(log.remover, edit));
  }
}

TEST_CASE("a remover gives roles and takes them, but one remover is left") {
  Log log;
  CHECK(log.apply_by(log.remover, [&](Record& record) {
    record.body.add_remove_writers(log.remover.uuid().value.data(), 16);
  }) == kDamaged);
  CHECK(log.apply_by(log.remover, [&](Record& record) {
    Log::add_writer(record, log.remover, v1::ROLE_ADD);
  }) == kDamaged);
  CHECK_FALSE(log.apply_by(log.remover,
                           [&](Record& record) { Log::add_writer(record, log.adder, v1::ROLE_REMOVE); }));
  CHECK_FALSE(log.apply_by(log.adder, [&](Record& record) {
    record.body.add_remove_writers(log.remover.uuid().value.data(), 16);
  }));
  CHECK(log.state.writers_size() == 1);
  CHECK(log.apply_by(log.remover, [](Record&) {}) == kDamaged);
}

TEST_CASE("segments, snapshots and roots are added once and removed once") {
  Log log;
  const std::string segment = log.new_name();
  const std::string snapshot = log.new_name();
  const Uuid run = Uuid::random();
  const auto add_all = [&](Record& record) {
    Log::add_segment(record, segment);
    Log::add_snapshot(record, snapshot);
    Log::add_root(record, run, log.remover);
  };
  REQUIRE_FALSE(log.apply_by(log.remover, add_all));
  CHECK(log.state.roots(0).generation() == log.state.generation());
  CHECK(log.apply_by(log.remover, [&](Record& record) { Log::add_segment(record, segment); }) == kDamaged);
  CHECK(log.apply_by(log.remover, [&](Record& record) { Log::add_snapshot(record, snapshot); }) == kDamaged);
  CHECK(log.apply_by(log.remover, [&](Record& record) {
    Log::add_root(record, run, log.remover);
    Log::add_root(record, run, log.remover);
  }) == kDamaged);
  CHECK_FALSE(log.apply_by(
      log.remover, [&](Record& record) { Log::add_root(record, run, log.remover).add_segments(segment); }));
  REQUIRE(log.state.roots_size() == 1);
  CHECK(log.state.roots(0).segments_size() == 1);

  const auto remove_all = [&](Record& record) {
    record.body.add_remove_segments(segment);
    record.body.add_remove_snapshots(snapshot);
    record.body.add_remove_roots(run.value.data(), run.value.size());
  };
  REQUIRE_FALSE(log.apply_by(log.remover, remove_all));
  CHECK(log.state.segments().empty());
  CHECK(log.state.snapshots().empty());
  CHECK(log.state.roots().empty());
  CHECK(log.apply_by(log.remover, [&](Record& record) { record.body.add_remove_segments(segment); }) ==
        kDamaged);
  CHECK(log.apply_by(log.remover, [&](Record& record) { record.body.add_remove_snapshots(snapshot); }) ==
        kDamaged);
  CHECK(log.apply_by(log.remover, [&](Record& record) {
    record.body.add_remove_roots(run.value.data(), 16);
  }) == kDamaged);
}

TEST_CASE("tags are given to listed snapshots, by a remover, once it is said that they must be known") {
  Log log;
  const std::string snapshot = log.new_name();
  const auto give = [&](const std::vector<std::string>& tags, const std::string& id) -> Edit {
    return [=](Record& record) {
      v1::SnapshotTags& given = *record.body.add_give_tags();
      given.set_snapshot(id);
      given.mutable_tags()->Add(tags.begin(), tags.end());
    };
  };
  REQUIRE_FALSE(log.apply_by(log.remover, [&](Record& record) { Log::add_snapshot(record, snapshot); }));
  CHECK(log.apply_by(log.remover, give({"a"}, snapshot)) == kDamaged);
  REQUIRE_FALSE(log.apply_by(log.remover, [&](Record& record) {
    give({"a", "b"}, snapshot)(record);
    record.features.write |= kTagsFeature;
  }));
  REQUIRE(log.state.snapshots(0).tags_size() == 2);
  CHECK(log.state.snapshots(0).tags(1) == "b");

  CHECK(log.apply_by(log.adder, give({"c"}, snapshot)) == kDamaged);
  CHECK(log.apply_by(log.adder, give({}, snapshot)) == kDamaged);
  CHECK(log.apply_by(log.remover, give({"c"}, log.new_name())) == kDamaged);
  CHECK(log.apply_by(log.remover, give({"c"}, "short")) == kDamaged);
  const std::vector<std::vector<std::string>> bad = {
      {"a", "b"}, {"b", "a"}, {"a", "a"}, {""}, {"a b"}, {"\x1b[2J"}, std::vector<std::string>(1000, "a")};
  for (const auto& tags : bad) CHECK(log.apply_by(log.remover, give(tags, snapshot)) == kDamaged);
  CHECK(log.apply_by(log.remover, [&](Record& record) {
    give({"c"}, snapshot)(record);
    give({"d"}, snapshot)(record);
  }) == kDamaged);
  CHECK(log.apply_by(log.remover, [&](Record& record) {
    Log::add_snapshot(record, log.new_name());
    record.body.mutable_add_snapshots(0)->add_tags("a");
  }) == kDamaged);
  CHECK(log.state.snapshots(0).tags_size() == 2);

  CHECK_FALSE(log.apply_by(log.remover, give({}, snapshot)));
  CHECK(log.state.snapshots(0).tags().empty());
}

TEST_CASE("a name is condemned, then dropped, and never comes back") {
  Log log;
  const std::string pack = log.new_name();
  const std::string segment = log.new_name();
  REQUIRE_FALSE(log.apply_by(log.remover, [&](Record& record) { Log::add_segment(record, segment); }));
  CHECK(log.apply_by(log.remover, [&](Record& record) { record.body.add_drop(pack); }) == kDamaged);
  CHECK(log.apply_by(log.remover, [&](Record& record) { record.body.add_condemn(segment); }) == kDamaged);
  CHECK(log.apply_by(log.remover, [&](Record& record) {
    record.body.add_condemn(pack);
    record.body.add_drop(pack);
  }) == kDamaged);
  REQUIRE_FALSE(log.apply_by(log.remover, [&](Record& record) {
    record.body.add_condemn(pack);
    record.body.add_remove_segments(segment);
    record.body.add_condemn(segment);
  }));
  const ObjectName name = ObjectName::from_bytes(as_bytes(pack));
  CHECK(is_removed(log.state, name));
  CHECK(log.apply_by(log.remover, [&](Record& record) { record.body.add_condemn(pack); }) == kDamaged);
  CHECK(log.apply_by(log.remover, [&](Record& record) { Log::add_segment(record, segment); }) == kDamaged);
  REQUIRE_FALSE(log.apply_by(log.remover, [&](Record& record) {
    record.body.add_drop(pack);
    record.body.add_drop(segment);
  }));
  CHECK(log.state.condemned().empty());
  CHECK(log.state.dead_size() == 2);
  CHECK(is_removed(log.state, name));
  CHECK(log.apply_by(log.remover, [&](Record& record) { Log::add_segment(record, segment); }) == kDamaged);

  // Whoever has forgotten the name may do this, and then all take it.
  REQUIRE_FALSE(log.apply_by(log.remover, [&](Record& record) { record.body.add_condemn(pack); }));
  CHECK(log.state.condemned_size() == 1);
  CHECK(log.state.dead_size() == 1);
  REQUIRE_FALSE(log.apply_by(log.remover, [&](Record& record) { record.body.add_drop(pack); }));
  CHECK(log.state.condemned().empty());
  CHECK(log.state.dead_size() == 2);

  forget_dead(log.state, [&](const ObjectName& dead) { return dead == name; });
  REQUIRE(log.state.dead_size() == 1);
  CHECK(log.state.dead(0) == pack);
}

TEST_CASE("chunk sizes stay what they are") {
  Log log;
  CHECK(log.apply_by(log.remover, [](Record& record) { record.parameters.set_chunk_average(8192); }) ==
        kDamaged);
  CHECK(log.apply_by(log.remover, [](Record& record) { record.parameters.set_chunk_minimum(2048); }) ==
        kDamaged);
  CHECK_FALSE(
      log.apply_by(log.remover, [](Record& record) { record.parameters.set_frame_target(1u << 20); }));
  CHECK(log.state.parameters().frame_target() == 1u << 20);
}

TEST_CASE("malformed names, ids, uuids, keys and sizes are refused") {
  Log log;
  const std::vector<Edit> malformed = {
      [](Record& record) { Log::add_segment(record, "short"); },
      [&](Record& record) {
        Log::add_segment(record, log.new_name());
        record.body.mutable_add_segments(0)->set_size(0);
      },
      [&](Record& record) {
        Log::add_segment(record, log.new_name());
        record.body.mutable_add_segments(0)->set_size(kMaximumSegment + 1);
      },
      [&](Record& record) {
        Log::add_segment(record, log.new_name());
        record.body.mutable_add_segments(0)->set_inlined("not 4096 bytes");
      },
      [&](Record& record) {
        Log::add_segment(record, log.new_name());
        record.body.mutable_add_segments(0)->set_inlined(std::string(kMaximumInlinedSegment + 1, 'x'));
        record.body.mutable_add_segments(0)->set_size(kMaximumInlinedSegment + 1);
      },
      [](Record& record) { Log::add_snapshot(record, "short"); },
      [&](Record& record) {
        Log::add_snapshot(record, log.new_name());
        record.body.mutable_add_snapshots(0)->mutable_snapshot()->set_run("short");
      },
      [&](Record& record) {
        Log::add_snapshot(record, log.new_name());
        record.body.mutable_add_snapshots(0)->mutable_snapshot()->clear_set();
      },
      [](Record& record) { record.body.add_condemn("short"); },
      [&](Record& record) { Log::add_root(record, Uuid::random(), log.remover).add_segments("short"); },
      [&](Record& record) { Log::add_root(record, Uuid::random(), log.remover).add_snapshots("short"); },
      [&](Record& record) {
        Log::add_writer(record, crypto::WriterKey::generate(), v1::ROLE_ADD);
        record.body.mutable_set_writers(0)->set_public_key("short");
      },
      [&](Record& record) { Log::add_writer(record, crypto::WriterKey::generate(), v1::ROLE_UNSPECIFIED); },
      [](Record& record) { record.body.add_witnesses()->set_hash("short"); },
      [](Record& record) { record.body.set_writer("short"); },
  };
  for (std::size_t i = 0; i < malformed.size(); ++i) {
    CAPTURE(i);
    CHECK(log.apply_by(log.remover, malformed[i]) == kDamaged);
  }
}

TEST_CASE("a state lists segments, writers and removed names in order, whatever order they came in") {
  Log log;
  for (int i = 0; i < 20; ++i) {
    REQUIRE_FALSE(log.apply_by(log.remover, [&](Record& record) {
      Log::add_segment(record, log.new_name());
      Log::add_segment(record, log.new_name());
      record.body.add_condemn(log.new_name());
    }));
  }
  REQUIRE(log.state.segments_size() == 40);
  CHECK(std::ranges::is_sorted(log.state.segments(), {}, &v1::SegmentReference::name));
  CHECK(std::ranges::is_sorted(log.state.condemned()));
  CHECK(std::ranges::is_sorted(log.state.writers(), {}, &v1::Writer::uuid));
  for (const std::string& name : log.state.condemned()) {
    CHECK(is_removed(log.state, ObjectName::from_bytes(as_bytes(name))));
  }
}

TEST_CASE("a state's key tells its generation and record, and back") {
  Log log;
  crypto::Digest hash;
  std::ranges::copy(as_bytes(log.state.record_hash()), hash.begin());
  const std::string key = state_key(2, hash);
  CHECK(key == "state/0000000000000002-" + to_hex(hash));
  const auto name = parse_state_key(key);
  REQUIRE(name);
  CHECK(name->generation == 2);
  CHECK(name->record_hash == hash);
  CHECK_FALSE(parse_state_key(key + "0"));
  CHECK_FALSE(parse_state_key(key.substr(0, key.size() - 1)));
  CHECK_FALSE(parse_state_key("state/000000000000000x-" + to_hex(hash)));
  CHECK_FALSE(parse_state_key("state/0000000000000002_" + to_hex(hash)));
  CHECK_FALSE(parse_state_key("state/0000000000000002-" + std::string(64, 'g')));
}

TEST_CASE("a state object opens for its own repository, generation and record only") {
  Log log;
  crypto::Digest hash;
  std::ranges::copy(as_bytes(log.state.record_hash()), hash.begin());
  const Bytes object = seal_state(log.state, log.keyring, log.repository, log.remover.uuid());
  CHECK(open_state(object, 2, hash, log.keyring, log.repository).SerializeAsString() ==
        log.state.SerializeAsString());
  CHECK(kind_of([&] { open_state(object, 3, hash, log.keyring, log.repository); }) == kDamaged);
  CHECK(kind_of([&] { open_state(object, 2, crypto::Digest{}, log.keyring, log.repository); }) == kDamaged);
  CHECK(kind_of([&] { open_state(object, 2, hash, log.keyring, Uuid::random()); }) == kDamaged);
  // A record is not taken for a state.
  const SealedRecord record = seal_record(log.next(log.remover), log.remover, log.keyring, log.repository);
  CHECK(kind_of([&] { open_state(record.object, 2, hash, log.keyring, log.repository); }) == kDamaged);

  Bytes changed = object;
  for (std::size_t bit = 0; bit < changed.size() * 8; bit += 61) {
    CAPTURE(bit);
    changed[bit / 8] = static_cast<std::uint8_t>(changed[bit / 8] ^ (1u << (bit % 8)));
    REQUIRE_THROWS_AS(open_state(changed, 2, hash, log.keyring, log.repository), Error);
    changed[bit / 8] = static_cast<std::uint8_t>(changed[bit / 8] ^ (1u << (bit % 8)));
  }
  for (std::size_t size = 0; size < object.size(); size += 13) {
    REQUIRE_THROWS_AS(open_state(ByteView(object).first(size), 2, hash, log.keyring, log.repository), Error);
  }
}

TEST_CASE("a state with a must-know-to-read flag is of a newer version") {
  Log log;
  log.state.set_must_know_to_read(2);
  crypto::Digest hash;
  std::ranges::copy(as_bytes(log.state.record_hash()), hash.begin());
  const Bytes object = seal_state(log.state, log.keyring, log.repository, log.remover.uuid());
  CHECK(kind_of([&] { open_state(object, 2, hash, log.keyring, log.repository); }) ==
        ErrorKind::kNewerFormat);
}
