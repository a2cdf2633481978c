// snapshots and ls.
#include <algorithm>
#include <memory>

#include "argument.h"
#include "commands.h"
#include "session.h"
#include "table.h"
#include "text.h"

namespace garner::client {
namespace {

constexpr std::size_t kShownDigits = 12;  // of an id: enough to tell snapshots apart, and to be typed

void add_snapshots(std::vector<Command>& all) {
  const auto set = std::make_shared<std::optional<std::string>>();
  all.push_back({
      .path = "snapshots",
      .usage = "[SET]",
      .sentence = "Lists the snapshots, newest first.",
      .options = {{"SET", "", "Only this set's. Default: all.", set.get(), false, {}}},
      .examples = {{"garner snapshots", ""}, {"garner --json snapshots home", ""}},
      .details = {},
      .run =
          [set](Session& session) {
            v1::ListSnapshotsRequest request;
            if (*set) {
              check_name("set", **set);
              request.set_set(**set);
            }
            const auto answer = session.call(&Stub::ListSnapshots, request);
            if (session.json()) {
              session.print_json(answer);
              return kExitDone;
            }
            if (answer.snapshots().empty()) {
              session.note("There is no snapshot yet: garner backup SET makes one.");
              return kExitDone;
            }
            const auto notable = [](const v1::SnapshotInfo& one) {
              return one.recovered() || one.pinned() || one.error_count() > 0;
            };
            const bool notes = std::any_of(answer.snapshots().begin(), answer.snapshots().end(), notable);
            Table table({{"ID"},
                         {"SET", false, Column::Cut::kEnd},
                         {"TIME"},
                         {"FILES", true, Column::Cut::kNever, true},
                         {"SIZE", true},
                         {"NEW", true, Column::Cut::kNever, true},
                         {"AT", false, Column::Cut::kEnd},
                         {notes ? "NOTE" : "", false, Column::Cut::kEnd}});
            for (const v1::SnapshotInfo& one : answer.snapshots()) {
              std::string places;
              for (const std::string& name : one.destinations())
                places += (places.empty() ? "" : ", ") + name;
              std::string note = one.recovered() ? "recovered" : "";
              if (one.pinned()) note += note.empty() ? "pinned" : ", pinned";
              if (one.error_count() > 0) {
                note += (note.empty() ? "" : ", ") + plural(one.error_count(), "error", "errors");
              }
              table.add({one.id().substr(0, kShownDigits), one.set(), local_time(one.time()),
                         human_count(one.files()), human_bytes(one.bytes()), human_bytes(one.new_bytes()),
                         places, Cell(note, Style::kWarning)});
            }
            session.print(table.render(session.output()));
            return kExitDone;
          },
  });
}

std::string shown_name(const v1::Entry& entry) {
  std::string name = entry.name();
  if (entry.type() == "folder" && !name.ends_with('/')) name += '/';
  if (!entry.target().empty()) name += " -> " + entry.target();
  if (entry.stale()) name += "  (stale: could not be read, this is an older version)";
  if (entry.inconsistent()) name += "  (changed while it was read)";
  return name;
}

void add_ls(std::vector<Command>& all) {
  const auto snapshot = std::make_shared<std::string>();
  all.push_back({
      .path = "ls",
      .usage = "SNAPSHOT[:PATH]",
      .sentence = "Lists a folder of a snapshot.",
      .options = {{"SNAPSHOT[:PATH]",
                   "",
                   "The snapshot (see below), and the folder or file in it. Default: what it was "
                   "made of.",
                   snapshot.get(),
                   true,
                   {}}},
      .examples = {{"garner ls latest", ""},
                   {"garner ls home@2026-11-22T18:30:/home/ann", "As it was then."},
                   {"garner ls 4f2a91c0:letters", "In a set with one source, relative to it."}},
      .details = {"SNAPSHOT is an id or its first four digits or more, latest, SET@latest, SET~N (the Nth "
                  "before the "
                  "latest) or SET@TIME (the last at or before, as 2026-11-22 or 2026-11-22T18:30)."},
      .run =
          [snapshot](Session& session) {
            const SnapshotPath from = split_snapshot_path(*snapshot);
            v1::ListFolderRequest request;
            request.set_snapshot(from.snapshot);
            request.set_path(from.path);
            v1::ListFolderResponse all_entries;
            session.stream(&Stub::ListFolder, request, [&](v1::ListFolderResponse& part) {
              for (v1::Entry& entry : *part.mutable_entries()) *all_entries.add_entries() = std::move(entry);
              return true;
            });
            if (session.json()) {
              session.print_json(all_entries);
              return kExitDone;
            }
            // Names are what is asked for: they are not cut.
            Table table({{""}, {""}, {""}, {"", true}, {""}, {""}});
            for (const v1::Entry& entry : all_entries.entries()) {
              table.add({entry.mode(), entry.user().empty() ? std::to_string(entry.uid()) : entry.user(),
                         entry.group().empty() ? std::to_string(entry.gid()) : entry.group(),
                         human_bytes(entry.size()), local_minute(entry.mtime()), shown_name(entry)});
            }
            session.print(table.render_rows(session.output()));
            return kExitDone;
          },
  });
}

}  // namespace

void add_snapshot_commands(std::vector<Command>& all) {
  add_snapshots(all);
  add_ls(all);
}

}  // namespace garner::client
