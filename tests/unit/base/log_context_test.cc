#include "base/log_context.h"

#include <catch2/catch.hpp>
#include <thread>

namespace garner {
namespace {

TEST_CASE("lines belong to a run while its scope lives, and to the outer one after it") {
  CHECK(log_context().run == 0);
  {
    const LogScope outer({7, "home"});
    CHECK(log_context().run == 7);
    {
      const LogScope inner({8, ""});
      CHECK(log_context().run == 8);
      CHECK(log_context().set.empty());
    }
    CHECK(log_context().run == 7);
    CHECK(log_context().set == "home");
  }
  CHECK(log_context().run == 0);
}

TEST_CASE("a thread has a context of its own, or the one it works for") {
  const LogScope scope({7, "home"});
  std::int64_t plain = -1;
  std::int64_t carried = -1;
  std::int64_t stoppable = -1;
  std::jthread([&] { plain = log_context().run; }).join();
  std::jthread(in_log_context([&] { carried = log_context().run; })).join();
  std::jthread(in_log_context([&](const std::stop_token& stop) {
    if (stop.stop_possible()) stoppable = log_context().run;
  })).join();
  CHECK(plain == 0);
  CHECK(carried == 7);
  CHECK(stoppable == 7);
}

TEST_CASE("a line begins with its run, once") {
  CHECK(with_run({}, "text") == "text");
  CHECK(with_run({12, "home"}, "text") == "run 12: text");
  CHECK(with_run({12, "home"}, "run 12: text") == "run 12: text");
  CHECK(with_run({12, "home"}, "run 1: text") == "run 12: run 1: text");
}

}  // namespace
}  // namespace garner
