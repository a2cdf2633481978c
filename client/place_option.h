// The options of `destination add` and `destination edit` that say how a destination on a server is reached.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "command.h"

namespace garner::client {

// For usage lines: each optional, and one of several.
inline constexpr const char* kPlaceUsage =
    "[--access-keys FROM] [--region R] [--addressing path | --addressing virtual-host] [--storage-class C] "
    "[--ca-file F] [--single-writer] [--ssh-key FROM] [--ssh-passphrase-file FROM] [--known-hosts F]";
inline constexpr const char* kPlaceEditUsage =
    "--access-keys FROM, --region R, --addressing path | --addressing virtual-host, --storage-class C, "
    "--ca-file F, --ssh-key FROM, --ssh-passphrase-file FROM, --known-hosts F";

// Where the options' values go; it outlives the command.
class PlaceOptions {
 public:
  // `edit`: without what is told when a destination is added only.
  void add_to(std::vector<Option>& options, bool edit);
  // What was given, by name; an empty value takes the option away. Throws usage_failure() for what cannot be.
  std::map<std::string, std::string> change() const;

 private:
  std::optional<std::string> access_keys_;
  std::optional<std::string> region_;
  std::optional<std::string> addressing_;
  std::optional<std::string> storage_class_;
  std::optional<std::string> ca_file_;
  bool single_writer_ = false;
  std::optional<std::string> ssh_key_;
  std::optional<std::string> ssh_passphrase_;
  std::optional<std::string> known_hosts_;
};

// Paragraphs of the help on stores and servers.
std::vector<std::string> place_details();

}  // namespace garner::client
