#include "destination/s3/digest.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>
#include <memory>

#include "base/error.h"
#include "base/file.h"
#include "destination/md5.h"

namespace garner::destination {

namespace {

constexpr std::size_t kDigestPiece = 256u << 10;

class Digest {
 public:
  explicit Digest(const EVP_MD* kind) : context_(EVP_MD_CTX_new(), EVP_MD_CTX_free) {
    if (!context_ || EVP_DigestInit_ex(context_.get(), kind, nullptr) != 1) fail();
  }
  void add(ByteView data) {
    if (EVP_DigestUpdate(context_.get(), data.data(), data.size()) != 1) fail();
  }
  Bytes end() {
    Bytes result(EVP_MAX_MD_SIZE);
    unsigned length = 0;
    if (EVP_DigestFinal_ex(context_.get(), result.data(), &length) != 1) fail();
    result.resize(length);
    return result;
  }

 private:
  [[noreturn]] static void fail() { throw Error(ErrorKind::kInternal, "OpenSSL has no digest"); }

  std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context_;
};

}  // namespace

std::string sha256_hex(ByteView data) {
  Digest digest(EVP_sha256());
  digest.add(data);
  return to_hex(digest.end());
}

std::string sha256_hex(const FilePart& part, const std::string& path) {
  Digest digest(EVP_sha256());
  Bytes piece(std::min<std::uint64_t>(part.length, kDigestPiece));
  for (std::uint64_t done = 0; done < part.length;) {
    const MutableByteView wanted(piece.data(), std::min<std::uint64_t>(piece.size(), part.length - done));
    if (read_at(part.fd, wanted, part.offset + done, path) != wanted.size())
      throw Error(ErrorKind::kReadFailed, path + " became shorter while it was sent");
    digest.add(wanted);
    done += wanted.size();
  }
  return to_hex(digest.end());
}

Bytes hmac_sha256(ByteView key, ByteView data) {
  Bytes result(EVP_MAX_MD_SIZE);
  unsigned length = 0;
  if (HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), data.data(), data.size(), result.data(),
           &length) == nullptr)
    throw Error(ErrorKind::kInternal, "OpenSSL has no digest");
  result.resize(length);
  return result;
}

std::string md5_base64(ByteView data) {
  const Md5 bytes = md5(data);
  std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');
  const int length = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), bytes.data(),
                                     static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(length));
  return text;
}

}  // namespace garner::destination
