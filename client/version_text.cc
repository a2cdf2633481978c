#include "version_text.h"

#include <utility>

#include "argument.h"
#include "failure.h"
#include "text.h"

namespace garner::client {
namespace {

std::vector<Cell> row_of(const v1::FileVersion& version) {
  return {std::to_string(version.number()),
          local_minute(version.first_seen()),
          local_minute(version.last_seen()),
          human_bytes(version.entry().size()),
          local_minute(version.entry().mtime()),
          human_count(version.snapshots()),
          joined(version.destinations()),
          version.last_snapshot().substr(0, kShownDigits),
          version.first_snapshot().substr(0, kShownDigits),
          version.entry().mode()};
}

std::vector<Cell> row_of(const v1::VersionGap& gap) {
  return {Cell("-", Style::kDim),
          Cell(local_minute(gap.first_seen()), Style::kDim),
          Cell(local_minute(gap.last_seen()), Style::kDim),
          Cell("gone", Style::kWarning),
          "",
          Cell(human_count(gap.snapshots()), Style::kDim),
          "",
          Cell(gap.last_snapshot().substr(0, kShownDigits), Style::kDim),
          Cell(gap.first_snapshot().substr(0, kShownDigits), Style::kDim),
          ""};
}

bool is_before(const google::protobuf::Timestamp& a, const google::protobuf::Timestamp& b) {
  return std::pair(a.seconds(), a.nanos()) < std::pair(b.seconds(), b.nanos());
}

}  // namespace

Table version_table(const v1::ListVersionsResponse& versions) {
  constexpr auto kNever = Column::Cut::kNever;
  Table table({{"#", true},
               {"FIRST SEEN"},
               {"LAST SEEN"},
               {"SIZE", true},
               {"MTIME"},
               {"IN", true, kNever, true},
               {"AT", false, Column::Cut::kEnd},
               {"LAST ID", false, kNever, true},
               {"FIRST ID", false, kNever, true},
               {"MODE", false, kNever, true}});
  auto gap = versions.gaps().begin();
  for (const v1::FileVersion& version : versions.versions()) {
    for (; gap != versions.gaps().end() && is_before(version.last_seen(), gap->last_seen()); ++gap)
      table.add(row_of(*gap));
    table.add(row_of(version));
  }
  for (; gap != versions.gaps().end(); ++gap) table.add(row_of(*gap));
  return table;
}

std::uint32_t parse_version_number(const std::string& option, const std::string& text) {
  const std::uint32_t number = parse_count(option, text);
  if (number == 0) throw usage_failure(option + ": versions are numbered from 1, the newest");
  return number;
}

const v1::FileVersion& version_numbered(const v1::ListVersionsResponse& versions, std::uint32_t number,
                                        const std::string& path) {
  for (const v1::FileVersion& version : versions.versions())
    if (version.number() == number) return version;
  const int count = versions.versions_size();
  throw Failure(kExitFailed,
                printable(path) + " has no version " + std::to_string(number) + ": there " +
                    (count == 1 ? "is only version 1" : "are versions 1 to " + std::to_string(count)),
                "See garner versions " + printable(path) + ".");
}

std::string version_label(const v1::FileVersion& version, const std::string& path) {
  return printable(path) + " (version " + std::to_string(version.number()) + ", last seen " +
         local_minute(version.last_seen()) + ")";
}

}  // namespace garner::client
