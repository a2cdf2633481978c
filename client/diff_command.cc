// diff: what changed between two snapshots.
#include <memory>

#include "argument.h"
#include "commands.h"
#include "diff_text.h"
#include "json.h"
#include "session.h"
#include "text.h"

namespace garner::client {
namespace {

struct DiffArguments {
  std::string before;
  std::string after;
  bool metadata = false;
  bool summary = false;
};

// Prints changes as they come, so that they are nowhere gathered. What could not be compared is, for JSON.
class DiffPrinter {
 public:
  DiffPrinter(Session& session, bool metadata) : session_(session), metadata_(metadata) {}

  void take(const v1::DiffSnapshotsResponse& part) {
    for (const v1::DiffChange& change : part.changes()) print(change);
    // In JSON they follow the changes.
    for (const v1::DiffError& error : part.errors()) {
      if (session_.json()) errors_ += (errors_.empty() ? "" : ",") + to_json(error);
      session_.note("garner: " + printable(error.path()) +
                    " cannot be compared: " + printable(error.error()));
    }
    if (part.has_summary()) finish(part.summary());
  }

 private:
  void print(const v1::DiffChange& change) {
    if (session_.json()) {
      session_.print((any_ ? "," : "{\"changes\":[") + to_json(change));
    } else {
      session_.print(diff_line(change, metadata_) + '\n');
    }
    any_ = true;
  }
  void finish(const v1::DiffSummary& summary) {
    if (session_.json()) {
      session_.print(std::string(any_ ? "" : "{\"changes\":[") + "],\"errors\":[" + errors_ +
                     "],\"summary\":" + to_json(summary) + "}\n");
    } else {
      session_.print((any_ ? "\n" : "") + diff_facts(summary, metadata_, session_.output()));
    }
  }

  Session& session_;
  const bool metadata_;
  bool any_ = false;
  std::string errors_;
};

int diff_snapshots(Session& session, const DiffArguments& given) {
  const SnapshotPath before = split_snapshot_path(given.before);
  const SnapshotPath after = split_snapshot_path(given.after);
  v1::DiffSnapshotsRequest request;
  request.set_before(before.snapshot);
  request.set_before_path(before.path);
  request.set_after(after.snapshot);
  request.set_after_path(after.path);
  request.set_metadata(given.metadata);
  request.set_summary_only(given.summary);
  session.page();
  DiffPrinter printer(session, given.metadata);
  bool is_whole = true;
  session.stream(&Stub::DiffSnapshots, request, [&](const v1::DiffSnapshotsResponse& part) {
    printer.take(part);
    is_whole = is_whole && part.errors().empty();
    // Nobody waits for the end of what nobody reads.
    return session.flush();
  });
  return is_whole ? kExitDone : kExitIncomplete;
}

}  // namespace

void add_diff_commands(std::vector<Command>& all) {
  const auto given = std::make_shared<DiffArguments>();
  all.push_back({
      .path = "diff",
      .usage = "A[:PATH] B[:PATH] [--metadata] [--summary]",
      .sentence = "Shows what changed between two snapshots.",
      .options =
          {{"A[:PATH]",
            "",
            "The older snapshot, as ls takes it, and a folder or file in it.",
            &given->before,
            true,
            {}},
           {"B[:PATH]",
            "",
            "The newer one. With a path in one of them only, that is looked at in both. Default: all "
            "that they were made of.",
            &given->after,
            true,
            {}},
           {"--metadata",
            "",
            "Also show what differs in metadata only, and which metadata differs of what was changed.",
            &given->metadata,
            false,
            {}},
           {"--summary", "", "Only how many changes of each kind there are.", &given->summary, false, {}}},
      .examples = {{"garner diff home~1 home@latest", "What the last backup of home has found changed."},
                   {"garner diff home@2026-11-01 latest:/home/ann/letters", "Of one folder, since then."},
                   {"garner diff home~1 home@latest --metadata | grep '^m'",
                    "Whose mode, owner or time changed."},
                   {"garner diff 4f2a91c0:/home/ann 7be01d55:/srv/ann", "One folder with another."}},
      .details =
          {"A line is a change: + added, - removed, M changed content (of a symbolic link, where it "
           "leads), R renamed, T changed to another type; with --metadata also m, of which mode, owner, "
           "mtime, xattrs, acl, flags or links differ. Without it these are only counted, for a folder's "
           "time changes with everything that is made or removed in it.",
           "A file of at least a byte that is gone from one place and new in another with the same "
           "content is renamed. So it is found for up to 50,000 files that were removed and as many that "
           "were added; others stay removed and added.",
           "Differences are no failure: the exit code is 0, or 3 where some folder could not be read and "
           "was left out. The snapshots may be of different sets and hosts."},
      .run = [given](Session& session) { return diff_snapshots(session, *given); },
  });
}

}  // namespace garner::client
