"""Servers on this machine that notifications are sent to: HTTP, HTTPS, SMTP with STARTTLS. They keep what they get."""

import email
import email.policy
import http.server
import json
import logging
import os
import socket
import ssl
import subprocess
import sys
import threading
import time

try:
    from aiosmtpd.controller import Controller
except ImportError:  # a python that is not Debian's; the package is plain Python
    sys.path.append("/usr/lib/python3/dist-packages")
    from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from patience import PATIENCE

# Handshakes that fail are what some tests are about.
logging.getLogger("mail.log").setLevel(logging.CRITICAL + 1)


def make_certificate(folder):
    """A certificate of this machine's names, and its key; paths of both."""
    certificate, key = os.path.join(folder, "certificate.pem"), os.path.join(folder, "key.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-keyout", key, "-out", certificate, "-days", "2", "-subj", "/CN=localhost", "-addext",
                    "subjectAltName=DNS:localhost,DNS:mail.localhost,IP:127.0.0.1"], check=True, capture_output=True)
    return certificate, key


def server_context(certificate, key):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


class Kept:
    """What came in, and waiting for it."""

    def __init__(self):
        self.items = []
        self.changed = threading.Condition()

    def add(self, item):
        with self.changed:
            self.items.append(item)
            self.changed.notify_all()

    def wait(self, accept, seconds=PATIENCE):
        """The first item that is accepted, once there is one."""
        until = time.monotonic() + seconds
        with self.changed:
            while True:
                for item in self.items:
                    if accept(item):
                        return item
                if not self.changed.wait(until - time.monotonic()):
                    raise AssertionError(f"it does not come; there are: {self.items}")


class WebServer:
    """Keeps (path, headers, body) of each POST. `answers`: codes for the first requests; then 200."""

    def __init__(self, answers=(), context=None, location=None):
        self.kept = Kept()
        self.answers = list(answers)
        keeper = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                code = keeper.answers.pop(0) if keeper.answers else 200
                keeper.kept.add((self.path, dict(self.headers), body))
                self.send_response(code, "As asked")
                if location and 300 <= code < 400:
                    self.send_header("Location", location)
                text = b"answer %d\n" % code
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        if context:
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.scheme = "https" if context else "http"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def url(self, path="/"):
        return f"{self.scheme}://127.0.0.1:{self.server.server_port}{path}"

    def messages(self):
        return [json.loads(body) for _, _, body in list(self.kept.items)]

    def wait_for_event(self, event, seconds=PATIENCE):
        return json.loads(self.kept.wait(lambda item: json.loads(item[2])["event"] == event, seconds)[2])

    def wait_for_path(self, path, seconds=PATIENCE):
        return self.kept.wait(lambda item: item[0] == path, seconds)

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class SilentServer:
    """Takes connections and never answers."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=100)

    def url(self, path="/"):
        return f"http://127.0.0.1:{self.socket.getsockname()[1]}{path}"

    def close(self):
        self.socket.close()


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


class MailServer:
    """A real SMTP server; keeps (envelope, message) of each mail."""

    def __init__(self, context=None, user=None, password=None):
        self.kept = Kept()
        self.port = free_port()
        options = {}
        if context:
            options.update(tls_context=context, require_starttls=True)
        if user:
            def authenticate(_server, _session, _envelope, _mechanism, data):
                good = (data.login, data.password) == (user.encode(), password.encode())
                return AuthResult(success=good, handled=good)
            options.update(authenticator=authenticate, auth_required=True)
        self.controller = Controller(self, hostname="127.0.0.1", port=self.port, **options)
        self.controller.start()

    async def handle_DATA(self, _server, session, envelope):
        envelope.secure = session.ssl is not None
        self.kept.add((envelope, email.message_from_bytes(envelope.content, policy=email.policy.default)))
        return "250 taken"

    def close(self):
        self.controller.stop()
