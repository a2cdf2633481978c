"""A gRPC caller made of a socket and a few bytes of HTTP/2, for what no client library would do: connections that say
nothing, streams that nobody reads, messages that are announced and never come, bytes that are no protocol at all."""

import os
import re
import resource
import select
import socket
import struct
import time

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
END_STREAM, END_HEADERS, ACK = 1, 4, 1


def frame(kind, flags=0, stream=0, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def field(name, value):
    """A header field as it is: neither indexed nor compressed."""
    assert len(name) < 127 and len(value) < 127
    return b"\0" + bytes([len(name)]) + name.encode() + bytes([len(value)]) + value.encode()


def methods():
    """The names of all calls, from service.proto."""
    path = os.path.join(os.path.dirname(__file__), "..", "..", "proto", "garner", "v1", "service.proto")
    with open(path, encoding="utf-8") as file:
        return re.findall(r"^  rpc (\w+)\(", file.read(), re.MULTILINE)


def allow_files(count):
    """So many may be open in this process; an error where the machine does not allow that."""
    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if now != resource.RLIM_INFINITY and now < count:
        enough = most == resource.RLIM_INFINITY or most >= count
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, most if enough else count))


class Caller:
    def __init__(self, path, receive_buffer=None):
        self.socket = socket.socket(socket.AF_UNIX)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(30)
        self.socket.connect(path)
        self.stream = -1
        self.ended = b""  # what came at the end of a call while it was being sent

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def greet(self):
        self.socket.sendall(PREFACE + frame(SETTINGS))
        return self

    def begin(self, method):
        """A call without its message."""
        self.stream += 2
        head = b"".join(field(*one) for one in [
            (":method", "POST"), (":scheme", "http"), (":path", "/garner.v1.Garner/" + method),
            (":authority", "localhost"), ("te", "trailers"), ("content-type", "application/grpc")])
        self.socket.sendall(frame(HEADERS, END_HEADERS, self.stream, head))
        return self

    def call(self, method, message=b""):
        self.begin(method)
        framed = struct.pack(">BI", 0, len(message)) + message
        if len(framed) <= 16384:
            self.socket.sendall(frame(DATA, END_STREAM, self.stream, framed))
        else:
            self.send(framed)
        return self

    def first_message(self, seconds=30):
        """Waits until a message of the answer begins to come."""
        until = time.monotonic() + seconds
        received = b""
        while time.monotonic() < until:
            more = self.socket.recv(1 << 16)
            if not more:
                return False
            received += more
            rest = received
            while len(rest) >= 9:
                if rest[3] == DATA:
                    return True
                rest = rest[9 + int.from_bytes(rest[:3], "big"):]
        raise AssertionError(f"no message in {seconds} s: {received!r}")

    def send_without_end(self, size, seconds=30):
        """A message of that size, as far as it is taken; returns how many bytes were."""
        return self.send(struct.pack(">BI", 0, size), size, seconds)

    def send(self, begun, more=0, seconds=30):
        """Within the windows that the other side opens: `begun`, then `more` zero bytes. Stops when it refuses."""
        windows = {0: 65535, self.stream: 65535}
        size = len(begun) + more
        sent = 0
        received = b""
        until = time.monotonic() + seconds
        while sent < size and time.monotonic() < until:
            room = min(*windows.values(), 16384, size - sent)
            if room > 0:
                piece = (begun[sent:sent + room] + bytes(room))[:room]
                try:
                    self.socket.sendall(frame(DATA, END_STREAM if sent + room == size else 0, self.stream, piece))
                except OSError:
                    return sent
                windows = {stream: window - room for stream, window in windows.items()}
                sent += room
            if not select.select([self.socket], [], [], 0 if room > 0 else 1)[0]:
                continue
            try:
                chunk = self.socket.recv(1 << 16)
            except OSError:
                return sent
            received += chunk
            while len(received) >= 9 and len(received) >= 9 + int.from_bytes(received[:3], "big"):
                length = int.from_bytes(received[:3], "big")
                kind, flags, payload = received[3], received[4], received[9:9 + length]
                stream = int.from_bytes(received[5:9], "big")
                received = received[9 + length:]
                if kind == WINDOW_UPDATE:
                    windows[stream] = windows.get(stream, 0) + int.from_bytes(payload, "big")
                elif kind == SETTINGS and not flags & ACK:
                    for at in range(0, length, 6):
                        if payload[at:at + 2] == b"\0\4":
                            windows[self.stream] += int.from_bytes(payload[at + 2:at + 6], "big") - 65535
                    self.socket.sendall(frame(SETTINGS, ACK))
                elif kind == PING and not flags & ACK:
                    self.socket.sendall(frame(PING, ACK, 0, payload))
                elif kind in (RST_STREAM, GOAWAY) or (kind == HEADERS and flags & END_STREAM):
                    self.ended = payload
                    return sent
            if not chunk:
                return sent
        return sent

    def status(self, seconds=30):
        """The number that grpc-status has at the end of the call, or None when the connection ends before."""
        until = time.monotonic() + seconds
        received = self.ended
        while time.monotonic() < until:
            # The field is never compressed by gRPC: its name, a length of one or two, the digits.
            found = re.search(rb"grpc-status[\x01\x02](\d{1,2})", received)
            if found:
                return int(found.group(1))
            more = self.socket.recv(1 << 16)
            if not more:
                return None
            received += more
        raise AssertionError(f"no answer in {seconds} s: {received!r}")
