// metrics: numbers for a monitoring system.
#include "commands.h"
#include "session.h"

namespace garner::client {

void add_metrics_commands(std::vector<Command>& all) {
  all.push_back({
      .path = "metrics",
      .usage = "",
      .sentence = "Prints numbers of the daemon, its runs, sets and destinations in Prometheus' text format.",
      .options = {},
      .examples = {{"garner metrics", ""},
                   {"garner metrics > /var/lib/prometheus/node-exporter/garner.prom.new",
                    "For node_exporter's textfile collector; then rename it to garner.prom."}},
      .details = {"A monitoring system can collect them itself: see [metrics] in garner-config(5)."},
      .run =
          [](Session& session) {
            const auto answer = session.call(&Stub::GetMetrics, v1::GetMetricsRequest());
            if (session.json()) {
              session.print_json(answer);
            } else {
              session.print(answer.text());
            }
            return kExitDone;
          },
  });
}

}  // namespace garner::client
