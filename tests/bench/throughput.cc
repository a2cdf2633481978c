#define CATCH_CONFIG_MAIN
#include "throughput.h"

#include <iomanip>
#include <iostream>
#include <map>

namespace garner::bench {
namespace {

std::map<std::string, std::uint64_t>& sizes() {
  static std::map<std::string, std::uint64_t> sizes;
  return sizes;
}

struct ThroughputListener : Catch::TestEventListenerBase {
  using TestEventListenerBase::TestEventListenerBase;
  void benchmarkEnded(const Catch::BenchmarkStats<>& stats) override {
    const auto found = sizes().find(stats.info.name);
    if (found == sizes().end()) return;
    std::cout << std::fixed << std::setprecision(2)
              << static_cast<double>(found->second) / stats.mean.point.count() << " GB/s\n";
  }
};
CATCH_REGISTER_LISTENER(ThroughputListener)

}  // namespace

std::string handles(const std::string& name, std::uint64_t bytes) {
  sizes()[name] = bytes;
  return name;
}

}  // namespace garner::bench
