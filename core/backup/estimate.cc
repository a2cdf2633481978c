#include "backup/estimate.h"

#include <dirent.h>

#include "base/error.h"
#include "base/stop_scope.h"
#include "source/folder_view.h"

namespace garner::backup {

namespace {

struct Waiting {
  std::shared_ptr<source::FolderHandle> parent;
  std::string name;
  std::uint64_t device = 0;
};

void count_source(const std::string& path, bool one_file_system, const std::shared_ptr<BoundedCalls>& calls,
                  const std::stop_token& stop, Estimate& estimate) {
  std::vector<Waiting> waiting;
  auto look_into = [&](const std::shared_ptr<source::FolderHandle>& folder, std::uint64_t device) {
    const source::FolderView view(folder);
    const std::uint64_t own = view.status().device;
    if (device == 0) device = own;
    if (one_file_system && own != device) return;
    for (const source::FolderEntry& entry : view.list()) {
      if (entry.type == DT_DIR) {
        waiting.push_back({folder, entry.name, device});
      } else if (entry.type == DT_REG) {
        estimate.files += 1;
        estimate.bytes += view.status_of(entry.name).size;
      }
      if (stop.stop_requested()) return;
    }
  };
  look_into(source::FolderHandle::open_root(path, calls), 0);
  while (!waiting.empty() && !stop.stop_requested()) {
    const Waiting next = std::move(waiting.back());
    waiting.pop_back();
    try {
      look_into(source::FolderHandle::open_child(next.parent, next.name), next.device);
    } catch (const Error&) {
      // The run itself will say so.
    }
  }
}

}  // namespace

Estimate estimate_sources(const std::vector<std::string>& sources, bool one_file_system,
                          const std::shared_ptr<BoundedCalls>& calls, std::stop_token stop) {
  const StopScope scope(stop);
  Estimate estimate;
  for (const std::string& path : sources) {
    try {
      count_source(path, one_file_system, calls, stop, estimate);
    } catch (const Error&) {
      // The run itself will say so.
    }
  }
  return estimate;
}

}  // namespace garner::backup
