#include "browse/state.h"

#include "browse/snapshot_layout.h"

namespace garner::client::browse {

MarkedPath State::path_of(const Folder::Row& row) const {
  const std::size_t from = row.is_removed() ? timeline.older(snapshot).value_or(snapshot) : snapshot;
  return {timeline.snapshot(from).id(), below(place, row.node->name()), row.is_folder()};
}

}  // namespace garner::client::browse
