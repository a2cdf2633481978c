// The key commands: slots of a repository, and rotation of the keyring that destinations share.
#pragma once

#include <string>

#include "destinations.h"

namespace garner::daemon {

// Every one talks to a destination and takes an empty name for the only one there is. Slots as seen
// afterwards are kept with the keys: a further destination is given them.
v1::ListKeysResponse list_keys(Destinations& destinations, const v1::ListKeysRequest& request);
v1::AddKeyResponse add_key(Destinations& destinations, const v1::AddKeyRequest& request);
void remove_key(Destinations& destinations, const v1::RemoveKeyRequest& request);
v1::ExportKeyResponse export_key(Destinations& destinations, const v1::ExportKeyRequest& request);

// A new epoch for the keyring of that destination and of all that share it. The caller keeps runs from
// writing meanwhile. Every one of these destinations must be there: the new epoch is used only once each slot
// of each of them opens it.
//
// Order: the new keyring durable beside the old one; an extension for each slot at each destination; the new
// keyring in place of the old one; then open repositories use it. What a crash leaves is gone on with, by
// finish_rotations() or the same command.
v1::RotateKeyResponse rotate_key(Destinations& destinations, const v1::RotateKeyRequest& request);
// At start. Error when a destination of an unfinished rotation is away.
void finish_rotations(Destinations& destinations);

}  // namespace garner::daemon
