// complete: what a shell may offer for the word that is being typed.
#include <chrono>
#include <map>
#include <memory>
#include <set>
#include <utility>

#include "argument.h"
#include "commands.h"
#include "completion.h"
#include "session.h"
#include "source_path.h"

namespace garner::client {
namespace {

// Somebody waits with his hands on the keys.
constexpr std::chrono::seconds kPatience{2};
constexpr std::size_t kMostNames = 1'000;

enum class Kind { kSet, kDestination, kRun, kTag, kKey, kNotification, kSnapshot, kSelector, kPath };

Kind parse_kind(const std::string& text) {
  static const std::map<std::string, Kind> kKinds{
      {"set", Kind::kSet},           {"destination", Kind::kDestination},
      {"run", Kind::kRun},           {"tag", Kind::kTag},
      {"key", Kind::kKey},           {"notification", Kind::kNotification},
      {"snapshot", Kind::kSnapshot}, {"selector", Kind::kSelector},
      {"path", Kind::kPath}};
  const auto found = kKinds.find(text);
  if (found != kKinds.end()) return found->second;
  throw usage_failure(
      "complete: KIND is set, destination, run, tag, key, notification, snapshot, selector or path");
}

v1::ListSnapshotsResponse snapshots(Session& session, const std::string& name = {}) {
  v1::ListSnapshotsRequest request;
  if (!name.empty()) request.add_names(name);
  return session.call(&Stub::ListSnapshots, request);
}

// What has a name of its own, in the order in which it is offered.
std::vector<std::string> known_names(Session& session, Kind kind, const std::string& word) {
  std::vector<std::string> names;
  const auto add_names = [&](const auto& all) {
    for (const auto& one : all) names.push_back(one.name());
  };
  switch (kind) {
    case Kind::kSet:
      add_names(session.call(&Stub::ListSets, v1::ListSetsRequest()).sets());
      break;
    case Kind::kDestination:
      add_names(session.call(&Stub::ListDestinations, v1::ListDestinationsRequest()).destinations());
      break;
    case Kind::kNotification:
      add_names(session.call(&Stub::ListNotifications, v1::ListNotificationsRequest()).notifications());
      break;
    case Kind::kRun: {
      // The newest, as one answer has them.
      const auto list = session.call(&Stub::ListRuns, v1::ListRunsRequest());
      for (const v1::Run& run : list.runs()) names.push_back(run.run_id());
      break;
    }
    case Kind::kKey: {
      const auto list = session.call(&Stub::ListKeys, v1::ListKeysRequest());
      for (const v1::KeySlotInfo& key : list.keys()) names.push_back(offered_id(key.id(), word));
      break;
    }
    case Kind::kTag: {
      std::set<std::string> tags;
      const auto list = snapshots(session);
      for (const v1::SnapshotInfo& info : list.snapshots())
        tags.insert(info.tags().begin(), info.tags().end());
      names.assign(tags.begin(), tags.end());
      break;
    }
    case Kind::kSnapshot:
    case Kind::kSelector:
    case Kind::kPath:
      break;
  }
  return names;
}

// Names are all of a folder that begin so, in the order of a folder; `before` stands in front of the path.
class Names {
 public:
  Names(std::string before, const std::string& path)
      : before_(std::move(before)), typed_(split_typed_path(path)) {}

  const std::string& folder() const { return typed_.folder; }
  void add(std::string_view name, bool is_folder) {
    if (auto text = complete_name(before_, typed_, name, is_folder)) found_.insert(*std::move(text));
  }
  // Whether the folder, of which this is a name, may have more that is to be offered.
  bool goes_on(std::string_view name) const {
    return found_.size() < kMostNames && (name < typed_.begin || name.starts_with(typed_.begin));
  }
  const std::set<std::string>& found() const { return found_; }

 private:
  const std::string before_;
  const TypedPath typed_;
  std::set<std::string> found_;
};

void add_names_in_folder(Session& session, const std::string& snapshot, Names& names) {
  v1::ListFolderRequest request;
  request.set_snapshot(snapshot);
  request.set_path(names.folder());
  session.stream(&Stub::ListFolder, request, [&](const v1::ListFolderResponse& part) {
    for (const v1::Entry& entry : part.entries()) {
      // Of several sources the names are absolute: only the root is offered, for the rest begins there.
      if (entry.name_bytes().starts_with('/')) {
        names.add("", true);
      } else {
        names.add(entry.name_bytes(), entry.type() == "folder");
      }
    }
    return part.entries().empty() || names.goes_on(part.entries().rbegin()->name_bytes());
  });
}

std::set<std::string> paths(Session& session, const std::string& word) {
  const SnapshotPath typed = split_snapshot_path(word);
  Names names(word.substr(0, word.size() - typed.path.size()), typed.path);
  if (!names.folder().starts_with('/')) {
    add_names_in_folder(session, typed.snapshot, names);
    return names.found();
  }
  const auto list = snapshots(session, typed.snapshot);
  const std::string folder = absolute_path("PATH", names.folder());
  bool is_in_source = false;
  for (const v1::SnapshotInfo& info : list.snapshots()) {
    for (const std::string& shown : info.sources()) {
      const std::string source = from_printable(shown);
      const std::string_view name = name_towards(folder, source);
      if (!name.empty()) names.add(name, true);
      is_in_source = is_in_source || is_same_or_below(folder, source);
    }
  }
  if (is_in_source) add_names_in_folder(session, typed.snapshot, names);
  return names.found();
}

// Whether it goes on behind a snapshot with a path, which begins at the end if there is none yet.
bool has_path(const std::string& word) {
  if (word.empty() || word.front() == ':') return false;
  return word.size() > split_snapshot_path(word).snapshot.size();
}

int complete(Session& session, Kind kind, const std::string& word) {
  session.give_up_after(kPatience);
  const auto offer = [&](const auto& words) {
    for (const std::string& one : words) session.print(one + '\n');
  };
  try {
    if (kind == Kind::kPath && has_path(word)) {
      offer(paths(session, word));
    } else if (kind == Kind::kSnapshot || kind == Kind::kSelector || kind == Kind::kPath) {
      offer(complete_snapshot(snapshots(session), word, kind == Kind::kSelector));
    } else {
      offer(complete_one_of(known_names(session, kind, word), word));
    }
  } catch (const Failure& failure) {
    // In the middle of a line that somebody types there is no place for it.
    return failure.exit_code();
  }
  return kExitDone;
}

}  // namespace

void add_complete_command(std::vector<Command>& all) {
  struct Arguments {
    std::string kind, word;
  };
  const auto given = std::make_shared<Arguments>();
  all.push_back({
      .path = "complete",
      .usage = "KIND WORD",
      .sentence = "Prints what a word may become, for the completions of shells.",
      .options = {{"KIND",
                   "",
                   "set, destination, run, tag, key, notification, snapshot, selector (also sets) or path "
                   "(SNAPSHOT[:PATH], a level at a time).",
                   &given->kind,
                   true,
                   {}},
                  {"WORD", "", "What is typed of it.", &given->word, true, {}}},
      .examples = {{"garner complete selector ho", "The sets, and the latest snapshots of them."},
                   {"garner complete path home@latest:letters/", "The names in the folder."}},
      .details = {"Each stands in a line of its own; names that could act on a terminal are left out. Where "
                  "no daemon "
                  "answers, or refuses to, nothing is printed, and the exit code tells why."},
      .run = [given](Session& session) { return complete(session, parse_kind(given->kind), given->word); },
      .is_for_programs = true,
  });
}

}  // namespace garner::client
