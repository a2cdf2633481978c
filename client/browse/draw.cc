#include "browse/draw.h"

#include <sys/stat.h>

#include <algorithm>

#include "text.h"

namespace garner::client::browse {
namespace {

constexpr std::size_t kLeastRows = 8;
constexpr std::size_t kLeastColumns = 50;
constexpr std::size_t kSizeWidth = 9;
constexpr std::size_t kTimeWidth = 16;  // "2026-11-29 18:30"
constexpr std::size_t kModeWidth = 10;
constexpr std::size_t kLeastName = 12;
constexpr std::size_t kWideTree = 75;  // columns from which on modes are seen

struct Area {
  std::size_t row;
  std::size_t column;
  std::size_t height;
  std::size_t width;
};

std::string heading(const std::string& text, const std::string& filter, std::size_t matches,
                    const std::string& all) {
  if (filter.empty()) return text;
  return text + " (" + human_count(matches) + " of " + all + ": " + filter + ")";
}

// How many are looked through.
std::string searched(const State& state) {
  return (state.is_cut ? "the first " : "") + human_count(state.folder.size());
}

Ground ground_of(bool is_at, bool has_keys) {
  if (!is_at) return Ground::kPlain;
  return has_keys ? Ground::kCursor : Ground::kOtherCursor;
}

std::string timeline_text(const Screen& screen, const Timeline& timeline, const Timeline::Row& row) {
  const std::string label = timeline.label(row);
  if (row.level == Timeline::Level::kSnapshot) return "    " + label;
  const char* fold = screen.unicode() ? (row.is_open ? "▾ " : "▸ ") : (row.is_open ? "- " : "+ ");
  return std::string(static_cast<std::size_t>(row.level), ' ') + fold + label;
}

void draw_timeline(Screen& screen, State& state, const Area& area) {
  const Timeline& timeline = state.timeline;
  screen.put(area.row, area.column, area.width,
             heading("Snapshots", timeline.filter(), timeline.matches(), human_count(timeline.size())),
             Look::kBold);
  const std::size_t height = area.height - 1;
  state.in_timeline.fit(timeline.rows().size(), height);
  for (std::size_t i = 0; i < height; ++i) {
    const std::size_t number = state.in_timeline.top() + i;
    if (number >= timeline.rows().size()) break;
    const Timeline::Row& row = timeline.rows()[number];
    const bool is_snapshot = row.level == Timeline::Level::kSnapshot;
    const bool is_shown = is_snapshot && row.snapshot == state.snapshot;
    const std::string count = is_snapshot ? (is_shown ? "<" : "") : human_count(row.count);
    const std::size_t room = area.width - count.size() - 1;
    const std::string text =
        pad_right(cut_end(timeline_text(screen, timeline, row), room, screen.mark()), room) + ' ' + count;
    screen.put(area.row + 1 + i, area.column, area.width, text, is_shown ? Look::kBold : Look::kPlain,
               ground_of(number == state.in_timeline.at(), !state.tree_has_keys));
  }
  if (timeline.rows().empty()) screen.put(area.row + 1, area.column, area.width, "No snapshot is like that.");
}

Look look_of(const Folder::Row& row) {
  switch (row.mark) {
    case Mark::kAdded:
      return Look::kAdded;
    case Mark::kRemoved:
      return Look::kRemoved;
    case Mark::kContent:
      return Look::kChanged;
    case Mark::kMetadata:
      return Look::kMetadata;
    case Mark::kNone:
      break;
  }
  return row.is_folder() ? Look::kBold : Look::kPlain;
}

std::string name_text(const Folder::Row& row) {
  std::string name = printable(row.node->name());
  if (row.is_folder()) name += '/';
  if (S_ISLNK(row.node->mode()) && !row.node->target().empty())
    name += " -> " + printable(row.node->target());
  return name;
}

std::string row_text(const Screen& screen, const State& state, const Folder::Row& row, std::size_t width) {
  const bool is_wide = width >= kWideTree;
  std::size_t used = 3 + 1 + kSizeWidth;
  // On the narrowest screen the name has room without the time.
  const bool has_time = width >= used + 2 + kTimeWidth + kLeastName;
  if (has_time) used += 2 + kTimeWidth;
  if (is_wide) used += kModeWidth + 2;
  const std::size_t room = width - std::min(used, width);
  const bool is_marked = state.marked.contains(state.path_of(row));
  std::string text{letter(row.mark), is_marked ? '*' : ' ', ' '};
  text += pad_right(cut_middle(name_text(row), room, screen.mark()), room) + ' ';
  text += pad_left(row.is_file() ? human_bytes(row.node->size()) : "", kSizeWidth);
  if (!has_time) return text;
  text += "  ";
  if (is_wide) text += pad_right(row.is_removed() ? "" : mode_text(row.node->mode()), kModeWidth + 2);
  text += row.is_removed() ? "" : local_minute(row.node->mtime());
  return text;
}

void draw_folder(Screen& screen, State& state, const Area& area) {
  const Folder& folder = state.folder;
  const std::string what =
      heading(printable(state.place), folder.filter(), folder.rows().size(), searched(state));
  screen.put(area.row, area.column, area.width, cut_middle(printable(what), area.width, screen.mark()),
             Look::kBold);
  const std::size_t height = area.height - 1;
  state.in_folder.fit(folder.rows().size(), height);
  for (std::size_t i = 0; i < height; ++i) {
    const std::size_t number = state.in_folder.top() + i;
    if (number >= folder.rows().size()) break;
    const Folder::Row& row = folder.rows()[number];
    screen.put(area.row + 1 + i, area.column, area.width, row_text(screen, state, row, area.width),
               look_of(row), ground_of(number == state.in_folder.at(), state.tree_has_keys));
  }
  if (!folder.rows().empty()) return;
  std::string nothing = "This folder is empty.";
  if (!folder.filter().empty())
    nothing =
        state.is_cut ? "Nothing among " + searched(state) + " is like that." : "Nothing here is like that.";
  if (state.contents == Contents::kUnread) nothing = "Reading...";
  if (state.contents == Contents::kMissing) nothing = "This folder is not in this snapshot.";
  if (state.contents == Contents::kUnreadable) nothing = "It could not be read. Ctrl-L tries again.";
  screen.put(area.row + 1, area.column, area.width, "   " + nothing);
}

std::string title_of(const State& state) {
  const v1::SnapshotInfo& info = state.shown();
  return " garner   " + info.set() + "   " + local_time(info.time()) + "   " + info.id().substr(0, 12) +
         "   " + info.host();
}

std::string facts_of(const v1::SnapshotInfo& info, std::string_view dot) {
  std::string text = info.id().substr(0, 8) + " " + info.host();
  const auto add = [&](const std::string& part) { text.append(dot).append(part); };
  add(plural(info.files(), "file", "files"));
  add(human_bytes(info.bytes()));
  if (info.error_count() > 0) add(plural(info.error_count(), "error", "errors"));
  if (info.pinned()) add("pinned");
  for (const std::string& tag : info.tags()) add(tag);
  std::string where;
  for (const std::string& name : info.destinations()) where += (where.empty() ? "" : ", ") + name;
  if (!where.empty()) add(where);
  return text;
}

std::string facts_of(const Folder::Row& row) {
  if (row.is_removed()) return "removed since the snapshot before, which still has it";
  std::string text = mode_text(row.node->mode()) + "  " + std::to_string(row.node->uid()) + ":" +
                     std::to_string(row.node->gid()) + "  " + local_time(row.node->mtime());
  if (row.is_file()) text += "  " + plural(row.node->size(), "byte", "bytes");
  if (S_ISLNK(row.node->mode())) text += "  -> " + printable(row.node->target());
  return text;
}

std::string status_of(const Screen& screen, const State& state) {
  if (!state.message.empty()) return " " + state.message;
  if (!state.progress.empty()) return " " + state.progress;
  const std::string dot = screen.unicode() ? " · " : " | ";
  std::string text = " ";
  if (!state.marked.empty()) text += human_count(state.marked.size()) + " marked" + dot;
  if (!state.tree_has_keys) {
    if (state.timeline.rows().empty()) return text;
    const Timeline::Row& row = state.timeline.rows()[state.in_timeline.at()];
    if (row.level != Timeline::Level::kSnapshot) return text + plural(row.count, "snapshot", "snapshots");
    return text + facts_of(state.timeline.snapshot(row.snapshot), dot);
  }
  if (state.is_cut) text += "only " + searched(state) + " are seen" + dot;
  if (!state.changes_note.empty()) text += state.changes_note + dot;
  if (const Folder::Row* row = state.row()) text += facts_of(*row);
  return text;
}

void draw_bottom(Screen& screen, const State& state, std::size_t row) {
  const std::size_t width = screen.columns();
  if (!state.is_typing) {
    screen.put(row, 0, width, status_of(screen, state), Look::kDim);
    screen.put(row + 1, 0, width,
               " ?:help  q:quit  Tab:pane  Enter:open  [ ]:older, newer  Space:mark  R:restore", Look::kBar);
    screen.show();
    return;
  }
  const std::string& filter = state.tree_has_keys ? state.folder.filter() : state.timeline.filter();
  const std::string prompt = " Filter: ";
  screen.put(row, 0, width, prompt + printable(filter), Look::kBold);
  screen.put(row + 1, 0, width, " Enter:open  Up, Down:choose  Esc:all again  ^U:erase", Look::kBar);
  screen.show(row, prompt.size() + display_width(printable(filter)));
}

}  // namespace

void draw(Screen& screen, State& state) {
  const std::size_t rows = screen.rows();
  const std::size_t columns = screen.columns();
  screen.clear();
  if (rows < kLeastRows || columns < kLeastColumns) {
    screen.put(0, 0, columns, "The terminal is too small:");
    screen.put(1, 0, columns,
               std::to_string(kLeastColumns) + "x" + std::to_string(kLeastRows) + " at least.");
    screen.show();
    return;
  }
  screen.put(0, 0, columns, title_of(state), Look::kBar);
  const std::size_t left = std::clamp<std::size_t>(columns / 3, 22, 40);
  const std::size_t height = rows - 3;
  draw_timeline(screen, state, {1, 0, height, left});
  for (std::size_t row = 1; row <= height; ++row)
    screen.put(row, left, 1, screen.unicode() ? "│" : "|", Look::kDim);
  draw_folder(screen, state, {1, left + 1, height, columns - left - 1});
  draw_bottom(screen, state, rows - 2);
}

}  // namespace garner::client::browse
