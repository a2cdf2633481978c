#include "destination_option.h"

#include "argument.h"

namespace garner::client {

void DestinationOptions::add_to(std::vector<Option>& options) {
  options.push_back({"--limit-upload",
                     "RATE",
                     "Write no more than so many bytes a second: 500K, 2M, 1.5MiB; W=RATE in a window, like "
                     "08:00..18:00=2M; none for no limit.",
                     &upload_,
                     false,
                     {},
                     true});
  options.push_back({"--limit-download", "RATE", "The same for reading.", &download_, false, {}, true});
  options.push_back({"--max-unused",
                     "PERCENT",
                     "Let prune rewrite packs of which more than this is unused. Default: 50.",
                     &max_unused_,
                     false,
                     {}});
  options.push_back({"--max-rewrite",
                     "SIZE",
                     "Let one prune copy no more than this. Default: 16GiB.",
                     &max_rewrite_,
                     false,
                     {}});
}

std::optional<v1::DestinationSettingsChange> DestinationOptions::change() const {
  v1::DestinationSettingsChange change;
  for (const std::string& text : upload_) {
    check_utf8("--limit-upload", text);
    change.add_upload_limits(text);
  }
  for (const std::string& text : download_) {
    check_utf8("--limit-download", text);
    change.add_download_limits(text);
  }
  if (max_unused_ == "default") {
    change.set_default_max_unused(true);
  } else if (max_unused_) {
    change.set_max_unused_percent(parse_share("--max-unused", *max_unused_));
  }
  if (max_rewrite_ == "default") {
    change.set_default_max_rewrite(true);
  } else if (max_rewrite_) {
    change.set_max_rewrite_bytes(parse_size("--max-rewrite", *max_rewrite_));
  }
  if (change.ByteSizeLong() == 0) return std::nullopt;
  return change;
}

std::vector<std::string> limit_details() {
  return {
      "A limit is of all runs that use the destination together, and holds at once. Units are K, M and G "
      "(1,000 each) "
      "or KiB, MiB and GiB (1,024 each). With a window in front it holds in that window, by the system's "
      "clock: "
      "'Mon..Fri 08:00..18:00=500K', '22:00-06:00=none'; while several are open, the lowest does. What is "
      "given "
      "takes the place of all limits of that direction."};
}

}  // namespace garner::client
