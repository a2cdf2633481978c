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

// "12 PUT, 3 GET, 40 LIST, 0 DELETE; 48.0 MiB sent, 12 KiB received".
std::string requests_text(const v1::RequestCounts& counts);
// A line for a step of a test that has ended.
std::string test_step_text(const v1::TestStep& step, const Terminal& terminal);
// What came of it, and what it took.
std::string test_summary(const v1::DestinationTest& test, const Terminal& terminal);
// "2 MB/s", "1.5 MiB/s": as it was probably given.
std::string rate_text(std::uint64_t bytes_per_second);
// "20 %", "12.5 %".
std::string percent_text(double percent);
// "2026-11-22 18:30:05: 3 records of nas, laptop (2 snapshots, 1 index segment)"
std::string growth_text(const v1::Growth& growth);
// Of one whose index is not read as usual.
std::string index_source_text(const v1::Destination& one);

}  // namespace garner::client
