// What a request changes of a set's commands, and what is told of them.
#pragma once

#include <sys/types.h>

#include "catalog/command_table.h"
#include "garner/v1/service.pb.h"
#include "garner/v1/store.pb.h"

namespace garner::daemon {

// As whom commands run that this caller configures: as himself on the system's daemon, which lets nobody but
// root configure any; as the daemon's user on a user's own, root's among them.
uid_t owner_of_commands(uid_t caller);

// `old` with what the request changes; what is given is `user`'s from then on. Error(kInvalidInput) for
// commands that are empty or too long, names that cannot be a file's or come twice, and limits that make no
// sense.
catalog::SetCommands edited(const catalog::SetCommands& old, const v1::CommandChange& change, uid_t user);
v1::SetCommands to_message(const catalog::SetCommands& commands);

// Error(kInvalidInput) when a source has the path that a command's output is to have.
void check_command_paths(const catalog::SetCommands& commands, const store::v1::SetDefinition& definition);

}  // namespace garner::daemon
