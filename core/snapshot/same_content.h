// Whether files hold the same, in whatever way it is stored.
//
// An entry's id is that of the bytes that come out of it, be they stored whole or as a difference. A list's
// id is that of the list, which says how they are stored: so where lists differ it is looked into them.
#pragma once

#include "crypto/hash.h"
#include "garner/v1/store.pb.h"
#include "store/blob_source.h"

namespace garner::snapshot {

namespace v1 = store::v1;

bool has_lists(const v1::Node& file);

// What stands in one list in both is passed over unread, the first difference ends it, and of files of two
// sizes nothing is read. Each has the source of its lists, which may be one. Errors as of EntryReader.
// Memory: a list a level of each. Any thread, as far as the sources are.
bool have_same_content(const v1::Node& a, store::BlobSource& a_source, const v1::Node& b,
                       store::BlobSource& b_source);

// The same for files that hold the same, read through all their lists. Errors as of EntryReader. Any thread.
crypto::Digest content_digest(const v1::Node& file, store::BlobSource& source);

}  // namespace garner::snapshot
