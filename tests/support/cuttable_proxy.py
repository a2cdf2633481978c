"""A way to a server that a test can cut and mend: connections that go by are broken, and no new ones get through."""

import socket
import threading


class Proxy:
    """Passes on to `address` ("HOST:PORT"). Use as a context."""

    def __init__(self, address):
        host, port = address.rsplit(":", 1)
        self.target = (host, int(port))
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.listener.getsockname()[1]}"
        self.lock = threading.Lock()
        self.is_cut = False
        self.pairs = []
        self.passed = 0    # bytes towards the server
        self.returned = 0  # from it
        threading.Thread(target=self.accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.cut()
        self.listener.close()

    def cut(self):
        with self.lock:
            self.is_cut = True
            pairs, self.pairs = self.pairs, []
        for pair in pairs:
            self.end(pair)

    def mend(self):
        with self.lock:
            self.is_cut = False

    @staticmethod
    def end(pair):
        for one in pair:
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            one.close()

    def accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(self.target)
            except OSError:
                near.close()
                continue
            # What stands here has not arrived, and counts as if it had.
            near.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 64 << 10)
            with self.lock:
                if self.is_cut:
                    self.end((near, far))
                    continue
                self.pairs.append((near, far))
            threading.Thread(target=self.carry, args=(near, far, True), daemon=True).start()
            threading.Thread(target=self.carry, args=(far, near, False), daemon=True).start()

    def carry(self, source, target, towards_server):
        try:
            while data := source.recv(65536):
                target.sendall(data)
                if towards_server:
                    self.passed += len(data)
                else:
                    self.returned += len(data)
        except OSError:
            pass
        finally:
            self.end((source, target))
