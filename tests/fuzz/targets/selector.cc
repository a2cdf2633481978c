// What a person types to choose snapshots, and a path in one.
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
  accepts([&] { snapshot::select(entries, text); });
  accepts([&] {
    require(!snapshot::select_all(entries, text).empty(), "something is chosen, or an error tells");
  });
  accepts([&] { snapshot::select_all(entries, text, "home"); });
  accepts([&] {
    const snapshot::SnapshotPath parts = snapshot::split_snapshot_path(text);
    require(parts.selector.size() + parts.path.size() <= text.size(), "both parts are of the text");
  });
}

}  // namespace garner::fuzz
