"""The transport against a server that sends its answers in any pieces, and goes away."""

from __future__ import annotations

import socket
import threading

import pytest

from mlruns.transport import Connection, ConnectionLost

PLAIN = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: y\r\n\r\nhello"
CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"3\r\nhel\r\n2;name=value\r\nlo\r\n0\r\n\r\n"
)
LARGE = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 1000000


def answering(pieces):
    """A connection to a peer that reads a request and sends these pieces."""
    ours, theirs = socket.socketpair()

    def answer():
        with theirs:
            theirs.recv(1 << 16)
            for piece in pieces:
                theirs.sendall(piece)

    threading.Thread(target=answer, daemon=True).start()
    return Connection(ours, "token")


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
@pytest.mark.parametrize("message", [PLAIN, CHUNKED])
def test_pieces(message, size):
    pieces = [message[i : i + size] for i in range(0, len(message), size)]
    response = answering(pieces).request("GET", "/")
    assert (response.status, response.body) == (200, b"hello")


def test_large():
    assert answering([LARGE]).request("GET", "/").body == b"x" * 1000000


def test_two_answers_in_one_piece():
    connection = answering([CHUNKED + PLAIN])
    assert connection.request("GET", "/").body == b"hello"
    assert connection._response().body == b"hello"


@pytest.mark.parametrize("message", [PLAIN, CHUNKED, LARGE[:100]])
def test_every_early_end_is_noticed(message):
    ends = range(len(message) - 1) if message is not LARGE[:100] else [len(message)]
    for end in ends:
        connection = answering([message[:end]])
        with pytest.raises(ConnectionLost) as lost:
            connection.request("GET", "/")
        assert lost.value.sent
        assert not connection.open


def test_nothing_sent_where_nobody_reads():
    ours, theirs = socket.socketpair()
    theirs.close()
    connection = Connection(ours, "token")
    with pytest.raises(ConnectionLost) as lost:
        connection.request("POST", "/", b"{}")
    assert not lost.value.sent


def test_the_request_is_http():
    ours, theirs = socket.socketpair()
    theirs.sendall(PLAIN)
    Connection(ours, "secret").request("POST", "/api?x=1", b'{"a":1}')
    sent = theirs.recv(1 << 16)
    head, _, body = sent.partition(b"\r\n\r\n")
    assert head.startswith(b"POST /api?x=1 HTTP/1.1\r\nHost: localhost\r\n")
    assert b"\r\nAuthorization: Bearer secret\r\n" in head
    assert b"\r\nContent-Length: 7" in head
    assert body == b'{"a":1}'
