// A repository that others may be given content from.
#pragma once

#include <string>

#include "store/repository.h"

namespace garner::backup {

// So many failures to read from suppliers are told as warnings.
inline constexpr unsigned kMostReadsTold = 20;

struct Supplier {
  std::string name;  // of its destination
  store::Repository* repository = nullptr;
};

}  // namespace garner::backup
