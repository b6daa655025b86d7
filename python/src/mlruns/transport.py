"""HTTP/1.1 as far as ``mlruns serve`` speaks it, over sockets that are kept open.

A training loop waits for the answer of every call. What ``http.client`` and ``requests`` do for one
costs several times what the server needs for it; this does only what this server needs.
"""

from __future__ import annotations

import os
import socket
import threading
import weakref
from dataclasses import dataclass
from typing import Callable, NamedTuple

# Who is connected keeps the server from ending, so one connection always stays. More than this are
# closed when they are not in use: the server has a bounded number of places.
MOST_IDLE = 4

MOST_HEADER = 64 << 10
PIECE = 256 << 10


class ConnectionLost(ConnectionError):
    """The server went away. ``sent`` tells whether it may have done what was asked."""

    def __init__(self, message: str, sent: bool) -> None:
        super().__init__(message)
        self.sent = sent


class Response(NamedTuple):
    status: int
    body: bytes
    retry_after: bool


@dataclass(frozen=True)
class Endpoint:
    """Where a server listens, ``unix:PATH`` or ``http://HOST:PORT``, and what it demands."""

    uri: str
    token: str

    def connect(self) -> Connection:
        """Connect. An ``OSError`` means that nobody listens."""
        if self.uri.startswith("unix:"):
            sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            address: str | tuple[str, int] = self.uri[len("unix:") :]
        else:
            sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            host, _, port = self.uri[len("http://") :].rpartition(":")
            address = (host, int(port))
        try:
            sock.connect(address)
        except BaseException:
            sock.close()
            raise
        return Connection(sock, self.token)


class Connection:
    """One connection, for one request at a time."""

    def __init__(self, sock: socket.socket, token: str) -> None:
        self._sock = sock
        self._head = (
            " HTTP/1.1\r\nHost: localhost\r\nUser-Agent: mlruns-python\r\n"
            f"Authorization: Bearer {token}\r\n"
        ).encode()
        self._buffer = b""
        self.open = True
        self.generation = 0  # of the pool that it came from

    def close(self) -> None:
        self.open = False
        self._sock.close()

    def request(self, method: str, target: str, body: bytes | None = None) -> Response:
        """Send a request and give its answer. Whatever interrupts that closes the connection."""
        try:
            return self._request(method, target, body)
        except BaseException:
            self.close()
            raise

    def _request(self, method: str, target: str, body: bytes | None) -> Response:
        message = method.encode() + b" " + target.encode() + self._head
        if body is None:
            message += b"\r\n"
        else:
            message += b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (
                len(body),
                body,
            )
        sent = False
        try:
            try:
                self._sock.sendall(message)
                sent = True
            except (BrokenPipeError, ConnectionResetError):
                pass  # it may have refused what is too long, and said so
            return self._response()
        except OSError as err:
            raise ConnectionLost(f"the server has gone: {err}", sent) from err

    def _response(self) -> Response:
        data = self._buffer or self._receive()
        while (end := data.find(b"\r\n\r\n")) < 0:
            if len(data) > MOST_HEADER:
                raise ConnectionError("the answer is not HTTP")
            data += self._receive()
        head = data[:end].lower()
        data = data[end + 4 :]
        status = int(head[9:12])
        if (at := head.find(b"\r\ncontent-length:")) >= 0:
            size = int(head[at + 17 :].partition(b"\r\n")[0])
            body, self._buffer = self._whole(data, size)
        elif b"\r\ntransfer-encoding: chunked" in head:
            body, self._buffer = self._chunks(data)
        else:
            body, self._buffer = b"", data
        if b"\r\nconnection: close" in head:
            self.close()
        return Response(status, body, b"\r\nretry-after:" in head)

    def _whole(self, data: bytes, size: int) -> tuple[bytes, bytes]:
        """Read a body of this size; what comes after it is given too."""
        missing = size - len(data)
        if missing <= 0:
            return data[:size], data[size:]
        whole = bytearray(size)
        whole[: len(data)] = data
        view = memoryview(whole)[len(data) :]
        while len(view):
            got = self._sock.recv_into(view)
            if not got:
                raise ConnectionError("the answer ends too soon")
            view = view[got:]
        return bytes(whole), b""

    def _chunks(self, data: bytes) -> tuple[bytes, bytes]:
        parts: list[bytes] = []
        while True:
            while (end := data.find(b"\r\n")) < 0:
                data += self._receive()
            size = int(data[:end].partition(b";")[0], 16)
            part, data = self._whole(data[end + 2 :], size + 2)
            if not size:
                return b"".join(parts), data
            parts.append(part[:-2])

    def _receive(self) -> bytes:
        data = self._sock.recv(PIECE)
        if not data:
            raise ConnectionError("the connection is closed")
        return data


class Pool:
    """The connections of this process to one server, each used by one thread at a time.

    A child made by ``fork`` has the same sockets; it closes its copies and makes its own.
    """

    def __init__(self, dial: Callable[[], Connection]) -> None:
        self._dial = dial
        self._generation = 0
        self._forget()
        _pools.add(self)

    def _forget(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[Connection] = []
        self._all: weakref.WeakSet[Connection] = weakref.WeakSet()

    def request(self, method: str, target: str, body: bytes | None = None) -> Response:
        try:
            connection = self._idle.pop()
        except IndexError:
            generation = self._generation
            connection = self._dial()
            connection.generation = generation
            with self._lock:
                self._all.add(connection)
        response = connection.request(method, target, body)
        if connection.generation != self._generation or len(self._idle) >= MOST_IDLE:
            connection.close()
        elif connection.open:
            self._idle.append(connection)
        return response

    def close(self) -> None:
        """Close all connections, those in use once they are answered."""
        self._generation += 1
        while self._idle:
            try:
                self._idle.pop().close()
            except IndexError:
                return

    def after_fork(self) -> None:
        inherited = list(self._all)
        self._forget()
        for connection in inherited:
            connection.close()


_pools: weakref.WeakSet[Pool] = weakref.WeakSet()


def _after_fork() -> None:
    for pool in list(_pools):
        pool.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
