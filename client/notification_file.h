// Files that a notification refers to, which the client reads.
#pragma once

#include <string>

namespace garner::client {

// What the file at `path` holds, for an option of `notification add` by its name without dashes: "webhook",
// "ping", "header-file", "password-file", "ca-file". Failure(kExitUsage) for a file that is missing, too
// large, of no such content, or, but for certificates, readable by others than its owner.
std::string read_notification_file(const std::string& option, const std::string& path);

}  // namespace garner::client
