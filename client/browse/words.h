// What people type to find something: words, all of which are to be found.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace garner::client::browse {

// Capitals of ASCII made small.
std::string lower(std::string_view text);
// The words of a filter, in small letters.
std::vector<std::string> words_of(std::string_view filter);

}  // namespace garner::client::browse
