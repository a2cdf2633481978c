#include "config_apply.h"

#include "config_export.h"
#include "installation.h"
#include "notification_request.h"
#include "run_message.h"

namespace garner::daemon {
namespace {

namespace fs = std::filesystem;

// What the files hold that full() names for notifications.
const std::map<std::string, std::string>& contents() {
  static const std::map<std::string, std::string> files{
      {"/root/chat.url", "https://chat.example.org/hook/abc"},
      {"/root/chat.header", "Authorization: Bearer abc"},
      {"/root/mail.password", "a password"}};
  return files;
}

struct ConfiguredMachine {
  explicit ConfiguredMachine(const testing::TemporaryFolder& where, const std::string& state = "state")
      : folder(where),
        here(where.path(state)),
        work(here.destinations, Settings{}),
        runs(here.catalog, work, system_clock(), [] {}),
        parts{here.destinations, here.sets, runs} {}

  v1::ApplyConfigurationResponse apply(const std::string& toml, bool dry_run = false,
                                       bool remove_others = false,
                                       const std::map<std::string, std::string>& passwords = {},
                                       const std::map<std::string, std::string>& files = contents()) {
    v1::ApplyConfigurationRequest request;
    request.set_toml(toml);
    request.set_dry_run(dry_run);
    request.set_remove_others(remove_others);
    for (const auto& [name, password] : passwords) (*request.mutable_secrets())[name].set_password(password);
    for (const auto& [path, content] : files) (*request.mutable_files())[path] = content;
    return apply_config(parts, request, {});
  }
  std::string text() const { return export_config(parts); }

  const testing::TemporaryFolder& folder;
  Installation here;
  RunWork work;
  RunQueue runs;
  ConfigParts parts;
};

struct Folders {
  Folders() {
    for (const char* name : {"a", "b"}) fs::create_directories(folder.path(name));
  }
  std::string path(const std::string& name) const { return folder.path(name); }
  testing::TemporaryFolder folder;
};

// A configuration in which every key has a value that is not its default, and each is as it is exported.
std::string full(const Folders& folders) {
  return "# The configuration of garner, for `garner config apply`. garner-config(5) has the keys.\n"
         "\n"
         "[destination.disk]\n"
         "url = \"" +
         folders.path("disk") +
         "\"\n"
         "password-file = \"/root/disk.password\"\n"
         "share-keyring = true\n"
         "prune-schedule = \"Sun 12:00\"\n"
         "check-schedule = \"never\"\n"
         "check-period = \"12w6d\"\n"
         "limit-upload = [\"2M\", \"22:00..06:00=none\"]\n"
         "limit-download = \"500K\"\n"
         "max-unused = 20\n"
         "max-rewrite = \"4GiB\"\n"
         "\n"
         "[destination.plain]\n"
         "url = \"" +
         folders.path("plain") +
         "\"\n"
         "no-encryption = true\n"
         "\n"
         "[set.home]\n"
         "source = [\"" +
         folders.path("a") + "\", \"" + folders.path("b") +
         "\"]\n"
         "command = [\"pg_dump shop\", \"true\"]\n"
         "as = [\"shop.sql\", \"nothing\"]\n"
         "command-timeout = \"2h\"\n"
         "destination = \"disk\"\n"
         "one-file-system = true\n"
         "exclude-caches = true\n"
         "schedule = [\"every 1d12h\", \"disk=Mon..Fri 22:30\"]\n"
         "timezone = \"Europe/Berlin\"\n"
         "random-delay = \"10m\"\n"
         "window = [\"22:00-06:00\", \"Sat,Sun 00:00-24:00\"]\n"
         "when = [\"on-ac-power\", \"command:test -e /tmp/x\"]\n"
         "overdue-after = \"3d\"\n"
         "before = \"sync\"\n"
         "after = \"logger done\"\n"
         "on-failure = \"logger failed\"\n"
         "hook-timeout = \"10m\"\n"
         "keep-last = 1\n"
         "keep-hourly = 2\n"
         "keep-daily = [\"3\", \"disk=30\"]\n"
         "keep-weekly = \"disk=4\"\n"
         "keep-monthly = 5\n"
         "keep-quarterly = 6\n"
         "keep-yearly = 7\n"
         "keep-within = \"1y6m\"\n"
         "\n"
         "[notification.chat]\n"
         "webhook = \"@/root/chat.url\"\n"
         "header-file = \"/root/chat.header\"\n"
         "on = \"failure\"\n"
         "set = \"home\"\n"
         "\n"
         "[notification.check]\n"
         "ping = \"https://ping.example.org\"\n"
         "\n"
         "[notification.log]\n"
         "command = \"logger backup\"\n"
         "on = [\"start\", \"recovery\"]\n"
         "\n"
         "[notification.ops]\n"
         "mail = \"ops@example.org\"\n"
         "smtp = \"smtp://mail.example.org:587\"\n"
         "from = \"garner@example.org\"\n"
         "user = \"garner\"\n"
         "password-file = \"/root/mail.password\"\n"
         "\n"
         "[notification.plain]\n"
         "mail = \"ops@localhost\"\n"
         "smtp = \"smtp://mail.example.org\"\n"
         "plain-smtp = true\n";
}

std::string minimal(const Folders& folders, const std::string& rest = "") {
  return "[destination.disk]\nurl = \"" + folders.path("disk") + "\"\n[set.home]\nsource = \"" +
         folders.path("a") + "\"\ndestination = \"disk\"\n" + rest;
}

std::string problems_of(const v1::ApplyConfigurationResponse& response) {
  std::string all;
  for (const auto& problem : response.problems()) {
    all += std::to_string(problem.line()) + ":" + std::to_string(problem.column()) + ": " +
           problem.message() + "\n";
  }
  return all;
}

std::string changes_of(const v1::ApplyConfigurationResponse& response) {
  std::string all;
  const auto sign = [](v1::ChangeKind kind) {
    return kind == v1::CHANGE_KIND_ADD ? "+" : kind == v1::CHANGE_KIND_REMOVE ? "-" : "~";
  };
  for (const auto& change : response.changes()) {
    all += sign(change.kind()) + change.section() + " " + change.name() + ":";
    for (const auto& key : change.keys()) all += std::string(" ") + sign(key.kind()) + key.key();
    all += "\n";
  }
  return all;
}

// The file is refused with these, and no others, and nothing has changed.
void check_refused(ConfiguredMachine& machine, const std::string& toml,
                   const std::vector<std::string>& lines) {
  const std::string before = machine.text();
  const auto response = machine.apply(toml);
  const std::string problems = problems_of(response);
  INFO(toml << "\n" << problems);
  for (const std::string& line : lines) CHECK_THAT(problems, Catch::Matchers::Contains(line));
  CHECK(static_cast<std::size_t>(response.problems_size()) == lines.size());
  CHECK_FALSE(response.applied());
  CHECK(response.changes().empty());
  CHECK(machine.text() == before);
}

TEST_CASE("what was applied is exported as it was, and applied again it changes nothing") {
  const Folders folders;
  ConfiguredMachine machine(folders.folder);
  const std::string text = full(folders);
  const auto first = machine.apply(text);
  REQUIRE(problems_of(first) == "");
  REQUIRE(first.needed_size() == 1);
  CHECK(first.needed(0).destination() == "disk");
  CHECK(first.needed(0).reference().name() == "/root/disk.password");
  CHECK_FALSE(first.applied());
  CHECK(machine.here.catalog.configuration().destinations().empty());
  CHECK_FALSE(fs::exists(folders.path("disk")));
  CHECK_FALSE(fs::exists(folders.path("plain")));

  const auto second = machine.apply(text, false, false, {{"disk", "secret"}});
  REQUIRE(problems_of(second) == "");
  CHECK(second.applied());
  REQUIRE(second.made_size() == 2);
  CHECK(second.made(0).created());
  CHECK_FALSE(second.made(0).recovery_key().empty());
  CHECK(machine.text() == text);

  const auto third = machine.apply(text);
  CHECK(third.changes().empty());
  CHECK(third.needed().empty());
  CHECK(third.applied());
  CHECK(machine.text() == text);
}

TEST_CASE("another machine with the same repositories gets the same configuration") {
  const Folders folders;
  std::string text;
  {
    ConfiguredMachine machine(folders.folder);
    machine.apply(full(folders), false, false, {{"disk", "secret"}});
    text = machine.text();
  }
  ConfiguredMachine other(folders.folder, "other");
  const auto wrong = other.apply(text, false, false, {{"disk", "guess"}});
  CHECK_THAT(problems_of(wrong), Catch::Matchers::StartsWith("4:7: "));
  CHECK(other.here.catalog.configuration().sets().empty());
  const auto response = other.apply(text, false, false, {{"disk", "secret"}});
  REQUIRE(problems_of(response) == "");
  REQUIRE(response.made_size() >= 1);
  for (const auto& made : response.made()) CHECK_FALSE(made.created());
  CHECK(other.text() == text);
}

TEST_CASE("a dry run tells what would change, and changes nothing") {
  const Folders folders;
  ConfiguredMachine machine(folders.folder);
  const auto response = machine.apply(minimal(folders), /*dry_run=*/true);
  CHECK(problems_of(response) == "");
  CHECK(changes_of(response) == "+destination disk: +url\n+set home: +source +destination\n");
  CHECK_FALSE(response.applied());
  CHECK_FALSE(fs::exists(folders.path("disk")));
  CHECK(machine.here.catalog.configuration().sets().empty());
}

TEST_CASE("a section is as the file says, and what it does not say is as without") {
  const Folders folders;
  ConfiguredMachine machine(folders.folder);
  machine.apply(minimal(folders, "schedule = \"daily\"\nkeep-daily = 7\noverdue-after = \"3d\"\n"));
  const auto uuid = machine.here.sets.get("home").definition.uuid();
  const auto response = machine.apply(minimal(
      folders, "schedule = \"hourly\"\nkeep-daily = 7\nkeep-within = \"2w\"\none-file-system = true\n"));
  CHECK(problems_of(response) == "");
  CHECK(changes_of(response) == "~set home: ~schedule -overdue-after +one-file-system +keep-within\n");
  CHECK(response.changes(0).keys(0).before() == "\"daily\"");
  CHECK(response.changes(0).keys(0).after() == "\"hourly\"");
  const auto set = machine.here.sets.describe(machine.here.sets.get("home"));
  CHECK(set.schedule().schedules(0).schedule() == "hourly");
  CHECK(set.schedule().overdue_after_seconds() == 0);
  CHECK(set.retention().daily() == 7);
  CHECK(set.retention().within() == "14d");
  CHECK(machine.here.sets.get("home").definition.uuid() == uuid);
  // Written otherwise it is the same.
  CHECK(machine
            .apply(minimal(folders,
                           "keep-within = \"14d\"\nschedule = [\"hourly\"]\nkeep-daily = 7\n"
                           "keep-weekly = 0\none-file-system = true\ntimezone = \"system\"\n"
                           "random-delay = \"0\"\nwindow = []\n"))
            .changes()
            .empty());
}

TEST_CASE("who supplies a set's destinations is applied, exported, changed and taken away") {
  const Folders folders;
  ConfiguredMachine machine(folders.folder);
  const auto with = [&](const std::string& rest) {
    return "[destination.disk]\nurl = \"" + folders.path("disk") + "\"\n[destination.usb]\nurl = \"" +
           folders.path("usb") + "\"\n[set.home]\nsource = \"" + folders.path("a") +
           "\"\ndestination = [\"disk\", \"usb\"]\n" + rest;
  };
  REQUIRE(problems_of(machine.apply(with("supply-from = \"disk\"\n"))) == "");
  CHECK(machine.here.sets.get("home").supply == catalog::Supply{"disk", false});
  CHECK_THAT(machine.text(), Catch::Matchers::Contains("supply-from = \"disk\"\n"));
  CHECK(machine.apply(machine.text()).changes().empty());
  CHECK(changes_of(machine.apply(with("supply-from = \"usb\"\n"))) == "~set home: ~supply-from\n");
  CHECK(changes_of(machine.apply(with("supply = \"both-ways\"\n"))) == "~set home: -supply-from +supply\n");
  CHECK(machine.here.sets.get("home").supply == catalog::Supply{"", true});
  CHECK_THAT(machine.text(), Catch::Matchers::Contains("supply = \"both-ways\"\n"));
  CHECK(machine.apply(machine.text()).changes().empty());
  CHECK(changes_of(machine.apply(with(""))) == "~set home: -supply\n");
  CHECK(machine.here.sets.get("home").supply == catalog::Supply());

  check_refused(machine, with("supply = \"disk\"\n"), {"8:10: this can be \"both-ways\""});
  check_refused(machine, with("supply-from = true\n"), {"8:15: a text is expected"});
  check_refused(machine, with("supply-from = \"nowhere\"\n"), {"8:15: 'nowhere' cannot supply the others"});
  check_refused(machine, with("supply = \"both-ways\"\nsupply-from = \"disk\"\n"),
                {"9:15: a set is supplied from one of its destinations, or both ways"});
  check_refused(
      machine,
      "[set.home]\nsource = \"" + folders.path("a") + "\"\nsupply = \"both-ways\"\ndestination = \"disk\"\n",
      {"3:10: supply needs two destinations"});
}

TEST_CASE("a set may turn from paths to commands, and commands that stay keep their user") {
  const Folders folders;
  ConfiguredMachine machine(folders.folder);
  machine.apply(minimal(folders, "before = \"true\"\nkeep-daily = \"disk=3\"\n"));
  const std::string commands =
      "[set.home]\ncommand = \"date\"\nas = \"now\"\ndestination = \"disk\"\nbefore = \"true\"\n";
  v1::ApplyConfigurationRequest request;
  request.set_toml(commands);
  ScheduleContext other;
  other.user = geteuid() + 1;
  const auto response = apply_config(machine.parts, request, other);
  CHECK(problems_of(response) == "");
  CHECK(changes_of(response) == "~set home: -source -keep-daily +command +as\n");
  const catalog::SetCommands found = machine.here.catalog.commands().find("home");
  CHECK(found.before->user == geteuid());
  REQUIRE(found.sources.size() == 1);
  CHECK(found.sources[0].command.user == geteuid() + 1);
  CHECK(machine.here.sets.get("home").definition.sources().empty());
  CHECK(machine.apply(commands).changes().empty());
  check_refused(machine, "[set.home]\ncommand = [\"a\", \"b\"]\nas = \"x\"\ndestination = \"disk\"\n",
                {"2:11: 'command' and 'as' are lists of the same length"});
}

const char* const kHook =
    "[notification.chat]\nwebhook = \"@/root/chat.url\"\nheader-file = \"/root/chat.header\"\n";

TEST_CASE("files of notifications are asked for once, and only where they are new") {
  const Folders folders;
  ConfiguredMachine machine(folders.folder);
  const auto asked = machine.apply(kHook, /*dry_run=*/true, false, {}, {});
  REQUIRE(asked.needed_files_size() == 2);
  CHECK(asked.needed_files(0).option() == "webhook");
  CHECK(asked.needed_files(0).path() == "/root/chat.url");
  CHECK(asked.needed_files(1).option() == "header-file");
  CHECK_FALSE(asked.applied());
  CHECK(machine.apply(kHook).applied());
  CHECK(machine.here.catalog.notifications().find("chat")->target == "https://chat.example.org/hook/abc");
  const auto again = machine.apply(kHook, false, false, {}, {});
  CHECK(again.needed_files().empty());
  CHECK(again.applied());
  CHECK(again.changes().empty());
  // What changes keeps the rest, and what it has still to tell.
  const auto changed = machine.apply(
      "[notification.chat]\nwebhook = \"@/root/chat.url\"\nheader-file = \"/root/new\"\non = \"failure\"\n",
      false, false, {}, {{"/root/new", "X-Key: def"}});
  CHECK(problems_of(changed) == "");
  CHECK(changes_of(changed) == "~notification chat: ~header-file +on\n");
  const auto chat = machine.here.catalog.notifications().find("chat");
  CHECK(chat->target == "https://chat.example.org/hook/abc");
  CHECK(chat->headers == "X-Key: def\n");
  CHECK(changes_of(machine.apply("", false, true)) == "-notification chat: -webhook -header-file -on\n");
  CHECK(machine.here.catalog.notifications().all().empty());
}

TEST_CASE("secrets of a notification that came from no file stay, and are not written") {
  const Folders folders;
  ConfiguredMachine machine(folders.folder);
  catalog::Notification one;
  one.name = "chat";
  one.target = "https://chat.example.org/hook/abc";
  one.headers = "Authorization: Bearer abc\n";
  one.events = usual_events(one.kind);
  machine.here.catalog.notifications().add(one);
  const std::string text = machine.text();
  CHECK_THAT(text, Catch::Matchers::EndsWith("webhook = \"kept\"\nheader-file = \"kept\"\n"));
  CHECK(text.find("abc") == std::string::npos);
  CHECK(machine.apply(text).changes().empty());
  CHECK(machine.here.catalog.notifications().find("chat") == one);
  // The kind may change, and then nothing is kept.
  check_refused(machine, "[notification.chat]\nping = \"kept\"\n", {"2:8: nothing is kept for it"});
  const auto response = machine.apply("[notification.chat]\nmail = \"a@b\"\nsmtp = \"smtp://h\"\n");
  CHECK(problems_of(response) == "");
  CHECK(machine.here.catalog.notifications().find("chat")->headers.empty());
}

TEST_CASE("what is wrong with a notification is told at its place") {
  const Folders folders;
  ConfiguredMachine machine(folders.folder);
  machine.apply(minimal(folders));
  check_refused(machine, "[notification.a]\non = \"failure\"\n", {"1:15: the notification 'a' tells nobody"});
  check_refused(machine, "[notification.a]\nmail = \"a@b\"\ncommand = \"true\"\n",
                {"3:11: a notification is a webhook, a ping, mail or a command: one"});
  check_refused(machine, "[notification.a]\nwebhook = \"https://host/secret\"\n",
                {"2:11: what follows the host"});
  check_refused(machine, "[notification.a]\nwebhook = \"@token\"\n", {"2:11: an absolute path is expected"});
  check_refused(machine, "[notification.a]\nmail = \"a@b\"\n", {"2:8: mail needs an SMTP server"});
  check_refused(
      machine,
      "[notification.a]\ncommand = \"true\"\non = [\"failure\", \"sunrise\"]\nset = [\"home\", \"no\"]\n",
      {"3:18: "});
  check_refused(machine, "[notification.a]\ncommand = \"true\"\nset = [\"home\", \"no\"]\n",
                {"3:16: there is no set 'no'"});
  check_refused(machine, "[notification.a]\nwebhook = \"@/root/chat.url\"\nsmtp = \"smtp://h\"\n",
                {"2:11: what concerns an SMTP server is only for mail"});
}

TEST_CASE("others stay, or are removed when that is asked for") {
  const Folders folders;
  ConfiguredMachine machine(folders.folder);
  machine.apply(minimal(folders, "[destination.usb]\nurl = \"" + folders.path("usb") +
                                     "\"\n[set.mail]\nsource = \"" + folders.path("b") +
                                     "\"\ndestination = \"usb\"\n"));
  CHECK(machine.here.catalog.configuration().sets().size() == 2);
  CHECK(machine.apply(minimal(folders)).changes().empty());
  CHECK(machine.here.catalog.configuration().sets().size() == 2);
  // One that is in use stays, and then nothing changes.
  StoredRequest request;
  request.set = machine.here.sets.get("mail").definition;
  request.destinations = {"usb"};
  const v1::Run run = machine.runs.add(catalog::RunKind::kBackup, "mail", std::move(request));
  const auto busy = machine.apply(minimal(folders), false, true);
  CHECK_THAT(problems_of(busy),
             Catch::Matchers::Contains("0:0: set 'mail'") && Catch::Matchers::Contains("destination 'usb'"));
  machine.runs.cancel(parse_run_number(run.run_id()));
  const auto response = machine.apply(minimal(folders), false, true);
  CHECK(problems_of(response) == "");
  CHECK(changes_of(response) == "-destination usb: -url\n-set mail: -source -destination\n");
  CHECK(machine.here.catalog.configuration().sets().size() == 1);
  CHECK(machine.here.catalog.configuration().destinations().size() == 1);
  CHECK(machine.here.keys.destinations().size() == 1);
  CHECK(fs::exists(folders.path("usb/garner.repo")));
  // A destination that a set of the file needs is not removed.
  const auto needed = machine.apply(
      "[set.home]\nsource = \"" + folders.path("a") + "\"\ndestination = \"disk\"\n", false, true);
  CHECK_THAT(problems_of(needed), Catch::Matchers::Contains("is used by: home"));
  CHECK(machine.here.catalog.configuration().destinations().size() == 1);
}

TEST_CASE("everything that is wrong is told with its place, and nothing is changed") {
  const Folders folders;
  ConfiguredMachine machine(folders.folder);
  machine.apply(minimal(folders));
  const auto told = [&](const std::string& toml, const std::vector<std::string>& lines) {
    check_refused(machine, toml, lines);
  };
  const std::string a = folders.path("a");
  // Keys and types, several at once.
  told(
      "[destination.usb]\n"
      "urls = \"/x\"\n"
      "[set.\"two words\"]\n"
      "source = true\n"
      "destination = \"disk\"\n"
      "keep-last = true\n"
      "keep-daily = -1\n"
      "one-file-system = \"yes\"\n",
      {"1:14: the destination 'usb' has no url",
       "2:1: there is no key 'urls' of a destination; there are url, ",
       "3:6: 'two words' cannot be the name of a set", "4:10: a text or a list of texts is expected",
       "6:13: a whole number is expected here, or a list", "7:14: a number from 0 to 100,000",
       "8:19: true or false is expected"});
  // Values that make no sense, each element by itself.
  told(
      "[set.home]\n"
      "source = \"" +
          a +
          "\"\n"
          "destination = \"disk\"\n"
          "schedule = [\"daily\",\n"
          "  \"disk=25:00\", \"2026-02-30\"]\n"
          "timezone = \"Mars/Olympus\"\n"
          "window = \"22:00\"\n"
          "when = \"moonlight\"\n"
          "random-delay = \"soon\"\n"
          "keep-within = \"1x\"\n",
      {"5:3: '25:00': character 1: an hour", "5:17: '2026-02-30' never comes",
       "6:12: ", "7:10: '22:00': character 6", "8:8: ", "9:16: 'soon': character 1", "10:15: "});
  // What the rest of the machine says.
  told(
      "[set.home]\n"
      "source = [\"" +
          a +
          "\", \"/no/such/folder\", \"relative\"]\n"
          "destination = \"nowhere\"\n",
      {"2:" + std::to_string(13 + a.size() + 21) + ": a source is to begin with '/'"});
}

TEST_CASE("a set may have a destination that is there and one that its file makes, if they share keys") {
  const Folders folders;
  ConfiguredMachine machine(folders.folder);
  const std::string set = "[set.home]\nsource = \"" + folders.path("a") + "\"\n";
  const auto section = [&](const std::string& name) {
    return "[destination." + name + "]\nurl = \"" + folders.path(name) + "\"\n";
  };
  REQUIRE(machine.apply(section("one")).applied());
  const std::string both = section("one") + section("two") + set + "destination = [\"one\", \"two\"]\n";
  CHECK(problems_of(machine.apply(both, /*dry_run=*/true)) == "");
  CHECK(problems_of(machine.apply(both)) == "");
  CHECK(machine.here.sets.get("home").destinations == std::vector<std::string>{"one", "two"});
  check_refused(machine,
                section("one") + section("open") + "no-encryption = true\n" + set +
                    "destination = [\"one\", \"two\", \"open\"]\n",
                {"have different keys"});
}

TEST_CASE("what the machine says against a file is told at its place, too") {
  const Folders folders;
  ConfiguredMachine machine(folders.folder);
  machine.apply(minimal(folders));
  const auto told = [&](const std::string& toml, const std::vector<std::string>& lines) {
    check_refused(machine, toml, lines);
  };
  const std::string set = "[set.home]\nsource = \"" + folders.path("a") + "\"\n";
  told("[set.home]\nsource = [\n  \"/no/such/folder\",\n  \"" + folders.path("disk") +
           "\"]\ndestination = \"nowhere\"\n",
       {"3:3: the source /no/such/folder", "4:3: the source ", "5:15: there is no destination 'nowhere'"});
  told(set + "destination = \"disk\"\nschedule = [\"daily\", \"hourly\"]\n",
       {"4:12: two schedules for one set"});
  told(set + "destination = \"disk\"\nschedule = \"usb=daily\"\n", {"4:12: there is a schedule for 'usb'"});
  told("[destination.disk]\nurl = \"/elsewhere\"\n", {"2:7: destination 'disk' is at "});
  told("[destination.disk]\nurl = \"" + folders.path("disk") + "\"\nno-encryption = true\n",
       {"3:17: destination 'disk' is encrypted, and stays so"});
  told("[destination.usb]\nurl = \"" + folders.path("a") + "\"\n", {"2:7: the set 'home' backs up "});
  told("[destination.usb]\nurl = \"relative\"\npassword-file = \"pw\"\ncheck-period = \"1s\"\n",
       {"2:7: 'relative' is no destination", "3:17: the path of a password-file is to begin with '/'",
        "4:16: all data is read once"});
  told("[destination.usb]\nurl = \"ftp://x\"\n", {"2:7: "});
  told("[destination.usb]\nurl = \"/x\"\ncredential = \"../x\"\nkey-file = \"/k\"\n",
       {"3:14: the name of a credential", "4:12: a destination has either credential or key-file"});
  told("[destination.usb]\nurl = \"/x\"\nshare-keyring = true\n", {"3:17: share-keyring needs"});
  told("[destination.usb]\nurl = \"/x\"\nkey-file = \"/k\"\nno-encryption = true\n",
       {"4:17: a repository without encryption has no keys"});
  told("[destination.usb]\nurl = \"" + folders.path("usb") + "\"\n[destination.usc]\nurl = \"" +
           folders.path("usb") + "\"\n",
       {"4:7: this is the url of destination 'usb', too"});
  told("[set.home]\nsource = \"back\\\\slash\"\n", {"1:6: the set 'home' has no destination", "2:10: "});
}

TEST_CASE("paths of any bytes come back as they were") {
  const Folders folders;
  const std::string path = folders.path("a\\\xff\"\n");
  fs::create_directories(path);
  ConfiguredMachine machine(folders.folder);
  machine.here.add("disk", folders.path("disk"));
  v1::AddSetRequest request;
  request.set_name("odd");
  request.add_sources(path);
  request.add_destinations("disk");
  machine.here.sets.add(request);
  const std::string text = machine.text();
  CHECK(machine.apply(text).changes().empty());
  machine.here.sets.remove("odd");
  CHECK(machine.apply(text).applied());
  CHECK(machine.here.sets.get("odd").definition.sources(0) == path);
}

TEST_CASE("a destination that cannot be made leaves those before it, and sets as they were") {
  const Folders folders;
  ConfiguredMachine machine(folders.folder);
  // It is there, and its key is not.
  {
    Installation other(folders.path("other"));
    other.add("usb", folders.path("usb"));
  }
  const auto response =
      machine.apply(minimal(folders, "[destination.usb]\nurl = \"" + folders.path("usb") + "\"\n"));
  CHECK_THAT(problems_of(response), Catch::Matchers::Contains("has a key that is not on this machine") &&
                                        Catch::Matchers::Contains("destination 'disk' was added and stays"));
  REQUIRE(response.made_size() == 1);
  CHECK_FALSE(response.made(0).recovery_key().empty());
  CHECK(machine.here.catalog.configuration().destination("disk").has_value());
  CHECK(machine.here.catalog.configuration().sets().empty());
  // Set right, the same file does the rest.
  CHECK(machine.apply(minimal(folders)).applied());
  CHECK(machine.here.catalog.configuration().sets().size() == 1);
}

}  // namespace
}  // namespace garner::daemon
