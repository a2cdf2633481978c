// A repository that others may be given content from.
#pragma once

#include <string>

#include "store/repository.h"

namespace garner::backup {

struct Supplier {
  std::string name;  // of its destination
  store::Repository* repository = nullptr;
};

}  // namespace garner::backup
