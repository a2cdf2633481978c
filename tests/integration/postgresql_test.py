"""A real PostgreSQL: its dump is a source, restored, loaded into another database, and compared."""

import glob
import os
import pwd
import subprocess
import unittest

from case import Case

PROGRAMS = max(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda path: float(path.split("/")[4]), default=None)

TABLES = """
CREATE TABLE customers (id integer PRIMARY KEY, name text NOT NULL, joined timestamptz NOT NULL);
CREATE TABLE orders (id serial PRIMARY KEY, customer integer REFERENCES customers, amount numeric(9, 2), note bytea);
INSERT INTO customers SELECT i, 'customer ' || md5(i::text) || E'\\t\\\\ ü', '2020-01-01'::timestamptz + i * interval '1 hour'
  FROM generate_series(1, 20000) AS i;
INSERT INTO orders (customer, amount, note) SELECT 1 + i % 20000, i / 7.0, decode(md5((i * 3)::text), 'hex')
  FROM generate_series(1, 60000) AS i;
CREATE INDEX ON orders (customer);
"""


class Postgresql(Case):
    def setUp(self):
        super().setUp()
        if PROGRAMS is None:
            self.fail("PostgreSQL is not installed: packaging/install-dependencies test")
        os.chmod(self.folder, 0o755)
        # initdb refuses root; whoever else runs this is that user.
        self.owner = pwd.getpwnam("postgres") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
        self.cluster = self.path("cluster")
        os.mkdir(self.cluster, 0o700)
        os.mkdir(self.path("socket"), 0o755)
        for folder in (self.cluster, self.path("socket")):
            os.chown(folder, self.owner.pw_uid, self.owner.pw_gid)
        self.server("initdb", "--pgdata", self.cluster, "--username", "keeper", "--auth", "trust", "--encoding", "UTF8",
                    "--no-locale", "--no-sync")
        self.addCleanup(self.stop)
        # No port of the machine's: a socket in a folder of the test's own.
        self.server("pg_ctl", "start", "--wait", "--pgdata", self.cluster, "--log", os.path.join(self.cluster, "log"),
                    "--options", f"-c listen_addresses='' -c unix_socket_directories='{self.path('socket')}' -c fsync=off")
        self.psql("postgres", "CREATE DATABASE shop", "CREATE DATABASE copy")

    def stop(self):
        if os.path.exists(os.path.join(self.cluster, "postmaster.pid")):
            self.server("pg_ctl", "stop", "--mode", "immediate", "--pgdata", self.cluster)

    def server(self, program, *arguments):
        def become():
            os.initgroups(self.owner.pw_name, self.owner.pw_gid)
            os.setgid(self.owner.pw_gid)
            os.setuid(self.owner.pw_uid)
        done = subprocess.run([os.path.join(PROGRAMS, program), *arguments], stdin=subprocess.DEVNULL, cwd="/",
                              stdout=subprocess.PIPE if program == "initdb" else subprocess.DEVNULL,
                              stderr=subprocess.STDOUT, preexec_fn=become if os.geteuid() == 0 else None, check=False)
        self.assertEqual(0, done.returncode, f"{program}: {done.stdout}")

    def psql(self, database, *statements, file=None):
        arguments = [argument for one in statements for argument in ("--command", one)]
        if file:
            arguments += ["--file", file]
        done = subprocess.run([os.path.join(PROGRAMS, "psql"), "--host", self.path("socket"), "--username", "keeper",
                               "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set", "ON_ERROR_STOP=1",
                               "--dbname", database, *arguments],
                              capture_output=True, text=True, check=False, env={**os.environ, "PGTZ": "UTC"})
        self.assertEqual(0, done.returncode, done.stderr)
        return done.stdout

    def dump(self, database, *options):
        """The command. Newer versions write a random key at a dump's beginning and end, unless they are given one."""
        about = subprocess.run([os.path.join(PROGRAMS, "pg_dump"), "--help"], capture_output=True, text=True, check=True)
        if "--restrict-key" in about.stdout:
            options = ("--restrict-key", "same", *options)
        return " ".join([os.path.join(PROGRAMS, "pg_dump"), "--host", self.path("socket"), "--username", "keeper", *options,
                         database])

    def content(self, database):
        return [self.psql(database, f"SELECT * FROM {table} ORDER BY id") for table in ("customers", "orders")]

    def test_dump_restore_load_compare(self):
        self.psql("shop", TABLES)
        daemon = self.daemon()
        daemon.json("destination", "add", "disk", self.path("repository"))
        daemon.run("set", "add", "shop", "--destination", "disk", "--command", self.dump("shop"), "--as", "shop.sql")
        first = daemon.backup("shop")
        self.assertEqual(("1", "0"), (first["files"], first["error_count"]))
        daemon.run("restore", "shop@latest:shop.sql", "--to", self.path("restored"))
        self.psql("copy", file=self.path("restored", "shop.sql"))
        content = self.content("shop")
        self.assertEqual(20_000, content[0].count("\n"))
        self.assertEqual(60_000, content[1].count("\n"))
        self.assertEqual(content, self.content("copy"))

        # Unchanged, it adds nothing; changed a little, little.
        again = daemon.backup("shop")
        self.assertEqual(first["read_bytes"], again["read_bytes"])
        self.assertEqual("0", again["new_bytes"])
        self.psql("shop", "UPDATE customers SET name = 'somebody else' WHERE id = 10000")
        changed = daemon.backup("shop")
        self.assertLess(0, int(changed["new_bytes"]))
        self.assertLess(int(changed["new_bytes"]), int(changed["read_bytes"]) / 4)
        self.assertEqual(0, daemon.run("check", "--read-data").returncode)

        # A dump that cannot begin, and one whose server dies in its middle, are in no snapshot.
        daemon.run("set", "edit", "shop", "--command", self.dump("nosuchdb"), "--as", "shop.sql")
        failed = daemon.backup("shop", codes=(1,))
        self.assertIn('database "nosuchdb" does not exist', failed["message"])
        slow = self.path("slow")
        server = os.path.join(self.cluster, "postmaster.pid")
        # The dump waits for the pipe, which is full long before its end, until the server is gone.
        daemon.run("set", "edit", "shop", "--command-timeout", "2m", "--command",
                   f"mkfifo {slow}; {self.dump('shop', '--file', slow)} & exec 3< {slow}; head -c 100000 <&3; "
                   f"kill -QUIT $(head -n 1 {server}); while test -e {server}; do sleep 0.1; done; cat <&3; wait $!",
                   "--as", "shop.sql")
        failed = daemon.backup("shop", codes=(1,))
        self.assertIn("its command ended with exit code 1", failed["message"])
        ids = [one["id"] for one in daemon.json("snapshots", "shop")["snapshots"]]
        self.assertEqual([changed["snapshot_id"], again["snapshot_id"], first["snapshot_id"]], ids)
        log = [line["text"] for line in daemon.json("run", "show", failed["run_id"])["log"]]
        self.assertTrue(any("pg_dump: error" in text for text in log), log)
        daemon.run("restore", "latest:shop.sql", "--to", self.path("still"))


if __name__ == "__main__":
    unittest.main()
