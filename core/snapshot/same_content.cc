#include "snapshot/same_content.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "snapshot/content_list.h"

namespace garner::snapshot {
namespace {

bool is_list(const v1::ContentEntry& entry) { return entry.type() == v1::ENTRY_TYPE_LIST; }

// Goes through a file's entries, into those lists that are asked for.
class Cursor {
 public:
  Cursor(const v1::Node& file, store::BlobSource& source) : source_(source), levels_(1) {
    *levels_.front().list.mutable_entries() = file.content();
    leave_ended();
  }

  // Null at the end.
  const v1::ContentEntry* here() const {
    return levels_.empty() ? nullptr : &levels_.back().list.entries(levels_.back().next);
  }
  void pass() {
    ++levels_.back().next;
    leave_ended();
  }
  // Of a list: on to what is first in it.
  void enter() {
    v1::ContentList list = load_list(*here(), levels_.size(), source_);
    ++levels_.back().next;
    levels_.push_back({std::move(list), 0});
    leave_ended();
  }

 private:
  struct Level {
    v1::ContentList list;
    int next = 0;
  };
  void leave_ended() {
    while (!levels_.empty() && levels_.back().next == levels_.back().list.entries_size()) levels_.pop_back();
  }
  store::BlobSource& source_;
  std::vector<Level> levels_;
};

}  // namespace

bool has_lists(const v1::Node& file) { return std::ranges::any_of(file.content(), is_list); }

bool have_same_content(const v1::Node& a, store::BlobSource& a_source, const v1::Node& b,
                       store::BlobSource& b_source) {
  if (a.size() != b.size()) return false;
  Cursor one(a, a_source);
  Cursor other(b, b_source);
  // Both are at one offset all the time.
  for (;;) {
    const v1::ContentEntry* here = one.here();
    const v1::ContentEntry* there = other.here();
    if (here == nullptr || there == nullptr) return here == there;
    if (here->length() == there->length() && here->id() == there->id()) {
      one.pass();
      other.pass();
    } else if (is_list(*here) && (!is_list(*there) || here->length() >= there->length())) {
      // The longer one first: the other may be a list in it.
      one.enter();
    } else if (is_list(*there)) {
      other.enter();
    } else {
      return false;
    }
  }
}

crypto::Digest content_digest(const v1::Node& file, store::BlobSource& source) {
  crypto::Hasher hasher;
  EntryReader reader(file, source);
  while (const auto placed = reader.next()) {
    ByteWriter writer;
    writer.u64(placed->entry.length());
    writer.u8(placed->entry.id().empty() ? 0 : 1);
    writer.bytes(as_bytes(placed->entry.id()));
    hasher.update(writer.data());
  }
  return hasher.finish();
}

}  // namespace garner::snapshot
