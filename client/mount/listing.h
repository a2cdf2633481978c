// What is in an open folder, by place: pages are fetched as they are reached, and one is kept. One thread at
// a time.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "mount/node_table.h"

namespace garner::client::mount {

class Listing {
 public:
  struct Item {
    std::string name;
    Entry entry;
    bool is_whole = true;  // false: of the entry's status only type and inode number are known
  };
  struct Page {
    std::vector<Item> items;
    bool more = false;  // behind the last name; then there is one
  };
  // The page of the names behind `after`, which is empty for the first one.
  using Fetch = std::function<Page(const std::string& after)>;

  // The one at that place, from 0; null behind the last. Valid until the next call. What lies behind comes
  // cheaply, what lies before begins anew. Whatever `fetch` throws: then the listing is as before.
  const Item* at(std::uint64_t place, const Fetch& fetch);

 private:
  Page page_;
  std::uint64_t first_ = 0;  // place of the page's first item
  bool is_begun_ = false;
};

}  // namespace garner::client::mount
