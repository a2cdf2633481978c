#include "trace.h"

namespace garner::crash {

std::string Trace::describe(const Operation& operation) const {
  const auto path = [&](Node node) { return node < paths.size() ? paths[node] : std::string("?"); };
  const auto place = [&](Node folder, const std::string& name) { return path(folder) + "/" + name; };
  switch (operation.kind) {
    case OperationKind::kCreate:
      return "create " + place(operation.folder, operation.name);
    case OperationKind::kLink:
      return "link " + path(operation.node) + " as " + place(operation.folder, operation.name);
    case OperationKind::kUnlink:
      return "unlink " + place(operation.folder, operation.name);
    case OperationKind::kRename:
      return "rename " + place(operation.old_folder, operation.old_name) + " to " +
             place(operation.folder, operation.name);
    case OperationKind::kWrite:
      return "write " + path(operation.node) + ": " + std::to_string(operation.data.size()) + " at " +
             std::to_string(operation.offset);
    case OperationKind::kResize:
      return "resize " + path(operation.node) + " to " + std::to_string(operation.offset);
    case OperationKind::kAttributes:
      return "attributes of " + path(operation.node);
    case OperationKind::kSyncFile:
      return std::string(operation.data_only ? "fdatasync " : "fsync ") + path(operation.node);
    case OperationKind::kSyncFolder:
      return "fsync of folder " + path(operation.node);
    case OperationKind::kSyncAll:
      return "syncfs";
    case OperationKind::kSyncFailed:
      return "fsync that fails " + path(operation.node);
    case OperationKind::kMark:
      return "-- " + operation.name;
  }
  return "?";
}

}  // namespace garner::crash
