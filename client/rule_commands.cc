// set explain; ignore.
#include <memory>
#include <optional>

#include "argument.h"
#include "commands.h"
#include "fact_list.h"
#include "session.h"
#include "text.h"

namespace garner::client {

namespace {

std::string rule_place(const v1::RuleOrigin& origin, const std::string& set) {
  if (origin.file().empty()) return "set " + set + ", rule " + std::to_string(origin.line());
  return origin.file() + ":" + std::to_string(origin.line());
}

void show_explanation(Session& session, const v1::ExplainPathResponse& answer) {
  FactList facts;
  facts.add("path", answer.path());
  facts.add("set", answer.set());
  facts.add("source", answer.source());
  facts.add("backed up", answer.included() ? "yes" : "no",
            answer.included() ? Style::kGood : Style::kWarning);
  facts.add("because", answer.reason());
  facts.add("class", answer.source().empty() ? "" : answer.track_class());
  if (answer.has_decided_by()) {
    facts.add("decided by", answer.decided_by().rule());
    facts.add(
        "", "at " + rule_place(answer.decided_by(), answer.set()) + ", for " + answer.decided_by().matched());
  } else if (!answer.source().empty()) {
    facts.add("decided by", "no rule");
  }
  for (int i = 0; i < answer.overridden_size(); ++i) {
    const v1::RuleOrigin& origin = answer.overridden(i);
    facts.add(i == 0 ? "overridden" : "", origin.rule() + " at " + rule_place(origin, answer.set()));
  }
  session.print(facts.render(session.output()));
}

void add_explain(std::vector<Command>& all) {
  struct Arguments {
    std::string set;
    std::string path;
  };
  const auto given = std::make_shared<Arguments>();
  all.push_back({
      .path = "set explain",
      .usage = "SET PATH",
      .sentence = "Tells whether a path is backed up, which rule decides, and where that stands.",
      .options =
          {{"SET", "", "The set.", &given->set, true, {}},
           {"PATH", "", "A file or folder of this machine; it need not exist.", &given->path, true, {}}},
      .examples = {{"garner set explain home ~/.cache/thumbnails", ""}},
      .details = {"Rules are described in garner-track(5)."},
      .run =
          [given](Session& session) {
            check_name("set", given->set);
            v1::ExplainPathRequest request;
            request.set_set(given->set);
            request.set_path(absolute_path("PATH", given->path));
            const auto answer = session.call(&Stub::ExplainPath, request);
            if (session.json()) {
              session.print_json(answer);
            } else {
              show_explanation(session, answer);
            }
            return kExitDone;
          },
  });
}

std::string text_of(const v1::AddedRule& rule, bool dry_run) {
  const std::string where = rule.file().empty() ? "set " + rule.set() : rule.file();
  if (rule.existed()) {
    return rule.path() + ": left out of set " + rule.set() + " already" +
           (rule.rule().empty() ? "" : ", by '" + rule.rule() + "' of " + where);
  }
  return rule.path() + (dry_run ? ": would add '" : ": added '") + rule.rule() + "' to " + where;
}

void add_ignore(std::vector<Command>& all) {
  struct Arguments {
    std::vector<std::string> paths;
    std::optional<std::string> run;
    bool dry_run = false;
  };
  const auto given = std::make_shared<Arguments>();
  all.push_back({
      .path = "ignore",
      .usage = "{PATH... | --all-of RUN} [--dry-run]",
      .sentence = "Leaves paths out of backups from now on, by a rule.",
      .options = {{"PATH", "", "Files or folders of this machine.", &given->paths, false, {}},
                  {"--all-of", "RUN", "What could not be read in that backup.", &given->run, false, {}},
                  {"-n,--dry-run", "", "Only say which rules would be added.", &given->dry_run, false, {}}},
      .examples = {{"garner ignore ~/.cache ~/Downloads/huge.iso", ""},
                   {"garner ignore --all-of 17 --dry-run", ""}},
      .details =
          {"The rule goes to the .track file nearest above the path, within the source; where there is none "
           "or it cannot be written to, it goes to the set. A .track file is never made. Every set that "
           "holds the path gets it. Earlier snapshots keep what they have. See garner-track(5)."},
      .run =
          [given](Session& session) {
            if (given->paths.empty() != given->run.has_value()) {
              throw usage_failure("ignore: give paths, or --all-of a run: one of the two",
                                  "See garner ignore --help.");
            }
            v1::IgnorePathsRequest request;
            for (const std::string& path : given->paths) request.add_paths(absolute_path("PATH", path));
            if (given->run) {
              check_run_id(*given->run);
              request.set_run_id(*given->run);
            }
            request.set_dry_run(given->dry_run);
            const auto answer = session.call(&Stub::IgnorePaths, request);
            if (session.json()) {
              session.print_json(answer);
              return kExitDone;
            }
            for (const v1::AddedRule& rule : answer.rules()) session.say(text_of(rule, given->dry_run));
            for (const v1::PassedOver& passed : answer.passed_over())
              session.say(passed.path() + ": passed over: " + passed.reason());
            if (answer.not_listed() > 0) {
              session.note("And up to " + plural(answer.not_listed(), "more error", "more errors") +
                           " of that run, whose paths are not kept: back up again, and give the command for "
                           "that run.");
            }
            if (answer.rules().empty() && answer.passed_over().empty())
              session.note("Nothing could not be read in that run.");
            return kExitDone;
          },
  });
}

}  // namespace

void add_rule_commands(std::vector<Command>& all) {
  add_explain(all);
  add_ignore(all);
}

}  // namespace garner::client
