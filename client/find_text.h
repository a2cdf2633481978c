// What a search has found, for people.
#pragma once

#include <string>

#include "garner/v1/service.pb.h"

namespace garner::client {

// The path; of a folder with a slash behind it.
std::string found_path(const v1::FoundPath& match);

// What it is, and where: "1.5 KiB  2026-11-01 10:00  12 snapshots of home: 4f2a91c0d7e8 2026-11-01 10:05 ..
// 7be01d55aaf0 2026-11-22 18:30".
std::string found_facts(const v1::FoundPath& match);

}  // namespace garner::client
