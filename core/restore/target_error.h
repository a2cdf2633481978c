// Errors of the place that is restored to, and which of them concern a single file. Pure functions.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace garner::restore {

// "`what`: Permission denied". ENOSPC and EDQUOT: kTargetFull; EACCES and EPERM: kPermissionDenied; all else
// kWriteFailed.
Error target_error(int error_number, std::string_view what);

// ": Permission denied", the end of a message.
std::string because(int error_number);

// The restore cannot go on: the target is full, gone or read-only, the destination is away, the run was
// stopped, or the process has no descriptors or memory left. Everything else is told of the file it happened
// to.
bool ends_restore(const Error& error);

}  // namespace garner::restore
