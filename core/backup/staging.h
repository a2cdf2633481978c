// Where the packs of a run are made, what of them is left there, and whether a destination still answers.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "base/uuid.h"
#include "store/durable_pack.h"
#include "store/repository.h"

namespace garner::backup {

// The destination's own folder for that, or the spool.
std::string staging_folder(store::Repository& repository, const std::string& spool_folder);
// Whether the destination is in this machine's file system. One that is not there is not.
bool is_near(store::Repository& repository);
// Removes files of the run that are none of these packs, nor of their delivery (a file whose name begins as a
// pack's does): nothing refers to what they hold.
void remove_strays(const std::string& folder, const Uuid& run, const std::vector<store::DurablePack>& known);

// Whether the destination answers.
bool is_there(store::Repository& repository);
// Whether the error says already what is the matter with the destination, or that the run is to stop.
bool tells_of_place(const Error& error);
// The error of a destination that is not there any more, which `error` has shown.
Error went_away(store::Repository& repository, const Error& error);

}  // namespace garner::backup
