// Destinations in words.
#pragma once

#include <string>

#include "garner/v1/service.pb.h"
#include "table.h"

namespace garner::client {

std::string state_text(v1::DestinationState state);
Style state_style(v1::DestinationState state);

// One row a destination, and below it why one is not ready.
std::string destination_table(const google::protobuf::RepeatedPtrField<v1::Destination>& destinations,
                              const Terminal& terminal, std::size_t indent);

// The recovery key, prominently: it is shown once.
std::string recovery_key_text(const std::string& key, const Terminal& terminal);

}  // namespace garner::client
