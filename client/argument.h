// What people type as arguments, checked before anything is sent. All throw usage_failure().
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace garner::client {

// A set's or destination's name: letters, digits, `.`, `_`, `-`, beginning with a letter or digit. `what` is
// "set" or "destination".
void check_name(std::string_view what, const std::string& name);

// A set's name or a SELECTOR, as far as that can be told without asking.
void check_set_or_selector(const std::string& text);

// A snapshot's tag: 1 to 64 letters, digits and `. _ - : / + @ =`, beginning with a letter or digit. `option`
// names it in messages.
void check_tag(const std::string& option, const std::string& tag);

// `path`, made absolute from `folder` (absolute), without `.`, `..`, doubled or trailing slashes. A `..`
// behind a symbolic link is refused: it means one thing to the shell and another to the kernel. `option`
// names it in messages.
std::string absolute_path(const std::string& option, const std::string& path, const std::string& folder);
// From the working folder.
std::string absolute_path(const std::string& option, const std::string& path);

// A destination's URL: what has no scheme is a path, and made absolute.
std::string absolute_url(const std::string& url);

// "SNAPSHOT" or "SNAPSHOT:PATH". SNAPSHOT holds colons only in a time of day behind `@` and in the offset
// that may follow it; the path begins behind the first colon that is not one of these.
struct SnapshotPath {
  std::string snapshot;
  std::string path;  // bytes; empty: all of the snapshot
};
SnapshotPath split_snapshot_path(const std::string& text);

// 0 to 100, with decimals.
double parse_percent(const std::string& option, const std::string& text);

// The same, with or without a '%' behind it.
double parse_share(const std::string& option, const std::string& text);

// How many of something: 0 to 100,000.
std::uint32_t parse_count(const std::string& option, const std::string& text);

// The number of a record of a repository's log, as it is printed: with or without commas.
std::uint64_t parse_generation(const std::string& option, const std::string& text);

// Numbers, each with y, m (months), w, d or h: 1y6m, 2w, 30d, 36h; or 0.
void check_duration(const std::string& option, const std::string& text);
// Seconds of a duration in w, d and h, which alone are always as long; or 0.
std::uint64_t parse_seconds(const std::string& option, const std::string& text);

// Bytes: a number, with decimals or without, and K, M, G or T (1,000 each) or KiB, MiB, GiB or TiB (1,024
// each).
std::uint64_t parse_size(const std::string& option, const std::string& text);

// A run's number.
void check_run_id(const std::string& text);

// At least four hex digits, as ids are given.
void check_id_prefix(std::string_view what, const std::string& text);

// Of options that exclude each other, given as (name, was given): more than one fails.
void check_at_most_one(const std::vector<std::pair<std::string, bool>>& options);

// For what goes into a string of a request, which must be UTF-8.
void check_utf8(std::string_view what, const std::string& text);

}  // namespace garner::client
