#include "pager.h"

#include <catch2/catch.hpp>
#include <csignal>
#include <future>
#include <map>
#include <string>

#include "support/eventually.h"

namespace garner::client {
namespace {

std::optional<std::string> chosen(const std::map<std::string, std::string>& variables) {
  return choose_pager([&](const char* name) {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  });
}

TEST_CASE("the pager is the user's, and the one for garner comes first") {
  CHECK(chosen({{"PAGER", "more -d"}}) == "more -d");
  CHECK(chosen({{"GARNER_PAGER", "less -S"}, {"PAGER", "more"}}) == "less -S");
  REQUIRE(chosen({}).has_value());
  CHECK(chosen({})->find("less") != std::string::npos);
}

TEST_CASE("an empty pager is none, and so is cat") {
  CHECK_FALSE(chosen({{"PAGER", ""}}));
  CHECK_FALSE(chosen({{"PAGER", "cat"}}));
  CHECK_FALSE(chosen({{"PAGER", " "}}));
  CHECK_FALSE(chosen({{"GARNER_PAGER", ""}, {"PAGER", "more"}}));
  CHECK(chosen({{"GARNER_PAGER", "more"}, {"PAGER", "cat"}}) == "more");
  CHECK(chosen({{"PAGER", "cat -v"}}) == "cat -v");
}

bool ignores_interrupts() {
  struct sigaction action {};
  sigaction(SIGINT, nullptr, &action);
  return action.sa_handler == SIG_IGN;
}

TEST_CASE("that nobody reads any more is noticed when nothing more is written, and keys are the program's") {
  std::promise<void> unread;
  Pager pager("exec true", 1);
  pager.when_unread([&] { unread.set_value(); });
  pager.print("more than a screen\n");
  REQUIRE(unread.get_future().wait_for(garner::testing::kPatience) == std::future_status::ready);
  CHECK_FALSE(pager.is_read());
  CHECK(garner::testing::eventually([] { return !ignores_interrupts(); }));

  bool is_called = false;
  {
    const WhenUnread late(&pager, [&] { is_called = true; });
  }
  CHECK(is_called);
}

TEST_CASE("while a pager is there keys are its, and afterwards as before") {
  REQUIRE_FALSE(ignores_interrupts());
  {
    Pager pager("cat >/dev/null", 1);
    pager.print("more than a screen\n");
    CHECK(pager.is_read());
    CHECK(ignores_interrupts());
  }
  CHECK_FALSE(ignores_interrupts());
}

}  // namespace
}  // namespace garner::client
