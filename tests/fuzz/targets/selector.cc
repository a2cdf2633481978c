// What a person types to choose snapshots, times included.
#include "fuzz/fuzz.h"
#include "snapshot/snapshot.h"

namespace garner::fuzz {
namespace {

store::v1::SnapshotEntry entry(char id, const char* set, std::uint64_t sequence) {
  store::v1::SnapshotEntry made;
  made.set_id(std::string(32, id));
  made.mutable_snapshot()->set_sequence(sequence);
  made.mutable_snapshot()->mutable_set()->set_name(set);
  made.mutable_snapshot()->mutable_finished()->set_seconds(1'700'000'000 +
                                                           static_cast<std::int64_t>(sequence) * 86'400);
  return made;
}

}  // namespace

void try_one(ByteView bytes) {
  static const std::vector<store::v1::SnapshotEntry> all{entry('a', "home", 1), entry('b', "home", 2),
                                                         entry('c', "etc", 1)};
  const std::vector<const store::v1::SnapshotEntry*> entries{&all[0], &all[1], &all[2]};
  const std::string text(as_text(bytes));
  const snapshot::TimeOrigin origin{{1'700'200'000, 0}, "UTC"};
  accepts([&] { snapshot::select(entries, text, origin); });
  accepts([&] {
    require(!snapshot::select_all(entries, text, origin).empty(), "something is chosen, or an error tells");
  });
  accepts([&] { snapshot::select_all(entries, text, origin, "home"); });
  accepts([&] {
    const snapshot::TimeSpan span = snapshot::read_time(text, origin);
    require(span.first <= span.last, "a time begins before it ends");
  });
}

}  // namespace garner::fuzz
