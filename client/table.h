// A table on an output: columns as wide as their content, fitted to a terminal's width by cutting the columns
// that may be cut. Off a terminal nothing is cut. Cells are made printable here.
#pragma once

#include <string>
#include <vector>

#include "terminal.h"

namespace garner::client {

struct Column {
  enum class Cut { kNever, kEnd, kMiddle };
  std::string heading;
  bool right = false;     // numbers
  Cut cut = Cut::kNever;  // what may lose columns when the table is too wide
};

struct Cell {
  std::string text;
  Style style = Style::kPlain;

  Cell(std::string value, Style look = Style::kPlain) : text(std::move(value)), style(look) {}
  Cell(const char* value) : text(value) {}
};

class Table {
 public:
  explicit Table(std::vector<Column> columns);
  void add(std::vector<Cell> row);  // as many cells as columns
  bool empty() const { return rows_.empty(); }
  // The lines with headings, each ended; each line is indented by `indent` blanks.
  std::string render(const Terminal& terminal, std::size_t indent = 0) const;
  // Without headings.
  std::string render_rows(const Terminal& terminal, std::size_t indent = 0) const;

 private:
  std::vector<std::size_t> widths(const Terminal& terminal, std::size_t indent, bool headings) const;
  std::string line(const std::vector<Cell>& row, const std::vector<std::size_t>& widths,
                   const Terminal& terminal, std::size_t indent) const;

  std::vector<Column> columns_;
  std::vector<std::vector<Cell>> rows_;
};

}  // namespace garner::client
