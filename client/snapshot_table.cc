#include "snapshot_table.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <map>
#include <set>
#include <utility>

#include "failure.h"
#include "text.h"

namespace garner::client {
namespace {

constexpr std::size_t kShortList = 30;    // that needs no headings
constexpr std::size_t kWorthHeading = 5;  // snapshots below one, on average

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

std::vector<Column> looks(const std::vector<SnapshotColumn>& columns) {
  std::vector<Column> all;
  for (const SnapshotColumn& column : columns) all.push_back(column.look);
  return all;
}

std::string group_heading(std::time_t seconds, SnapshotGroups groups) {
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

std::vector<SnapshotColumn> usual_snapshot_columns(bool sizes) {
  std::vector<SnapshotColumn> columns = parse_snapshot_columns(std::string("id,set,time,files,bytes,new") +
                                                               (sizes ? ",only" : "") + ",at,tags,note");
  for (SnapshotColumn& column : columns) column.look.if_any = column.name == "tags" || column.name == "note";
  return columns;
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

SnapshotTable::SnapshotTable(std::vector<SnapshotColumn> columns)
    : columns_(std::move(columns)), table_(looks(columns_)) {}

void SnapshotTable::add(const v1::SnapshotInfo& snapshot) {
  std::vector<Cell> row;
  row.reserve(columns_.size());
  for (const SnapshotColumn& column : columns_) row.push_back(column.cell(snapshot));
  table_.add(row);
  times_.push_back(static_cast<std::time_t>(snapshot.time().seconds()));
}

SnapshotGroups SnapshotTable::usual_groups(const Terminal& terminal) const {
  if (!terminal.interactive || times_.size() <= kShortList) return SnapshotGroups::kNone;
  for (const SnapshotGroups groups : {SnapshotGroups::kDay, SnapshotGroups::kWeek}) {
    std::set<std::string> headings;
    for (const std::time_t time : times_) headings.insert(group_heading(time, groups));
    if (times_.size() >= kWorthHeading * headings.size()) return groups;
  }
  return SnapshotGroups::kMonth;
}

std::string SnapshotTable::render(const Terminal& terminal, SnapshotGroups groups) {
  std::map<std::size_t, std::string> headings;
  std::string last;
  for (std::size_t row = 0; groups != SnapshotGroups::kNone && row < times_.size(); ++row) {
    std::string now = group_heading(times_[row], groups);
    if (now != last) headings[row] = now;
    last = std::move(now);
  }
  table_.set_headings(std::move(headings));
  return table_.render(terminal);
}

}  // namespace garner::client
