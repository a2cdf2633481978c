// Header fields for requests: a line is a field, and no field begins within another.
#include "header_fields.h"

#include "fuzz/fuzz.h"

void garner::fuzz::try_one(ByteView bytes) {
  std::string fields;
  if (!accepts([&] { fields = daemon::checked_headers(as_text(bytes)); })) return;
  require(fields.ends_with('\n') && fields.find_first_of(std::string_view("\r\0", 2)) == std::string::npos,
          "lines end with LF and hold no other end");
  require(daemon::checked_headers(fields) == fields, "what was checked stays as it is");
}
