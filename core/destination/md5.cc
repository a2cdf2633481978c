#include "destination/md5.h"

#include <openssl/evp.h>

#include "base/error.h"

namespace garner::destination {

Md5 md5(ByteView data) {
  Md5 sum{};
  unsigned length = 0;
  if (EVP_Digest(data.data(), data.size(), sum.data(), &length, EVP_md5(), nullptr) != 1 ||
      length != sum.size())
    throw Error(ErrorKind::kInternal, "OpenSSL has no MD5");
  return sum;
}

}  // namespace garner::destination
