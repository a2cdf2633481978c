"""Requests to an S3 server, signed (AWS Signature Version 4), for what a test does behind garner's back."""

import datetime
import hashlib
import hmac
import http.client
import re
import urllib.parse

from patience import PATIENCE


class Server:
    """As tests/support/ceph_gateway wrote it to `path`."""

    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            self.endpoint, self.region, self.access_key, self.secret_key = file.read().split()
        self.address = urllib.parse.urlsplit(self.endpoint).netloc

    def request(self, method, path, query="", body=b"", expected=(200, 204, 206)):
        """`path`: /BUCKET/KEY; `query`: as it is sent, in the order of the names. The answer's body."""
        now = datetime.datetime.now(datetime.timezone.utc)
        time, day = now.strftime("%Y%m%dT%H%M%SZ"), now.strftime("%Y%m%d")
        digest = hashlib.sha256(body).hexdigest()
        headers = {"host": self.address, "x-amz-content-sha256": digest, "x-amz-date": time}
        names = ";".join(sorted(headers))
        lines = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
        canonical = "\n".join((method, urllib.parse.quote(path), query, lines, names, digest))
        scope = f"{day}/{self.region}/s3/aws4_request"
        text = "\n".join(("AWS4-HMAC-SHA256", time, scope, hashlib.sha256(canonical.encode()).hexdigest()))
        key = ("AWS4" + self.secret_key).encode()
        for part in (day, self.region, "s3", "aws4_request"):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
        headers["authorization"] = (f"AWS4-HMAC-SHA256 Credential={self.access_key}/{scope}, SignedHeaders={names}, "
                                    f"Signature={signature}")
        connection = http.client.HTTPConnection(self.address, timeout=PATIENCE)
        try:
            connection.request(method, urllib.parse.quote(path) + ("?" + query if query else ""), body, headers)
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        if answer.status not in expected:
            raise AssertionError(f"{method} {path} gave {answer.status}: {content[:500]}")
        return content

    def make_bucket(self, name):
        self.request("PUT", "/" + name)

    def keys(self, bucket, prefix=""):
        """The first thousand."""
        quoted = urllib.parse.quote(prefix, safe="")
        listing = self.request("GET", "/" + bucket, f"list-type=2&prefix={quoted}").decode()
        return re.findall(r"<Key>([^<]*)</Key>", listing)

    def uploads(self, bucket):
        """Keys of uploads that were begun and are not over."""
        return re.findall(r"<Key>([^<]*)</Key>", self.request("GET", "/" + bucket, "uploads=").decode())

    def read(self, bucket, key):
        return self.request("GET", f"/{bucket}/{key}")

    def write(self, bucket, key, content):
        self.request("PUT", f"/{bucket}/{key}", body=content)

    def delete(self, bucket, key):
        self.request("DELETE", f"/{bucket}/{key}")
