#include "maintenance/condemned_names.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/bytes.h"
#include "base/error.h"

namespace garner::maintenance {

namespace v1 = store::v1;

CondemnedNames::CondemnedNames(const store::Pin& seen, std::uint64_t newest, const crypto::WriterKey& own)
    : seen_(seen),
      is_newest_(!seen.log_uuid.is_nil() && store::log_number(newest) == store::log_number(seen.generation)),
      own_(own) {}

void CondemnedNames::add(const store::OpenedRecord& opened) {
  const v1::RecordBody& body = opened.record.body;
  if (!is_newest_ || body.log_uuid() != as_text(seen_.log_uuid.view())) return;
  if (!is_next(opened) && !is_of_remover(opened)) return;
  for (const std::string& name : body.condemn()) names_.insert(store::ObjectName::from_bytes(as_bytes(name)));
  for (const std::string& id : body.remove_snapshots())
    forgotten_.insert(crypto::BlobId::from_bytes(as_bytes(id)));
}

bool CondemnedNames::is_next(const store::OpenedRecord& opened) {
  if (!is_whole_) return false;
  try {
    state_ = store::apply(std::move(state_), opened);
    writers_ = state_.writers();
    return true;
  } catch (const Error&) {
    is_whole_ = false;
    return false;
  }
}

bool CondemnedNames::is_of_remover(const store::OpenedRecord& opened) const {
  const auto is_signed_with = [&](ByteView key_bytes) {
    crypto::PublicKey key;
    std::copy_n(key_bytes.begin(), key.size(), key.begin());
    return crypto::verify(key, opened.signed_bytes, opened.signature);
  };
  const std::string& writer = opened.record.body.writer();
  if (writer == as_text(own_.uuid().view())) return is_signed_with(own_.public_key());
  return std::ranges::any_of(writers_, [&](const v1::Writer& known) {
    return known.uuid() == writer && known.role() == v1::ROLE_REMOVE &&
           is_signed_with(as_bytes(known.public_key()));
  });
}

}  // namespace garner::maintenance
