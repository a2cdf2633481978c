// Files of keys to S3 stores. What is taken can stand in a request's header, and no refusal shows a value.
#include "destination/s3/credentials.h"

#include "fuzz/fuzz.h"

void garner::fuzz::try_one(ByteView bytes) {
  destination::S3Credentials keys;
  if (!accepts([&] { keys = destination::parse_credentials(as_text(bytes)); })) return;
  require(!keys.access_key.empty() && !keys.secret_key.empty(), "keys are complete");
  for (const std::string* const value : {&keys.access_key, &keys.secret_key, &keys.session_token}) {
    for (const char c : *value) require(c > ' ' && c < '\x7f', "a key is one word");
  }
}
