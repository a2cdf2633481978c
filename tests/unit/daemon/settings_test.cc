#include "settings.h"

#include <catch2/catch.hpp>

#include "base/error.h"
#include "base/file.h"
#include "support/temporary_folder.h"

namespace garner::daemon {
namespace {

std::string settings_refusal(const std::string& text) {
  try {
    parse_settings(text, "daemon.toml");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::kInvalidInput);
    return error.what();
  }
  FAIL("accepted: " << text);
  return {};
}

TEST_CASE("an empty file gives the defaults") {
  const Settings settings = parse_settings("# nothing\n", "daemon.toml");
  CHECK(settings.log_level == LogLevel::kInfo);
  CHECK_FALSE(settings.log_target.has_value());
  CHECK(settings.threads == 0);
  CHECK(settings.memory_budget == 128u << 20);
  CHECK(settings.settling_delay == std::chrono::seconds(60));
  CHECK_FALSE(settings.metrics_listen.has_value());
}

TEST_CASE("every setting is taken") {
  const Settings settings = parse_settings(
      "log_level = \"debug\"\nlog_target = \"journald\"\nthreads = 3\nmemory_budget = \"1 GiB\"\n",
      "daemon.toml");
  CHECK(settings.log_level == LogLevel::kDebug);
  CHECK(settings.log_target == LogTarget::kJournald);
  CHECK(settings.threads == 3);
  CHECK(settings.memory_budget == 1u << 30);
  CHECK(parse_settings("[metrics]\nlisten = \"[::1]:9877\"", "x").metrics_listen == "[::1]:9877");
  CHECK_FALSE(parse_settings("[metrics]\n", "x").metrics_listen.has_value());
  CHECK(parse_settings("settling_delay = \"2m30s\"", "x").settling_delay == std::chrono::seconds(150));
  CHECK(parse_settings("memory_budget = 67108864", "x").memory_budget == 64u << 20);
  CHECK(parse_settings("memory_budget = \"64MiB\"", "x").memory_budget == 64u << 20);
}

TEST_CASE("limits stand in a table of their own, or where they used to, and not in both") {
  const Settings settings =
      parse_settings("log_level = \"info\"\n[limits]\nthreads = 2\nmemory = \"64MiB\"\n", "x");
  CHECK(settings.threads == 2);
  CHECK(settings.memory_budget == 64u << 20);
  CHECK(parse_settings("limits = { memory = 33554432 }", "x").memory_budget == 32u << 20);
  CHECK(settings_refusal("threads = 2\n[limits]\nthreads = 2\n").find("set twice") != std::string::npos);
  CHECK(settings_refusal("memory_budget = \"64MiB\"\n[limits]\nmemory = \"64MiB\"\n").find("set twice") !=
        std::string::npos);
  CHECK(settings_refusal("[limits]\nthreds = 2\n").find("daemon.toml:2:1: there is no limit 'threds'") !=
        std::string::npos);
  CHECK(settings_refusal("limits = 3").find("must be a table") != std::string::npos);
  CHECK(parse_settings("[limits]\nsource_timeout = \"5s\"\n", "x").source_timeout == std::chrono::seconds(5));
  CHECK(parse_settings("[limits]\ndestination_timeout = \"5s\"\n", "x").destination_timeout ==
        std::chrono::seconds(5));
  CHECK(parse_settings("[limits]\n", "x").metadata_cache == 2ull << 30);
  CHECK(parse_settings("[limits]\nmetadata_cache = \"10MiB\"\n", "x").metadata_cache == 10u << 20);
  CHECK(parse_settings("[limits]\nmetadata_cache = 0\n", "x").metadata_cache == 0);
  CHECK(settings_refusal("[limits]\nmetadata_cache = \"none\"\n").find("must be an amount") !=
        std::string::npos);
  for (const std::string name : {"source_timeout", "destination_timeout"}) {
    CHECK(settings_refusal("[limits]\n" + name + " = \"0s\"\n").find("at least a second") !=
          std::string::npos);
  }
}

TEST_CASE("too little memory is refused with the least that works") {
  CHECK(settings_refusal("[limits]\nmemory = \"8MiB\"\n")
            .find("daemon.toml:2:10: is too little: a run takes at least \"32MiB\"") != std::string::npos);
  CHECK(settings_refusal("[limits]\nmemory = \"20GiB\"\n").find("at most \"16GiB\"") != std::string::npos);
  CHECK(settings_refusal("[limits]\nmemory = \"much\"\n").find("must be an amount") != std::string::npos);
}

TEST_CASE("what may wait in the spool is set, or left to what is free") {
  CHECK_FALSE(parse_settings("[limits]\nthreads = 2\n", "x").spool_limit);
  CHECK(parse_settings("[limits]\nspool = \"2GiB\"\n", "x").spool_limit == 2ull << 30);
  CHECK(settings_refusal("[limits]\nspool = \"1MiB\"\n").find("must be from \"64MiB\" to \"1TiB\"") !=
        std::string::npos);
  CHECK(settings_refusal("[limits]\nspool = \"2TiB\"\n").find("must be from") != std::string::npos);
}

TEST_CASE("threads are as many as memory is there for, and at least one") {
  Settings settings;
  settings.threads = 6;
  settings.memory_budget = 128u << 20;
  CHECK(threads_for(settings, 12u << 20) == 6);
  CHECK(threads_for(settings, 12u << 20, 32u << 20) == 6);
  settings.memory_budget = 32u << 20;
  CHECK(threads_for(settings, 12u << 20) == 2);
  CHECK(threads_for(settings, 12u << 20, 8u << 20) == 2);
  CHECK(threads_for(settings, 12u << 20, 64u << 20) == 1);
  settings.threads = 0;
  CHECK(threads_for(settings, 32u << 20) == 1);
}

TEST_CASE("an unknown key is refused with its place") {
  const std::string message = settings_refusal("threads = 2\n  log_levle = \"info\"\n");
  CHECK(message.find("daemon.toml:2:3") != std::string::npos);
  CHECK(message.find("log_levle") != std::string::npos);
}

TEST_CASE("what is not TOML is refused with its place") {
  CHECK(settings_refusal("threads = 2\nlog_level = \n").find("daemon.toml:2:") != std::string::npos);
}

TEST_CASE("values out of bounds are refused") {
  for (const char* text : {"log_level = \"loud\"",
                           "log_level = 3",
                           "log_target = \"printer\"",
                           "threads = -1",
                           "threads = 257",
                           "threads = \"many\"",
                           "threads = 1.5",
                           "memory_budget = \"31 MiB\"",
                           "memory_budget = \"17 GiB\"",
                           "memory_budget = -1",
                           "memory_budget = \"lots\"",
                           "memory_budget = \"64 KB\"",
                           "memory_budget = \"\"",
                           "memory_budget = \"99999999999999999999 MiB\"",
                           "memory_budget = true",
                           "settling_delay = 60",
                           "settling_delay = \"2h\"",
                           "settling_delay = \"soon\"",
                           "metrics = \"127.0.0.1:1\"",
                           "metrics = {listen = 9877}",
                           "metrics = {listen = \"127.0.0.1\"}",
                           "metrics = {port = 9877}"}) {
    INFO(text);
    CHECK(settings_refusal(text).find("daemon.toml:1:") != std::string::npos);
  }
}

TEST_CASE("metrics are served to this machine only") {
  const std::string message = settings_refusal("threads = 1\n[metrics]\nlisten = \"0.0.0.0:9877\"\n");
  CHECK(message.find("daemon.toml:3:10") != std::string::npos);
  CHECK(message.find("can be reached by others") != std::string::npos);
  CHECK(settings_refusal("[metrics]\nlisten = \"192.0.2.1:9877\"").find("this machine only") !=
        std::string::npos);
}

TEST_CASE("a file is read, and one that is missing is named") {
  const testing::TemporaryFolder folder;
  replace_file_durably(folder.path("d.toml"), as_bytes("threads = 7\n"));
  CHECK(read_settings(folder.path("d.toml")).threads == 7);
  CHECK_THROWS_AS(read_settings(folder.path("missing.toml")), Error);
}

}  // namespace
}  // namespace garner::daemon
