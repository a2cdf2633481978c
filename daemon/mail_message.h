// A mail as it is handed to a server (RFC 5322, RFC 2045, RFC 2047): plain text in UTF-8, lines ended by CR
// LF. Dots at the beginning of lines are the transport's business. Pure functions.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"

namespace garner::daemon {

struct Mail {
  std::string from;
  std::string to;
  std::string subject;  // UTF-8, one line
  std::string body;     // UTF-8, lines ended by LF
  TimePoint date;
  std::string id;  // "<…@host>"
};

std::string to_rfc5322(const Mail& mail);

// A header field's text: as it is where it is printable ASCII, otherwise as encoded words, folded.
std::string encoded_words(std::string_view text);

// Whether it is an address that can be written without quoting: local part, '@', domain.
bool is_mail_address(std::string_view text);

}  // namespace garner::daemon
