// A state behind its seal: it is not signed, so whoever has the keys can write one.
#include "store/state.h"

#include "fuzz/fuzz.h"
#include "fuzz/keys.h"
#include "store/sealed_object.h"

void garner::fuzz::try_one(ByteView bytes) {
  crypto::Digest hash{};
  hash.fill('H');
  ByteWriter associated;
  associated.bytes(repository().view());
  associated.u64(7);
  associated.bytes(hash);
  const Bytes object = store::seal_object("GARNSTAT", crypto::ObjectKind::kState, bytes, associated.data(),
                                          keyring(), writer());
  accepts([&] {
    store::v1::RepositoryState state = store::open_state(object, 7, hash, keyring(), repository());
    store::require_writable(store::features_of(state));
    store::find_writer(state, writer());
    store::find_snapshot(state, hash);
    store::is_removed(state, store::ObjectName{});
    store::check_parameters(state.parameters());
    store::forget_dead(state, [](const store::ObjectName& name) { return name.value[0] % 2 == 0; });
  });
}
