// tag: the tags of snapshots.
#include <algorithm>
#include <memory>

#include "argument.h"
#include "commands.h"
#include "session.h"

namespace garner::client {
namespace {

struct TagArguments {
  std::vector<std::string> names;
  std::vector<std::string> add, remove, replace;
  bool clear = false;

  v1::TagSnapshotsRequest request() const {
    const bool edits = !add.empty() || !remove.empty();
    check_at_most_one({{"--add or --remove", edits}, {"--set", !replace.empty()}, {"--clear", clear}});
    if (!edits && replace.empty() && !clear) {
      throw usage_failure("tag: give --add, --remove, --set or --clear",
                          "garner snapshots shows the tags that there are.");
    }
    v1::TagSnapshotsRequest request;
    for (const std::string& name : names) {
      check_utf8("a SELECTOR", name);
      request.add_names(name);
    }
    for (const std::string& tag : add) request.add_add(checked("--add", tag));
    for (const std::string& tag : remove) {
      request.add_remove(checked("--remove", tag));
      if (std::find(add.begin(), add.end(), tag) != add.end())
        throw usage_failure("\"" + tag + "\" is after --add and after --remove: give it once");
    }
    for (const std::string& tag : replace) request.add_replace(checked("--set", tag));
    request.set_clear(clear);
    return request;
  }

 private:
  static const std::string& checked(const std::string& option, const std::string& tag) {
    check_tag(option, tag);
    return tag;
  }
};

std::string sentence_of(const v1::TagSnapshotsResponse::Snapshot& one) {
  std::string tags;
  for (const std::string& tag : one.tags()) tags += (tags.empty() ? "" : ", ") + tag;
  const std::string state = one.changed() ? " now has " : " had and has ";
  return "Snapshot " + one.id().substr(0, 12) + state + (tags.empty() ? "no tag" : tags) + ".";
}

}  // namespace

void add_tag_command(std::vector<Command>& all) {
  const auto given = std::make_shared<TagArguments>();
  all.push_back({
      .path = "tag",
      .usage = "SELECTOR... {--add TAG | --remove TAG}... | --set TAG... | --clear",
      .sentence = "Changes the tags of snapshots.",
      .options =
          {{"SELECTOR", "", "The snapshots, as of garner snapshots.", &given->names, true, {}},
           {"--add", "TAG", "Add this tag; given once for each.", &given->add, false, {}, true},
           {"--remove", "TAG", "Remove this tag; given once for each.", &given->remove, false, {}, true},
           {"--set",
            "TAG",
            "Have this tag and no other than those that are given so; given once for each.",
            &given->replace,
            false,
            {},
            true},
           {"--clear", "", "Remove every tag.", &given->clear, false, {}}},
      .examples = {{"garner tag home@latest --add before-upgrade", ""},
                   {"garner tag home~3..~0 --add kind:monthly --remove draft", ""},
                   {"garner snapshots --tag before-upgrade", "Shows those that have it."}},
      .details =
          {"A tag has 1 to 64 letters, digits and . _ - : / + @ =, and begins with a letter or digit; a "
           "snapshot has 32 at most. Tags are in the repository: every machine that uses it sees them.",
           "They are changed at every destination that lists the snapshot; a copy that is made later has "
           "none there, as it has no pin. No rule goes by them: garner pin keeps a snapshot.",
           "SELECTOR is a SNAPSHOT as of garner ls, SET~N..~M (both ends in), or TIME..TIME."},
      .run =
          [given](Session& session) {
            const auto answer = session.call(&Stub::TagSnapshots, given->request());
            if (session.json()) {
              session.print_json(answer);
            } else {
              for (const auto& one : answer.snapshots()) session.say(sentence_of(one));
            }
            return kExitDone;
          },
  });
}

}  // namespace garner::client
