// What a shell may offer for a word of the command line that is being typed. Everything begins with the word.
// What could act on a terminal is not offered.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "garner/v1/service.pb.h"

namespace garner::client {

// `latest`, of each set the latest and those before it, and ids, the newest first; of either at most
// kMostIds. `sets`: also the sets themselves. `list`: newest first.
inline constexpr std::size_t kMostIds = 50;
std::vector<std::string> complete_snapshot(const v1::ListSnapshotsResponse& list, std::string_view word,
                                           bool sets);

// Those of `known` that begin so.
std::vector<std::string> complete_one_of(const std::vector<std::string>& known, std::string_view word);
// As much of an id as is shown, or all of it to who has typed more.
std::string offered_id(const std::string& id, std::string_view word);

// What is typed of a path: the folder, with the '/' behind it, and the beginning of a name in it.
struct TypedPath {
  std::string folder;
  std::string begin;
};
TypedPath split_typed_path(std::string_view path);

// `before` with a name of that folder behind it, and a '/' behind a folder's; nothing where it is not
// offered.
std::optional<std::string> complete_name(const std::string& before, const TypedPath& typed,
                                         std::string_view name, bool is_folder);

}  // namespace garner::client
