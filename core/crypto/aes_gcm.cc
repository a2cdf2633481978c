#include "crypto/aes_gcm.h"

#include <openssl/evp.h>

#include <algorithm>
#include <memory>
#include <string>

#include "base/error.h"

namespace garner::crypto {

namespace {

constexpr std::size_t kAesKeySize = 32;
// EVP takes lengths as int.
constexpr std::size_t kStep = std::size_t{1} << 30;

void require(bool good, const char* what) {
  if (!good) throw Error(ErrorKind::kInternal, std::string("AES-256-GCM: ") + what);
}

struct FreeContext {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_CIPHER_CTX, FreeContext>;

Context make_context() {
  // Fetching an algorithm searches OpenSSL's providers: once for the process.
  static const EVP_CIPHER* const cipher = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
  require(cipher != nullptr, "not offered by OpenSSL");
  Context context(EVP_CIPHER_CTX_new());
  require(context != nullptr, "no context");
  require(EVP_CipherInit_ex(context.get(), cipher, nullptr, nullptr, nullptr, 1) == 1, "no cipher");
  return context;
}

// A thread's context, set up for one message: it never keeps anything of the message before.
EVP_CIPHER_CTX* begin(const Secret& key, const AesGcmNonce& nonce, ByteView associated, bool sealing) {
  static thread_local const Context context = make_context();
  EVP_CIPHER_CTX* const raw = context.get();
  require(key.size() == kAesKeySize, "a key that has not 32 bytes");
  require(EVP_CipherInit_ex(raw, nullptr, nullptr, key.view().data(), nonce.data(), sealing ? 1 : 0) == 1,
          "key");
  require(associated.size() <= kStep, "too much associated data");
  int done = 0;
  if (!associated.empty()) {
    require(
        EVP_CipherUpdate(raw, nullptr, &done, associated.data(), static_cast<int>(associated.size())) == 1,
        "associated data");
  }
  return raw;
}

void run(EVP_CIPHER_CTX* context, ByteView in, std::uint8_t* out) {
  while (!in.empty()) {
    const std::size_t step = std::min(in.size(), kStep);
    int done = 0;
    require(EVP_CipherUpdate(context, out, &done, in.data(), static_cast<int>(step)) == 1, "update");
    out += step;
    in = in.subspan(step);
  }
}

}  // namespace

void aes_gcm_seal(const Secret& key, const AesGcmNonce& nonce, ByteView associated, ByteView plain,
                  MutableByteView out) {
  require(out.size() == plain.size() + kAesGcmTag, "an output of the wrong size");
  EVP_CIPHER_CTX* const context = begin(key, nonce, associated, true);
  run(context, plain, out.data());
  std::uint8_t* const tag = out.data() + plain.size();
  int done = 0;
  require(EVP_CipherFinal_ex(context, tag, &done) == 1, "final");
  require(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, kAesGcmTag, tag) == 1, "tag");
}

bool aes_gcm_open(const Secret& key, const AesGcmNonce& nonce, ByteView associated, ByteView sealed,
                  MutableByteView out) {
  require(sealed.size() == out.size() + kAesGcmTag, "an output of the wrong size");
  const std::size_t length = out.size();
  // A copy: the interface takes a tag that it may change, and `out` may lie over `sealed`.
  std::array<std::uint8_t, kAesGcmTag> tag;
  std::copy_n(sealed.data() + length, tag.size(), tag.begin());
  EVP_CIPHER_CTX* const context = begin(key, nonce, associated, false);
  run(context, sealed.first(length), out.data());
  require(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, kAesGcmTag, tag.data()) == 1, "tag");
  int done = 0;
  std::array<std::uint8_t, kAesGcmTag> rest;
  if (EVP_CipherFinal_ex(context, rest.data(), &done) == 1) return true;
  wipe(out);
  return false;
}

}  // namespace garner::crypto
