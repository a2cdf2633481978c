"""A way to a server that is as slow as a line is: all connections together get no more than its rate, in each direction,
and whatever goes by takes its time. It stands for a kernel's traffic control, which is not everywhere.

What TCP does on a long line by itself (slow start, windows) is not shaped: each connection has all of the line at once."""

import asyncio
import socket
import threading
import time

PIECE = 16 << 10
# What waits at the line's entrance, as in a router. With less the line would stand still while a thread wakes.
QUEUE = 0.02  # seconds
# Of one connection, on the line and behind it, where the receiver does not take it.
WINDOW = 1 << 20


class Line:
    """One direction."""

    def __init__(self, rate, delay):
        self.rate, self.delay = rate, delay
        self.free_at = 0.0
        self.turn = asyncio.Lock()  # first come, first served: connections share the line
        self.passed = 0             # bytes
        self.busy = 0.0             # seconds in which something went by

    async def enter(self, size):
        """Waits for room on the line; returns when the last byte is at its other end."""
        async with self.turn:
            now = time.monotonic()
            if self.free_at - now > QUEUE:
                await asyncio.sleep(self.free_at - now - QUEUE)
                now = time.monotonic()
            took = size / self.rate
            self.free_at = max(self.free_at, now) + took
            self.passed += size
            self.busy += took
            return self.free_at + self.delay


class ShapingProxy:
    """Passes on to `address` ("HOST:PORT"). `rate`: bytes a second, in each direction; `delay`: seconds, in each
    direction, so that an answer takes two of them. Use as a context; `address` is where to connect to."""

    def __init__(self, address, rate, delay):
        host, port = address.rsplit(":", 1)
        self.target = (host, int(port))
        self.rate, self.delay = rate, delay
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=100)
        # What stands here is not on the line yet, and seems sent to whoever sends it.
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 128 << 10)
        self.address = f"127.0.0.1:{self.listener.getsockname()[1]}"
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.connections = 0

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.loop.call_soon_threadsafe(self.end.set)
        self.thread.join()

    def run(self):
        asyncio.set_event_loop(self.loop)
        self.loop.run_until_complete(self.serve())
        self.loop.close()

    async def serve(self):
        self.end = asyncio.Event()
        self.up, self.down = Line(self.rate, self.delay), Line(self.rate, self.delay)
        server = await asyncio.start_server(self.connect, sock=self.listener, limit=PIECE)
        await self.end.wait()
        server.close()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def connect(self, near_reader, near_writer):
        self.connections += 1
        far_writer = None
        try:
            await asyncio.sleep(2 * self.delay)  # for SYN and its answer
            far_reader, far_writer = await asyncio.open_connection(*self.target, limit=PIECE)
            await asyncio.gather(self.carry(near_reader, far_writer, self.up),
                                 self.carry(far_reader, near_writer, self.down))
        except (OSError, asyncio.CancelledError):
            pass  # it is broken in both directions, or this is the end
        finally:
            near_writer.close()
            if far_writer:
                far_writer.close()

    async def carry(self, source, target, line):
        on_the_line = asyncio.Queue()
        room = asyncio.Semaphore(WINDOW // PIECE)

        async def take():
            while data := await source.read(PIECE):
                await room.acquire()
                on_the_line.put_nowait((await line.enter(len(data)), data))
            on_the_line.put_nowait((time.monotonic() + line.delay, b""))

        async def give():
            while True:
                arrives, data = await on_the_line.get()
                await asyncio.sleep(arrives - time.monotonic())
                if not data:
                    break
                target.write(data)
                await target.drain()
                room.release()
            target.write_eof()

        both = asyncio.ensure_future(take()), asyncio.ensure_future(give())
        try:
            await asyncio.gather(*both)
        finally:
            for one in both:
                one.cancel()
