// What is known of one thing: a label and a value a line.
#pragma once

#include <string>

#include "table.h"

namespace garner::client {

class FactList {
 public:
  FactList() : table_({{.heading = ""}, {.heading = "", .cut = Column::Cut::kMiddle}}) {}

  // A value that is empty is left out.
  void add(const std::string& label, const std::string& value, Style style = Style::kPlain) {
    if (!value.empty()) table_.add({Cell(label, Style::kDim), Cell(value, style)});
  }
  std::string render(const Terminal& terminal) const { return table_.render_rows(terminal); }

 private:
  Table table_;
};

}  // namespace garner::client
