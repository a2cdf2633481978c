// Tags of snapshots: what one looks like, how many a snapshot has, and how a record gives them.
//
// Tags are in the log, as pins are: a record gives a snapshot its whole new list. Pure functions; any thread.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "crypto/blob_id.h"
#include "store/record.h"

namespace garner::store {

inline constexpr std::size_t kLongestTag = 64;
inline constexpr std::size_t kMostTags = 32;

using Tags = std::set<std::string>;

// Letters and digits of ASCII, and `. _ - : / + @ =`; it begins with a letter or digit. So it is never an
// option, nor two in a list with commas, and does nothing to a terminal.
bool is_tag(std::string_view text);
// As a record and a state have them: each a tag, ascending, each once, no more than a snapshot has.
bool is_tag_list(const google::protobuf::RepeatedPtrField<std::string>& tags);

// Has `record` give a listed snapshot these, which are other ones than it has, instead of those; with the
// flag.
void give_tags(const crypto::BlobId& snapshot, const Tags& tags, Record& record);

}  // namespace garner::store
