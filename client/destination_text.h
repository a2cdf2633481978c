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

// "2 MB/s", "1.5 MiB/s": as it was probably given.
std::string rate_text(std::uint64_t bytes_per_second);
// "20 %", "12.5 %".
std::string percent_text(double percent);

}  // namespace garner::client
