#include "table.h"

#include <algorithm>

#include "text.h"

namespace garner::client {
namespace {

constexpr std::size_t kGap = 2;        // blanks between columns
constexpr std::size_t kNarrowest = 8;  // what a column that is cut keeps
constexpr std::size_t kReadable = 20;  // what it keeps while something else may be left out

}  // namespace

Table::Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

void Table::add(std::vector<Cell> row) {
  for (Cell& cell : row) cell.text = printable(cell.text);
  rows_.push_back(std::move(row));
}

void Table::add_heading(const std::string& text) { headings_[rows_.size()] = printable(text); }

std::vector<std::size_t> Table::widths(const Terminal& terminal, std::size_t indent, bool headings) const {
  std::vector<std::size_t> result(columns_.size(), 0);
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    if (headings) result[i] = display_width(columns_[i].heading);
    for (const auto& row : rows_) result[i] = std::max(result[i], display_width(row[i].text));
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

std::string Table::line(const std::vector<Cell>& row, const std::vector<std::size_t>& widths,
                        const Terminal& terminal, std::size_t indent) const {
  std::string text(indent, ' ');
  bool first = true;
  for (std::size_t i = 0; i < row.size(); ++i) {
    if (widths[i] == 0) continue;
    if (!first) text.append(kGap, ' ');
    first = false;
    const std::string cut = columns_[i].cut == Column::Cut::kMiddle
                                ? cut_middle(row[i].text, widths[i], terminal.mark())
                                : cut_end(row[i].text, widths[i], terminal.mark());
    const std::size_t blanks = widths[i] - std::min(widths[i], display_width(cut));
    if (columns_[i].right) text.append(blanks, ' ');
    text += terminal.styled(cut, row[i].style);
    if (!columns_[i].right) text.append(blanks, ' ');
  }
  // The last column needs no filling.
  text.erase(text.find_last_not_of(' ') + 1);
  return text + '\n';
}

std::string Table::render(const Terminal& terminal, std::size_t indent) const {
  const auto fitted = widths(terminal, indent, true);
  std::vector<Cell> headings;
  for (const Column& column : columns_) headings.emplace_back(column.heading, Style::kDim);
  return line(headings, fitted, terminal, indent) + lines(fitted, terminal, indent);
}

std::string Table::render_rows(const Terminal& terminal, std::size_t indent) const {
  return lines(widths(terminal, indent, false), terminal, indent);
}

std::string Table::lines(const std::vector<std::size_t>& widths, const Terminal& terminal,
                         std::size_t indent) const {
  std::string text;
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    if (const auto heading = headings_.find(i); heading != headings_.end())
      text += std::string(indent, ' ') + terminal.styled(heading->second, Style::kBold) + '\n';
    text += line(rows_[i], widths, terminal, indent);
  }
  return text;
}

}  // namespace garner::client
