// `garner find --content`, `--blob` and `--pack`: what points at something.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "session.h"

namespace garner::client {

// What is given of it; the places outlive the command.
struct ReferenceArguments {
  std::optional<std::string> content, blob, pack;
  bool any() const { return content || blob || pack; }

  // usage_failure() for what cannot be. The snapshots and the limit are the caller's.
  v1::FindReferencesRequest request() const;
};

// Returns the exit code.
int find_references(Session& session, const ReferenceArguments& given,
                    const v1::FindReferencesRequest& request);

}  // namespace garner::client
