#include "retention_text.h"

#include "table.h"
#include "text.h"

namespace garner::client {
namespace {

constexpr int kShownProblems = 20;

std::string packs_text(std::uint64_t packs, std::uint64_t bytes) {
  return plural(packs, "pack", "packs") + " of " + human_bytes(bytes);
}

}  // namespace

std::string forget_facts(const v1::Run& run, const Terminal& terminal) {
  const v1::ForgetResult& result = run.forget();
  std::string text = "  " + human_count(result.kept()) + " kept, " + human_count(result.forgotten()) +
                     (result.dry_run() ? " would be forgotten (a dry run: nothing was)" : " forgotten") +
                     '\n';
  if (result.has_only_bytes() && result.forgotten() > 0) {
    text += "  " + human_bytes(result.only_bytes()) +
            (result.dry_run() ? " of content would be held by no snapshot any more, and given back by prune\n"
                              : " of content is held by no snapshot any more: garner prune gives it back\n");
  }
  if (result.snapshots().empty()) return text;
  Table table({{""}, {"ID"}, {"SET", false, Column::Cut::kEnd}, {"TIME"}, {"WHY", false, Column::Cut::kEnd}});
  for (const v1::ForgetDecision& one : result.snapshots()) {
    std::string reasons;
    for (const std::string& reason : one.reasons()) reasons += (reasons.empty() ? "" : ", ") + reason;
    table.add({one.forgotten() ? Cell("forget", Style::kWarning) : Cell("keep", Style::kGood),
               one.id().substr(0, 12), one.set(), local_time(one.time()), reasons});
  }
  return text + table.render(terminal);
}

std::string prune_facts(const v1::Run& run, const Terminal& terminal) {
  const v1::PruneResult& result = run.prune();
  std::string text;
  const auto line = [&](const std::string& what) { text += "  " + what + '\n'; };
  if (result.problem_count() > 0) {
    line(terminal.styled("something that is needed is damaged, so nothing was deleted:", Style::kBad));
    int shown = 0;
    for (const std::string& problem : result.problems()) {
      if (shown++ == kShownProblems) break;
      line("  " + terminal.styled(printable(problem), Style::kBad));
    }
    if (result.problem_count() > static_cast<std::uint64_t>(shown)) {
      line("  and " + human_count(result.problem_count() - static_cast<std::uint64_t>(shown)) + " more");
    }
  }
  line(human_bytes(result.freed_bytes()) + (result.dry_run() ? " would be freed" : " freed") + " of " +
       packs_text(result.packs(), result.bytes()));
  if (result.dead_packs() > 0)
    line("nothing in use: " + packs_text(result.dead_packs(), result.dead_bytes()));
  if (result.rewritten_packs() > 0) {
    line("rewritten: " + packs_text(result.rewritten_packs(), result.rewritten_bytes()) + " into " +
         packs_text(result.copied_packs(), result.copied_bytes()));
  }
  if (result.orphans() > 0) {
    line("left by backups that were cut off, or by an earlier prune: " +
         plural(result.orphans(), "object", "objects") + " of " + human_bytes(result.orphan_bytes()));
  }
  if (result.abandoned_runs() > 0) {
    line(plural(result.abandoned_runs(), "unfinished backup", "unfinished backups") +
         " had done nothing for longer than the grace period");
  }
  const auto rest = [&](std::uint64_t bytes, const char* why) {
    if (bytes > 0) line("not in use, and left: " + human_bytes(bytes) + ' ' + why);
  };
  rest(result.unused_in_use_packs(), "in packs of which no more than is allowed is unused");
  rest(result.unused_beyond_limit(), "that one run does not rewrite any more: run it again");
  rest(result.unused_in_runs(), "of backups that are not finished");
  rest(result.unused_not_worth(), "in packs whose rewriting would free nothing");
  if (result.young_orphans() > 0) {
    line("in no snapshot, and within the grace period: " +
         plural(result.young_orphans(), "object", "objects") + " of " +
         human_bytes(result.young_orphan_bytes()));
  }
  return text;
}

}  // namespace garner::client
