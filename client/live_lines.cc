#include "live_lines.h"

#include <unistd.h>

#include <cerrno>

#include "text.h"

namespace garner::client {
namespace {

void write_all(int descriptor, const std::string& text) {
  for (std::size_t done = 0; done < text.size();) {
    const ssize_t count = write(descriptor, text.data() + done, text.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return;  // the terminal is gone: so is who looked at it
    done += static_cast<std::size_t>(count);
  }
}

}  // namespace

std::string LiveLines::erase() const {
  if (drawn_.empty()) return {};
  // A terminal that has become narrower shows a line on several rows.
  const std::size_t width = terminal_width(descriptor_);
  std::size_t rows = 0;
  for (const std::size_t line : drawn_) rows += line <= width ? 1 : (line + width - 1) / width;
  return "\r\x1b[" + std::to_string(rows) + "A\x1b[J";
}

void LiveLines::draw(const std::vector<std::string>& lines) {
  std::string text = erase();
  drawn_.clear();
  for (const std::string& line : lines) {
    text += line + "\x1b[K\n";
    drawn_.push_back(display_width(line));
  }
  write_all(descriptor_, text);
}

void LiveLines::clear() {
  write_all(descriptor_, erase());
  drawn_.clear();
}

}  // namespace garner::client
