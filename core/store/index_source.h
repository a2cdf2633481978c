// Where the index of a repository is read from, beside what a machine has of it: the field index_from of the
// state, by a remover's word for every machine. Whatever it says, the destination itself has all of the
// index. Pure functions; any thread.
#pragma once

#include <string>

#include "base/uuid.h"

namespace garner::store {

struct IndexSource {
  enum class Kind {
    kLocal,  // what a machine has, and the destination for what it lacks
    kSelf,   // the destination, whenever the repository is opened
    kShelf,  // what a machine has, and for what it lacks the destination of another repository
  };
  Kind kind = Kind::kLocal;
  Uuid repository;  // kShelf: that one

  bool operator==(const IndexSource&) const = default;
};

// As it stands in the state: nothing, "self", or a uuid's text. What a later version may have put there is
// kLocal: nothing is wrong with that.
IndexSource parse_index_source(const std::string& text);
std::string index_source_text(const IndexSource& source);

}  // namespace garner::store
