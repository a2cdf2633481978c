"""Prune and check of destinations with nobody asking: the real daemon, its schedules every second."""

import os
import unittest

from case import Case


class MaintenanceTest(Case):
    def configured(self):
        """A daemon that does not wait after its start, with a set that was backed up, and no maintenance yet."""
        config = self.write("garnerd.toml", 'settling_delay = "0s"\n')
        daemon = self.daemon(arguments=["--config", config])
        daemon.run("destination", "add", "disk", self.path("repository"), "--no-prune-schedule",
                   "--no-check-schedule")
        self.write("source/data", os.urandom(3_000_000))
        daemon.run("set", "add", "set", "--source", self.path("source"), "--destination", "disk")
        daemon.backup("set")
        return daemon

    def maintenance(self, daemon):
        return daemon.json("destination", "show", "disk")["maintenance"]

    def test_options(self):
        daemon = self.daemon()
        added = daemon.json("destination", "add", "disk", self.path("repository"))
        self.assertEqual({"prune_schedule": "weekly", "check_schedule": "daily", "check_period_seconds": "2592000"},
                         added["destination"]["maintenance"]["settings"])
        self.assertTrue(added["destination"]["maintenance"]["next_prune"])
        shown = daemon.run("destination", "show", "disk").stdout
        for text in ("prunes by itself", "weekly", "next prune", "checks by itself", "daily", "next check"):
            self.assertIn(text, shown)
        edited = daemon.json("destination", "edit", "disk", "--no-prune-schedule", "--check-schedule", "Sun 12:00",
                             "--check-period", "90d")
        self.assertEqual({"prune_schedule": "", "check_schedule": "Sun 12:00", "check_period_seconds": "7776000"},
                         edited["maintenance"]["settings"])
        self.assertNotIn("next_prune", edited["maintenance"])
        daemon.stop()
        daemon.start()
        self.assertEqual(edited["maintenance"]["settings"], self.maintenance(daemon)["settings"])
        self.assertIn("only when asked to", daemon.run("destination", "show", "disk").stdout)
        daemon.run("destination", "edit", "disk", "--prune-schedule", "every 10d")
        self.assertEqual("every 10d", self.maintenance(daemon)["settings"]["prune_schedule"])
        for option, value, says in (("--prune-schedule", "25:00", "an hour from 0 to 23"),
                                    ("--check-schedule", "2001-01-01", "never comes again"),
                                    ("--check-schedule", "", "empty"),
                                    ("--check-period", "1m", "1 hour to 10 years"),
                                    ("--check-period", "soon", "no duration")):
            self.refused(daemon, 2, "destination", "edit", "disk", option, value, says=says)
        self.refused(daemon, 2, "destination", "edit", "disk", says="at least one thing")
        self.refused(daemon, 2, "destination", "edit", "disk", "--prune-schedule", "daily", "--no-prune-schedule")
        self.refused(daemon, 1, "destination", "edit", "nowhere", "--no-prune-schedule", says="there are: disk")

    def test_by_itself(self):
        daemon = self.configured()
        daemon.run("destination", "edit", "disk", "--check-schedule", "*:*:*", "--prune-schedule", "*:*:*")
        checked = self.wait(lambda: (found := self.maintenance(daemon)) and found.get("last_check") and
                            found.get("last_prune") and found["bytes"] == found["verified_bytes"] and found)
        daemon.run("destination", "edit", "disk", "--no-check-schedule", "--no-prune-schedule")
        self.assertGreater(int(checked["bytes"]), 3_000_000)
        self.assertFalse(checked["damage_found"])
        self.assertEqual("RUN_STATE_FINISHED", checked["last_check"]["state"])
        self.assertTrue(checked["last_check"]["scheduled"])
        self.assertEqual([], daemon.json("status")["notices"])
        status = daemon.run("status").stdout
        for text in ("disk: pruned ", "checked ", "100% of ", "read within "):
            self.assertIn(text, status)
        shown = daemon.run("destination", "show", "disk").stdout
        for text in ("last prune", "freed", "last check", "verified", "oldest not verified"):
            self.assertIn(text, shown)
        self.assertIn("Check of disk", daemon.run("run", "show", checked["last_check"]["run_id"]).stdout)

    def test_damage_is_loud(self):
        daemon = self.configured()
        pack = max((os.path.join(folder, name) for folder, _, names in os.walk(self.path("repository", "packs"))
                    for name in names), key=os.path.getsize)
        os.chmod(pack, 0o600)
        with open(pack, "r+b") as file:
            file.seek(os.path.getsize(pack) // 2)
            byte = file.read(1)[0]
            file.seek(-1, os.SEEK_CUR)
            file.write(bytes([byte ^ 1]))
        daemon.run("destination", "edit", "disk", "--check-schedule", "*:*:*")
        # What a check finds is told before it is over; and by schedule, one that finds nothing may come before.
        found = self.wait(lambda: (now := self.maintenance(daemon)).get("last_check", {}).get("damage_found") and now)
        daemon.run("destination", "edit", "disk", "--no-check-schedule")
        self.assertEqual("1", found["damaged_packs"])
        # A check that reads no data finds nothing, and the damage is still told: in status, and after a restart.
        daemon.run("check")
        daemon.stop()
        daemon.start()
        notices = daemon.json("status")["notices"]
        self.assertEqual(1, len(notices))
        self.assertIn("Damage was found at destination disk (1 pack of data)", notices[0])
        self.assertIn("disk has damage", daemon.run("status").stdout)
        run = daemon.json("run", "show", found["last_check"]["run_id"])
        self.assertTrue(run["damage_found"])
        self.assertIn(self.path("source", "data"), "".join(run["check"]["problems"]))
        # The pack is put right.
        with open(pack, "r+b") as file:
            file.seek(os.path.getsize(pack) // 2)
            file.write(bytes([byte]))
        daemon.run("check", "--read-data")
        self.assertEqual([], daemon.json("status")["notices"])
        self.assertFalse(self.maintenance(daemon)["damage_found"])


if __name__ == "__main__":
    unittest.main()
