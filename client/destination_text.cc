#include "destination_text.h"

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

std::string destination_table(const google::protobuf::RepeatedPtrField<v1::Destination>& destinations,
                              const Terminal& terminal, std::size_t indent) {
  Table table({{"NAME", false, Column::Cut::kEnd},
               {"STATE"},
               {"SNAPSHOTS", true},
               {"FREE", true},
               {"ENCRYPTED", false, Column::Cut::kNever, true},
               {"URL", false, Column::Cut::kMiddle}});
  std::string reasons;
  for (const v1::Destination& one : destinations) {
    const bool ready = one.state() == v1::DESTINATION_STATE_READY;
    table.add({one.name(), Cell(state_text(one.state()), state_style(one.state())),
               human_count(one.snapshots()),
               ready && one.total_bytes() > 0 ? human_bytes(one.free_bytes()) : "-",
               one.encrypted() ? "yes" : "no", one.url()});
    if (one.detail().empty()) continue;
    const std::string reason = printable(one.name()) + ": " + printable(one.detail());
    for (const std::string& line :
         wrap(reason, terminal.width > indent + 20 ? terminal.width - indent : 20)) {
      reasons += std::string(indent, ' ') +
                 terminal.styled(line, ready ? Style::kPlain : state_style(one.state())) + '\n';
    }
  }
  return table.render(terminal, indent) + reasons;
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
