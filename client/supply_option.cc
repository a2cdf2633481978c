#include "supply_option.h"

#include "argument.h"
#include "failure.h"
#include "text.h"

namespace garner::client {

void SupplyOptions::add_to(std::vector<Option>& options, bool edit) {
  options.push_back(
      {"--supply-from",
       "DEST",
       "Backups to its other destinations take what those lack from this one, where it has it, and do not "
       "read it from the source.",
       &from_,
       false,
       {}});
  options.push_back({"--supply",
                     "both-ways",
                     "The same from any of its destinations, for any other.",
                     &supply_,
                     false,
                     {}});
  if (edit)
    options.push_back(
        {"--no-supply", "", "Read from the source what a destination lacks.", &no_supply_, false, {}});
}

std::optional<v1::Supply> SupplyOptions::change() const {
  check_at_most_one(
      {{"--supply-from", from_.has_value()}, {"--supply", supply_.has_value()}, {"--no-supply", no_supply_}});
  if (!from_ && !supply_ && !no_supply_) return std::nullopt;
  v1::Supply supply;
  if (from_) {
    check_name("destination", *from_);
    supply.set_from(*from_);
  }
  if (supply_) {
    if (*supply_ != "both-ways") {
      throw usage_failure("--supply: '" + printable(*supply_) + "' is none",
                          "It can be both-ways; --supply-from DEST is from one destination.");
    }
    supply.set_both_ways(true);
  }
  return supply;
}

std::string supply_text(const v1::Supply& supply) {
  if (supply.both_ways()) return "both ways";
  return supply.from().empty() ? "" : "from " + printable(supply.from());
}

}  // namespace garner::client
