// Metrics in Prometheus' text format (version 0.0.4): families with HELP and TYPE, samples with labels.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace garner::daemon {

class MetricsText {
 public:
  enum class Type { kGauge, kCounter };
  using Labels = std::vector<std::pair<std::string_view, std::string>>;

  // What follows are its samples. A family without any leaves no trace.
  void family(std::string_view name, Type type, std::string_view help);
  void sample(const Labels& labels, std::uint64_t value);
  void sample(const Labels& labels, double value);

  const std::string& text() const { return text_; }

 private:
  void add(const Labels& labels, const std::string& value);

  std::string text_;
  std::string name_;
  std::string heading_;  // of the family, until it has a sample
};

}  // namespace garner::daemon
