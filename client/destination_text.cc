#include "destination_text.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>
#include <vector>

#include "text.h"

namespace garner::client {

std::string state_text(v1::DestinationState state) {
  switch (state) {
    case v1::DESTINATION_STATE_READY:
      return "ready";
    case v1::DESTINATION_STATE_AWAY:
      return "away";
    case v1::DESTINATION_STATE_NEEDS_REPAIR:
      return "needs repair";
    case v1::DESTINATION_STATE_REFUSED:
      return "refused";
    default:
      return "unknown";
  }
}

Style state_style(v1::DestinationState state) {
  switch (state) {
    case v1::DESTINATION_STATE_READY:
      return Style::kGood;
    case v1::DESTINATION_STATE_AWAY:
      return Style::kWarning;
    default:
      return Style::kBad;
  }
}

std::string rate_text(std::uint64_t bytes_per_second) {
  if (bytes_per_second % 1000 != 0) return human_bytes(bytes_per_second) + "/s";
  static constexpr std::array kUnits{"kB", "MB", "GB"};
  double amount = static_cast<double>(bytes_per_second) / 1000;
  std::size_t unit = 0;
  for (; amount >= 1000 && unit + 1 < kUnits.size(); ++unit) amount /= 1000;
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.4g %s/s", amount, kUnits[unit]);
  return text.data();
}

std::string requests_text(const v1::RequestCounts& counts) {
  std::string text;
  const auto add = [&](std::uint64_t count, const char* kind) {
    text += (text.empty() ? "" : ", ") + human_count(count) + ' ' + kind;
  };
  add(counts.puts(), "PUT");
  if (counts.parts() > 0) add(counts.parts(), "PART");
  add(counts.gets(), "GET");
  if (counts.heads() > 0) add(counts.heads(), "HEAD");
  add(counts.lists(), "LIST");
  add(counts.deletes(), "DELETE");
  return text + "; " + human_bytes(counts.sent_bytes()) + " sent, " + human_bytes(counts.received_bytes()) +
         " received";
}

std::string percent_text(double percent) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.4g %%", percent);
  return text.data();
}

std::string growth_text(const v1::Growth& growth) {
  std::string hosts;
  // Members of the group are not told.
  for (const std::string& host : growth.hosts()) hosts += (hosts.empty() ? " of " : ", ") + printable(host);
  return local_time(growth.time()) + ": " + plural(growth.records(), "record", "records") + hosts + " (" +
         plural(growth.snapshots(), "snapshot", "snapshots") + ", " +
         plural(growth.segments(), "index segment", "index segments") + ")";
}

std::string index_source_text(const v1::Destination& one) {
  if (one.index_from() == "self") return "itself, whenever the daemon opens it";
  if (!one.index_from_name().empty()) return printable(one.index_from_name());
  return "a destination that is not one of this machine's (repository " + printable(one.index_from()) +
         "): read from itself";
}

namespace {

// The limits that hold now.
std::string limits_text(const v1::Destination& one) {
  std::string text;
  if (one.upload_rate() > 0) text = "up " + rate_text(one.upload_rate());
  if (one.download_rate() > 0) text += (text.empty() ? "down " : ", down ") + rate_text(one.download_rate());
  return text.empty() ? "-" : text;
}

std::uint64_t sum_of(const v1::RequestCounts& counts) {
  return counts.puts() + counts.parts() + counts.gets() + counts.heads() + counts.lists() + counts.deletes();
}

}  // namespace

std::string destination_table(const google::protobuf::RepeatedPtrField<v1::Destination>& destinations,
                              const Terminal& terminal, std::size_t indent) {
  const bool limited = std::any_of(destinations.begin(), destinations.end(), [](const v1::Destination& one) {
    return one.upload_rate() > 0 || one.download_rate() > 0;
  });
  std::vector<Column> columns{{"NAME", false, Column::Cut::kEnd},
                              {"STATE"},
                              {"SNAPSHOTS", true},
                              {"FREE", true},
                              {"ENCRYPTED", false, Column::Cut::kNever, true}};
  if (limited) columns.push_back({"LIMIT", false, Column::Cut::kEnd});
  columns.push_back({"URL", false, Column::Cut::kMiddle});
  Table table(std::move(columns));
  std::string reasons;
  std::string requests;
  for (const v1::Destination& one : destinations) {
    const bool ready = one.state() == v1::DESTINATION_STATE_READY;
    std::vector<Cell> row{
        one.name(), Cell(state_text(one.state()), state_style(one.state())), human_count(one.snapshots()),
        ready && one.total_bytes() > 0 ? human_bytes(one.free_bytes()) : "-", one.encrypted() ? "yes" : "no"};
    if (limited) row.emplace_back(limits_text(one));
    row.emplace_back(one.url());
    table.add(std::move(row));
    if (one.has_requests() && sum_of(one.requests()) > 0) {
      requests += std::string(indent, ' ') + printable(one.name()) + ": " + requests_text(one.requests()) +
                  ", since the daemon started\n";
    }
    if (one.detail().empty()) continue;
    const std::string reason = printable(one.name()) + ": " + printable(one.detail());
    for (const std::string& line :
         wrap(reason, terminal.width > indent + 20 ? terminal.width - indent : 20)) {
      reasons += std::string(indent, ' ') +
                 terminal.styled(line, ready ? Style::kPlain : state_style(one.state())) + '\n';
    }
  }
  return table.render(terminal, indent) + requests + reasons;
}

std::string test_step_text(const v1::TestStep& step, const Terminal& terminal) {
  constexpr std::size_t kNames = 20;
  const bool good = step.outcome() == v1::TEST_OUTCOME_GOOD;
  const bool warning = step.outcome() == v1::TEST_OUTCOME_WARNING;
  const Style style = good ? Style::kGood : warning ? Style::kWarning : Style::kBad;
  const std::string outcome = pad_right(good ? "ok" : warning ? "note" : "FAILED", 8);
  std::string line =
      pad_right(printable(step.name()), kNames) + terminal.styled(outcome, style) + printable(step.detail());
  while (line.ends_with(' ')) line.pop_back();
  line += '\n';
  return terminal.interactive ? fit_lines(line, terminal.width) : line;
}

std::string test_summary(const v1::DestinationTest& test, const Terminal& terminal) {
  std::string text =
      test.passed()
          ? terminal.styled("Destination " + printable(test.destination()) + " does what garner relies on.",
                            Style::kGood)
          : terminal.styled(
                "Destination " + printable(test.destination()) + " does not do what garner relies on.",
                Style::kBad);
  text += '\n';
  if (test.has_requests()) text += "Requests of this test: " + requests_text(test.requests()) + '\n';
  return terminal.interactive ? fit_lines(text, terminal.width) : text;
}

std::string recovery_key_text(const std::string& key, const Terminal& terminal) {
  std::string text = "\nRecovery key:\n\n    " + terminal.styled(printable(key), Style::kBold) + "\n\n";
  for (const std::string& line : wrap("Keep it: on paper or in a password manager, and not on this machine "
                                      "only. It opens the backups when this "
                                      "machine and its keys are lost. It is not shown again.",
                                      std::min<std::size_t>(terminal.width, 100))) {
    text += line + '\n';
  }
  return text;
}

}  // namespace garner::client
