// MD5, which S3 stores tell of what they hold. Equal sums tell that nothing has changed by itself; they prove
// nothing to whoever may write there: two contents with one sum are easily made. Pure functions; any thread.
#pragma once

#include <array>
#include <cstdint>

#include "base/bytes.h"

namespace garner::destination {

using Md5 = std::array<std::uint8_t, 16>;

Md5 md5(ByteView data);

}  // namespace garner::destination
