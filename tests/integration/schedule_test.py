"""Sets that are backed up by themselves: the real daemon, its clock moved on by libfaketime where time has to pass."""

import calendar
import glob
import os
import subprocess
import time
import unittest

import garner_daemon
from case import Case

FAKETIME = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")


def seconds_of(timestamp):
    """Of an RFC 3339 time."""
    whole, _, fraction = timestamp.rstrip("Z").partition(".")
    return calendar.timegm(time.strptime(whole, "%Y-%m-%dT%H:%M:%S")) + float("0." + (fraction or "0"))


class ScheduleTest(Case):
    def configured(self, *sources):
        """A daemon that does not wait after its start, with a set that has no schedule yet."""
        self.config = self.write("garnerd.toml", 'settling_delay = "0s"\n')
        for source in sources:
            os.makedirs(source, exist_ok=True)
        daemon = self.daemon(arguments=["--config", self.config])
        daemon.json("destination", "add", "disk", self.path("repository"))
        daemon.run("set", "add", "set", "--source", *sources, "--destination", "disk")
        return daemon

    def runs(self, daemon):
        """Oldest first."""
        return list(reversed(daemon.json("runs", "set")["runs"]))

    def start_later(self, daemon, offset):
        """Starts the daemon with a clock that shows `offset` seconds more, and as after a restart of the machine, if
        this user may pretend that; returns whether he may."""
        boot = self.write("boot_id", "11111111-2222-3333-4444-555555555555\n")
        wrapper = ["unshare", "--mount", "sh", "-c",
                   f"mount --bind '{boot}' /proc/sys/kernel/random/boot_id && exec \"$@\"", "sh"]
        rebooted = subprocess.run([*wrapper, "true"], capture_output=True, check=False).returncode == 0
        # The boot clock and file times stay: only the clock on the wall was moved.
        faked = {"LD_PRELOAD": FAKETIME[0], "FAKETIME": f"+{offset}", "FAKETIME_DONT_FAKE_MONOTONIC": "1",
                 "DONT_FAKE_MONOTONIC": "1", "NO_FAKE_STAT": "1"}
        os.environ.update(faked)
        try:
            daemon.start(wait=False, wrapper=wrapper if rebooted else ())
        finally:
            for name in faked:
                del os.environ[name]
        daemon.wait_ready()
        return rebooted

    def test_options(self):
        daemon = self.configured(self.path("source"))
        edited = daemon.json("set", "edit", "set", "--schedule", "Mon..Fri 22:30", "--timezone", "Europe/Berlin",
                             "--random-delay", "10m", "--window", "22:00-06:00", "Sat,Sun 00:00-24:00", "--when",
                             "on-ac-power", "command:true", "--overdue-after", "3d")
        self.assertEqual(edited["schedule"], {
            "schedules": [{"destination": "", "schedule": "Mon..Fri 22:30"}], "timezone": "Europe/Berlin",
            "random_delay_seconds": "600", "windows": ["22:00-06:00", "Sat,Sun 00:00-24:00"],
            "conditions": ["on-ac-power", "command:true"], "overdue_after_seconds": "259200"})
        self.assertEqual(3, len(edited["next_runs"]))
        for moment in edited["next_runs"]:
            local = time.gmtime(seconds_of(moment) + 3600)
            self.assertIn(local.tm_hour, (22, 23))
            self.assertLess(local.tm_wday, 5)
        shown = daemon.run("set", "show", "set").stdout
        for text in ("Mon..Fri 22:30", "Europe/Berlin", "10m", "22:00-06:00", "command:true", "no; after 3d", "next runs"):
            self.assertIn(text, shown)
        status = daemon.json("status")["sets"][0]
        self.assertEqual(edited["next_runs"], status["next_runs"])
        self.assertFalse(status["overdue"])
        self.assertIn("set runs next: ", daemon.run("status").stdout)
        # What is not named stays; what is taken away is gone; a restart changes nothing.
        daemon.run("set", "edit", "set", "--no-window", "--no-when", "--schedule", "disk=every 6h")
        daemon.stop()
        daemon.start()
        schedule = daemon.json("set", "show", "set")["schedule"]
        self.assertEqual([{"destination": "disk", "schedule": "every 6h"}], schedule["schedules"])
        self.assertEqual([[], [], "Europe/Berlin"], [schedule[name] for name in ("windows", "conditions", "timezone")])
        daemon.run("set", "edit", "set", "--no-schedule")
        self.assertEqual([], daemon.json("set", "show", "set")["next_runs"])

    def test_bad_input(self):
        daemon = self.configured(self.path("source"))
        before = daemon.json("set", "show", "set")
        for option, value, says in (
                ("--schedule", "Mon 25:00", "character 5: an hour from 0 to 23 is expected"),
                ("--schedule", "2026-02-30", "never comes: there is no such day in such a month"),
                ("--schedule", "2001-01-01", "never comes again"),
                ("--schedule", "61 * * * *", "character 1: a minute from 0 to 59 is expected"),
                ("--schedule", "every 5 parsecs", "character 9: a unit is expected"),
                ("--schedule", "usb=daily", "no destination of the set"),
                ("--schedule", "10:00 Mars/Olympus", "character 7"),
                ("--timezone", "Mars/Olympus", "no time zone"),
                ("--window", "22:00", "character 6"),
                ("--when", "moonlight", "no condition"),
                ("--random-delay", "soon", "no duration"),
                ("--overdue-after", "1", "no duration")):
            self.refused(daemon, 2, "set", "edit", "set", option, value, says=says)
        self.refused(daemon, 2, "set", "edit", "set", "--window", "22:00-06:00", "--no-window")
        self.refused(daemon, 2, "set", "edit", "set", "--schedule", "daily", "weekly", says="two schedules")
        self.assertEqual(before, daemon.json("set", "show", "set"))

    def test_runs_by_itself_and_waits_for_its_condition(self):
        daemon = self.configured(self.path("source"))
        flag = self.path("flag")
        daemon.run("set", "edit", "set", "--schedule", "*:*:*", "--when", f"command:test -e '{flag}'",
                   "--overdue-after", "1m")
        status = self.wait(lambda: [one for one in daemon.json("status")["sets"] if one["waits_for"]])
        self.assertEqual("its command does not say yes", status[0]["waits_for"])
        self.assertIn("set is due and waits for its command", daemon.run("status").stdout)
        self.assertEqual([], self.runs(daemon))
        self.write("flag", "")
        daemon.run("set", "edit", "set", "--random-delay", "0")  # it looks again at once
        run = self.wait(lambda: [run for run in self.runs(daemon) if run["state"] == "RUN_STATE_FINISHED"])[0]
        self.assertTrue(run["scheduled"])
        # It is due each second: the next may be under way.
        daemon.run("set", "edit", "set", "--no-schedule")
        self.wait(lambda: not daemon.json("status")["active_runs"])
        self.assertFalse(daemon.backup("set").get("scheduled") or False)

    def under_way(self, daemon):
        """The first active run, once it reads."""
        def found():
            active = daemon.json("status")["active_runs"]
            return active and active[0]["state"] == "RUN_STATE_RUNNING" and \
                int((active[0]["progress"] or {}).get("done_bytes", "0")) > 0 and active[0]
        return self.wait(found)

    def big_source(self):
        source = self.path("source")
        os.makedirs(source)
        with open(os.path.join(source, "big"), "wb") as file:
            for _ in range(500):
                file.write(os.urandom(1 << 20))
        return source

    def test_window_closes_on_a_run(self):
        daemon = self.configured(self.big_source())
        hour = time.gmtime().tm_hour
        daemon.run("set", "edit", "set", "--schedule", "*:*:*", "--timezone", "UTC", "--window",
                   f"{hour:02}:00-{(hour + 2) % 24:02}:00")
        begun = self.under_way(daemon)
        # From now on its window is another one.
        daemon.run("set", "edit", "set", "--window", f"{(hour + 4) % 24:02}:00-{(hour + 5) % 24:02}:00")
        paused = daemon.wait_for_run(begun["run_id"], {"PAUSED", "FINISHED"}, 60)
        self.assertEqual(("RUN_STATE_PAUSED", "PAUSE_REASON_WINDOW"), (paused["state"], paused["pause_reason"]))
        self.assertIn("window", daemon.run("status").stdout)
        daemon.run("set", "edit", "set", "--no-window", "--no-schedule")
        finished = daemon.wait_for_run(begun["run_id"], {"FINISHED"}, 120)
        self.assertEqual((2, "0"), (finished["attempts"], finished["error_count"]))

    @unittest.skipIf(garner_daemon.SANITIZED or not FAKETIME, "the clock cannot be moved")
    def test_reboot_in_a_scheduled_run(self):
        daemon = self.configured(self.big_source())
        daemon.run("set", "edit", "set", "--schedule", "*:*:0/5")
        # Killed with the run under way.
        begun = self.under_way(daemon)
        daemon.kill()
        # Two days later: it resumes, what was missed is made up once, and then the schedule goes on. Without the
        # restart of the machine it was the clock that was set, and nothing was missed.
        rebooted = self.start_later(daemon, 2 * 86400)
        resumed = daemon.wait_for_run(begun["run_id"], {"FINISHED"}, 120)
        self.assertEqual((2, True), (resumed["attempts"], resumed["scheduled"]))
        ended = seconds_of(resumed["finished"])
        self.assertGreater(ended - seconds_of(begun["queued"]), 2 * 86400 - 60)
        later = self.wait(lambda: [run for run in self.runs(daemon) if run["run_id"] != begun["run_id"]][3:] and
                          [run for run in self.runs(daemon) if run["run_id"] != begun["run_id"]])
        self.assertEqual(begun["run_id"], self.runs(daemon)[0]["run_id"])
        queued = [seconds_of(run["queued"]) for run in later]
        self.assertLess(queued[0] - ended, 2 if rebooted else 7, "the next run is late")
        slots = [int(moment // 5) for moment in queued]
        self.assertEqual(len(slots), len(set(slots)), f"doubled: {queued}")
        for moment in queued[1:]:
            self.assertLess(moment % 5, 2, f"off its schedule: {queued}")
        self.assertEqual(list(range(slots[1], slots[1] + len(slots) - 1)), slots[1:], f"lost: {queued}")


if __name__ == "__main__":
    unittest.main()
