#include "snapshot_table.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <set>
#include <utility>

#include "failure.h"
#include "text.h"

namespace garner::client {
namespace {

constexpr std::size_t kShownDigits = 12;  // of an id: enough to tell snapshots apart, and to be typed
constexpr int kShortList = 30;            // that needs no headings
constexpr int kWorthHeading = 5;          // snapshots below one, on average

template <typename Names>
std::string joined(const Names& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

std::string note_text(const v1::SnapshotInfo& one) {
  std::vector<std::string> notes;
  if (one.recovered()) notes.emplace_back("recovered");
  if (one.pinned()) notes.emplace_back("pinned");
  if (one.error_count() > 0) notes.push_back(plural(one.error_count(), "error", "errors"));
  return joined(notes);
}

const std::vector<SnapshotColumn>& all_columns() {
  using Info = v1::SnapshotInfo;
  constexpr auto kEnd = Column::Cut::kEnd;
  constexpr auto kNever = Column::Cut::kNever;
  static const std::vector<SnapshotColumn> kColumns{
      {"id", {"ID"}, [](const Info& one) -> Cell { return one.id().substr(0, kShownDigits); }},
      {"set", {"SET", false, kEnd}, [](const Info& one) -> Cell { return one.set(); }},
      {"time", {"TIME"}, [](const Info& one) -> Cell { return local_time(one.time()); }},
      {"host", {"HOST", false, kEnd}, [](const Info& one) -> Cell { return one.host(); }},
      {"sources",
       {"SOURCES", false, Column::Cut::kMiddle},
       [](const Info& one) -> Cell { return joined(one.sources()); }},
      {"files",
       {"FILES", true, kNever, true},
       [](const Info& one) -> Cell { return human_count(one.files()); }},
      {"bytes", {"BYTES", true}, [](const Info& one) -> Cell { return human_bytes(one.bytes()); }},
      {"new",
       {"NEW", true, kNever, true},
       [](const Info& one) -> Cell { return human_bytes(one.new_bytes()); }},
      {"only",
       {"ONLY", true},
       [](const Info& one) -> Cell { return one.has_only_bytes() ? human_bytes(one.only_bytes()) : "-"; }},
      {"errors", {"ERRORS", true}, [](const Info& one) -> Cell { return human_count(one.error_count()); }},
      {"at", {"AT", false, kEnd}, [](const Info& one) -> Cell { return joined(one.destinations()); }},
      {"tags", {"TAGS", false, kEnd}, [](const Info& one) -> Cell { return joined(one.tags()); }},
      {"note", {"NOTE", false, kEnd}, [](const Info& one) { return Cell(note_text(one), Style::kWarning); }}};
  return kColumns;
}

SnapshotColumn column_named(const std::string& name) {
  std::vector<std::string> names;
  for (const SnapshotColumn& column : all_columns()) {
    if (column.name == name) return column;
    names.push_back(column.name);
  }
  throw usage_failure("--columns: there is no column \"" + printable(name) + "\"",
                      "The columns are " + joined(names) + ".");
}

// What of `values` is called so.
template <typename Values>
auto value_named(const std::string& option, const std::string& name, const Values& values) {
  std::vector<std::string> names;
  for (const auto& [known, value] : values) {
    if (name == known) return value;
    names.emplace_back(known);
  }
  throw usage_failure(option + ": \"" + printable(name) + "\" is not one of " + joined(names));
}

std::string heading(const google::protobuf::Timestamp& time, SnapshotGroups groups) {
  const std::time_t seconds = static_cast<std::time_t>(time.seconds());
  std::tm day{};
  if (groups == SnapshotGroups::kNone || localtime_r(&seconds, &day) == nullptr) return {};
  const char* format = "%A, %Y-%m-%d";
  if (groups == SnapshotGroups::kMonth) format = "%B %Y";
  if (groups == SnapshotGroups::kWeek) {
    format = "Week of Monday, %Y-%m-%d";
    // At noon no change of clocks makes it another day.
    day.tm_mday -= (day.tm_wday + 6) % 7;
    day.tm_hour = 12;
    day.tm_isdst = -1;
    std::mktime(&day);
  }
  std::array<char, 64> text{};
  return {text.data(), std::strftime(text.data(), text.size(), format, &day)};
}

}  // namespace

std::vector<SnapshotColumn> parse_snapshot_columns(const std::string& names) {
  std::vector<SnapshotColumn> columns;
  std::set<std::string> seen;
  for (std::size_t at = 0; at <= names.size();) {
    const std::size_t end = std::min(names.find(',', at), names.size());
    columns.push_back(column_named(names.substr(at, end - at)));
    if (!seen.insert(columns.back().name).second)
      throw usage_failure("--columns: " + columns.back().name + " is given twice");
    at = end + 1;
  }
  return columns;
}

std::vector<SnapshotColumn> usual_snapshot_columns(const v1::ListSnapshotsResponse& snapshots) {
  const bool notes = std::any_of(snapshots.snapshots().begin(), snapshots.snapshots().end(),
                                 [](const v1::SnapshotInfo& one) { return !note_text(one).empty(); });
  const bool tags = std::any_of(snapshots.snapshots().begin(), snapshots.snapshots().end(),
                                [](const v1::SnapshotInfo& one) { return !one.tags().empty(); });
  return parse_snapshot_columns(std::string("id,set,time,files,bytes,new") +
                                (snapshots.has_sizes() ? ",only" : "") + ",at" + (tags ? ",tags" : "") +
                                (notes ? ",note" : ""));
}

v1::SnapshotOrder parse_snapshot_order(const std::string& name) {
  static constexpr std::array<std::pair<const char*, v1::SnapshotOrder>, 7> kOrders{
      {{"time", v1::SNAPSHOT_ORDER_TIME},
       {"files", v1::SNAPSHOT_ORDER_FILES},
       {"bytes", v1::SNAPSHOT_ORDER_BYTES},
       {"new", v1::SNAPSHOT_ORDER_NEW},
       {"errors", v1::SNAPSHOT_ORDER_ERRORS},
       {"set", v1::SNAPSHOT_ORDER_SET},
       {"host", v1::SNAPSHOT_ORDER_HOST}}};
  return value_named("--sort", name, kOrders);
}

SnapshotGroups parse_snapshot_groups(const std::string& name) {
  static constexpr std::array<std::pair<const char*, SnapshotGroups>, 4> kGroups{
      {{"none", SnapshotGroups::kNone},
       {"day", SnapshotGroups::kDay},
       {"week", SnapshotGroups::kWeek},
       {"month", SnapshotGroups::kMonth}}};
  return value_named("--group-by", name, kGroups);
}

SnapshotGroups usual_snapshot_groups(const v1::ListSnapshotsResponse& snapshots, const Terminal& terminal) {
  if (!terminal.interactive || snapshots.snapshots_size() <= kShortList) return SnapshotGroups::kNone;
  for (const SnapshotGroups groups : {SnapshotGroups::kDay, SnapshotGroups::kWeek}) {
    std::set<std::string> headings;
    for (const v1::SnapshotInfo& one : snapshots.snapshots()) headings.insert(heading(one.time(), groups));
    if (snapshots.snapshots_size() >= kWorthHeading * static_cast<int>(headings.size())) return groups;
  }
  return SnapshotGroups::kMonth;
}

Table snapshot_table(const v1::ListSnapshotsResponse& snapshots, const std::vector<SnapshotColumn>& columns,
                     SnapshotGroups groups) {
  std::vector<Column> looks;
  for (const SnapshotColumn& column : columns) looks.push_back(column.look);
  Table table(std::move(looks));
  std::string last;
  for (const v1::SnapshotInfo& one : snapshots.snapshots()) {
    std::string now = heading(one.time(), groups);
    if (now != last) table.add_heading(now);
    last = std::move(now);
    std::vector<Cell> row;
    row.reserve(columns.size());
    for (const SnapshotColumn& column : columns) row.push_back(column.cell(one));
    table.add(std::move(row));
  }
  return table;
}

}  // namespace garner::client
