#include "crypto/key_slot.h"

#include <rapidcheck.h>
#include <sodium.h>

#include <catch2/catch.hpp>

#include "crypto/contexts.h"
#include "crypto/hash.h"
#include "support/error_kind.h"

namespace garner::crypto {
namespace {

using testing::kind_of;

namespace v1 = store::v1;

constexpr TimePoint kSlotTime{1'800'000'000, 7};
constexpr Argon2Cost kCheap{1, 8192};

Credential password(std::string_view text) { return {v1::SLOT_TYPE_PASSWORD, Secret(as_bytes(text))}; }
Credential key_file() { return {v1::SLOT_TYPE_KEY_FILE, random_secret(64)}; }
Credential recovery() { return {v1::SLOT_TYPE_RECOVERY, generate_recovery_key()}; }

bool is_same_keyring(const Keyring& a, const Keyring& b) {
  return a.id() == b.id() && equal_constant_time(a.serialize().view(), b.serialize().view());
}

v1::KeySlotFile file_of(const Keyring& keyring, const Credential& credential) {
  v1::KeySlotFile file;
  *file.mutable_slot() = make_slot(keyring, credential, "laptop", kSlotTime, kCheap);
  return file;
}

// Rotates and extends the file's slot, as a rotation does with each slot.
void rotate(Keyring& keyring, v1::KeySlotFile& file) {
  keyring.rotate(kSlotTime);
  *file.add_extensions() = make_extension(keyring, file);
}

TEST_CASE("a slot opens with what it was made for") {
  const Keyring keyring = Keyring::generate(kSlotTime);
  for (const Credential& credential : {password("correct horse"), key_file(), recovery()}) {
    const v1::KeySlotFile file = file_of(keyring, credential);
    CHECK(is_same_keyring(open_slot(file, credential), keyring));
    CHECK(file.slot().label() == "laptop");
    CHECK(file.slot().created().seconds() == kSlotTime.seconds);
    CHECK(file.slot().epoch() == 1);
    v1::KeySlotFile read;
    REQUIRE(read.ParseFromString(file.SerializeAsString()));
    CHECK(is_same_keyring(open_slot(read, credential), keyring));
  }
}

TEST_CASE("a slot opens with nothing else") {
  const Keyring keyring = Keyring::generate(kSlotTime);
  const auto kind = [](const v1::KeySlotFile& file, const Credential& credential) {
    return kind_of([&] { open_slot(file, credential); });
  };
  const v1::KeySlotFile by_password = file_of(keyring, password("correct horse"));
  CHECK(kind(by_password, password("correct horsE")) == ErrorKind::kWrongKey);
  CHECK(kind(by_password, password("correct horse ")) == ErrorKind::kWrongKey);
  CHECK(kind(by_password, recovery()) == ErrorKind::kWrongKey);
  CHECK(kind(file_of(keyring, key_file()), key_file()) == ErrorKind::kWrongKey);
  CHECK(kind(file_of(keyring, recovery()), recovery()) == ErrorKind::kWrongKey);
  const std::string bytes(32, 'k');
  const v1::KeySlotFile by_file = file_of(keyring, {v1::SLOT_TYPE_KEY_FILE, Secret(as_bytes(bytes))});
  CHECK(kind(by_file, password(bytes)) == ErrorKind::kWrongKey);
}

TEST_CASE("two slots for one password have nothing in common") {
  const Keyring keyring = Keyring::generate(kSlotTime);
  const v1::KeySlot first = file_of(keyring, password("same")).slot();
  const v1::KeySlot second = file_of(keyring, password("same")).slot();
  CHECK(first.id() != second.id());
  CHECK(first.argon2_salt() != second.argon2_salt());
  CHECK(first.public_key() != second.public_key());
  CHECK(first.sealed_keyring() != second.sealed_keyring());
}

TEST_CASE("credentials have a form") {
  const auto kind = [](v1::SlotType type, std::size_t size) {
    return kind_of([&] { check_credential({type, Secret(size)}); });
  };
  CHECK(kind(v1::SLOT_TYPE_PASSWORD, 0) == ErrorKind::kInvalidInput);
  CHECK(kind(v1::SLOT_TYPE_PASSWORD, 4097) == ErrorKind::kInvalidInput);
  CHECK(kind(v1::SLOT_TYPE_KEY_FILE, 31) == ErrorKind::kInvalidInput);
  CHECK(kind(v1::SLOT_TYPE_KEY_FILE, (64u << 10) + 1) == ErrorKind::kInvalidInput);
  CHECK(kind(v1::SLOT_TYPE_RECOVERY, 31) == ErrorKind::kInvalidInput);
  CHECK(kind(v1::SLOT_TYPE_UNSPECIFIED, 32) == ErrorKind::kInvalidInput);
  check_credential({v1::SLOT_TYPE_PASSWORD, Secret(std::size_t{1})});
  check_credential({v1::SLOT_TYPE_KEY_FILE, Secret(std::size_t{64u << 10})});
  check_credential({v1::SLOT_TYPE_RECOVERY, Secret(std::size_t{32})});
  CHECK(kind_of([] { file_of(Keyring::generate(kSlotTime), password("")); }) == ErrorKind::kInvalidInput);
}

TEST_CASE("a label is short UTF-8") {
  const Keyring keyring = Keyring::generate(kSlotTime);
  const auto kind = [&](const std::string& label) {
    return kind_of([&] { make_slot(keyring, recovery(), label, kSlotTime); });
  };
  CHECK(kind("caf\xe9") == ErrorKind::kInvalidInput);
  CHECK(kind(std::string(kMaximumLabel + 1, 'x')) == ErrorKind::kInvalidInput);
  CHECK(make_slot(keyring, recovery(), std::string(kMaximumLabel, 'x'), kSlotTime).label().size() ==
        kMaximumLabel);
}

TEST_CASE("an unencrypted repository has no slots") {
  CHECK(kind_of([] { file_of(Keyring::unencrypted(), password("p")); }) == ErrorKind::kInvalidInput);
}

TEST_CASE("more of Argon2id than the bounds is refused before any work") {
  const Keyring keyring = Keyring::generate(kSlotTime);
  const v1::KeySlotFile good = file_of(keyring, password("p"));
  const auto refused = [&](std::uint32_t passes, std::uint64_t memory) {
    v1::KeySlotFile file = good;
    file.mutable_slot()->set_argon2_passes(passes);
    file.mutable_slot()->set_argon2_memory(memory);
    const bool by_open = kind_of([&] { open_slot(file, password("p")); }) == ErrorKind::kDamaged;
    const bool by_make = kind_of([&] {
                           make_slot(keyring, password("p"), "", kSlotTime, {passes, memory});
                         }) == ErrorKind::kInvalidInput;
    return by_open && by_make;
  };
  CHECK(refused(kMaximumPasses + 1, 8192));
  CHECK(refused(~std::uint32_t{0}, 8192));
  CHECK(refused(0, 8192));
  CHECK(refused(1, kMaximumArgon2Memory + 1024));
  CHECK(refused(1, ~std::uint64_t{0}));
  CHECK(refused(1, std::uint64_t{1} << 63));
  CHECK(refused(1, 8191));
  CHECK(refused(1, 8193));
  CHECK(refused(1, 0));
}

TEST_CASE("a slot with a field of the wrong form is damage") {
  const Keyring keyring = Keyring::generate(kSlotTime);
  const Credential credential = recovery();
  const v1::KeySlotFile good = file_of(keyring, credential);
  const auto damaged = [&](const std::function<void(v1::KeySlot&)>& change) {
    v1::KeySlotFile file = good;
    change(*file.mutable_slot());
    return kind_of([&] { open_slot(file, credential); }) == ErrorKind::kDamaged;
  };
  CHECK(damaged([](v1::KeySlot& slot) { slot.Clear(); }));
  CHECK(damaged([](v1::KeySlot& slot) { slot.set_id("short"); }));
  CHECK(damaged([](v1::KeySlot& slot) { slot.set_id(std::string(16, 'x')); }));
  CHECK(damaged([](v1::KeySlot& slot) { slot.set_type(static_cast<v1::SlotType>(9)); }));
  CHECK(damaged([](v1::KeySlot& slot) { slot.set_argon2_passes(1); }));
  CHECK(damaged([](v1::KeySlot& slot) { slot.set_public_key("short"); }));
  CHECK(damaged([](v1::KeySlot& slot) { slot.set_seal_salt(std::string(33, 's')); }));
  CHECK(damaged([](v1::KeySlot& slot) { slot.set_sealed_keyring(std::string(16, 's')); }));
  CHECK(
      damaged([](v1::KeySlot& slot) { slot.set_sealed_keyring(std::string(2 * kMaximumKeyringSize, 's')); }));
  CHECK(damaged([](v1::KeySlot& slot) { slot.set_label("another"); }));
  CHECK(damaged([](v1::KeySlot& slot) { slot.set_label(std::string(kMaximumLabel + 1, 'x')); }));
  CHECK(damaged([](v1::KeySlot& slot) { slot.mutable_created()->set_seconds(1); }));
  CHECK(damaged([](v1::KeySlot& slot) { slot.set_epoch(2); }));
  CHECK(damaged([](v1::KeySlot& slot) { slot.set_mac(std::string(32, 'm')); }));
  CHECK(damaged([](v1::KeySlot& slot) { slot.clear_mac(); }));
}

TEST_CASE("a rotated keyring opens with the old password") {
  Keyring keyring = Keyring::generate(kSlotTime);
  v1::KeySlotFile old = file_of(keyring, password("old"));
  v1::KeySlotFile recovered = file_of(keyring, {v1::SLOT_TYPE_RECOVERY, Secret(Bytes(32, 1))});
  keyring.rotate(kSlotTime);
  *old.add_extensions() = make_extension(keyring, old);
  *recovered.add_extensions() = make_extension(keyring, recovered);
  rotate(keyring, old);
  REQUIRE(keyring.current_epoch() == 3);
  *recovered.add_extensions() = make_extension(keyring, recovered);
  CHECK(is_same_keyring(open_slot(old, password("old")), keyring));
  CHECK(is_same_keyring(open_slot(recovered, {v1::SLOT_TYPE_RECOVERY, Secret(Bytes(32, 1))}), keyring));

  // A slot that is made after a rotation needs an extension for the next one only.
  v1::KeySlotFile later = file_of(keyring, password("later"));
  CHECK(kind_of([&] { make_extension(keyring, later); }) == ErrorKind::kInvalidInput);
  CHECK(kind_of([&] { make_extension(keyring, old); }) == ErrorKind::kInvalidInput);
  rotate(keyring, later);
  CHECK(is_same_keyring(open_slot(later, password("later")), keyring));
}

TEST_CASE("extensions follow on, each one for its slot") {
  Keyring keyring = Keyring::generate(kSlotTime);
  v1::KeySlotFile file = file_of(keyring, password("p"));
  v1::KeySlotFile other = file_of(keyring, password("p"));
  CHECK(kind_of([&] { make_extension(keyring, file); }) == ErrorKind::kInvalidInput);
  keyring.rotate(kSlotTime);
  *file.add_extensions() = make_extension(keyring, file);
  *other.add_extensions() = make_extension(keyring, other);
  rotate(keyring, file);
  const auto damaged = [&](const std::function<void(v1::KeySlotFile&)>& change) {
    v1::KeySlotFile changed = file;
    change(changed);
    return kind_of([&] { open_slot(changed, password("p")); }) == ErrorKind::kDamaged;
  };
  CHECK(damaged([](v1::KeySlotFile& f) { f.mutable_extensions()->SwapElements(0, 1); }));
  CHECK(damaged([](v1::KeySlotFile& f) { f.mutable_extensions()->DeleteSubrange(0, 1); }));
  CHECK(damaged([](v1::KeySlotFile& f) { *f.add_extensions() = f.extensions(1); }));
  CHECK(damaged([&](v1::KeySlotFile& f) { *f.mutable_extensions(0) = other.extensions(0); }));
  CHECK(damaged([&](v1::KeySlotFile& f) {
    *f.mutable_extensions(0) = other.extensions(0);
    f.mutable_extensions(0)->set_slot(f.slot().id());
  }));
  CHECK(damaged([](v1::KeySlotFile& f) {
    f.mutable_extensions(1)->set_epoch(2);
    f.mutable_extensions()->DeleteSubrange(0, 1);
  }));
  CHECK(damaged([](v1::KeySlotFile& f) { f.mutable_extensions(1)->clear_slot_mac(); }));
  CHECK(damaged([](v1::KeySlotFile& f) { f.mutable_extensions(1)->set_sealed_epoch(""); }));
  CHECK(damaged(
      [](v1::KeySlotFile& f) { f.mutable_extensions(1)->set_sealed_epoch(std::string(1 << 20, 'x')); }));
  // Whoever takes the newest one away gives back what was before; what is sealed under it then does not open.
  v1::KeySlotFile shorter = file;
  shorter.mutable_extensions()->RemoveLast();
  CHECK(open_slot(shorter, password("p")).current_epoch() == 2);
}

// What somebody makes who knows the slot, but no key: `epoch` sealed to the slot's public key.
v1::KeySlotExtension forged(const v1::KeySlot& slot, const v1::KeyEpoch& epoch, const Digest& proof) {
  v1::AuthenticatedEpoch message;
  *message.mutable_epoch() = epoch;
  message.set_proof(proof.data(), proof.size());
  const std::string plain = message.SerializeAsString();
  Bytes sealed(plain.size() + crypto_box_SEALBYTES);
  REQUIRE(crypto_box_seal(sealed.data(), as_bytes(plain).data(), plain.size(),
                          as_bytes(slot.public_key()).data()) == 0);
  v1::KeySlotExtension extension;
  extension.set_slot(slot.id());
  extension.set_epoch(epoch.number());
  extension.set_sealed_epoch(sealed.data(), sealed.size());
  return extension;
}

TEST_CASE("an epoch is slipped in by nobody who lacks the one before") {
  Keyring keyring = Keyring::generate(kSlotTime);
  v1::KeySlotFile file = file_of(keyring, password("p"));
  v1::KeyEpoch epoch;
  epoch.set_number(2);
  epoch.set_master(std::string(32, 'e'));
  const Digest no_proof = hash(as_bytes("x"));
  // Proofs under keys that an outsider may have: the epoch's own, the published one, another keyring's.
  const std::string serialized = epoch.SerializeAsString();
  const auto proof_under = [&](const Secret& master) {
    return keyed_hash(derive_key(context::kEpochProof, master.view()), as_bytes(serialized));
  };
  const Keyring outside = Keyring::generate(kSlotTime);
  for (const Digest& proof :
       {no_proof, proof_under(Secret(as_bytes(epoch.master()))),
        proof_under(Keyring::unencrypted().epochs()[0].master), proof_under(outside.epochs()[0].master)}) {
    v1::KeySlotFile attacked = file;
    *attacked.add_extensions() = forged(file.slot(), epoch, proof);
    CHECK(kind_of([&] { open_slot(attacked, password("p")); }) == ErrorKind::kDamaged);
  }
  // A proof by who has the key, but over another epoch.
  v1::KeyEpoch third = epoch;
  third.set_number(3);
  v1::KeySlotFile attacked = file;
  *attacked.add_extensions() = forged(file.slot(), third, proof_under(keyring.epochs()[0].master));
  attacked.mutable_extensions(0)->set_epoch(2);
  CHECK(kind_of([&] { open_slot(attacked, password("p")); }) == ErrorKind::kDamaged);
  // The same with nothing forged opens: it is the proof that decides, not a slip of this test.
  v1::KeySlotFile honest = file;
  *honest.add_extensions() = forged(file.slot(), epoch, proof_under(keyring.epochs()[0].master));
  keyring.append({2, Secret(as_bytes(epoch.master())), TimePoint{}});
  const Digest mac =
      keyed_hash(keyring.derive(2, context::kSlotMac), as_bytes(file.slot().SerializeAsString()));
  honest.mutable_extensions(0)->set_slot_mac(mac.data(), mac.size());
  CHECK(open_slot(honest, password("p")).current_epoch() == 2);
}

TEST_CASE("a rotation gives nothing to a slot that somebody else has put there") {
  Keyring keyring = Keyring::generate(kSlotTime);
  const v1::KeySlotFile good = file_of(keyring, password("p"));
  v1::KeySlotFile planted = file_of(Keyring::generate(kSlotTime), password("attacker"));
  v1::KeySlotFile altered = good;
  altered.mutable_slot()->set_public_key(planted.slot().public_key());
  v1::KeySlotFile shortened = good;
  shortened.mutable_slot()->clear_mac();
  keyring.rotate(kSlotTime);
  CHECK(make_extension(keyring, good).epoch() == 2);
  CHECK(kind_of([&] { make_extension(keyring, planted); }) == ErrorKind::kDamaged);
  CHECK(kind_of([&] { make_extension(keyring, altered); }) == ErrorKind::kDamaged);
  CHECK(kind_of([&] { make_extension(keyring, shortened); }) == ErrorKind::kDamaged);
  // Nor to one that was left out of the rotation before, or whose extension does not verify.
  v1::KeySlotFile left_out = good;
  v1::KeySlotFile extended = good;
  *extended.add_extensions() = make_extension(keyring, good);
  v1::KeySlotFile changed = extended;
  changed.mutable_slot()->set_label("changed");
  keyring.rotate(kSlotTime);
  CHECK(make_extension(keyring, extended).epoch() == 3);
  CHECK(kind_of([&] { make_extension(keyring, left_out); }) == ErrorKind::kDamaged);
  CHECK(kind_of([&] { make_extension(keyring, changed); }) == ErrorKind::kDamaged);
}

TEST_CASE("a slot file that was cut or tampered with gives no key that is not its own") {
  Keyring keyring = Keyring::generate(kSlotTime);
  const Credential credential = recovery();
  v1::KeySlotFile file = file_of(keyring, credential);
  const std::string alone = file.SerializeAsString();
  rotate(keyring, file);
  const std::string extended = file.SerializeAsString();
  REQUIRE(extended.starts_with(alone));
  REQUIRE_NOTHROW(verify_slot(keyring, file));
  constexpr std::size_t kOwnMac = 34;  // the field's tag, its length, 32 bytes
  const Keyring whole = open_slot(file, credential);

  // 0 for a refusal; otherwise the number of epochs it opened, which must be the real ones.
  const auto opened = [&](const std::string& bytes) -> std::uint32_t {
    v1::KeySlotFile parsed;
    if (!parsed.ParseFromString(bytes)) return 0;
    try {
      const Keyring found = open_slot(parsed, credential);
      REQUIRE(found.id() == whole.id());
      for (const KeyEpoch& epoch : found.epochs()) {
        REQUIRE(equal_constant_time(epoch.master.view(), whole.epochs()[epoch.number - 1].master.view()));
      }
      return found.current_epoch();
    } catch (const Error& error) {
      REQUIRE((error.kind() == ErrorKind::kDamaged || error.kind() == ErrorKind::kWrongKey));
      return 0;
    }
  };
  REQUIRE(opened(alone) == 1);
  REQUIRE(opened(extended) == 2);
  for (std::size_t length = 0; length < extended.size(); ++length) {
    REQUIRE(opened(extended.substr(0, length)) == (length == alone.size() ? 1u : 0u));
  }
  for (std::size_t bit = 0; bit < extended.size() * 8; ++bit) {
    std::string flipped = extended;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    // A flip that makes the extension an unknown field takes it away; its own MAC, at its end, is for checks.
    REQUIRE(opened(flipped) <= (bit / 8 < alone.size() ? 0u : bit / 8 < extended.size() - kOwnMac ? 1u : 2u));
    v1::KeySlotFile parsed;
    if (parsed.ParseFromString(flipped))
      REQUIRE(kind_of([&] { verify_slot(keyring, parsed); }) == ErrorKind::kDamaged);
  }
}

}  // namespace
}  // namespace garner::crypto
