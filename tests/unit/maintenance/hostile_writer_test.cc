// A writer that may only add, and lies to the index: nothing that somebody else has stored goes for it.
#include <catch2/catch.hpp>

#include <algorithm>
#include <optional>

#include "maintenance/forget.h"
#include "maintenance/prune.h"
#include "maintenance/rescue.h"
#include "support/difference_node.h"
#include "support/error_kind.h"
#include "unit/maintenance/maintenance_fixture.h"

using namespace garner;
using namespace garner::testing;
using namespace std::chrono_literals;

namespace {

// One file of one blob, of 900 bytes.
struct HostileWriterFixture {
  SmallRepository small;
  const std::string content = noise(900, 1);
  const crypto::BlobId blob = id_of(content);
  RecordingPruneMonitor monitor;

  HostileWriterFixture() {
    back_up(content);
    forge_record_by_other(repository(), [](store::Record&) {});
    repository().refresh();
  }

  void back_up(const std::string& text) {
    small.back_up_node([&](store::BlobSink& sink) { return whole_node(sink, text); });
  }
  store::Repository& repository() { return small.repository(); }
  crypto::BlobId id_of(const std::string& text) {
    return repository().hasher().id(crypto::BlobKind::kData, as_bytes(text));
  }
  // Where the index looks first.
  store::ObjectName kept_in(const crypto::BlobId& id) { return *repository().index().freeze().pack(id); }
  store::ObjectName kept_in() { return kept_in(blob); }
  bool exists(const store::ObjectName& pack) {
    return small.destination().size(store::pack_key(pack)).has_value();
  }

  // A pack of one blob at the destination, in no segment yet.
  store::CommitPlan pack_of(const std::string& text) {
    store::BlobWriterOptions options;
    options.run = Uuid::random();
    options.staging_folder = *small.destination().staging_folder();
    store::BlobWriter writer(repository(), options);
    writer.put(0, id_of(text), as_bytes(text));
    writer.finish();
    writer.publish();
    store::CommitPlan plan;
    plan.packs = writer.published();
    plan.names = writer.take_names();
    for (const store::FinishedPack& pack : plan.packs) plan.names.insert(pack.name);
    REQUIRE(plan.packs.size() == 1);
    return plan;
  }
  // By the segment of the index alone, or by the pack's own directory as well.
  enum class Lie { kSegment, kPack };
  // Twice, and again until the index looks there first; false if that does not come about.
  bool tell(Lie lie) {
    const store::ObjectName pack = kept_in();
    for (std::uint64_t number = 2; number < 50; ++number) {
      const std::string text = noise(content.size(), number);
      REQUIRE(
          repository().commit(lie == Lie::kPack ? false_pack(text, blob) : false_segment(text)).committed);
      small.reopen();
      if (number > 2 && kept_in() != pack) return true;
    }
    return false;
  }
  store::CommitPlan false_segment(const std::string& text) {
    store::CommitPlan plan = pack_of(text);
    plan.packs[0].frames[0].blobs[0].id = blob;
    return plan;
  }
  store::CommitPlan false_pack(const std::string& text, const crypto::BlobId& id) {
    store::CommitPlan plan;
    plan.packs = {store_pack(repository(), {{crypto::BlobKind::kData, id, Bytes(text.begin(), text.end())}})};
    plan.names = {plan.packs[0].name};
    return plan;
  }

  maintenance::PruneResult prune() {
    maintenance::PruneOptions options;
    options.run = Uuid::random();
    options.grace = 0s;
    options.threads = 2;
    monitor.problems.clear();
    return maintenance::run_prune(repository(), options, system_clock(), monitor, {});
  }
  std::vector<std::string> check() { return problems_of_check(repository()); }
  // What it could not heal: each in a snapshot, which it marks.
  std::vector<std::string> repair() {
    maintenance::RescueOptions options;
    options.staging_prefix = *small.destination().staging_folder() + "/rescue-";
    RecordingCheckMonitor checks;
    const maintenance::RescueResult result = maintenance::run_rescue(repository(), options, checks, {});
    CHECK(result.marked.size() == checks.problems.size());
    return checks.problems;
  }
  std::string read(const crypto::BlobId& id) {
    small.reopen();
    return std::string(as_text(repository().read(crypto::BlobKind::kData, id)));
  }
  bool is_readable() { return read(blob) == content; }
};

bool mentions(const std::vector<std::string>& lines, const std::string& part) {
  return std::ranges::any_of(lines,
                             [&](const std::string& line) { return line.find(part) != std::string::npos; });
}

}  // namespace

TEST_CASE("a pack is not pruned for the word of somebody who may only add that its blobs are elsewhere") {
  using Lie = HostileWriterFixture::Lie;
  const Lie lie = GENERATE(Lie::kSegment, Lie::kPack);
  // Where the index looks first is as names happen to be drawn, and once in 50 times never there.
  std::optional<HostileWriterFixture> made;
  store::ObjectName pack;
  do {
    made.emplace();
    pack = made->kept_in();
  } while (!made->tell(lie));
  HostileWriterFixture& fixture = *made;
  CHECK(fixture.is_readable());
  // Packs of lies that the index does not look at go, or stay, and are no copies for the next time.
  for (int times = 0; times < 2; ++times) {
    fixture.prune();
    CHECK(fixture.exists(pack));
  }
  CHECK(mentions(fixture.monitor.problems, store::pack_key(pack) + " stays"));
  CHECK(fixture.is_readable());

  CHECK(mentions(fixture.check(), lie == Lie::kPack ? "is not what its id says" : "do not agree"));
  CHECK(fixture.repair() == std::vector<std::string>{});
  fixture.prune();
  CHECK(fixture.monitor.problems == std::vector<std::string>{});
  CHECK(fixture.is_readable());
  CHECK(fixture.check() == std::vector<std::string>{});
}

TEST_CASE("a backup that rests on a false pack gives no wrong byte, and is whole after the next one") {
  HostileWriterFixture fixture;
  const std::string text = noise(900, 2);
  const crypto::BlobId id = fixture.id_of(text);
  REQUIRE(fixture.repository().commit(fixture.false_pack(noise(900, 3), id)).committed);
  fixture.back_up(text);
  CHECK(kind_of([&] { fixture.read(id); }) == ErrorKind::kDamaged);
  CHECK(mentions(fixture.check(), "is not what its id says"));
  CHECK(mentions(fixture.repair(), "its content is damaged or missing"));
  fixture.back_up(text);
  CHECK(fixture.read(id) == text);
  CHECK(fixture.repair() == std::vector<std::string>{});
  CHECK(fixture.check() == std::vector<std::string>{});
}

TEST_CASE(
    "check tells when segments do not agree on a pack, whichever of them is false, and repair heals it") {
  HostileWriterFixture fixture;
  const store::ObjectName pack = fixture.kept_in();
  const store::PackReader reader(fixture.small.destination(), fixture.repository().keyring(), pack);
  store::FinishedPack said{pack, store::PackKind::kData,
                           *fixture.small.destination().size(store::pack_key(pack)),
                           reader.read_directory().frames};
  REQUIRE(said.frames.size() == 1);
  said.frames[0].blobs[0].id = fixture.id_of("nothing that anybody has");
  const store::SealedSegment segment =
      store::seal_segment(store::build_segment_payload({said}), fixture.repository().keyring(),
                          fixture.repository().header().repository, Uuid::random());
  forge_record_by_other(fixture.repository(), [&](store::Record& record) {
    store::v1::SegmentReference& added = *record.body.add_add_segments();
    added.set_name(segment.name.value.data(), segment.name.value.size());
    added.set_entries(segment.entries);
    added.set_size(segment.object.size());
    added.set_inlined(segment.object.data(), segment.object.size());
  });
  fixture.small.reopen();
  CHECK(mentions(fixture.check(), "segments of the index do not agree"));
  CHECK(fixture.repair() == std::vector<std::string>{});
  CHECK(fixture.is_readable());
  CHECK(fixture.check() == std::vector<std::string>{});
  fixture.prune();
  CHECK(fixture.monitor.problems == std::vector<std::string>{});
  CHECK(fixture.is_readable());
}

TEST_CASE("beside a writer that may only add, a second copy goes if the first one is whole") {
  HostileWriterFixture fixture;
  // Two machines stored the same content at once, and neither knew of the other's.
  const std::string text = noise(900, 2);
  std::vector<store::CommitPlan> plans;
  for (int machine = 0; machine < 2; ++machine) plans.push_back(fixture.pack_of(text));
  for (store::CommitPlan& plan : plans) REQUIRE(fixture.repository().commit(plan).committed);
  fixture.back_up(text);
  const store::ObjectName kept = fixture.kept_in(fixture.id_of(text));
  const store::ObjectName other = plans[plans[0].packs[0].name == kept ? 1 : 0].packs[0].name;
  SECTION("whole") {
    CHECK(fixture.prune().dead.packs == 1);
    CHECK(fixture.monitor.problems == std::vector<std::string>{});
    CHECK(fixture.exists(kept));
    CHECK_FALSE(fixture.exists(other));
    CHECK(fixture.check() == std::vector<std::string>{});
  }
  SECTION("cut short") {
    const std::string path = fixture.small.path() + "/" + store::pack_key(kept);
    std::filesystem::resize_file(path, std::filesystem::file_size(path) - 1);
    CHECK(fixture.prune().dead.packs == 0);
    CHECK(mentions(fixture.monitor.problems, store::pack_key(kept) + " has "));
    CHECK(fixture.exists(other));
  }
  SECTION("damaged") {
    flip(fixture.small, store::pack_key(kept), plans[0].packs[0].frames[0].offset + 100);
    CHECK(fixture.prune().dead.packs == 0);
    CHECK(mentions(fixture.monitor.problems, store::pack_key(other) + " stays"));
    CHECK(fixture.exists(other));
  }
}
