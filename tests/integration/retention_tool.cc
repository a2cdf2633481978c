// What a retention policy keeps of snapshots that need not exist, for a test that compares with another
// program.
//
//   retention_tool ZONE    reads lines from standard input: "policy LAST HOURLY DAILY WEEKLY MONTHLY YEARLY
//   WITHIN"
//                          (WITHIN a duration, or -), then "snapshot SECONDS", and "decide", which prints a
//                          line of 0 and 1 for the snapshots since the last policy, in their order
#include <iostream>
#include <sstream>

#include "maintenance/retention.h"

int main(int count, char** values) {
  using namespace garner::maintenance;
  if (count != 2) return 2;
  RetentionPolicy policy;
  std::vector<RetentionItem> items;
  std::string line;
  while (std::getline(std::cin, line)) {
    std::istringstream words(line);
    std::string word;
    words >> word;
    if (word == "policy") {
      std::string within;
      policy = {};
      items.clear();
      words >> policy.last >> policy.hourly >> policy.daily >> policy.weekly >> policy.monthly >>
          policy.yearly >> within;
      if (within != "-") policy.within = parse_span(within);
    } else if (word == "snapshot") {
      RetentionItem item;
      words >> item.time.seconds;
      items.push_back(item);
    } else {
      for (const RetentionDecision& decision :
           apply_retention(items, policy, garner::system_clock().now(), values[1])) {
        std::cout << (decision.keep() ? '1' : '0');
      }
      std::cout << std::endl;
    }
  }
  return 0;
}
