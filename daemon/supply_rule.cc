#include "supply_rule.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/error.h"

namespace garner::daemon {

namespace {

bool is_among(const std::vector<std::string>& names, const std::string& name) {
  return std::ranges::find(names, name) != names.end();
}

std::string joined_names(const std::vector<std::string>& names, const std::string& between) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : between) + name;
  return text;
}

}  // namespace

catalog::Supply to_catalog(const v1::Supply& message) { return {message.from(), message.both_ways()}; }

v1::Supply to_message(const catalog::Supply& supply) {
  v1::Supply message;
  message.set_from(supply.from);
  message.set_both_ways(supply.both_ways);
  return message;
}

void check_supply(const catalog::Supply& supply, const std::vector<std::string>& destinations) {
  if (supply == catalog::Supply()) return;
  if (!supply.from.empty() && supply.both_ways) {
    throw Error(ErrorKind::kInvalidInput,
                "a set is supplied from one of its destinations, or both ways: give supply-from or supply");
  }
  if (!supply.from.empty() && !is_among(destinations, supply.from)) {
    const std::string name = printable(supply.from);
    throw Error(ErrorKind::kInvalidInput,
                "'" + name + "' cannot supply the others, for it is no destination of the set, which has: " +
                    joined_names(destinations, ", ") + ". Add it (--destination " +
                    joined_names(destinations, " ") + " " + name +
                    "), supply from one of these, or from none (--no-supply)");
  }
  if (destinations.size() < 2) {
    throw Error(ErrorKind::kInvalidInput, "supply needs two destinations, and the set has one, '" +
                                              joined_names(destinations, ", ") +
                                              "': add another (--destination), or supply from none "
                                              "(--no-supply)");
  }
}

std::vector<std::string> suppliers_of(const catalog::BackupSet& set, const std::vector<std::string>& fed) {
  std::vector<std::string> names;
  for (const std::string& name : set.destinations) {
    if (!is_among(fed, name) && (set.supply.both_ways || set.supply.from == name)) names.push_back(name);
  }
  return names;
}

}  // namespace garner::daemon
