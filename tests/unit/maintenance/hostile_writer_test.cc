// A writer that may only add, and lies to the index: nothing that somebody else has stored goes for it.
#include <catch2/catch.hpp>

#include <algorithm>
#include <optional>

#include "maintenance/forget.h"
#include "maintenance/prune.h"
#include "maintenance/rescue.h"
#include "support/difference_node.h"
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
  // The blob is said to be in a pack of something else. Again until that is where the index looks first;
  // false if that does not come about.
  bool lie() {
    for (std::uint64_t number = 2; number < 50; ++number) {
      store::CommitPlan plan = pack_of(noise(content.size(), number));
      const store::ObjectName decoy = plan.packs[0].name;
      plan.packs[0].frames[0].blobs[0].id = blob;
      REQUIRE(repository().commit(plan).committed);
      small.reopen();
      if (kept_in() == decoy) return true;
    }
    return false;
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
  void repair() {
    maintenance::RescueOptions options;
    options.staging_prefix = *small.destination().staging_folder() + "/rescue-";
    RecordingCheckMonitor checks;
    const maintenance::RescueResult result = maintenance::run_rescue(repository(), options, checks, {});
    CHECK(checks.problems == std::vector<std::string>{});
    CHECK(result.marked.empty());
  }
  bool is_readable() {
    small.reopen();
    const Bytes read = repository().read(crypto::BlobKind::kData, blob);
    return as_text(read) == content;
  }
};

bool mentions(const std::vector<std::string>& lines, const std::string& part) {
  return std::ranges::any_of(lines,
                             [&](const std::string& line) { return line.find(part) != std::string::npos; });
}

}  // namespace

TEST_CASE("a pack is not pruned for the word of somebody who may only add that its blobs are elsewhere") {
  // Where the index looks first is as names happen to be drawn, and once in 50 times never there.
  std::optional<HostileWriterFixture> made;
  store::ObjectName pack;
  do {
    made.emplace();
    pack = made->kept_in();
  } while (!made->lie());
  HostileWriterFixture& fixture = *made;
  // Packs of lies that the index does not look at go first, and are no copies for the next time.
  for (int times = 0; times < 2; ++times) {
    fixture.prune();
    CHECK(fixture.exists(pack));
  }
  CHECK(mentions(fixture.monitor.problems, store::pack_key(pack) + " stays"));
  CHECK(fixture.is_readable());

  CHECK(mentions(fixture.check(), "do not agree"));
  fixture.repair();
  fixture.prune();
  CHECK(fixture.monitor.problems == std::vector<std::string>{});
  CHECK(fixture.is_readable());
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
  fixture.repair();
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
  SECTION("damaged") {
    flip(fixture.small, store::pack_key(kept), plans[0].packs[0].frames[0].offset + 100);
    CHECK(fixture.prune().dead.packs == 0);
    CHECK(mentions(fixture.monitor.problems, store::pack_key(other) + " stays"));
    CHECK(fixture.exists(other));
  }
}
