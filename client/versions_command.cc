// versions: what has stood at a path, and what differs between two of its versions.
#include <unistd.h>

#include <memory>

#include "argument.h"
#include "commands.h"
#include "session.h"
#include "text.h"
#include "unified_diff.h"
#include "version_text.h"

namespace garner::client {
namespace {

// A diff holds both in memory.
constexpr std::uint64_t kMostCompared = 8u << 20;
constexpr std::uint32_t kPiece = 1u << 20;  // that the daemon gives at once

struct VersionsArguments {
  std::string path;
  std::vector<std::string> names;
  std::optional<std::string> since, until;
  std::vector<std::string> diff;

  bool has_selection() const { return !names.empty() || since || until; }

  v1::ListVersionsRequest request() const {
    v1::ListVersionsRequest request;
    request.set_path(absolute_path("PATH", path));
    for (const std::string& name : names) {
      check_set_or_selector(name);
      request.add_names(name);
    }
    if (since) request.set_since(time_of("--since", *since));
    if (until) request.set_until(time_of("--until", *until));
    return request;
  }

 private:
  static const std::string& time_of(const std::string& option, const std::string& text) {
    check_utf8(option, text);
    if (text.empty()) throw usage_failure(option + " is empty");
    return text;
  }
};

int note_errors(Session& session, const v1::ListVersionsResponse& versions) {
  for (const v1::VersionError& error : versions.errors()) {
    session.note("garner: snapshot " + error.snapshot().substr(0, 12) +
                 " could not be looked into: " + printable(error.error()));
  }
  return versions.errors().empty() ? kExitDone : kExitIncomplete;
}

int list_versions(Session& session, const VersionsArguments& given) {
  const auto versions = session.call(&Stub::ListVersions, given.request());
  if (session.json()) {
    session.print_json(versions);
  } else if (versions.versions().empty()) {
    session.note("None of these snapshots has anything there.");
  } else {
    session.page();
    session.print(version_table(versions).render(session.output()));
  }
  return note_errors(session, versions);
}

void check_comparable(const v1::FileVersion& version, const std::string& path) {
  const std::string which = "version " + std::to_string(version.number()) + " of " + printable(path);
  const v1::Entry& entry = version.entry();
  if (entry.type() == "folder") {
    throw Failure(kExitFailed, which + " is a folder",
                  "What differs between folders: garner diff A:PATH B:PATH, with A and B of LAST ID.");
  }
  if (entry.type() != "file")
    throw Failure(kExitFailed, which + " is no file, but of type " + printable(entry.type()));
  if (entry.size() > kMostCompared) {
    throw Failure(kExitFailed,
                  which + " has " + human_bytes(entry.size()) + ": up to " + human_bytes(kMostCompared) +
                      " are compared",
                  "Restore both with garner restore --version, and compare them.");
  }
}

std::string content_of(Session& session, const v1::FileVersion& version) {
  v1::ReadContentRequest request;
  request.set_snapshot(version.last_snapshot());
  request.set_path(version.layout_path());
  request.set_length(kPiece);
  std::string content;
  while (content.size() < version.entry().size()) {
    request.set_offset(content.size());
    const auto piece = session.call(&Stub::ReadContent, request);
    if (piece.content().empty()) break;
    content += piece.content();
  }
  return content;
}

int diff_versions(Session& session, const VersionsArguments& given) {
  if (given.diff.size() != 2) throw usage_failure("--diff takes the numbers of two versions");
  if (session.json()) throw usage_failure("--diff gives text: it goes without --json");
  if (given.has_selection()) {
    throw usage_failure("--diff takes numbers of all versions",
                        "Give it without SET, SELECTOR, --since and --until.");
  }
  const std::uint32_t before = parse_version_number("--diff", given.diff[0]);
  const std::uint32_t after = parse_version_number("--diff", given.diff[1]);
  const v1::ListVersionsRequest request = given.request();
  const auto versions = session.call(&Stub::ListVersions, request);
  const int result = note_errors(session, versions);
  const v1::FileVersion& older = version_numbered(versions, before, request.path());
  const v1::FileVersion& newer = version_numbered(versions, after, request.path());
  check_comparable(older, request.path());
  check_comparable(newer, request.path());
  const DiffSide a{version_label(older, request.path()), content_of(session, older)};
  const DiffSide b{version_label(newer, request.path()), content_of(session, newer)};
  if (a.content == b.content) {
    session.note("Both have the same content.");
  } else if (is_binary(a.content) || is_binary(b.content)) {
    session.say("They differ, and are no text.");
  } else {
    const std::string text = unified_diff(a, b);
    session.page();
    session.print(isatty(STDOUT_FILENO) == 1 ? for_terminal(text) : text);
  }
  return result;
}

}  // namespace

void add_versions_command(std::vector<Command>& all) {
  const auto given = std::make_shared<VersionsArguments>();
  all.push_back({
      .path = "versions",
      .usage = "PATH [SET] [SELECTOR...] [--since T] [--until T] [--diff N M]",
      .sentence = "Shows every version of a file that some snapshot has.",
      .options =
          {{"PATH",
            "",
            "A file, folder or something else of this machine; it need not be there any more.",
            &given->path,
            true,
            {}},
           {"SET|SELECTOR",
            "",
            "Only versions that this set's snapshots have, or those that a SELECTOR chooses. Default: all.",
            &given->names,
            false,
            {}},
           {"--since",
            "T",
            "Only of snapshots that were finished at this time or later.",
            &given->since,
            false,
            {}},
           {"--until",
            "T",
            "Only of snapshots that were finished at this time or before.",
            &given->until,
            false,
            {}},
           {"--diff",
            "N M",
            "What differs from version N to version M of a text of up to 8 MiB, as diff -u tells it.",
            &given->diff,
            false,
            {}}},
      .examples = {{"garner versions ~/letters/list.txt", ""},
                   {"garner versions report.odt home --since '2 weeks ago'", ""},
                   {"garner versions /etc/fstab --diff 2 1", "What the last change was."},
                   {"garner restore --version 3 report.odt --to /tmp/old", "Gets one back."}},
      .details =
          {"Version 1 is the one that was seen last. Versions differ in content, type, size, mode, owner, "
           "mtime or where a link leads; a folder's content is all that is in it. Numbers are those of all "
           "snapshots, whichever are asked for, so that restore --version takes them.",
           "FIRST SEEN and LAST SEEN are the times of the first and the last snapshot that have it, FIRST ID "
           "and LAST ID these snapshots, IN is how many have it, AT where they are. A line without a number "
           "is a time in which snapshots had nothing there."},
      .run =
          [given](Session& session) {
            return given->diff.empty() ? list_versions(session, *given) : diff_versions(session, *given);
          },
  });
}

}  // namespace garner::client
