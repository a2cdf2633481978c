#include "find_text.h"

#include "text.h"

namespace garner::client {
namespace {

std::string snapshot_text(const std::string& id, const google::protobuf::Timestamp& time) {
  return printable(id.substr(0, kShownDigits)) + ' ' + local_minute(time);
}

}  // namespace

std::string found_path(const v1::FoundPath& match) {
  std::string path = printable(match.path());
  if (match.type() == "folder" && !path.ends_with('/')) path += '/';
  return path;
}

std::string found_facts(const v1::FoundPath& match) {
  const bool has_size = match.type() == "file" || match.type() == "folder";
  std::string text = has_size ? human_bytes(match.size()) : printable(match.type());
  text += "  " + local_minute(match.mtime()) + "  " + plural(match.snapshots(), "snapshot", "snapshots") +
          " of " + printable(match.set()) + ": " + snapshot_text(match.first_snapshot(), match.first_seen());
  if (match.last_snapshot() != match.first_snapshot())
    text += " .. " + snapshot_text(match.last_snapshot(), match.last_seen());
  return text;
}

}  // namespace garner::client
