// A commit record behind its seal.
#include "store/record.h"

#include "fuzz/fuzz.h"
#include "fuzz/keys.h"
#include "store/sealed_object.h"
#include "store/state.h"

void garner::fuzz::try_one(ByteView bytes) {
  ByteWriter associated;
  associated.bytes(repository().view());
  associated.u64(7);
  const Bytes object = store::seal_object("GARNRECD", crypto::ObjectKind::kRecord, bytes, associated.data(),
                                          keyring(), writer());
  store::OpenedRecord opened;
  if (!accepts([&] { opened = store::open_record(object, 7, keyring(), repository()); })) return;
  require(!accepts([&] { store::apply({}, opened); }),
          "a record is refused that does not begin or continue a log");
}
