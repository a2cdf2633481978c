"""A destination in an S3 store, Ceph's, through client and daemon. GARNER_CEPH names the file with the server's facts;
ctest starts it."""

import http.server
import os
import ssl
import subprocess
import threading
import unittest
import uuid

from s3_client import Server
from server_case import InterruptedTests, LifeTests, LimitTests, ServerCase, TestTests

PREFIX = "pre/"


class S3Case(ServerCase):
    OTHER_OPTION = ("region", "elsewhere")

    def setUp(self):
        super().setUp()
        self.server = self.start_server()
        self.bucket = "garner-" + str(uuid.uuid4())
        self.server.make_bucket(self.bucket)
        self.keys = self.write_keys(self.server.access_key, self.server.secret_key)

    def start_server(self):
        return Server(os.environ["GARNER_CEPH"])

    def write_keys(self, access, secret, name="access"):
        """As a person does it who must not leave half a file."""
        self.write(name + ".new", f"aws_access_key_id = {access}\naws_secret_access_key = {secret}\n")
        os.chmod(self.path(name + ".new"), 0o600)
        os.rename(self.path(name + ".new"), self.path(name))
        return self.path(name)

    def address(self):
        return self.server.address

    def url(self, address=None):
        return f"s3:http://{address or self.server.address}/{self.bucket}/pre"

    def options(self):
        return {"access-keys": self.keys, "region": "us-east-2"}  # Ceph takes any

    def secrets(self):
        return [self.server.secret_key]

    def objects(self, prefix=""):
        return [key.removeprefix(PREFIX) for key in self.server.keys(self.bucket, PREFIX + prefix)]

    def read(self, key):
        return self.server.read(self.bucket, PREFIX + key)

    def overwrite(self, key, content):
        self.server.write(self.bucket, PREFIX + key, content)

    def delete(self, key):
        self.server.delete(self.bucket, PREFIX + key)

    def unfinished(self):
        return self.server.uploads(self.bucket)


class Life(LifeTests, S3Case):
    LIFE_OPTIONS = ("--storage-class", "STANDARD")


class Test(TestTests, S3Case):
    OWN_STEP = "uploads in parts"


class Limits(LimitTests, S3Case):
    pass


class Interrupted(InterruptedTests, S3Case):
    def test_keys_that_are_renewed_let_a_run_go_on(self):
        daemon = self.ready()
        number = self.running_slowly(daemon, "5M")
        self.wait(lambda: self.objects("packs/") or self.unfinished())
        self.write_keys(self.server.access_key, "expired")
        run = daemon.wait_for_run(number, ("PAUSED",), 120)
        self.assertEqual("PAUSE_REASON_DESTINATION_AWAY", run["pause_reason"])
        self.assertIn("secret key is wrong", run["message"])
        self.limit(daemon, "none")
        self.write_keys(self.server.access_key, self.server.secret_key)
        self.finished(daemon, number)
        self.restored(daemon, "restored")


class Refused(S3Case):
    def test_what_is_wrong_is_told(self):
        daemon = self.daemon()
        self.refuse(daemon, says="the secret key is wrong",
                    access_keys=self.write_keys(self.server.access_key, "wrong", "wrong"))
        self.refuse(daemon, says="the access key is not known there", access_keys=self.write_keys("nobody", "wrong", "nobody"))
        self.refuse(daemon, says="No such file", access_keys=self.path("missing"))
        os.chmod(self.write_keys("a", "b", "open"), 0o644)
        self.refuse(daemon, says="chmod 600", access_keys=self.path("open"))
        self.write("empty", "")
        os.chmod(self.path("empty"), 0o600)
        self.refuse(daemon, says="aws_access_key_id is missing", access_keys=self.path("empty"))
        self.refuse(daemon, says="make the bucket no-such-bucket first",
                    url=f"s3:http://{self.server.address}/no-such-bucket")
        self.refuse(daemon, says="127.0.0.1", url=f"s3:http://127.0.0.1:1/{self.bucket}")
        self.overwrite("Photos/1.jpg", b"jpg")
        self.refuse(daemon, says="not empty")
        self.delete("Photos/1.jpg")
        self.assertEqual([], self.server.keys(self.bucket))

    def test_usage(self):
        daemon = self.daemon()
        for url in ("s3:bucket", "s3:ftp://host/bucket", "s3:https://host", "s3:https://key:SECRET@host/bucket"):
            message = self.refused(daemon, 2, "destination", "add", "cloud", url, says="s3:https://HOST/BUCKET/PREFIX")
            self.assertNotIn("SECRET", message)
        for options in (("--region", "a b"), ("--addressing", "somehow"), ("--storage-class", "DEEP_ARCHIVE")):
            self.refused(daemon, 2, "destination", "add", "cloud", self.url(), *options)
        self.refused(daemon, 2, "destination", "add", "disk", self.path("disk"), "--region", "eu",
                     says="a folder has no --region")
        self.assertFalse(os.path.exists(self.path("disk")))
        self.refused(daemon, 2, "destination", "edit", "cloud", says="at least one thing")

    def test_a_certificate_that_does_not_verify_is_told_and_can_be_trusted(self):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                        "-addext", "subjectAltName=DNS:localhost", "-keyout", self.path("key.pem"),
                        "-out", self.path("cert.pem")], check=True, capture_output=True)

        class Silent(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

        # It answers everything with 501: who gets that far has accepted the certificate.
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Silent) as server:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.path("cert.pem"), self.path("key.pem"))
            server.socket = context.wrap_socket(server.socket, server_side=True)
            threading.Thread(target=server.serve_forever, daemon=True).start()
            daemon = self.daemon()
            url = f"s3:https://localhost:{server.server_address[1]}/{self.bucket}"
            self.refuse(daemon, url=url, says=("certificate does not verify", "--ca-file"))
            self.refuse(daemon, "--ca-file", self.path("cert.pem"), url=url, says="501")
            self.refuse(daemon, "--ca-file", self.path("none.pem"), url=url, says="none.pem")
            server.shutdown()


if __name__ == "__main__":
    unittest.main()
