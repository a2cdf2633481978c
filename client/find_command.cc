// find: what has a name or path like that in any snapshot, or what points at something.
#include <memory>

#include "argument.h"
#include "commands.h"
#include "find_option.h"
#include "find_references.h"
#include "find_text.h"
#include "json.h"
#include "session.h"
#include "text.h"

namespace garner::client {
namespace {

struct FindArguments {
  std::vector<std::string> patterns;
  std::vector<std::string> names;
  std::vector<std::string> types;
  std::optional<std::string> since, until, size, mtime_after, mtime_before, path, limit;
  bool ignore_case = false;
  ReferenceArguments references;

  v1::FindReferencesRequest reference_request() const {
    v1::FindReferencesRequest request = references.request();
    if (!patterns.empty() || !types.empty() || size || mtime_after || mtime_before || path || ignore_case) {
      throw usage_failure(
          "with --content, --blob or --pack only --in, --since, --until and --limit go, and no PATTERN");
    }
    add_bounds(request);
    return request;
  }

  v1::FindPathsRequest request() const {
    v1::FindPathsRequest request;
    if (patterns.empty())
      throw usage_failure("find: give a PATTERN, or one of --content, --blob and --pack",
                          "See garner find --help.");
    for (const std::string& pattern : patterns) {
      if (pattern.empty()) throw usage_failure("PATTERN is empty: * is what every name is like");
      request.add_patterns(pattern);
    }
    add_bounds(request);
    for (const std::string& type : types) request.add_types(parse_type("--type", type));
    if (mtime_after) request.set_mtime_after(time_of("--mtime-after", *mtime_after));
    if (mtime_before) request.set_mtime_before(time_of("--mtime-before", *mtime_before));
    if (size) {
      const SizeRange range = parse_size_range("--size", *size);
      if (range.least) request.set_least_size(*range.least);
      if (range.most) request.set_most_size(*range.most);
    }
    if (path) request.set_path(absolute_path("--path", *path));
    request.set_ignore_case(ignore_case);
    return request;
  }

 private:
  // What is said of snapshots and matches, whatever is looked for.
  template <typename Request>
  void add_bounds(Request& request) const {
    for (const std::string& name : names) {
      check_set_or_selector(name);
      request.add_names(name);
    }
    if (since) request.set_since(time_of("--since", *since));
    if (until) request.set_until(time_of("--until", *until));
    if (limit) {
      request.set_limit(parse_count("--limit", *limit));
      if (request.limit() == 0) throw usage_failure("--limit: give 1 or more");
    }
  }
  static const std::string& time_of(const std::string& option, const std::string& text) {
    check_utf8(option, text);
    if (text.empty()) throw usage_failure(option + " is empty");
    return text;
  }
};

// Prints what comes, so that it is nowhere gathered.
class FindPrinter {
 public:
  explicit FindPrinter(Session& session) : session_(session) {}

  void take(const v1::FindPathsResponse& part) {
    for (const v1::FoundPath& match : part.matches()) print(match);
    // In JSON they follow the matches.
    for (const v1::FindError& error : part.errors()) {
      if (session_.json()) errors_ += (errors_.empty() ? "" : ",") + to_json(error);
      session_.note("garner: " + printable(error.path()) + " of snapshot " + error.snapshot().substr(0, 12) +
                    " cannot be searched: " + printable(error.error()));
    }
    is_whole_ = is_whole_ && part.errors().empty();
    if (part.has_summary()) finish(part.summary());
  }

  int exit_code() const { return !is_whole_ ? kExitIncomplete : any_ ? kExitDone : kExitFailed; }

 private:
  void print(const v1::FoundPath& match) {
    if (session_.json()) {
      session_.print((any_ ? "," : "{\"matches\":[") + to_json(match));
    } else {
      // Versions stand below one path.
      if (!any_ || match.path_bytes() != last_path_ || match.set() != last_set_)
        session_.print(found_path(match) + '\n');
      const std::string facts = "    " + found_facts(match) + '\n';
      const Terminal& output = session_.output();
      session_.print(output.interactive ? fit_lines(facts, output.width) : facts);
      last_path_ = match.path_bytes();
      last_set_ = match.set();
    }
    any_ = true;
  }
  void finish(const v1::FindSummary& summary) {
    if (session_.json()) {
      session_.print(std::string(any_ ? "" : "{\"matches\":[") + "],\"errors\":[" + errors_ +
                     "],\"summary\":" + to_json(summary) + "}\n");
    }
    if (!any_)
      session_.note("Nothing is like that in " + plural(summary.snapshots(), "snapshot", "snapshots") + ".");
    if (summary.limited()) {
      session_.note("These are the first " + human_count(summary.matches()) +
                    "; there may be more: give a larger --limit, or say more of what is looked for.");
    }
    if (!summary.not_asked().empty()) session_.note("Not asked: " + printable(summary.not_asked()));
  }

  Session& session_;
  bool any_ = false;
  bool is_whole_ = true;
  std::string last_path_;
  std::string last_set_;
  std::string errors_;
};

int find_paths(Session& session, const FindArguments& given) {
  if (given.references.any()) return find_references(session, given.references, given.reference_request());
  session.page();
  FindPrinter printer(session);
  session.stream(&Stub::FindPaths, given.request(), [&](const v1::FindPathsResponse& part) {
    printer.take(part);
    // Nobody waits for the end of what nobody reads.
    return session.flush();
  });
  return printer.exit_code();
}

}  // namespace

void add_find_command(std::vector<Command>& all) {
  const auto given = std::make_shared<FindArguments>();
  all.push_back({
      .path = "find",
      .usage = "{PATTERN... | --content FILE | --blob ID | --pack NAME} [--in SET|SELECTOR]... [--since T] "
               "[--until T] [--path PREFIX] [--type TYPE]... "
               "[--size RANGE] [--mtime-after T] [--mtime-before T] [--ignore-case] [--limit N]",
      .sentence = "Finds files and folders by name or content in all snapshots.",
      .options =
          {{"PATTERN",
            "",
            "What a name is like, or with a slash in it a path (see below); of several, any of them.",
            &given->patterns,
            false,
            {}},
           {"--content",
            "FILE",
            "Which files have the content of this file, or how much of it; the daemon reads it.",
            &given->references.content,
            false,
            {}},
           {"--blob",
            "ID",
            "Where this blob is, and what points at it; the first 16 digits of its id do.",
            &given->references.blob,
            false,
            {}},
           {"--pack",
            "NAME",
            "What is in this pack, and what points at it; the first 8 digits of its name do.",
            &given->references.pack,
            false,
            {}},
           {"--in",
            "SET|SELECTOR",
            "Only in this set's snapshots, or in those that a SELECTOR chooses; repeated for several. "
            "Default: in all.",
            &given->names,
            false,
            {},
            /*one_each_time=*/true},
           {"--since",
            "T",
            "Only in snapshots that were finished at this time or later.",
            &given->since,
            false,
            {}},
           {"--until",
            "T",
            "Only in snapshots that were finished at this time or before.",
            &given->until,
            false,
            {}},
           {"--path", "PREFIX", "Only this file or folder, and what is below it.", &given->path, false, {}},
           {"--type",
            "TYPE",
            "f (file), d (folder), l (symbolic link), b or c (device), p (fifo) or s (socket); repeated for "
            "several.",
            &given->types,
            false,
            {},
            /*one_each_time=*/true},
           {"--size",
            "RANGE",
            "Only files of so many bytes: +10M (at least), --size=-10M (at most), or 1M..10M.",
            &given->size,
            false,
            {}},
           {"--mtime-after",
            "T",
            "Only what was changed at this time or later; of a day, from its beginning on.",
            &given->mtime_after,
            false,
            {}},
           {"--mtime-before",
            "T",
            "Only what was changed before this time; of a day, before its beginning.",
            &given->mtime_before,
            false,
            {}},
           {"--ignore-case",
            "",
            "Take A for a, and so on to Z; other letters than these are as they are.",
            &given->ignore_case,
            false,
            {}},
           {"--limit",
            "N",
            "No more than N matches, the first folder by folder; 100,000 at most. Default: 10,000.",
            &given->limit,
            false,
            {}}},
      .examples = {{"garner find '*.odt'", "Every such name in every snapshot."},
                   {"garner find 'letters/**/tax*' --ignore-case", "Anywhere below a folder of that name."},
                   {"garner find passwd --in home --in '~0..~9'", "In the last ten snapshots of home."},
                   {"garner find '*' --path ~/photos --size +100M --since '2 weeks ago'", ""},
                   {"garner find --content ~/letter.odt", "Is this file in any backup?"},
                   {"garner find --pack 4f2a91c0d7e8", "What a pack that is damaged is needed for."},
                   {"garner --json find '*.key' --type f --mtime-after 2026-11-01", ""}},
      .details =
          {"A PATTERN without a slash is one of names. One with a slash is one of paths: from the root if it "
           "begins with the slash, otherwise from any folder. A slash at its end means folders. * stands "
           "for any bytes and ? for one, but for no slash, [...] for one of those in it, ** for any "
           "number of folders; \\ takes the next byte as it is. Quote it, so that the shell leaves it alone. "
           "All arguments are PATTERNs: snapshots are chosen with --in, --since and --until.",
           "A match is something at a path with one content: other content there is another match below "
           "it. It is shown with its size and time of change, in how many of the snapshots it is, and the "
           "first "
           "and the last of them, between which it may have been away. garner restore SNAPSHOT:PATH gets it "
           "back.",
           "With --content, --blob or --pack the first line is the answer, and below stands what has it, in "
           "which snapshots and at which destinations; of a blob also which content list, tree page or "
           "snapshot names it. With these go --in, --since, --until, and --limit, here 1,000 by default.",
           "The exit code is 0 when something was found (of content: all of it in one file), 1 when nothing "
           "was, and 3 where some folder could not be read and was left out."},
      .run = [given](Session& session) { return find_paths(session, *given); },
  });
}

}  // namespace garner::client
