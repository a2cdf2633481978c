#include "store/snapshot_tags.h"

#include <algorithm>
#include <functional>

namespace garner::store {

namespace {

bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

}  // namespace

bool is_tag(std::string_view text) {
  constexpr std::string_view kOthers = "._-:/+@=";
  return !text.empty() && text.size() <= kLongestTag && is_letter_or_digit(text.front()) &&
         std::ranges::all_of(text, [&](char c) {
           return is_letter_or_digit(c) || kOthers.find(c) != std::string_view::npos;
         });
}

bool is_tag_list(const google::protobuf::RepeatedPtrField<std::string>& tags) {
  return tags.size() <= static_cast<int>(kMostTags) &&
         std::ranges::all_of(tags, [](const std::string& tag) { return is_tag(tag); }) &&
         std::ranges::adjacent_find(tags, std::greater_equal<>()) == tags.end();
}

void give_tags(const crypto::BlobId& snapshot, const Tags& tags, Record& record) {
  v1::SnapshotTags& given = *record.body.add_give_tags();
  given.set_snapshot(snapshot.value.data(), snapshot.value.size());
  given.mutable_tags()->Add(tags.begin(), tags.end());
  record.features.write |= kTagsFeature;
}

}  // namespace garner::store
