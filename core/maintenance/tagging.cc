#include "maintenance/tagging.h"

#include <algorithm>
#include <string>

#include "base/bytes.h"
#include "base/error.h"
#include "maintenance/decided_removal.h"

namespace garner::maintenance {

namespace {

void check_tags(const store::Tags& tags) {
  for (const std::string& tag : tags) {
    if (store::is_tag(tag)) continue;
    throw Error(
        ErrorKind::kInvalidInput,
        "\"" + printable(tag) +
            "\" is no tag: one has letters, digits and . _ - : / + @ =, begins with a letter or digit, "
            "and has " +
            std::to_string(store::kLongestTag) + " characters at most");
  }
}

store::Tags edited(const store::v1::SnapshotEntry& entry, const TagEdit& edit) {
  store::Tags tags = edit.replace.value_or(store::Tags(entry.tags().begin(), entry.tags().end()));
  tags.insert(edit.add.begin(), edit.add.end());
  for (const std::string& tag : edit.remove) tags.erase(tag);
  if (tags.size() > store::kMostTags) {
    throw Error(ErrorKind::kInvalidInput, "snapshot " + to_hex(as_bytes(entry.id())).substr(0, 12) +
                                              " would have " + std::to_string(tags.size()) +
                                              " tags, and it has " + std::to_string(store::kMostTags) +
                                              " at most: remove some");
  }
  return tags;
}

}  // namespace

std::vector<TaggedSnapshot> edit_tags(store::Repository& repository, const std::vector<crypto::BlobId>& ids,
                                      const TagEdit& edit) {
  if (edit.replace) check_tags(*edit.replace);
  check_tags(edit.add);
  std::vector<TaggedSnapshot> tagged;
  repository.refresh();
  commit_decided(repository, [&](const store::v1::RepositoryState& state) {
    tagged.clear();
    store::Removal removal;
    for (const crypto::BlobId& id : ids) {
      const store::v1::SnapshotEntry* entry = store::find_snapshot(state, id.view());
      if (entry == nullptr) continue;
      store::Tags tags = edited(*entry, edit);
      const bool changed = !std::ranges::equal(tags, entry->tags());
      if (changed) removal.give_tags.emplace(id, tags);
      tagged.push_back({id, std::move(tags), changed});
    }
    return removal;
  });
  return tagged;
}

}  // namespace garner::maintenance
