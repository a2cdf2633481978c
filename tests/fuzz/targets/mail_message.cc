// Mails: nothing in a subject or a body becomes a header field, an address or the end of the mail. u16 length
// of the subject, subject, body (to which an end of line is added).
#include "mail_message.h"

#include "fuzz/fuzz.h"

void garner::fuzz::try_one(ByteView bytes) {
  Input input(bytes);
  daemon::Mail mail;
  mail.from = "garner@example.com";
  mail.to = "admin@example.com";
  mail.subject = as_text(input.piece(input.number(2)));
  mail.body = as_text(input.rest());
  mail.body += '\n';
  mail.date = {1'790'000'000, 0};
  mail.id = "<1@example.com>";
  const std::string text = daemon::to_rfc5322(mail);
  std::size_t fields = 0;
  bool in_head = true;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find("\r\n", at);
    require(end != std::string::npos, "every line is ended");
    const std::string_view line = std::string_view(text).substr(at, end - at);
    require(line.size() <= 998 && line.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos,
            "a line is no longer than may be, and is one");
    if (line.empty()) in_head = false;
    if (in_head && line.front() != ' ') ++fields;
    at = end + 2;
  }
  require(!in_head && fields == 9, "a mail has the header fields that it has");
  daemon::is_mail_address(mail.subject);
}
