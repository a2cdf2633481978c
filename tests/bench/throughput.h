// Benchmarks of what works on bytes also tell GB/s.
#pragma once

#define CATCH_CONFIG_ENABLE_BENCHMARKING
#include <catch2/catch.hpp>

#include <cstdint>
#include <string>

namespace garner::bench {

// The benchmark of that name handles so many bytes each time. Returns the name.
std::string handles(const std::string& name, std::uint64_t bytes);

}  // namespace garner::bench
