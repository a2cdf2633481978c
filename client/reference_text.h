// What points at something, for people: the first line is the answer.
#pragma once

#include <string>

#include "garner/v1/service.pb.h"
#include "terminal.h"

namespace garner::client {

// Of a whole answer, its pages merged. `file`: whose content was looked for, as it was typed. `everywhere`:
// in all snapshots.
std::string reference_text(const v1::FindReferencesResponse& answer, const std::string& file, bool everywhere,
                           const Terminal& terminal);

// Whether what was asked for is there: of content all of it in one file.
bool is_referenced(const v1::FindReferencesResponse& answer);

}  // namespace garner::client
