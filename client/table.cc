#include "table.h"

#include <algorithm>
#include <numeric>

#include "text.h"

namespace garner::client {
namespace {

constexpr std::size_t kGap = 2;        // blanks between columns
constexpr std::size_t kNarrowest = 8;  // what a column that is cut keeps
constexpr std::size_t kReadable = 20;  // what it keeps while something else may be left out

}  // namespace

Table::Table(std::vector<Column> columns) : columns_(std::move(columns)), widest_(columns_.size(), 0) {
  for (const Column& column : columns_) cells_.push_back(put({column.heading, Style::kDim}));
}

Table::Shown Table::put(const Cell& cell) {
  const std::size_t begin = text_.size();
  append_printable(text_, cell.text);
  const std::string_view text = std::string_view(text_).substr(begin);
  return {begin, static_cast<std::uint32_t>(text.size()), static_cast<std::uint32_t>(display_width(text)),
          cell.style};
}

void Table::add(const std::vector<Cell>& row) {
  for (std::size_t i = 0; i < row.size(); ++i) {
    cells_.push_back(put(row[i]));
    widest_[i] = std::max(widest_[i], std::size_t{cells_.back().width});
  }
}

std::vector<std::size_t> Table::widths(const Terminal& terminal, std::size_t indent, bool headings) const {
  std::vector<std::size_t> result = widest_;
  for (std::size_t i = 0; headings && i < columns_.size(); ++i) {
    if (columns_[i].if_any && widest_[i] == 0) continue;
    result[i] = std::max(result[i], std::size_t{cells_[i].width});
  }
  if (!terminal.interactive) return result;

  const auto total_with = [&](std::size_t longest_cut) {
    std::size_t sum = indent;
    std::size_t shown = 0;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (result[i] == 0) continue;
      sum += columns_[i].cut == Column::Cut::kNever ? result[i] : std::min(result[i], longest_cut);
      ++shown;
    }
    return sum + kGap * (shown > 0 ? shown - 1 : 0);
  };
  for (std::size_t i = columns_.size(); i > 0 && total_with(kReadable) > terminal.width; --i) {
    if (columns_[i - 1].optional) result[i - 1] = 0;
  }
  std::size_t total = total_with(std::string::npos);
  // The widest of the columns that may be cut gives way first, so that they end up alike.
  while (total > terminal.width) {
    std::size_t widest = columns_.size();
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (columns_[i].cut == Column::Cut::kNever || result[i] <= kNarrowest) continue;
      if (widest == columns_.size() || result[i] > result[widest]) widest = i;
    }
    if (widest == columns_.size()) break;
    --result[widest];
    --total;
  }
  return result;
}

void Table::append_line(std::string& text, std::size_t row, const std::vector<std::size_t>& widths,
                        const Terminal& terminal, std::size_t indent) const {
  const std::size_t begin = text.size();
  text.append(indent, ' ');
  bool first = true;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    if (widths[i] == 0) continue;
    if (!first) text.append(kGap, ' ');
    first = false;
    const Shown& cell = cells_[row * columns_.size() + i];
    std::string_view fitting = std::string_view(text_).substr(cell.begin, cell.length);
    std::size_t width = cell.width;
    std::string cut;
    if (width > widths[i]) {
      cut = columns_[i].cut == Column::Cut::kMiddle ? cut_middle(fitting, widths[i], terminal.mark())
                                                    : cut_end(fitting, widths[i], terminal.mark());
      fitting = cut;
      width = display_width(cut);
    }
    const std::size_t blanks = widths[i] - std::min(widths[i], width);
    if (columns_[i].right) text.append(blanks, ' ');
    if (cell.style == Style::kPlain) {
      text += fitting;
    } else {
      text += terminal.styled(fitting, cell.style);
    }
    if (!columns_[i].right) text.append(blanks, ' ');
  }
  // The last column needs no filling.
  while (text.size() > begin && text.back() == ' ') text.pop_back();
  text += '\n';
}

std::string Table::render(const Terminal& terminal, std::size_t indent) const {
  const auto fitted = widths(terminal, indent, true);
  std::string text;
  const std::size_t width = std::accumulate(fitted.begin(), fitted.end(), indent + kGap * fitted.size());
  text.reserve(cells_.size() / std::max<std::size_t>(columns_.size(), 1) * (width + 1));
  append_line(text, 0, fitted, terminal, indent);
  append_rows(text, fitted, terminal, indent);
  return text;
}

std::string Table::render_rows(const Terminal& terminal, std::size_t indent) const {
  std::string text;
  append_rows(text, widths(terminal, indent, false), terminal, indent);
  return text;
}

void Table::append_rows(std::string& text, const std::vector<std::size_t>& widths, const Terminal& terminal,
                        std::size_t indent) const {
  for (std::size_t row = 1; row * columns_.size() < cells_.size(); ++row) {
    if (const auto heading = headings_.find(row - 1); heading != headings_.end())
      text += std::string(indent, ' ') + terminal.styled(printable(heading->second), Style::kBold) + '\n';
    append_line(text, row, widths, terminal, indent);
  }
}

}  // namespace garner::client
