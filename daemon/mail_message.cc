#include "mail_message.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <vector>

#include "base/bytes.h"

namespace garner::daemon {

namespace {

// An encoded word has at most 75 characters, 12 of them around the text, which is a multiple of 3 bytes.
constexpr std::size_t kBytesAWord = 45;
// RFC 5322 allows 998 characters a line; what is longer is wrapped by its encoding.
constexpr std::size_t kLongestLine = 900;
constexpr std::size_t kBytesALine = 57;  // of base64: 76 characters
constexpr std::size_t kLongestAddress = 254;

std::string base64(std::string_view bytes) {
  std::vector<unsigned char> out(4 * ((bytes.size() + 2) / 3) + 1);
  const int size = EVP_EncodeBlock(out.data(), reinterpret_cast<const unsigned char*>(bytes.data()),
                                   static_cast<int>(bytes.size()));
  return {out.begin(), out.begin() + size};
}

bool is_printable_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

bool is_plain(std::string_view body) {
  std::size_t line = 0;
  for (const char c : body) {
    line = c == '\n' ? 0 : line + 1;
    if (line > kLongestLine || (c != '\n' && c != '\t' && (c < ' ' || c > '~'))) return false;
  }
  return true;
}

std::string with_crlf(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c == '\n') result += '\r';
    result += c;
  }
  if (!result.ends_with("\r\n")) result += "\r\n";
  return result;
}

// Bytes of the character that begins at `at`.
std::size_t character_size(std::string_view text, std::size_t at) {
  std::size_t size = 1;
  while (at + size < text.size() && (static_cast<unsigned char>(text[at + size]) & 0xc0) == 0x80) ++size;
  return size;
}

std::string date_text(TimePoint date) {
  const std::time_t seconds = date.seconds;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 64> text{};
  std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S +0000", &parts);
  return text.data();
}

}  // namespace

std::string encoded_words(std::string_view text) {
  if (is_printable_ascii(text) && text.find("=?") == std::string_view::npos && text.size() <= kLongestLine)
    return std::string(text);
  std::string result;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t size = 0;
    // A character is never cut.
    while (at + size < text.size()) {
      const std::size_t next = character_size(text, at + size);
      if (size > 0 && size + next > kBytesAWord) break;
      size += next;
    }
    result += (result.empty() ? "=?UTF-8?B?" : "\r\n =?UTF-8?B?") + base64(text.substr(at, size)) + "?=";
    at += size;
  }
  return result;
}

std::string to_rfc5322(const Mail& mail) {
  std::string text = "Date: " + date_text(mail.date) + "\r\nFrom: " + mail.from + "\r\nTo: " + mail.to +
                     "\r\nSubject: " + encoded_words(mail.subject) + "\r\nMessage-ID: " + mail.id +
                     "\r\nAuto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
                     "Content-Type: text/plain; charset=utf-8\r\n";
  if (is_plain(mail.body)) return text + "Content-Transfer-Encoding: 7bit\r\n\r\n" + with_crlf(mail.body);
  text += "Content-Transfer-Encoding: base64\r\n\r\n";
  const std::string body = with_crlf(mail.body);
  for (std::size_t at = 0; at < body.size(); at += kBytesALine)
    text += base64(std::string_view(body).substr(at, kBytesALine)) + "\r\n";
  return text;
}

bool is_mail_address(std::string_view text) {
  const std::size_t at = text.rfind('@');
  if (at == std::string_view::npos || at == 0 || at + 1 == text.size() || text.size() > kLongestAddress)
    return false;
  const auto allowed = [](char c) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    return letter || std::string_view("!#$%&'*+/=?^_`{|}~.-").find(c) != std::string_view::npos;
  };
  const std::string_view domain = text.substr(at + 1);
  return std::all_of(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), allowed) &&
         std::all_of(domain.begin(), domain.end(),
                     [](char c) {
                       return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                              c == '.' || c == '-';
                     }) &&
         domain.front() != '-' && domain.front() != '.';
}

}  // namespace garner::daemon
