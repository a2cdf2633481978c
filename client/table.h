// A table on an output: columns as wide as their content, fitted to a terminal's width by leaving out what
// may be left out, then by cutting what may be cut. Off a terminal the table is whole. Cells are made
// printable here.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "terminal.h"

namespace garner::client {

struct Column {
  enum class Cut { kNever, kEnd, kMiddle };
  std::string heading;
  bool right = false;     // numbers
  Cut cut = Cut::kNever;  // may be cut when the table is too wide
  bool optional = false;  // may be left out then; the last goes first
  bool if_any = false;    // left out where no row has anything in it
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
  void add(const std::vector<Cell>& row);  // as many cells as columns
  // Lines of their own, by the row that follows. None from before stay.
  void set_headings(std::map<std::size_t, std::string> headings) { headings_ = std::move(headings); }
  // The lines with headings, each ended; each line is indented by `indent` blanks.
  std::string render(const Terminal& terminal, std::size_t indent = 0) const;
  // Without headings.
  std::string render_rows(const Terminal& terminal, std::size_t indent = 0) const;

 private:
  // Of `text_`. There may be a hundred thousand.
  struct Shown {
    std::size_t begin = 0;
    std::uint32_t length = 0;
    std::uint32_t width = 0;  // columns of the terminal
    Style style = Style::kPlain;
  };
  Shown put(const Cell& cell);

  // 0 for a column that is left out: with nothing in it, or for want of room.
  std::vector<std::size_t> widths(const Terminal& terminal, std::size_t indent, bool headings) const;
  // `row`: of cells_, a cell for each column.
  void append_line(std::string& text, std::size_t row, const std::vector<std::size_t>& widths,
                   const Terminal& terminal, std::size_t indent) const;
  void append_rows(std::string& text, const std::vector<std::size_t>& widths, const Terminal& terminal,
                   std::size_t indent) const;

  std::vector<Column> columns_;
  std::string text_;                 // of all cells
  std::vector<Shown> cells_;         // row by row; the first is of headings
  std::vector<std::size_t> widest_;  // cell of each column, headings left out
  std::map<std::size_t, std::string> headings_;
};

}  // namespace garner::client
