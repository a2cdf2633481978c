#include "browse/help_text.h"

#include "text.h"

namespace garner::client::browse {
namespace {

constexpr const char* kText =
    "On the left are snapshots, newest first, on the right a folder of one of them.\n"
    "\n"
    "Moving\n"
    "  Up Down PgUp PgDn    in the list that has the keys; also Home and End\n"
    "  Tab                  gives the keys to the other list\n"
    "  Enter, Right         opens a year, month or day; a folder; a file to look at\n"
    "  Left, Backspace      folds; goes to the folder above, and to the timeline\n"
    "  [ or <               the same folder in the set's snapshot before\n"
    "  ] or >               the same folder in the set's snapshot after\n"
    "\n"
    "What changed since the set's snapshot before\n"
    "  +                    added\n"
    "  -                    removed: the snapshot before has it, and so it can be\n"
    "                       looked at and restored\n"
    "  M                    changed; of a folder: something in it\n"
    "  m                    modes, owners, times or attributes only\n"
    "\n"
    "Filtering\n"
    "  letters, digits, /   begin a filter of the list that has the keys: words, all\n"
    "                       of them in a name; of snapshots in set, host, tag or time\n"
    "                       (2026-11-29 18:30, november), or the id's beginning\n"
    "  Esc                  shows all again\n"
    "\n"
    "Restoring\n"
    "  Space                marks with a *, or takes the mark away\n"
    "  R                    restores what is marked, or what the cursor is on, to a\n"
    "                       folder that is asked for; each lands there under its name,\n"
    "                       and nothing that is there is replaced\n"
    "\n"
    "  Ctrl-L               asks for the snapshots again, and draws all anew\n"
    "  ? or F1              shows this help\n"
    "  q                    quits; restores go on\n";

}  // namespace

std::vector<std::string> help_text(std::size_t width) {
  std::vector<std::string> lines;
  const std::string text = fit_lines(kText, width);
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = text.find('\n', begin);
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

}  // namespace garner::client::browse
