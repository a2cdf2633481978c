#include "run_log_text.h"

#include "text.h"

namespace garner::client {
namespace {

constexpr int kShownLines = 20;

}  // namespace

std::string log_text(const v1::Run& run, const Terminal& terminal) {
  if (run.log().empty()) return {};
  const int first = run.log_size() > kShownLines ? run.log_size() - kShownLines : 0;
  std::string heading = "Its commands wrote:";
  if (first > 0 || run.log_lines_dropped() > 0) {
    heading = "The last " + plural(static_cast<std::uint64_t>(run.log_size() - first), "line", "lines") +
              " of " + human_count(static_cast<std::uint64_t>(run.log_size()) + run.log_lines_dropped()) +
              " that its commands wrote";
    heading += first > 0
                   ? " (" + human_count(static_cast<std::uint64_t>(run.log_size())) + " are kept: --json):"
                   : ":";
  }
  std::string text = terminal.styled(heading, Style::kDim) + '\n';
  for (int i = first; i < run.log_size(); ++i) {
    const v1::RunLogLine& line = run.log(i);
    text += "  " + local_time(line.time()) + ' ' + printable(line.origin()) + ": " + printable(line.text()) +
            '\n';
  }
  return terminal.interactive ? fit_lines(text, terminal.width) : text;
}

}  // namespace garner::client
