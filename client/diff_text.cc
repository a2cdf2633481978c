#include "diff_text.h"

#include "fact_list.h"
#include "text.h"

namespace garner::client {
namespace {

std::string path_of(const v1::DiffChange& change) {
  std::string path = printable(change.path());
  if (change.type() == "folder" && !path.ends_with('/')) path += '/';
  return path;
}

std::string fields_of(const v1::DiffChange& change) {
  std::string text;
  for (const std::string& field : change.fields()) text += (text.empty() ? "" : ", ") + printable(field);
  return text.empty() ? text : " (" + text + ")";
}

// "3 files, 1 folder, 1.5 MiB"
std::string totals_text(const v1::DiffTotals& totals) {
  std::string text;
  const auto add = [&](const std::string& part) { text += (text.empty() ? "" : ", ") + part; };
  if (totals.files() > 0) add(plural(totals.files(), "file", "files"));
  if (totals.folders() > 0) add(plural(totals.folders(), "folder", "folders"));
  if (totals.others() > 0) add(plural(totals.others(), "other", "others"));
  if (totals.files() > 0) add(human_bytes(totals.bytes()));
  return text;
}

}  // namespace

std::string diff_line(const v1::DiffChange& change, bool metadata) {
  const std::string path = path_of(change);
  switch (change.kind()) {
    case v1::DIFF_KIND_ADDED:
      return "+ " + path;
    case v1::DIFF_KIND_REMOVED:
      return "- " + path;
    case v1::DIFF_KIND_CHANGED:
      return "M " + path + (metadata ? fields_of(change) : "");
    case v1::DIFF_KIND_METADATA:
      return "m " + path + fields_of(change);
    case v1::DIFF_KIND_TYPE:
      return "T " + path + " (" + printable(change.old_type()) + " -> " + printable(change.type()) + ")";
    case v1::DIFF_KIND_RENAMED:
      return "R " + printable(change.old_path()) + " -> " + path;
    default:
      return "? " + path;
  }
}

std::string diff_facts(const v1::DiffSummary& summary, bool metadata, const Terminal& terminal) {
  FactList facts;
  facts.add("Added", totals_text(summary.added()));
  facts.add("Removed", totals_text(summary.removed()));
  if (summary.changed() > 0) {
    // Links and devices are among them, and have no bytes.
    const bool has_bytes = summary.changed_bytes_before() > 0 || summary.changed_bytes_after() > 0;
    facts.add("Changed", human_count(summary.changed()) +
                             (has_bytes ? ", " + human_bytes(summary.changed_bytes_before()) + " before, " +
                                              human_bytes(summary.changed_bytes_after()) + " after"
                                        : ""));
  }
  if (summary.renamed() > 0) {
    facts.add("Renamed",
              plural(summary.renamed(), "file", "files") + ", " + human_bytes(summary.renamed_bytes()));
  }
  if (summary.type_changed() > 0) {
    facts.add("Other type", human_count(summary.type_changed()) + ", counted as removed and as added");
  }
  if (summary.metadata() > 0) {
    facts.add("Metadata only",
              human_count(summary.metadata()) + (metadata ? "" : " (--metadata shows them)"));
  }
  if (summary.errors() > 0)
    facts.add("Not compared", plural(summary.errors(), "folder", "folders"), Style::kBad);
  const std::string text = facts.render(terminal);
  return text.empty() ? "Nothing has changed.\n" : text;
}

}  // namespace garner::client
