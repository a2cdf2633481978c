// What changed between two snapshots, for people.
#pragma once

#include <string>

#include "garner/v1/service.pb.h"
#include "terminal.h"

namespace garner::client {

// A line: "+ path", "- path", "M path", "m path (mode, mtime)", "R old -> new", "T path (file -> folder)";
// folders end with a slash. `metadata`: of what was changed as well, which metadata differs.
std::string diff_line(const v1::DiffChange& change, bool metadata);

// A line a kind of change that there is. `metadata`: those that differ in metadata only were shown.
std::string diff_facts(const v1::DiffSummary& summary, bool metadata, const Terminal& terminal);

}  // namespace garner::client
