// snapshots and ls.
#include <memory>

#include "argument.h"
#include "commands.h"
#include "session.h"
#include "snapshot_table.h"
#include "text.h"

namespace garner::client {
namespace {

constexpr const char* kTime =
    "TIME is 2026-11-22, 2026-11-22T18:30 (a blank may stand for the T, and Z or +01:00 behind it), 18:30, "
    "today, \"yesterday 18:30\", monday, \"2 weeks ago\" or now: all of the day or minute is meant.";

struct ListArguments {
  std::vector<std::string> names, tags;
  std::optional<std::string> since, until, limit, host, path, sort, columns, group_by;
  bool sizes = false;

  v1::ListSnapshotsRequest request() const {
    v1::ListSnapshotsRequest request;
    for (const std::string& name : names) {
      check_set_or_selector(name);
      request.add_names(name);
    }
    if (since) request.set_since(text_of("--since", *since));
    if (until) request.set_until(text_of("--until", *until));
    if (limit) {
      request.set_limit(parse_count("--limit", *limit));
      if (request.limit() == 0) throw usage_failure("--limit: give 1 or more");
    }
    if (host) request.set_host(text_of("--host", *host));
    if (path) request.set_path(absolute_path("--path", *path));
    for (const std::string& tag : tags) {
      check_tag("--tag", tag);
      request.add_tags(tag);
    }
    if (sort) request.set_order(parse_snapshot_order(*sort));
    if (group_by && parse_snapshot_groups(*group_by) != SnapshotGroups::kNone && !by_time(request))
      throw usage_failure("--group-by needs snapshots in the order of time, not of " + *sort);
    request.set_sizes(sizes);
    if (columns) {
      for (const SnapshotColumn& column : parse_snapshot_columns(*columns))
        request.set_sizes(request.sizes() || column.name == "only");
    }
    return request;
  }
  static bool by_time(const v1::ListSnapshotsRequest& request) {
    return request.order() == v1::SNAPSHOT_ORDER_UNSPECIFIED || request.order() == v1::SNAPSHOT_ORDER_TIME;
  }
  // Whether all are asked for.
  bool empty() const { return names.empty() && !since && !until && !host && !path && tags.empty(); }

 private:
  static const std::string& text_of(const std::string& option, const std::string& text) {
    check_utf8(option, text);
    if (text.empty()) throw usage_failure(option + " is empty");
    return text;
  }
};

int list_snapshots(Session& session, const ListArguments& given) {
  const v1::ListSnapshotsRequest request = given.request();
  if (session.json()) {
    session.print_json(session.call(&Stub::ListSnapshots, request));
    return kExitDone;
  }
  // Made while the rest is still on its way.
  SnapshotTable table(given.columns ? parse_snapshot_columns(*given.columns)
                                    : usual_snapshot_columns(request.sizes()));
  std::optional<v1::SnapshotSizes> sizes;
  session.stream(&Stub::ListSnapshots, request, [&](const v1::ListSnapshotsResponse& page) {
    for (const v1::SnapshotInfo& snapshot : page.snapshots()) table.add(snapshot);
    if (page.has_sizes()) sizes = page.sizes();
    return true;
  });
  if (table.empty()) {
    session.note(given.empty() ? "There is no snapshot yet: garner backup SET makes one."
                               : "No snapshot is like that.");
    return kExitDone;
  }
  SnapshotGroups groups = SnapshotGroups::kNone;
  if (given.group_by) {
    groups = parse_snapshot_groups(*given.group_by);
  } else if (ListArguments::by_time(request)) {
    groups = table.usual_groups(session.output());
  }
  session.page();
  session.print(table.render(session.output(), groups));
  if (sizes) {
    session.say("Together they hold " + human_bytes(sizes->held_bytes()) +
                " of content; what no other snapshot holds of it is " + human_bytes(sizes->only_bytes()) +
                ".");
  }
  return kExitDone;
}

void add_snapshots(std::vector<Command>& all) {
  const auto given = std::make_shared<ListArguments>();
  all.push_back({
      .path = "snapshots",
      .usage = "[SET] [SELECTOR...] [--since T] [--until T] [--limit N] [--host H] [--path P] [--tag TAG]... "
               "[--sizes] [--sort ORDER] [--columns NAME,...] [--group-by day|week|month|none]",
      .sentence = "Lists the snapshots, newest first.",
      .options =
          {{"SET|SELECTOR",
            "",
            "Only this set's, and only those that a SELECTOR chooses. Default: all.",
            &given->names,
            false,
            {}},
           {"--since", "T", "Only those that were finished at this time or later.", &given->since, false, {}},
           {"--until",
            "T",
            "Only those that were finished at this time or before.",
            &given->until,
            false,
            {}},
           {"--limit", "N", "No more than the first N.", &given->limit, false, {}},
           {"--host", "H", "Only those of this host.", &given->host, false, {}},
           {"--path", "P", "Only those whose sources are or hold this path.", &given->path, false, {}},
           {"--tag",
            "TAG",
            "Only those that have this tag; given more than once, that have all of them.",
            &given->tags,
            false,
            {},
            true},
           {"--sizes",
            "",
            "Also what only each of them holds, which is what forgetting it would give back, and what all of "
            "these hold together.",
            &given->sizes,
            false,
            {}},
           {"--sort",
            "ORDER",
            "time, files, bytes, new, errors, set or host: numbers from the largest. Default: time, newest "
            "first.",
            &given->sort,
            false,
            {}},
           {"--columns",
            "NAME,...",
            "Which columns: id, set, time, host, sources, files, bytes, new, only (with --sizes), errors, at "
            "(destinations), tags, note.",
            &given->columns,
            false,
            {}},
           {"--group-by",
            "PERIOD",
            "Headings of each day, week or month, or none. Default: on a terminal, for more than 30 "
            "snapshots, what suits them.",
            &given->group_by,
            false,
            {}}},
      .examples = {{"garner snapshots", ""},
                   {"garner --json snapshots home", ""},
                   {"garner snapshots home --sizes", "Which snapshots take the room?"},
                   {"garner snapshots home --since '2 weeks ago' --limit 10", ""},
                   {"garner snapshots home 2026-11-01..yesterday --group-by day", ""},
                   {"garner snapshots --path ~/letters --sort new --columns id,time,new,at", ""}},
      .details =
          {"SELECTOR is a SNAPSHOT as of garner ls, SET~N..~M (both ends in), or TIME..TIME; behind a SET, "
           "latest, ~N, ~N..~M and @TIME are of that set.",
           "BYTES is what its files are together, NEW what it added to what was stored, and ONLY the content "
           "that no other snapshot at any destination holds, each before it is compressed. What two "
           "snapshots "
           "share, and no third one holds, is in the ONLY of neither, but in the line below the table.",
           kTime},
      .run = [given](Session& session) { return list_snapshots(session, *given); },
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
                  "latest) or SET@TIME (the last at or before).",
                  kTime},
      .run =
          [snapshot](Session& session) {
            const SnapshotPath from = split_snapshot_path(*snapshot);
            v1::ListFolderRequest request;
            request.set_snapshot(from.snapshot);
            request.set_path(from.path);
            const v1::ListFolderResponse all_entries = session.call(&Stub::ListFolder, request);
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
            session.page();
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
